"""The information-bottleneck figure: information in time, and the information plane below."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons import Result
from comparisons.harness import style
from comparisons.information_bottleneck.picture import ACROSS, draw
from tests.comparisons.drawn import curves, legend, result
from toymodels.trajectory import Trajectory

T = np.array([1.0, 10.0, 100.0])
INPUT, LABEL = np.array([1.0, 6.0, 3.0]), np.array([0.0, 0.5, 1.0])


def run(factor=1.0, **more):
    return Trajectory(T, {"about_input": factor * INPUT, "about_label": factor * LABEL, **more}, clock="epoch")


def many(n):
    return Result("made up", "?", None, {}, {f"row {k}": [run()] for k in range(n)})


def test_information_about_input_and_label_is_drawn_in_time_with_control_and_closed_form():
    rows = {"layerwise": [run(predicted_input=9 * INPUT), run(2.0, predicted_input=INPUT)], "off": [run(3.0)]}
    axes = draw(result(**rows)).axes[0]
    colour = style.FAMILY["layerwise"]
    np.testing.assert_array_equal(curves(axes, color=colour, linestyle="-"), [[T, INPUT], [T, 2 * INPUT]])
    np.testing.assert_array_equal(curves(axes, color=colour, linestyle=":"), [[T, 3 * INPUT]])
    np.testing.assert_array_equal(curves(axes, color="0.3"), [[T, LABEL], [T, 2 * LABEL]])
    np.testing.assert_array_equal(curves(axes, color="black"), [[T, 9 * INPUT]])  # of the first replicate
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) == ("log", "epoch", "information, bits")
    assert axes.get_title() == "layerwise\nshown, 1.50 lost"


def test_the_plane_has_the_label_over_the_input_and_a_dot_at_every_end():
    axes = draw(result(layerwise=[run(), run(2.0)], off=[run(3.0)])).axes[1]
    np.testing.assert_array_equal(
        curves(axes, color=style.FAMILY["layerwise"]), [[INPUT, LABEL], [2 * INPUT, 2 * LABEL]]
    )
    np.testing.assert_array_equal(curves(axes, marker="o"), [[[3.0], [1.0]], [[6.0], [2.0]]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("I(X;T), bits", "I(Y;T), bits")


def test_half_a_bit_is_the_least_that_an_axis_spans():
    still = replace(run(), data={"about_input": np.full(3, 2.0), "about_label": np.full(3, 2.0)})
    for axes in draw(result(layerwise=[still])).axes:
        assert axes.get_ylim() == pytest.approx((1.75, 2.25))


@pytest.mark.parametrize(("n", "across", "bands"), [(0, 1, 1), (1, 1, 1), (5, 5, 1), (6, 5, 2), (10, 5, 2), (11, 5, 3)])
def test_models_stand_in_bands_of_five_and_what_is_left_over_is_empty(n, across, bands):
    assert ACROSS == 5
    axes = np.array(draw(many(n)).axes).reshape(2 * bands, across)
    for place in range(across * bands):
        band, column = divmod(place, across)
        upper, lower = axes[2 * band, column], axes[2 * band + 1, column]
        assert upper.get_title() == (f"row {place}" if place < n else "")
        assert upper.axison == lower.axison == (place < n)
        assert len(lower.lines) == (2 if place < n else 0)
    labels = [(rows[0].get_ylabel(), rows[-1].get_ylabel()) for rows in axes]
    assert [first for first, _ in labels] == ["information, bits", "I(Y;T), bits"] * bands
    if across > 1:
        assert {last for _, last in labels} == {""}


def test_the_legend_of_all_panels_is_below():
    figure = draw(many(2))
    assert legend(figure) == ["I(X;T)", "I(X;T), knob off", "I(X;T), closed form", "I(Y;T)", "end"]
    assert [axes.get_legend() for axes in figure.axes] == [None] * 4
