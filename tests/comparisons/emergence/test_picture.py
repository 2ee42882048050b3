"""The emergence figure: every skill in a shade of its own, on the stretch of time where skills move."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from comparisons.emergence.picture import draw
from comparisons.harness import style
from tests.comparisons.drawn import labelled, legend, level_lines, result
from toymodels.trajectory import Trajectory

T = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
SKILLS = np.array([[0, 0], [0, 0], [0.03, 0], [0.5, 0.01], [1, 0.5], [1, 0.99], [1, 1]])


def run(skills=SKILLS, t=T):
    return Trajectory(t, {"skills": np.asarray(skills, float)}, clock="step")


def test_every_skill_is_drawn_but_for_what_has_no_logarithm():
    first, below = draw(result(layerwise=[run(), run(SKILLS / 2)], off=[run(SKILLS / 4)])).axes
    assert legend(first) == ["skill 1", "skill 2"]
    for k in (0, 1):
        np.testing.assert_array_equal(labelled(first)[f"skill {k + 1}"], [T[1:], SKILLS[1:, k]])
    lines = [line.get_ydata() for line in first.lines if len(line.get_xdata()) == 6]
    np.testing.assert_array_equal(lines, [*SKILLS[1:].T, *SKILLS[1:].T / 2])
    np.testing.assert_array_equal(labelled(below)["skill 2"][1], SKILLS[1:, 1] / 4)
    assert [line.get_linewidth() for line in first.lines[:4]] == [2, 2, 0.7, 0.7]
    for axes in (first, below):
        assert level_lines(axes) == [0.5]
        assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylim()) == ("log", "step", (-0.1, 1.15))
    assert (first.get_ylabel(), below.get_ylabel()) == ("progress of each skill", "progress, knob turned off")


def test_later_skills_are_lighter():
    skills = np.tile(np.linspace(0, 1, 7)[:, None], 4)
    axes = draw(result(layerwise=[run(skills)])).axes[0]
    shades = np.array([to_rgb(line.get_color()) for line in axes.lines[:4]])
    family = np.array(to_rgb(style.FAMILY["layerwise"]))
    np.testing.assert_allclose(1 - shades, np.outer([1, 0.8, 0.6, 0.4], 1 - family))  # a fifth nearer to white a skill


@pytest.mark.parametrize(
    ("skills", "left", "right"),
    [
        (SKILLS, 1.0, 32.0),  # 0.03 at 2, of which half; 0.99 at 16, of which twice
        (0 * SKILLS, 1.0, 64.0),  # nothing rises: everything is shown
        (0 * SKILLS + 1, 1.0, 4.0),  # everything is learned from the start on: a stretch of four, no less
        (np.minimum(SKILLS, 0.9), 1.0, 64.0),  # something is never learned
        ((T[:, None] >= 8) * [1.0, 1.0], 4.0, 16.0),  # at once
    ],
)
def test_the_picture_begins_before_the_first_skill_and_ends_after_the_last(skills, left, right):
    assert draw(result(layerwise=[run(skills)])).axes[0].get_xlim() == pytest.approx((left, right))


def test_the_stretch_of_time_is_that_of_the_first_replicate():
    late = run(SKILLS[::-1] * 0)
    assert draw(result(layerwise=[run(), late])).axes[0].get_xlim() == pytest.approx((1.0, 32.0))


@pytest.mark.parametrize("skills", [SKILLS, 0 * SKILLS, 0 * SKILLS + 1])
def test_the_stretch_of_time_goes_with_the_unit_of_the_clock(skills):
    limits = [np.array(draw(result(layerwise=[run(skills, unit * T)])).axes[0].get_xlim()) for unit in (1, 1e-3)]
    np.testing.assert_allclose(limits[1], 1e-3 * limits[0])
