"""The panels of figure 4 show every run in time, medians with their range by size, and means by count."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

from comparisons.harness.style import ORDER
from figures.layerwise.skill_emergence_drawing import draw
from figures.layerwise.skill_emergence_runs import SkillEmergence

T = np.array([0.0, 50, 100])
RUNS = np.arange(1, 3)[:, None, None]
SKILLS = np.array([1.0, 0.5, 0.1])
DATA = {
    "t": T,
    "skill": RUNS * T[:, None] * SKILLS / 200,  # (2 runs, 3 times, 3 skills)
    "model": (RUNS + 2) * T[:, None] * SKILLS / 400,
    "sizes": np.array([10, 100]),
    "strength_by_data": np.array(
        [[[0.1, 0, 0], [0.9, 0.6, 0]], [[0.3, 0, 0], [1, 0.7, 0]], [[0.2, 0, 0], [0.5, 0.2, 0.1]]]
    ),
    "n_examples": np.array([10.0, 30, 100]),
    "by_data": np.array([[0.1, 0, 0], [0.4, 0.1, 0], [1, 0.5, 0.1]]),
    "widths": np.array([2, 4, 8]),
    "strength_by_width": np.array([[[0.4, 0, 0], [1, 0.2, 0], [1, 1, 0.3]]]),
    "n_units": np.array([0.0, 8]),
    "by_width": np.array([[0, 0, 0], [1, 1, 0.4]]),
    "counts": np.array([[0, 2, 1], [2, 2, 1], [2, 4, 1]]),
    "learned": np.array([[0.0, 0.5, 0.1], [0.6, 0.7, 0.2], [0.8, 1.0, 0.3]]),
}


@pytest.fixture(scope="module")
def panels():
    figure = draw(DATA, SkillEmergence())
    return figure, figure.axes


def lines(ax, style):
    return [line for line in ax.lines if line.get_linestyle() == style and len(line.get_xdata())]


def test_every_network_is_a_line_of_its_skill_and_the_first_ones_model_is_dashed(panels):
    ax = panels[1][0]
    solid, dashed = lines(ax, "-"), lines(ax, "--")
    assert [len(solid), len(dashed)] == [6, 3]
    for i, line in enumerate(solid):
        skill, run = divmod(i, 2)
        assert_allclose(line.get_xydata(), np.stack([T, DATA["skill"][run, :, skill]], axis=1))
        assert to_rgba(line.get_color()) == to_rgba(ORDER[skill])
    for skill, line in enumerate(dashed):
        assert_allclose(line.get_ydata(), DATA["model"][0, :, skill])


@pytest.mark.parametrize(
    ("panel", "sizes", "strengths", "x", "curves"),
    [
        (1, "sizes", "strength_by_data", "n_examples", "by_data"),
        (2, "widths", "strength_by_width", "n_units", "by_width"),
    ],
)
def test_medians_stand_beside_each_other_at_their_size_with_their_range(panel, sizes, strengths, x, curves, panels):
    ax = panels[1][panel]
    assert len(ax.containers) == 3
    beside = []
    for skill, (points, _, (bars,)) in enumerate(ax.containers):
        values = DATA[strengths][:, :, skill]
        assert_allclose(points.get_ydata(), np.median(values, axis=0))
        ends = np.array([bar[:, 1] for bar in bars.get_segments()])
        assert_allclose(ends, np.stack([values.min(axis=0), values.max(axis=0)], axis=1), atol=1e-12)
        beside.append(points.get_xdata())
        assert to_rgba(points.get_color()) == to_rgba(ORDER[skill])
    assert_allclose(beside[1], DATA[sizes])  # the middle one of three
    assert (beside[0] < beside[1]).all()
    assert_allclose(np.array(beside[0]) * beside[2], DATA[sizes] ** 2)
    for skill, line in enumerate(lines(ax, "--")):
        assert_allclose(line.get_xydata(), np.stack([DATA[x], DATA[curves][:, skill]], axis=1))


def test_what_the_exact_model_learns_is_averaged_over_sets_with_as_many_examples(panels):
    seen = [line.get_xydata() for line in lines(panels[1][3], "-") if line.get_label().startswith("skill")]
    expected = ([[0, 0], [2, 0.7]], [[2, 0.6], [4, 1]], [[1, 0.2]])
    for found, wanted in zip(seen, expected, strict=True):
        assert_allclose(found, wanted)


def test_axes_are_labelled_and_the_legend_names_every_skill(panels):
    figure, axes = panels
    assert [ax.get_title()[:3] for ax in axes] == ["(a)", "(b)", "(c)", "exa"]
    assert all(ax.get_xlabel() for ax in axes)
    assert axes[0].get_ylabel()
    assert (axes[1].get_xscale(), axes[2].get_xscale()) == ("log", "linear")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [
        "skill 1",
        "skill 2",
        "skill 3",
        "model, set by skill 1",
        "ReLU network: every run, or median and range",
    ]
