"""Colours of families and the habits of axes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import is_color_like, to_rgb
from matplotlib.figure import Figure

from comparisons.harness import style


@pytest.fixture
def axes():
    return Figure().subplots()


def test_rows_of_a_family_have_its_colour_and_others_grey():
    for family, colour in style.FAMILY.items():
        assert style.colour(family) == style.colour(f"{family} (off)") == style.colour(f"{family} catapult") == colour
    assert style.colour("mine") == style.colour("") == style.colour("a layerwise model") == style.OTHER
    red, green, blue = to_rgb(style.OTHER)
    assert red == green == blue


def test_colours_can_be_told_apart_even_in_black_and_white_for_two_lines_of_different_dashes():
    for palette in (style.ORDER, [*style.FAMILY.values(), style.OTHER]):
        assert all(map(is_color_like, palette))
        assert len({to_rgb(colour) for colour in palette}) == len(palette)
    assert len(set(style.DASHES)) == len(style.DASHES)


AXES = Figure().subplots()


@given(st.floats(-100, 100), st.floats(0.01, 50), st.floats(0.01, 50))
def test_an_axis_is_widened_about_its_middle_and_never_narrowed(low, range_, least):
    AXES.set_ylim(low, low + range_)
    style.widen(AXES, least)
    bottom, top = AXES.get_ylim()
    assert top - bottom == pytest.approx(max(range_, least))
    assert (top + bottom) / 2 == pytest.approx(low + range_ / 2)


def test_a_constant_looks_constant(axes):
    axes.plot([0, 1], [3.0, 3.0 + 1e-9])
    style.widen(axes, 0.5)
    assert axes.get_ylim() == pytest.approx((2.75, 3.25))


def test_time_is_logarithmic_with_its_clock_and_labels_at_powers_of_ten_alone(axes):
    axes.plot([1.0, 1e3], [0, 1])
    style.log_time(axes, "flow time")
    axes.figure.canvas.draw()
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_xlabel()) == ("log", "linear", "flow time")
    assert {label.get_text() for label in axes.get_xticklabels(minor=True)} == {""}
    low, high = axes.get_xlim()
    ticks = np.array([tick for tick in axes.get_xticks() if low <= tick <= high])
    np.testing.assert_allclose(ticks, [1, 10, 100, 1000])


def test_a_tidy_axis_has_two_sides_and_a_grid(axes):
    style.tidy(axes)
    assert {side for side, spine in axes.spines.items() if spine.get_visible()} == {"left", "bottom"}
    assert all(line.get_visible() for line in axes.get_xgridlines() + axes.get_ygridlines())
