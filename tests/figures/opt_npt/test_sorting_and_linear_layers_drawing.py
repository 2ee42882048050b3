"""The rows of figure 3 show both kinds of network beside each other: pruning, densities, directions and delays."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.harness.settings import Settings
from figures.opt_npt.sorting_and_linear_layers_drawing import draw
from figures.opt_npt.sorting_and_linear_layers_runs import KINDS

RNG = np.random.default_rng(0)
RUNS, HIDDEN, LAYERS, BINS, RECORDS = 3, np.array([4, 12]), 13, 10, 5
STEP = np.array([0.0, 1, 10, 30, 60])
DATA = {"hidden": HIDDEN}
for kind in KINDS:
    for name in ("map", "perceptron", "own", "between", "centred"):
        DATA[f"{kind}_{name}"] = RNG.random((RUNS, LAYERS))
    DATA[f"{kind}_gradient"] = RNG.random((RUNS, LAYERS - 1))
    DATA[f"{kind}_density"] = RNG.random((RUNS, LAYERS - 1, BINS))
    DATA[f"{kind}_lag_step"] = np.tile(STEP, (2, RUNS, 1))
    for name in ("test", "train", "loss", "batch"):
        DATA[f"{kind}_lag_{name}"] = RNG.random((2, RUNS, RECORDS))


@pytest.fixture(scope="module")
def figure():
    return draw(DATA, Settings())


@pytest.fixture(scope="module")
def panels(figure):
    return np.array(figure.axes[:8]).reshape(4, 2)


def test_each_column_is_a_kind_and_its_panels_have_the_letters_of_the_paper(panels):
    titles = [[ax.get_title(loc="left") for ax in row] for row in panels]
    assert [[title[1] for title in row] for row in titles] == [list("ab"), list("cd"), list("ef"), list("gh")]
    assert all(title.split()[1] == f"{kind}:" for row in titles for title, kind in zip(row, KINDS, strict=True))
    assert all(ax.get_xlabel() and ax.get_ylabel() and ax.get_legend() for ax in panels.flat)


@pytest.mark.parametrize(("column", "kind"), [(0, "plain"), (1, "residual")])
def test_pruned_accuracies_are_shown_run_by_run_and_by_their_mean_from_the_second_layer_on(column, kind, panels):
    lines = panels[0, column].lines
    start = np.arange(2, LAYERS + 2)
    for k, name in enumerate(("perceptron", "map")):
        *runs, mean = lines[k * (RUNS + 1) : (k + 1) * (RUNS + 1)]
        assert_allclose([line.get_ydata() for line in runs], DATA[f"{kind}_{name}"])
        assert_allclose(mean.get_xydata(), np.stack([start, DATA[f"{kind}_{name}"].mean(axis=0)], axis=1))
        assert mean.get_label() == {"map": "linear map", "perceptron": "linear perceptron"}[name]
    assert_allclose(lines[-1].get_ydata(), DATA[f"{kind}_map"][:, -1].mean())
    assert lines[-1].get_label() == "not pruned"


@pytest.mark.parametrize(("column", "kind"), [(0, "plain"), (1, "residual")])
def test_six_layers_from_the_first_to_the_last_show_their_mean_density(column, kind, panels):
    lines = panels[1, column].lines
    chosen = [0, 2, 4, 6, 8, 11]
    assert [line.get_label() for line in lines] == [f"layer {layer + 2}" for layer in chosen]
    for line, layer in zip(lines, chosen, strict=True):
        assert_allclose(line.get_xdata(), np.arange(0.05, 1, 0.1))
        assert_allclose(line.get_ydata(), DATA[f"{kind}_density"][:, layer].mean(axis=0))


@pytest.mark.parametrize(("column", "kind"), [(0, "plain"), (1, "residual")])
def test_cosines_are_means_over_runs_from_the_input_on(column, kind, panels):
    for line, name in zip(panels[2, column].lines, ("own", "between", "centred"), strict=False):
        expected = np.stack([np.arange(1, LAYERS + 1), DATA[f"{kind}_{name}"].mean(axis=0)], axis=1)
        assert_allclose(line.get_xydata(), expected)


@pytest.mark.parametrize(("column", "kind"), [(0, "plain"), (1, "residual")])
def test_delays_of_the_first_run_are_shown_by_depth_from_the_first_step_on(column, kind, figure, panels):
    lines, (right,) = (
        panels[3, column].lines,
        [ax for ax in figure.axes[8:] if ax.bbox.bounds == panels[3, column].bbox.bounds],
    )
    for k in range(2):
        test, train = lines[2 * k : 2 * k + 2]
        assert_allclose(test.get_xydata(), np.stack([STEP, DATA[f"{kind}_lag_test"][k, 0]], axis=1)[1:])
        assert_allclose(train.get_ydata(), DATA[f"{kind}_lag_train"][k, 0, 1:])
        assert_allclose(right.lines[k].get_ydata(), DATA[f"{kind}_lag_loss"][k, 0, 1:])
        assert test.get_label() == f"{HIDDEN[k]} hidden layers"
        assert test.get_color() == train.get_color() == right.lines[k].get_color()
    assert right.get_ylim()[1] > DATA[f"{kind}_lag_loss"][:, 0].max()
