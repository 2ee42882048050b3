"""What is run for the criteria of the family, one function an experiment: `(rng) -> dict` of what claims measure."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from toymodels.condensation.directions import arrivals, condensed_directions, normalised_descent
from toymodels.condensation.dropout import compare_dropout
from toymodels.condensation.embedding import (
    ZERO,
    critical_points,
    embeddings,
    inertia,
    plateau_histogram,
    split,
    split_inertia,
)
from toymodels.condensation.grouping import count_clusters, count_orientations, direction_counts
from toymodels.condensation.initial import initial_descent, multiplicity
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.condensation.phase_diagram import distance_scaling, phase
from toymodels.condensation.presets import (
    FIGURE_ONE_EPOCHS,
    FIGURE_ONE_RECORDS,
    PHASE_CELLS,
    embedding_data,
    figure_one,
    figure_one_data,
    figure_six,
    figure_two,
    random_line_data,
)
from toymodels.condensation.reduction import recovery_error, reduction_curve, tangent_rank
from toymodels.condensation.similarity import effective_rank, static_neurons
from toymodels.condensation.three_layer import three_layer_scaling


def orientations(rng: np.random.Generator) -> dict[str, Any]:
    """Five networks of figure 1: orientations at its epochs, loss, static neurons, and what merging at cos > .99 does.

    `early` (2, 5), `middle` (3, 5) and `late` (5,) are the numbers of orientations at the overview's six epochs,
    `falls` (5,) the records at which the number is below that of the record before.
    """
    run, (x, y) = figure_one(rng, 5, FIGURE_ONE_RECORDS), figure_one_data()
    pairs = zip(run["a"][1:], run["w"][1:], strict=True)  # without the start
    counts = np.array([[count_orientations(*network) for network in zip(a, w, strict=True)] for a, w in pairs])
    shown = counts[np.isin(run.t[1:], FIGURE_ONE_EPOCHS)]
    ends = list(zip(run["a"][-1], run["w"][-1], strict=True))
    merged = [reduction_curve(TwoLayerNetwork(*network), x, y, (0.99,)) for network in ends]
    return {
        "early": shown[:2],
        "middle": shown[2:5],
        "late": shown[5],
        "falls": (np.diff(counts, axis=0) < 0).sum(axis=0),
        "loss": run["loss"][-1],
        "static": [static_neurons(w, x).sum() for _, w in ends],
        "merged_width": [curve.neurons[0] for curve in merged],
        "merged_error": [curve.error[0] for curve in merged],
    }


def initial_scale(rng: np.random.Generator) -> dict[str, Any]:
    """Effective rank (scale, replicate) for std m^-.5, m^-1 and m^-2, and clusters from the smallest start."""
    ranks, ends = [], []
    for power in (0.5, 1.0, 2.0):
        run = figure_two(deepcopy(rng), power)  # the same directions at every scale
        ends = list(zip(run["a"][-1], run["w"][-1], strict=True))
        ranks.append([effective_rank(w) for _, w in ends])
    return {
        "rank": np.array(ranks),
        "directions": [count_clusters(*network) for network in ends],
        "axes": [count_clusters(*network, signed=False) for network in ends],
    }


def phase_diagram(rng: np.random.Generator) -> dict[str, Any]:
    """Slopes of the relative distance in nine cells by phase, and their distance from the derived ones."""
    scaling = distance_scaling(PHASE_CELLS, [200, 1000, 5000], rng, replicates=10)
    phases = np.array([phase(*cell) for cell in PHASE_CELLS])
    slopes = {name: scaling.slope[phases == name] for name in ("linear", "critical", "condensed")}
    return {**slopes, "gap": np.abs(scaling.slope - scaling.predicted)[scaling.cells[:, 0] <= 1]}


def three_layers(rng: np.random.Generator) -> dict[str, Any]:
    """Slopes of the relative distance of a, V and w: from the derived ones at scale m, themselves at m^1.75."""
    widths = [50, 100, 200, 400]
    linear, free = (three_layer_scaling((0, 0, 0, scale), widths, rng, 8) for scale in (1.0, 1.75))
    return {"gap": np.abs(linear.slope - linear.predicted), "outer": free.slope[[0, 2]]}


def initial_directions(rng: np.random.Generator) -> dict[str, Any]:
    """Normalised descent of every neuron, three activations and six draws each, against the attracting extrema of T."""
    extrema, reached, near = [], [], []
    for activation in ("tanh", "xtanh", "x2tanh"):
        p = multiplicity(activation)
        for _ in range(6):
            x, y = random_line_data(rng)
            directions = condensed_directions(x, y, p)[0]
            run = normalised_descent(TwoLayerNetwork.random(100, 1, 1e-4, activation, rng), x, y, 1500, 0.02)
            arrived, cosine = arrivals(run["a"][-1], run["w"][-1], directions)
            count = direction_counts(run["w"][-1][arrived], threshold=float(np.cos(0.1))).all
            extrema.append(len(directions) / (2 * p))
            reached.append(count - len(directions))
            near.append((cosine > np.cos(0.05)).mean())
    return {"extrema": extrema, "reached": reached, "near": near}


def linear_flow(rng: np.random.Generator) -> dict[str, Any]:
    """Relative error of the closed form for p = 1 while weights grow a thousandfold; |cos| of tanh neurons at last."""
    x, y = rng.uniform(-1, 1, (40, 5)), rng.standard_normal(40)
    network = TwoLayerNetwork.random(50, 5, 1e-6, "tanh", rng)
    v = np.c_[x, np.ones(40)].T @ y / 40
    lr = 0.05 / float(np.linalg.norm(v))
    run = network.train(x, y, 200, lr, 20)
    theory = initial_descent(x, y, network.a, network.w, run.t, lr)
    early = run.t <= np.log(1e3) / np.log(1.05)
    gap = np.abs(run["w"] - theory["w"]).max(axis=(1, 2)) / np.abs(theory["w"]).max(axis=(1, 2))
    cosine = np.abs(run["w"][-1] @ v / np.linalg.norm(run["w"][-1], axis=1) / np.linalg.norm(v)).mean()
    return {"gap": gap[early].max(), "cosine": cosine}


def adam_directions(rng: np.random.Generator) -> dict[str, Any]:
    """Directions at cos > .8 that carry 2 % of the mass, after Adam in the authors' setting, ten networks each."""
    seed = rng.bit_generator.seed_seq.entropy  # pyright: ignore[reportAttributeAccessIssue]  # one stream a network

    def counted(k: int, activation: str) -> int:
        run = figure_six(np.random.default_rng([seed, k]), activation)
        a, w = run["a"][-1], run["w"][-1]
        return direction_counts(w, np.abs(a) * np.linalg.norm(w, axis=1), threshold=0.8).counted

    return {activation: [counted(k, activation) for k in range(10)] for activation in ("tanh", "xtanh")}


def plain_descent(rng: np.random.Generator) -> dict[str, Any]:
    """All directions at cos > .9 of x tanh x after descent, when 1 % of the loss is gone (at the end if never)."""
    x, y = random_line_data(rng)
    run = TwoLayerNetwork.random(50, 1, 1e-2, "xtanh", rng).train(x, y, 60_000, 0.1, 50)
    gone = run["loss"] < 0.99 * run["loss"][0]
    return {"directions": direction_counts(run["w"][gone.argmax() if gone.any() else -1], threshold=0.9).all}


def loss_plateaus(rng: np.random.Generator) -> dict[str, Any]:
    """Part of the time at the common plateau for widths 1, 2, 3 and 5, and below 1e-2 for these and 20."""
    edges = [-12, -2, -1.65, -1.45, 2]
    frequency = plateau_histogram(*figure_one_data(), (1, 2, 3, 5, 20), edges, rng)[0]
    return {"shared": frequency[:4, 2], "low": frequency[:, 0]}


def embedding_principle(rng: np.random.Generator) -> dict[str, Any]:
    """Gradient and inertia after embedding every critical point found, and what the law of splits is off by.

    Of points with an eigenvalue too small to be told from zero no inertia is asked.
    """
    x, y = embedding_data()
    gradient, gain, law = [], [], []
    for width in (1, 2, 3):
        for narrow in critical_points(width, x, y, "tanh", rng, 12):
            told, before = _zeros_are_told(narrow.hessian(x, y)), inertia(narrow.hessian(x, y))
            for wide, option in embeddings(narrow):
                gradient.append(max(float(np.abs(part).max()) for part in wide.gradient(x, y)))
                if not told:
                    continue
                after = inertia(wide.hessian(x, y))
                gain.append(np.subtract(after, before).min())
                if option and abs(narrow.a[option[0]]) > 1e-3:
                    law.append(np.abs(np.subtract(after, split_inertia(narrow, x, y, *option))).max())
    return {"gradient": max(gradient), "gain": gain, "law": law}


def _zeros_are_told(hessian: np.ndarray) -> bool:
    """Whether no eigenvalue lies within a factor 100 of the cut below which :func:`inertia` takes it for zero."""
    sizes = np.abs(np.linalg.eigvalsh(hessian))
    return not np.any((sizes > 1e-2 * ZERO * sizes.max()) & (sizes < 1e2 * ZERO * sizes.max()))


def dropout(rng: np.random.Generator) -> dict[str, Any]:
    """Clusters with dropout less those without, and the ratio of the penalties, from four common starts."""
    comparison = compare_dropout(*figure_one_data(), rng, replicates=4)
    return {
        "clusters": comparison.clusters[1] - comparison.clusters[0],
        "penalty": comparison.penalty[1] / comparison.penalty[0],
    }


def tangent_ranks(rng: np.random.Generator) -> dict[str, Any]:
    """Tangent rank of one function less m*(d + 2), condensed and with two idle neurons of other directions."""
    ranks = {"condensed": [], "loose": []}
    for dim, needed in ((1, 1), (2, 2), (3, 1)):
        points = rng.standard_normal((500, dim))
        narrow = wide = TwoLayerNetwork.random(needed, dim, 1.0, "tanh", rng)
        for k in range(5):
            wide = split(wide, k % needed, 0.4)
        idle = np.concatenate([narrow.w, rng.standard_normal((2, dim + 1))])
        loose = TwoLayerNetwork(np.append(narrow.a, [0, 0]), idle, "tanh")
        for name, network in (("condensed", wide), ("loose", loose)):
            ranks[name].append(tangent_rank(network, points) - needed * (dim + 2))
    return ranks


def recovery(rng: np.random.Generator) -> dict[str, Any]:
    """Test errors of twenty networks fitted to three samples of one tanh neuron."""
    return {"error": recovery_error((2, 3), rng)[1]}
