"""The figure of two solutions: their complexities above, the decades between them below."""

from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.harness import style
from comparisons.implicit_regularisation.picture import CONTROL, REFERENCE, draw
from tests.comparisons.drawn import curves, labelled, legend, level_lines, result
from toymodels.trajectory import Trajectory

T = np.array([1.0, 10.0, 100.0])
SMALL, FULL = np.array([50.0, 20.0, 5.0]), np.array([50.0, 50.0, 50.0])
ASKED = SimpleNamespace(absent_below=0.1, shown_from=0.3)


def run(small=SMALL, full=FULL, t=T, data=(), **meta):
    return Trajectory(t, {"small": small, "full": full, **dict(data)}, clock="step", meta=meta)


def test_complexities_of_both_solutions_and_of_the_control_stand_above():
    first = draw(result(ASKED, layerwise=[run(), run(2 * SMALL, 2 * FULL)], off=[run(FULL)])).axes[0]
    found = labelled(first)
    assert legend(first) == ["full batch", "small batch", "control"]
    for name, drawn in (("full batch", FULL), ("small batch", SMALL), ("control", FULL)):
        np.testing.assert_array_equal(found[name], [T, drawn])
    np.testing.assert_array_equal([y for _, y in curves(first, color=style.FAMILY["layerwise"])], [SMALL, 2 * SMALL])
    np.testing.assert_array_equal([y for _, y in curves(first, color=REFERENCE)], [FULL, 2 * FULL])
    assert first.get_yscale() == "log"


def test_the_lead_is_in_decades_beside_thresholds_control_and_prediction():
    predicted = np.array([0.0, 0.5, 1.0])
    rows = {"layerwise": [run(data={"predicted": predicted}), run(data={"predicted": 2 * predicted})]}
    below = draw(result(ASKED, **rows, off=[run(FULL / 2)])).axes[1]
    leads = [y for _, y in curves(below, color=style.FAMILY["layerwise"])]
    np.testing.assert_allclose(leads, [[0, np.log10(2.5), 1.0]] * 2)
    np.testing.assert_allclose([y for _, y in curves(below, color=CONTROL)], [[np.log10(2)] * 3])
    np.testing.assert_allclose([y for _, y in curves(below, color="black")], [predicted, 2 * predicted])
    np.testing.assert_array_equal(labelled(below)["predicted"], [T, predicted])
    assert legend(below) == ["predicted"]
    assert level_lines(below) == [0.1, 0.3]
    assert below.get_ylabel() == "decades simpler than the full batch"
    assert draw(result(ASKED, layerwise=[run()])).axes[1].get_legend() is None


def test_a_result_without_its_question_has_no_thresholds():
    assert level_lines(draw(result(None, layerwise=[run()])).axes[1]) == []


@pytest.mark.parametrize("share", [0.8, 0.3])
def test_complexities_that_hardly_differ_are_drawn_over_a_decade_about_their_middle(share):
    middle = 50 * np.sqrt(share)
    limits = draw(result(ASKED, layerwise=[run(share * FULL)])).axes[0].get_ylim()
    assert limits == pytest.approx((middle / np.sqrt(10), middle * np.sqrt(10)))


def test_complexities_that_differ_more_fill_their_axis_and_have_ticks_at_one_two_and_five():
    first = draw(result(ASKED, layerwise=[run(np.array([50.0, 5.0, 0.05]))])).axes[0]
    low, high = first.get_ylim()
    assert 0.01 < low < 0.05
    assert 50 < high < 200
    figure = first.figure
    figure.canvas.draw()
    ticks = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    within = [tick for tick in ticks if low <= tick <= high]
    assert first.get_yticks().tolist() == pytest.approx(within)
    assert [label.get_text() for label in first.get_yticklabels()] == [f"{tick:g}" for tick in within]
    assert {label.get_text() for label in first.get_yticklabels(minor=True)} <= {""}


@pytest.mark.parametrize(
    ("lead", "low", "high"),
    [(1.0, -0.1, 1.05), (-2.0, None, 1.05), (3.0, -0.16, None)],
)
def test_leads_are_drawn_from_a_little_below_none_to_a_decade_at_least(lead, low, high):
    axes = draw(result(ASKED, layerwise=[run(FULL / np.array([1, 10 ** (lead / 2), 10**lead]))])).axes[1]
    bottom, top = axes.get_ylim()
    assert bottom <= min(-0.1, lead)
    assert top >= max(1.05, lead)
    if low is not None:
        assert bottom == pytest.approx(low, abs=0.01)
    if high is not None:
        assert top == pytest.approx(high, abs=0.01)


@pytest.mark.parametrize(
    ("t", "scale"),
    [
        ((1.0, 5.0, 10.0), "linear"),
        ((1.0, 5.0, 10.1), "log"),
        ((0.0, 5.0, 1e4), "linear"),
        ((20.0, 30.0, 500.0), "log"),
    ],
)
def test_time_is_logarithmic_over_more_than_a_decade_from_a_positive_time_on(t, scale):
    for axes in draw(result(ASKED, layerwise=[run(t=np.array(t))])).axes:
        assert axes.get_xscale() == scale
    assert axes.get_xlabel() == "step"


def test_titles_name_the_control_or_that_the_row_is_one():
    figure = draw(
        result(ASKED, layerwise=[run(complexity="inputs in use")], off=[run()], mine=[run()], controls=("mine",))
    )
    first, second, *_ = figure.axes
    assert first.get_title() == "layerwise\nshown, 1.50 decades\ncontrol: scale 3 -> 0.03"
    assert second.get_title() == "mine\ncontrol"
    assert (first.get_ylabel(), second.get_ylabel()) == ("inputs in use", "complexity")
    alone = draw(result(ASKED, layerwise=[run()], mine=[run()])).axes
    assert [axes.get_title() for axes in alone[:2]] == ["layerwise\nshown, 1.50 decades", "mine"]
