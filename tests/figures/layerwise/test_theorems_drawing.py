"""The panels beside the theorems show the modes at three imbalances, their limits, drifts and growths."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.layerwise.theorems_drawing import draw
from figures.layerwise.theorems_runs import Theorems

RNG = np.random.default_rng(0)
IMBALANCES = np.array([-1.0, 0.0, 1.0, 100.0])
DATA = {
    "imbalances": IMBALANCES,
    "aligned_t": np.array([1.0, 2, 3, 4])[:, None, None] * np.linspace(0, 5, 6) * np.array([1.0, 7])[:, None],
    "aligned_modes": RNG.random((4, 2, 6, 3)),
    "limits": np.array([0.01, 1.0, 100.0]),
    "limit_sigmoid": np.array([[0.1, 0.2, 0.6], [0.3, 0.1, 0.2], [0.9, 0.5, 0.1]]),
    "limit_exponential": np.array([[0.7, 0.2, 0.3], [0.4, 0.8, 0.5], [0.01, 0.03, 0.02]]),
    "conserved_drift": 1e-9 * RNG.random((2, 2, 5)),
    "conserved_t": np.linspace(0, 10, 5) * np.ones((2, 2, 1)),
    "ratios": np.array([-1.0, 0.3]),
    "scalar_gamma": np.stack([np.linspace(1, 0.2, 4) * np.ones((2, 1)), np.linspace(1, 8, 4) * np.ones((2, 1))]),
}


@pytest.fixture(scope="module")
def axes():
    return draw(DATA, Theorems()).axes


def test_the_modes_of_the_first_draw_are_shown_on_clocks_of_their_own(axes):
    shown = axes[0].lines
    assert len(shown) == 9
    for k, (imbalance, style) in enumerate(((0.0, "-"), (1.0, "--"), (100.0, ":"))):
        at = list(IMBALANCES).index(imbalance)
        for j, line in enumerate(shown[3 * k : 3 * k + 3]):
            assert_allclose(line.get_xdata(), np.linspace(0, 1, 6))
            assert_allclose(line.get_ydata(), DATA["aligned_modes"][at, 0, :, j])
            assert line.get_linestyle() == style
    labels = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert labels == [rf"$\lambda$ = {imbalance}" for imbalance in (0, 1, 100)]


def test_limits_are_medians_within_their_range(axes):
    for line, area, name in zip(axes[1].lines, axes[1].collections, ("sigmoid", "exponential"), strict=True):
        values = DATA[f"limit_{name}"]
        assert_allclose(line.get_xydata(), np.stack([DATA["limits"], np.median(values, axis=1)], axis=1))
        assert name in line.get_label()
        corners = area.get_paths()[0].vertices
        for x, row in zip(DATA["limits"], values, strict=True):
            heights = corners[np.isclose(corners[:, 0], x), 1]
            assert_allclose([heights.min(), heights.max()], [row.min(), row.max()])
    assert (axes[1].get_xscale(), axes[1].get_yscale()) == ("log", "log")


def test_every_drift_is_a_line_from_the_second_time_on_and_each_kind_has_one_label(axes):
    shown = axes[2].lines
    assert len(shown) == 4
    for i, line in enumerate(shown):
        kind, draw_of_it = divmod(i, 2)
        assert_allclose(line.get_xdata(), np.linspace(0, 10, 5)[1:])
        assert_allclose(line.get_ydata(), DATA["conserved_drift"][kind, draw_of_it, 1:])
    labels = [text.get_text() for text in axes[2].get_legend().get_texts()]
    assert [label.split()[0] for label in labels] == ["diagonal", "matrix"]


def test_growths_of_the_first_draw_are_named_by_their_ratio(axes):
    for line, gamma, label in zip(axes[3].lines, DATA["scalar_gamma"], ("-1", "0.3"), strict=True):
        assert_allclose(line.get_xydata(), np.stack([np.linspace(0, 1, 4), gamma[0]], axis=1))
        assert line.get_label() == label
    assert axes[3].get_yscale() == "log"
