"""The neural-collapse figure: what must fall below its level after the training error is 0."""

from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.harness import style
from comparisons.neural_collapse.picture import LOWEST, draw
from tests.comparisons.drawn import curves, labelled, legend, level_lines, moments, result
from toymodels.trajectory import Trajectory

ASKED = SimpleNamespace(floor=1e-3, most_variability=0.2, most_angle=0.3)
T = np.geomspace(1, 1e3, 13)
RATIO = np.geomspace(1.0, 1e-6, 13)
ANGLE = np.geomspace(0.5, 1e-6, 13)


def run(factor=1.0, fit=4, **more):
    """The training error is 0 from the record `fit` on."""
    train = np.where(np.arange(13) >= fit, 1.0, 0.9)
    return Trajectory(
        T, {"train": train, "within_between": factor * RATIO, "nc2_angle": factor * ANGLE, **more}, clock="epoch"
    )


def floored(values, floor):
    return [value if value > floor else floor for value in values]


def test_variability_is_drawn_down_to_the_floor_of_the_question():
    rows = {"layerwise": [run(predicted=RATIO / 2), run(0.5, predicted=RATIO)], "off": [run(2.0)]}
    axes = draw(result(ASKED, **rows)).axes[0]
    found = labelled(axes)
    np.testing.assert_array_equal(found["model"], [T, floored(RATIO, 1e-3)])
    np.testing.assert_array_equal(found["predicted"], [T, floored(RATIO / 2, 1e-3)])
    np.testing.assert_array_equal(found["control"], [T, floored(2 * RATIO, 1e-3)])
    np.testing.assert_array_equal(
        [y for _, y in curves(axes, color=style.FAMILY["layerwise"])],
        [floored(RATIO, 1e-3), floored(RATIO / 2, 1e-3)],
    )
    assert level_lines(axes) == [0.2]
    assert (axes.get_yscale(), axes.get_xscale(), axes.get_xlabel()) == ("log", "log", "")
    assert axes.get_ylabel() == "variability within / between classes"
    assert legend(axes) == ["model", "predicted", "control", "to be reached", "training error 0"]


def test_angles_are_drawn_down_to_the_edge_with_the_other_measures_of_the_first_replicate():
    nc3, nc4 = 2 * ANGLE, 3 * ANGLE
    rows = {"layerwise": [run(nc3=nc3, nc4=nc4), run(0.5, nc3=9 * nc3)], "off": [run(2.0, nc3=9 * nc3)]}
    axes = draw(result(ASKED, **rows)).axes[1]
    found = labelled(axes)
    expected = {
        "angles (NC2)": ANGLE,
        "angles, control": 2 * ANGLE,
        "classifier off the means (NC3)": nc3,
        "unlike the nearest mean (NC4)": nc4,
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], [T, floored(values, LOWEST)])
    np.testing.assert_array_equal(
        [y for _, y in curves(axes, color=style.FAMILY["layerwise"])],
        [floored(ANGLE, LOWEST), floored(ANGLE / 2, LOWEST)],
    )
    assert len([line for line in axes.lines if len(line.get_xdata()) == 13]) == 5
    assert level_lines(axes) == [0.3]
    assert axes.get_ylim() == pytest.approx((LOWEST / 1.5, 3))
    assert LOWEST == 1e-4
    assert (axes.get_yscale(), axes.get_xlabel(), axes.get_ylabel()) == (
        "log",
        "epoch",
        "deviation from the simplex (floor 0.0001)",
    )


def test_lines_in_both_panels_say_when_each_replicate_fits_for_good():
    spiked = run(fit=6)
    train = np.where(np.arange(13) == 2, 1.0, spiked["train"])  # a lone record before does not count
    spiked = Trajectory(T, {**spiked.data, "train": train}, clock="epoch")
    figure = draw(result(ASKED, layerwise=[spiked, run(fit=3), run(fit=13)], off=[run(fit=1)], mine=[run(fit=13)]))
    top, other, bottom, _ = figure.axes
    assert moments(top) == moments(bottom) == [T[3], T[6]]
    assert legend(top).count("training error 0") == 1
    assert moments(other) == []
    assert "training error 0" not in legend(other)


def test_panels_of_a_model_share_their_times_and_the_title_has_the_score():
    figure = draw(result(ASKED, layerwise=[run()], mine=[run()]))
    assert [axes.get_title() for axes in figure.axes] == ["layerwise\nshown, 1.50 decades", "mine", "", ""]
    assert figure.axes[0].get_xlim() == figure.axes[2].get_xlim()
    for axes in figure.axes:
        assert axes.get_legend().get_bbox_to_anchor().transformed(axes.transAxes.inverted()).y0 < 0  # below its panel
    empty = draw(result(ASKED, layerwise=[]))
    assert [len(axes.lines) for axes in empty.axes] == [0, 0]
