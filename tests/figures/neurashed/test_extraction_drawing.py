"""The picture of an extracted graph: its nodes, its strongest paths, and predictions beside measurements."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from figures.neurashed.extraction_claims import CLAIMS
from figures.neurashed.extraction_drawing import (
    PREDICTORS,
    agreements,
    draw,
    draw_nodes,
    ratios,
    scatter,
    short,
    thirds,
)

ARCHITECTURES = ("784-20-20-10", "784-30-20-10")
RNG = np.random.default_rng(0)
GRAPH = {
    "graph_paths_0": np.array([[0.5, 0.9, 0.0], [0.8, 0.1, 0.0], [0.2, 0.3, 0.0], [0.1, 0.7, 0.4]]),
    "graph_paths_1": np.array([[0.9, 0.0], [0.0, 0.3], [0.2, 0.1]]),
    "graph_class_0": np.array([1.0, 0, 1, 0]),
    "graph_class_1": np.array([1.0, 0, 1]),
    "graph_size_0": np.array([3.0, 1, 2, 5]),
    "graph_size_1": np.array([2.0, 4, 1]),
}
DATA = GRAPH | {"measured": RNG.random((2, 3, 4, 4)), "predicted": RNG.random((2, 3, 4, 4))}
for number, name in enumerate(PREDICTORS):
    DATA[f"agreement_{name}"] = 0.1 * number + np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    DATA[f"paired_{name}"] = -DATA[f"agreement_{name}"]
DATA |= {name: RNG.random((2, 3)) for name in ("dominant", "active", "test")}
DATA["random"] = RNG.random((2, 3, 41))
DATA |= {f"{name}_ratio": 1 + RNG.random((2, 3, 2, 4)) for name in ("measured", "predicted")}
SETTINGS = SimpleNamespace(architectures=ARCHITECTURES, batch_sizes=(1, 5, 25, 100))


@pytest.fixture
def ax():
    return Figure().subplots()


def test_nodes_are_ordered_by_their_class_within_their_level_and_as_large_as_they_have_units(ax):
    draw_nodes(ax, GRAPH, ARCHITECTURES[0])
    first, second, classes = ax.collections[2:]
    assert_allclose(first.get_offsets(), [[2 / 3, 0], [0, 0], [1, 0], [1 / 3, 0]])  # class 0 before class 1
    assert_allclose(second.get_offsets(), [[0.5, 1], [0, 1], [1, 1]])
    assert_allclose(classes.get_offsets(), [[0, 2], [1, 2]])
    assert_allclose(first.get_sizes(), [15, 5, 10, 25])
    assert [tuple(colour) for colour in first.get_facecolors()] == [to_rgba(f"C{k}") for k in (1, 0, 1, 0)]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["layer 1", "layer 2", "classes"]
    assert ax.get_title() == "(a) nodes of a 784-20-20-10: 4, 3"


def test_into_every_node_lead_its_two_strongest_paths_if_there_are(ax):
    draw_nodes(ax, GRAPH, ARCHITECTURES[0])
    x = ([2 / 3, 0, 1, 1 / 3], [0.5, 0, 1], [0, 1])
    for level, expected in ((0, {(1, 0), (0, 0), (0, 1), (3, 1), (3, 2)}), (1, {(0, 0), (2, 0), (1, 1), (2, 1)})):
        segments = ax.collections[level].get_segments()
        found = {(round(float(a[0]), 9), round(float(b[0]), 9)) for a, b in segments}
        assert found == {(round(x[level][f], 9), round(float(x[level + 1][g]), 9)) for f, g in expected}
        assert all((a[1], b[1]) == (level, level + 1) for a, b in segments)
        owners = GRAPH["graph_class_1"] if level == 0 else [0, 1]
        for (_, end), colour in zip(segments, ax.collections[level].get_colors(), strict=True):
            (node,) = (g for g in range(len(x[level + 1])) if np.isclose(x[level + 1][g], end[0]))
            assert_allclose(colour[:3], to_rgba(f"C{int(owners[node])}")[:3])


def test_classes_and_pairs_of_classes_are_told_apart(ax):
    scatter(ax, DATA, ARCHITECTURES[0])
    pairs, own = ax.lines
    measured, predicted = DATA["measured"][0, 0], DATA["predicted"][0, 0]
    assert_allclose(own.get_xydata(), [[predicted[k, k], measured[k, k]] for k in range(4)])
    expected = [[predicted[i, j], measured[i, j]] for i in range(4) for j in range(4) if i != j]
    assert_allclose(pairs.get_xydata(), expected)
    assert "rank corr. 0.10" in ax.get_title()


def test_every_network_has_its_agreement_with_each_predictor_and_that_of_pairs_alone(ax):
    agreements(ax, DATA, ARCHITECTURES)
    lines = iter(ax.lines)
    for row in range(2):
        for k, name in enumerate(PREDICTORS):
            for kind, shift in (("agreement", 0), ("paired", 0.07)):
                line = next(lines)
                assert_allclose(line.get_ydata(), DATA[f"{kind}_{name}"][row])
                assert_allclose(line.get_xdata(), k + (-0.1, 0.1)[row] + shift)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["2 x 20", "30-20", "the same, effect of the pair only", "asked of the graph"]
    (asked,) = (line.get_ydata()[0] for line in ax.lines if line.get_label() == "asked of the graph")
    (claim,) = (claim for claim in CLAIMS if claim.key == "extraction.elasticity")
    for above in (False, True):
        data = {"agreement_graph": np.full((2, 3), asked + (0.01 if above else -0.01))}
        assert claim.criterion.met_by(claim.quantity.measure(data)) is above


def test_what_is_left_of_a_third_of_the_units_stands_at_its_network(ax):
    thirds(ax, DATA, ARCHITECTURES)
    lines = iter(ax.lines)
    for row in range(2):
        for run in range(3):
            random, quantile, active, dominant, whole = (next(lines) for _ in range(5))
            x = row + 0.22 * (run - 1)
            assert_allclose(random.get_xdata(), x)
            assert_allclose(random.get_ydata(), DATA["random"][row, run])
            assert_allclose(quantile.get_ydata(), np.sort(DATA["random"][row, run])[38])  # of 41 the 39th is at 95 %
            values = (active, "active"), (dominant, "dominant"), (whole, "test")
            for line, name in values:
                assert_allclose(line.get_xydata(), [[x, DATA[name][row, run]]])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [
        "random thirds",
        "their 95th percentile",
        "most active third",
        "dominant third",
        "whole network",
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2 x 20", "30-20"]


@pytest.mark.parametrize("kind", [0, 1])
def test_ratios_begin_at_one_and_the_prediction_is_the_median_of_the_runs(kind, ax):
    ratios(ax, DATA, kind, SETTINGS)
    lines = iter(ax.lines)
    for row in range(2):
        measured, predicted = (DATA[f"{name}_ratio"][row, :, kind] for name in ("measured", "predicted"))
        for run in range(3):
            line = next(lines)
            assert_allclose(
                line.get_xydata(), np.stack([SETTINGS.batch_sizes, measured[run] / measured[run, 0]], axis=1)
            )
        assert_allclose(next(lines).get_ydata(), np.median([row / row[0] for row in predicted], axis=0))
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_ylabel() == "participation ratio / that at 1"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "2 x 20, measured",
        "its graph, median",
        "30-20, measured",
        "its graph, median",
    ]


@pytest.mark.parametrize(
    ("architecture", "words"),
    [("784-100-10", "1 x 100"), ("784-100-100-100-10", "3 x 100"), ("784-100-50-10", "100-50"), ("2-3-4-3-2", "3-4-3")],
)
def test_an_architecture_is_shortened_to_its_hidden_layers(architecture, words):
    assert short(architecture) == words


def test_the_whole_picture_has_six_labelled_panels():
    axes = draw(DATA, SETTINGS).axes
    assert [ax.get_title()[:3] for ax in axes] == ["(a)", "(b)", "(b)", "(c)", "(d)", "(d)"]
    assert ["updates" in axes[4].get_title(), "epochs" in axes[5].get_title()] == [True, True]
    for kind, ax in enumerate(axes[4:]):
        measured = DATA["measured_ratio"][0, 0, kind]
        assert_allclose(ax.lines[0].get_ydata(), measured / measured[0])
