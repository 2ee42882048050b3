"""The panels of figure 6: clouds at two moments in shared windows, who is late, every control, and the gradients."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose

from comparisons.harness.settings import Settings
from figures.opt_npt.batch_norm_lag_drawing import TITLES, draw
from figures.opt_npt.batch_norm_lag_runs import CONTROLS

RNG = np.random.default_rng(0)
RUNS, LABELS = 3, np.repeat([0, 2, 5], 4)
STEPS = {control: np.arange(0, 13 if control == "slow" else 7, 3.0) for control in CONTROLS}
DATA = {"before": np.array(3), "labels": LABELS}
for k, cloud in enumerate(("train", "eval", "batch")):  # of sizes 1, 10 and 100 before the jump, and twice after it
    DATA[f"usual_plane_{cloud}"] = 10.0**k * np.array([1, 2])[:, None, None] * RNG.standard_normal((RUNS, 2, 12, 2))
for control, steps in STEPS.items():
    DATA[f"{control}_steps"] = steps
    for name in ("test_accuracy", "test_batch"):
        DATA[f"{control}_{name}"] = RNG.random((RUNS, len(steps)))
for name in ("train_batch", "train_accuracy", "test_reestimated"):
    DATA[f"usual_{name}"] = RNG.random((RUNS, 3))
DATA["usual_gradient"] = RNG.random((RUNS, 3, 4))


@pytest.fixture(scope="module")
def axes():
    return np.array(draw(DATA, Settings()).axes).reshape(3, 3)


def test_clouds_are_those_of_the_first_run_before_and_after(axes):
    for row, cloud in enumerate(("train", "eval", "batch")):
        for column, step in enumerate((3, 6)):
            ax = axes[row, column]
            points = DATA[f"usual_plane_{cloud}"][0, column]
            for shown, digit in zip(ax.lines, (0, 2, 5), strict=True):
                assert_allclose(shown.get_xydata(), points[digit == LABELS])
                assert shown.get_label() == f"digit {digit}"
            assert ax.get_title().startswith(f"({'abcdef'[2 * row + column]}) ")
            assert ax.get_title().endswith(f", step {step}")


@pytest.mark.parametrize("column", [0, 1])
def test_all_clouds_of_a_column_have_one_window_that_holds_them(column, axes):
    points = np.concatenate([DATA[f"usual_plane_{cloud}"][0, column] for cloud in ("train", "eval", "batch")])
    for get, values in (("get_xlim", points[:, 0]), ("get_ylim", points[:, 1])):
        windows = {getattr(ax, get)() for ax in axes[:, column]}
        assert len(windows) == 1
        low, high = windows.pop()
        assert low < values.min()
        assert values.max() < high
        assert high - low < 1.2 * np.ptp(values)


def test_who_is_late_is_told_by_means_over_the_runs(axes):
    names = ("train_batch", "test_batch", "train_accuracy", "test_accuracy", "test_reestimated")
    for shown, name in zip(axes[0, 2].lines, names, strict=True):
        assert_allclose(shown.get_xydata(), np.stack([STEPS["usual"], DATA[f"usual_{name}"].mean(axis=0)], axis=1))
        assert shown.get_linestyle() == ("--" if name == "test_reestimated" else "-")
    labels = [shown.get_label() for shown in axes[0, 2].lines]
    assert [label.split(",")[0] for label in labels] == ["train", "test", "train", "test", "test"]
    assert ["training mode" in label for label in labels] == [True, True, False, False, False]


def test_every_control_is_shown_over_its_own_steps(axes):
    *controls, batch = axes[1, 2].lines
    for shown, control in zip(controls, CONTROLS, strict=True):
        expected = np.stack([STEPS[control], DATA[f"{control}_test_accuracy"].mean(axis=0)], axis=1)
        assert_allclose(shown.get_xydata(), expected)
        assert shown.get_label() == TITLES[control]
    assert_allclose(batch.get_xydata(), np.stack([STEPS["slow"], DATA["slow_test_batch"].mean(axis=0)], axis=1))


def test_titles_of_the_controls_are_their_momenta():
    for control, (momentum, warm) in CONTROLS.items():
        assert TITLES[control] == ("warm start" if warm else f"momentum {momentum:g}")


def test_gradients_are_darker_the_deeper_the_layer(axes):
    shown = axes[2, 2].lines
    for layer, curve in enumerate(shown):
        assert_allclose(curve.get_ydata(), DATA["usual_gradient"][:, :, layer].mean(axis=0))
    greys = [to_rgb(curve.get_color())[0] for curve in shown]
    assert len(greys) == 4
    assert (np.diff(greys) < 0).all()
