"""Criteria about trained networks: figures 1, 2, 6 to 9, merging and recovery."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from toymodels.condensation.directions import condensed_directions
from toymodels.condensation.dropout import compare_dropout
from toymodels.condensation.embedding import plateau_histogram
from toymodels.condensation.grouping import clusters, count_clusters
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.condensation.presets import FIGURE_ONE_EPOCHS, figure_one, figure_one_data, figure_six, figure_two
from toymodels.condensation.reduction import recovery_error, reduction_curve
from toymodels.condensation.similarity import effective_rank, static_neurons
from toymodels.condensation.verdicts import Criterion, judge, listed, spread
from toymodels.trajectory import Trajectory

TRACK = (100, 500, *range(1000, 20_000, 1000), *range(20_000, 100_000, 10_000), 100_000)


@lru_cache(maxsize=1)
def _figure_one(seed: int) -> Trajectory:
    """Shared by three criteria: five networks of figure 1."""
    return figure_one(np.random.default_rng(seed), 5, TRACK)


def _orientations(run: Trajectory) -> np.ndarray:
    """Clusters on the circle, gap 0.2 rad, with at least 2 % of the mass: (n_t, trials)."""
    options = {"threshold": float(np.cos(0.2)), "linkage": "single", "min_share": 1e-3, "cluster_share": 0.02}
    pairs = zip(run["a"], run["w"], strict=True)
    return np.array([[count_clusters(*one, **options) for one in zip(a, w, strict=True)] for a, w in pairs])


def figure_one_clusters(seed: int) -> Criterion:
    """C1: orientations grow in number during training."""
    run, x = _figure_one(seed), figure_one_data()[0]
    rows = [int(np.flatnonzero(run.t == epoch)[0]) for epoch in FIGURE_ONE_EPOCHS]
    counts = _orientations(run)[rows]
    static = np.array([static_neurons(w, x).sum() for w in run["w"][-1]])
    early, middle, late = (counts[:2] == 1).all(0), ((counts[2:5] >= 2) & (counts[2:5] <= 3)).all(0), counts[5]
    loss = run["loss"][-1]
    grown, fitted = early & middle & (late >= 4) & (late <= 7), loss < 1e-4
    measured = (
        f"counts as claimed in {grown.sum()}/5 (at the end {listed(late, 'd')}; "
        f"middle {listed(counts[2:5].T.ravel(), 'd')}), "
        f"loss < 1e-4 in {fitted.sum()}/5 ({spread(loss)}), static {listed(static, 'd')}"
    )
    claim = "1 at 100 and 1000; 2-3 at 5000-12000; 4-7 at 100000; loss < 1e-4; >= 30 static"
    return judge("C1", claim, measured, bool((grown & fitted & (static >= 30)).all()))


def figure_one_monotone(seed: int) -> Criterion:
    """C1m: the overview's statement that the number of clusters increases monotonically."""
    run = _figure_one(seed)
    counts = _orientations(run)[1:]  # without the start
    falls = (np.diff(counts, axis=0) < 0).any(axis=0)
    drops = [
        f"{run.t[k + 1]:.0f}-{run.t[k + 2]:.0f}" for k in np.flatnonzero((np.diff(counts, axis=0) < 0).any(axis=1))
    ]
    measured = f"falls in {falls.sum()}/5 runs" + (f", between epochs {', '.join(drops)}" if drops else "")
    return judge("C1m", "the number of clusters never falls", measured, not falls.any(), "contradicted")


def initial_scale(seed: int) -> Criterion:
    """C2: the smaller the start, the more condensed."""
    ranks, pairs = [], []
    for power in (0.5, 1.0, 2.0):
        run = figure_two(np.random.default_rng(seed), power)
        a, w = run["a"][-1], run["w"][-1]
        ranks.append([effective_rank(one) for one in w])
        pairs = [(count_clusters(*one), count_clusters(*one, signed=False)) for one in zip(a, w, strict=True)]
    ranks = np.array(ranks)
    holds = (np.diff(ranks, axis=0) < 0).all() and (ranks[-1] < 1.05).all() and set(pairs) == {(2, 1)}
    measured = f"rank {' > '.join(spread(row) for row in ranks)}; signed, unsigned clusters {pairs}"
    return judge("C2", "rank falls over std m^-.5, m^-1, m^-2 to < 1.05; 2 opposite clusters", measured, bool(holds))


def literal_figure_six(seed: int) -> Criterion:
    """C6b: what plain Adam does in the notebook's setting."""
    counts = {
        activation: [
            int(
                clusters(
                    figure_six(np.random.default_rng([seed, k]), activation)["w"][-1], threshold=0.8, min_share=0
                ).max()
            )
            + 1
            for k in range(10)
        ]
        for activation in ("tanh", "xtanh")
    }
    two, four = (counts["tanh"].count(2), counts["xtanh"].count(4))
    measured = f"Adam, cos > .8: tanh 2 in {two}/10; x tanh {listed(sorted(counts['xtanh']), 'd')} (4 in {four}/10)"
    return judge("C6b", "tanh: 2 directions; x tanh: two pairs = 4", measured, two > 5 and four > 5, "contradicted")


def plain_descent(seed: int) -> Criterion:
    """C6d: plain gradient descent from a small start does not condense for p = 2 before it blows up."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, (12, 1)), rng.standard_normal(12)
    network = TwoLayerNetwork.random(50, 1, 1e-2, "xtanh", rng)
    run = network.train(x, y, 60_000, 0.1, 50)
    start = run["loss"][0]
    row = int(np.flatnonzero(run["loss"] < 0.99 * start)[0]) if (run["loss"] < 0.99 * start).any() else -1
    count = int(clusters(run["w"][row], threshold=0.9, min_share=0).max()) + 1
    directions = len(condensed_directions(x, y, 2)[0])
    measured = (
        f"x tanh, gradient descent, when 1 % of the loss is gone: {count} clusters of 50 neurons (T has {directions})"
    )
    return judge(
        "C6d", "plain descent condenses all neurons into <= 2p directions", measured, count <= 4, "contradicted"
    )


def loss_plateaus(seed: int) -> Criterion:
    """C7: common plateaus of different widths."""
    x, y = figure_one_data()
    widths = (1, 2, 3, 5, 20)
    edges = [-12, -2, -1.65, -1.45, 2]
    frequency, _ = plateau_histogram(x, y, widths, edges, np.random.default_rng(seed))
    shared, low = frequency[:4, 2], frequency[:, 0]
    holds = (shared > 0.3).all() and (np.diff(low) > 0).all() and low[-1] > 0.5
    measured = (
        f"time at the plateau {listed(shared, '.2f')}, below 1e-2 {listed(low, '.3f')} (50 trials, widths {widths})"
    )
    claim = "> 30 % of time at log10 MSE -1.65..-1.45 for m = 1, 2, 3, 5; below 1e-2 rises with m, > 50 % at 20"
    return judge("C7", claim, measured, bool(holds))


def dropout_condenses(seed: int) -> Criterion:
    """C8: dropout at keep .9 against none."""
    found = compare_dropout(*figure_one_data(), np.random.default_rng(seed), trials=4)
    fewer, halved = found.clusters[1] < found.clusters[0], found.penalty[1] < found.penalty[0] / 2
    measured = (
        f"clusters {listed(found.clusters[0], 'd')} -> {listed(found.clusters[1], 'd')}; penalty ratio "
        f"{spread(found.penalty[1] / found.penalty[0])}; loss {spread(found.loss[0])} -> {spread(found.loss[1])}"
    )
    claim = "fewer leader clusters in every run; penalty less than half"
    return judge("C8", claim, measured, bool(fewer.all() and halved.all()))


def width_reduction(seed: int) -> Criterion:
    """C9: merging the networks of figure 1."""
    run, (x, y) = _figure_one(seed), figure_one_data()
    curves = [
        reduction_curve(TwoLayerNetwork(a, w), x, y, (0.9, 0.99, 0.999))
        for a, w in zip(run["a"][-1], run["w"][-1], strict=True)
    ]
    width, error = (np.array([getattr(c, name) for c in curves]) for name in ("neurons", "error"))
    ok = (width[:, 1] <= 8) & (error[:, 1] < 1e-2)
    measured = (
        f"cos > .99: {listed(width[:, 1], 'd')} neurons, error {spread(error[:, 1])}, as claimed in {ok.sum()}/5; "
        f"cos > .9: {spread(error[:, 0])}; cos > .999: {listed(width[:, 2], 'd')}, {spread(error[:, 2])}"
    )
    return judge("C9", "100 -> <= 8 neurons at cos > .99 with relative error < 1e-2", measured, bool(ok.all()))


def recovery(seed: int) -> Criterion:
    """C10r: test error against the number of samples, optimistic size 3."""
    rng, sizes = np.random.default_rng(seed), (2, 3, 4, 6, 8)
    small = recovery_error(sizes, rng)
    large = recovery_error((8,), rng, std=1.0, lr=0.03)
    recovered = (small < 1e-2).mean(axis=1)
    measured = (
        f"share of 20 teachers with error < 1e-2 at n = {sizes}: {listed(recovered, '.2f')} "
        f"(medians {listed(np.median(small, axis=1))}); large start at n = 8: {(large < 1e-2).mean():.2f}"
    )
    claim = "one tanh neuron is recovered from m*(d+2) = 3 samples (most teachers)"
    return judge("C10r", claim, measured, bool(recovered[1] > 0.5), "contradicted")
