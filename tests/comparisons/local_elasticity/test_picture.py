"""The local-elasticity figure: contrasts with the fit that is judged, and the histograms of the digits."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from comparisons import Result
from comparisons.harness import style
from comparisons.local_elasticity import STUDY
from comparisons.local_elasticity.picture import CONTROL, draw
from tests.comparisons.drawn import curves, legend, level_lines, result
from toymodels.trajectory import Trajectory

T = np.geomspace(1, 1e4, 17)
RISING = np.linspace(0.1, 0.9, 17)
FITTED = 1.0 * (T >= 100)  # from record 8 on


def run(contrast=RISING, train=FITTED, start=0.1, **meta):
    data = {"contrast": contrast, "start_contrast": np.full(len(contrast), start)}
    return Trajectory(T, data | ({} if train is None else {"train": train}), clock="epoch", meta=meta)


def dots(axes):
    return [tuple(points[:, 0]) for points in curves(axes, marker="o")]


def test_contrasts_are_drawn_with_those_before_training_and_the_control_in_grey():
    axes = draw(result(layerwise=[run(), run(2 * RISING)], off=[run(-RISING)])).axes[0]
    colour = style.FAMILY["layerwise"]
    np.testing.assert_array_equal(
        curves(axes, color=colour, linestyle="-", marker="None"), [[T, RISING], [T, 2 * RISING]]
    )
    np.testing.assert_array_equal(curves(axes, color=CONTROL, linestyle="-", marker="None"), [[T, -RISING]])
    np.testing.assert_array_equal([y for _, y in curves(axes, linestyle="--")], np.full((3, 17), 0.1))
    assert level_lines(axes) == [0]
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "epoch")
    assert axes.get_ylabel() == "contrast of own class to others, decades"
    assert axes.get_title() == "layerwise\nshown, 1.50 decades"


def test_a_dot_is_at_the_fit_of_every_replicate_and_of_the_control():
    axes = draw(result(layerwise=[run(), run(train=1.0 * (T >= 1000))], off=[run(-RISING)])).axes[0]
    assert dots(axes) == [(T[8], -RISING[8]), (T[8], RISING[8]), (T[12], RISING[12])]


@pytest.mark.parametrize(
    ("train", "at"),
    [
        (np.where(T[3] == T, 1.0, FITTED), 8),  # a lone record before does not count
        (np.where(T[12] == T, 0.0, FITTED), 8),  # nor one after
        (FITTED - 0.06 * (np.arange(17) % 2), 9),  # noise moves it by a record at most
        (0.9 * FITTED, None),
        (None, None),
    ],
)
def test_the_dot_is_at_the_fit_that_is_judged(train, at):
    shown = run(train=train)
    found = dots(draw(result(STUDY.question, layerwise=[shown])).axes[0])
    assert found == ([] if at is None else [(T[at], RISING[at])])
    if at is not None:
        added = RISING[at] - 0.1
        assert STUDY.judge([shown], STUDY.question).note.count(f"added {added:.2f} at the fit") == 1


def test_the_level_of_the_fit_is_the_runs_own_or_that_of_the_question():
    steps = np.where(T >= 1000, 0.8, np.where(T >= 10, 0.6, 0.0))
    lax = SimpleNamespace(train_level=0.55)
    assert dots(draw(result(lax, layerwise=[run(train=steps)])).axes[0]) == [(T[4], RISING[4])]
    assert dots(draw(result(lax, layerwise=[run(train=steps, train_level=0.7)])).axes[0]) == [(T[12], RISING[12])]
    assert dots(draw(result(None, layerwise=[run(train=steps)])).axes[0]) == []
    assert dots(draw(result(None, layerwise=[run(train=steps + 0.16)])).axes[0]) == [(T[12], RISING[12])]


def test_a_contrast_that_stays_spans_two_fifths_of_a_decade_at_least():
    axes = draw(result(layerwise=[run(np.full(17, 0.1))])).axes[0]
    low, high = axes.get_ylim()
    assert high - low == pytest.approx(0.4)


def many(n, **last):
    rows = {f"row {k}": [run()] for k in range(n)}
    return Result("made up", "?", None, {}, rows | last)


@pytest.mark.parametrize(("n", "across", "down"), [(0, 1, 1), (1, 1, 1), (4, 4, 1), (5, 4, 2), (8, 4, 2), (9, 4, 3)])
def test_four_models_stand_side_by_side_and_what_is_left_over_is_empty(n, across, down):
    figure = draw(many(n))
    assert len(figure.axes) == across * down
    assert [axes.axison for axes in figure.axes] == [place < n for place in range(across * down)]
    for place, axes in enumerate(figure.axes[:n]):
        assert axes.get_title() == f"row {place}"
        assert bool(axes.get_ylabel()) == (place % 4 == 0)
    assert (len(figure.legends) == 1) == (n > 0)
    if n:
        assert legend(figure) == ["along training", "same model before training", "fit", "control, in grey"]


def of_digits(shift=0.0, largest=0.81):
    others = [0.05 + shift, 0.25 + shift, 0.26 + shift]
    return run(four_to_4=[0.61, largest], four_to_9=others, four_to_0=[0.0])


@pytest.mark.parametrize(("n", "place"), [(0, 1), (2, 3), (3, 4), (4, 5)])
def test_what_a_step_on_a_4_does_has_a_panel_of_its_own_after_the_models(n, place):
    figure = draw(many(n, digits=[of_digits()]))
    axes = figure.axes[place]
    assert [each.get_title() for each in figure.axes].index("digits") == place - 1
    assert axes.get_title() == "digits\na step on a 4, after training"
    assert legend(axes) == ["4 on 4s", "4 on 9s", "4 on 0s"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("relative change of the logits", "density")


def densities(axes, values):
    """Label -> height of its histogram at these values."""
    found = {}
    for patch in axes.patches:
        corners = patch.get_xy()
        steps = [(x, after, y) for (x, y), (after, _) in pairwise(corners) if after > x]
        found[patch.get_label()] = [max(y for low, high, y in steps if low <= value <= high) for value in values]
    return found


@pytest.mark.parametrize("largest", [0.81, 2.4])
def test_histograms_are_densities_of_all_values_of_all_replicates(largest):
    axes = draw(many(0, digits=[of_digits(0.0, largest), of_digits(0.3, largest)])).axes[1]
    width = max(1.2, largest) / 39
    found = densities(axes, [0.01, 0.05, 0.255, 0.35, 0.555, 0.61, largest - 0.001])
    unit = 1 / width
    np.testing.assert_allclose(found["4 on 0s"], [unit, 0 if width < 0.05 else unit, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(found["4 on 4s"][-2:], [unit / 2, unit / 2])
    nines = np.array(found["4 on 9s"]) * 6 * width  # values in the bin
    expected = [sum(v // width == at // width for v in NINES) for at in (0.05, 0.255, 0.35, 0.555)]
    np.testing.assert_allclose(nines[1:5], expected)


NINES = [0.05, 0.25, 0.26, 0.35, 0.55, 0.56]


def test_the_histograms_are_those_of_the_last_row_of_digits():
    axes = draw(many(0, first=[of_digits()], last=[of_digits(0.5)])).axes[2]
    assert axes.get_title().startswith("last\n")
    assert densities(axes, [0.05, 0.75])["4 on 9s"][0] == 0
