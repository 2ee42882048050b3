"""The panels of figure 7 show every run, the basins there are, clouds at both moments, and the late test accuracy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.harness.settings import Settings
from figures.opt_npt.delayed_generalisation_drawing import draw
from figures.opt_npt.delayed_generalisation_runs import NOISE

RNG = np.random.default_rng(0)
RUNS, STEPS, LABELS = 3, np.array([1.0, 10, 100, 250, 400, 1000]), np.repeat([1, 5, 9], 4)
DATA = {
    "steps": STEPS,
    "labels": LABELS,
    "train": RNG.random((RUNS, 6)),
    "test": RNG.random((RUNS, 6)),
    "noisy": RNG.random((RUNS, 6, len(NOISE))),
    "basin_sample": np.array([[0, 0, 0.1, 0.2, 0.3, 0.4], [0, 0.1, 0, 0.2, 0.3, 0.4], [0.1] * 6]),
    "basin_weight": np.array([[0, 0.2, 0.3, 0.4, 0.5, 0.6]] * RUNS),
    "gradient": 1 + RNG.random((RUNS, 6, 2)),
    "control": np.array([[0.1, 0.5], [0.2, 0.7], [0.6, 0.9]]),
    "norm": np.array([[8.0, 7, 6, 5, 4, 2], [4, 4, 4, 4, 4, 1], [2, 2, 2, 2, 2, 2]]),
    "train_cloud": RNG.standard_normal((RUNS, 2, 12, 2)),
    "test_cloud": 5 + RNG.standard_normal((RUNS, 2, 12, 2)),
}


@pytest.fixture(scope="module")
def panels():
    return {ax.get_title()[1]: ax for ax in draw(DATA, Settings()).axes}


def named(ax):
    return [line for line in ax.lines if not line.get_label().startswith("_")]


def test_every_run_is_a_line_with_one_label_for_all(panels):
    lines = panels["a"].lines
    assert len(lines) == 2 * RUNS + len(NOISE)
    for i, line in enumerate(lines[: 2 * RUNS]):
        part, run = ("train", "test")[i // RUNS], i % RUNS
        assert_allclose(line.get_xydata(), np.stack([STEPS, DATA[part][run]], axis=1))
    for line, noisy, amplitude in zip(lines[2 * RUNS :], DATA["noisy"][0].T, NOISE, strict=True):
        assert_allclose(line.get_ydata(), noisy)
        assert line.get_label() == f"train, noise {amplitude}"
    assert [line.get_label() for line in named(panels["a"])[:2]] == ["train", "test"]
    assert panels["a"].get_xscale() == "log"


def test_basins_are_shown_where_there_is_one(panels):
    for i, line in enumerate(panels["b"].lines):
        radius = DATA[("basin_sample", "basin_weight")[i // RUNS]][i % RUNS]
        assert_allclose(line.get_xydata(), np.stack([STEPS, radius], axis=1)[radius > 0])
        assert line.get_linestyle() == ("-" if i < RUNS else "--")
    assert [line.get_label() for line in named(panels["b"])] == ["sample space", "weight space"]


def test_clouds_are_of_the_first_run_in_the_order_of_the_paper(panels):
    for letter, part, when in (("c", "train", 0), ("d", "train", 1), ("e", "test", 0), ("f", "test", 1)):
        ax = panels[letter]
        for line, digit in zip(ax.lines, (1, 5, 9), strict=True):
            assert_allclose(line.get_xydata(), DATA[f"{part}_cloud"][0, when][digit == LABELS])
        assert ax.get_title() == f"({letter}) {part}, {('before', 'after')[when]}"


def test_gradients_stand_beside_random_features_and_the_norm_as_a_share_of_the_first(panels):
    lines = panels["g"].lines
    assert len(lines) == 2 * (RUNS + 1) + RUNS
    for layer in range(2):
        *runs, control = lines[layer * (RUNS + 1) : (layer + 1) * (RUNS + 1)]
        assert_allclose([line.get_ydata() for line in runs], DATA["gradient"][:, :, layer])
        assert_allclose(control.get_ydata(), DATA["control"][:, layer].mean())
        assert control.get_label() == f"random features, layer {layer + 2}"
        assert runs[0].get_label() == f"layer {layer + 2}"
    norms = np.array([line.get_ydata() for line in lines[-RUNS:]])
    assert_allclose(norms, [[1, 7 / 8, 6 / 8, 5 / 8, 0.5, 0.25], [1, 1, 1, 1, 1, 0.25], [1] * 6])


def test_the_late_panel_begins_at_a_quarter_of_the_run_and_gradients_are_shares_of_their_largest(panels):
    lines = panels["h"].lines
    late = STEPS >= 250
    for run in range(RUNS):
        assert_allclose(lines[run].get_xydata(), np.stack([STEPS, DATA["test"][run]], axis=1)[late])
    for layer, line in enumerate(lines[RUNS:]):
        gradient = DATA["gradient"][0, :, layer]
        assert_allclose(line.get_xydata(), np.stack([STEPS, gradient / gradient.max()], axis=1)[late])
        assert line.get_label() == f"gradient of layer {layer + 2} / largest"
    assert panels["h"].get_xscale() == "linear"
