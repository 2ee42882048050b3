"""Criteria about formulas: phase diagram, initial directions, embedding principle, tangent ranks."""

from __future__ import annotations

import numpy as np

from toymodels.condensation.directions import condensed_directions, normalised_descent
from toymodels.condensation.embedding import add_null, critical_points, inertia, split, split_inertia
from toymodels.condensation.grouping import clusters
from toymodels.condensation.initial import initial_descent, multiplicity
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.condensation.phase import distance_scaling, phase
from toymodels.condensation.reduction import tangent_rank
from toymodels.condensation.three_layer import three_layer_scaling
from toymodels.condensation.verdicts import Criterion, judge, listed

CELLS = [(0.5, 0), (0.5, 0.5), (0.75, 0), (1, 0), (2, 1), (1.25, 0), (1.5, 0), (1.75, 0), (1.5, 1)]


def phase_diagram(seed: int) -> Criterion:
    """C5: slopes of the relative distance in nine cells."""
    scaling = distance_scaling(CELLS, [200, 1000, 5000], np.random.default_rng(seed), replicates=10)
    slope, wanted = scaling.slope, scaling.predicted
    on_line = np.array([phase(*cell) == "critical" for cell in CELLS])
    signs = (np.sign(slope) == np.sign(wanted)) | on_line
    near = np.abs(slope - wanted)[scaling.cells[:, 0] <= 1].max()
    holds = signs.all() and (np.abs(slope[on_line]) < 0.08).all() and near < 0.08
    pairs = ", ".join(f"{s:.2f}/{w:.2f}" for s, w in zip(slope, wanted, strict=True))
    claim = "sign right in 9 cells; |slope| < .08 on the line; within .08 for gamma <= 1"
    return judge("C5", claim, f"measured/derived {pairs}; largest gap at gamma <= 1 {near:.3f}", bool(holds))


def three_layers(seed: int) -> Criterion:
    """C5t: relative distances of the three layers."""
    rng = np.random.default_rng(seed)
    linear = three_layer_scaling((0, 0, 0, 1.0), [50, 100, 200, 400], rng, 8)
    free = three_layer_scaling((0, 0, 0, 1.75), [50, 100, 200, 400], rng, 8)
    gap = np.abs(linear.slope - linear.predicted).max()
    measured = (
        f"linear {listed(linear.slope, '.2f')} (derived {listed(linear.predicted)}); "
        f"scale m^1.75 {listed(free.slope, '.2f')}"
    )
    claim = "three layers: linear slopes within .15 of derived; a and w grow at scale m^1.75"
    return judge("C5t", claim, measured, bool(gap < 0.15 and (free.slope[[0, 2]] > 0).all()))


def condensed_direction_counts(seed: int) -> Criterion:
    """C6: per-neuron normalised descent ends exactly in the attracting extrema of T."""
    rng, equal, near, counts = np.random.default_rng(seed), 0, [], []
    for activation in ("tanh", "xtanh", "x2tanh"):
        p = multiplicity(activation)
        for _ in range(6):
            x, y = rng.uniform(-1, 1, (12, 1)), rng.standard_normal(12)
            directions, _ = condensed_directions(x, y, p)
            run = normalised_descent(TwoLayerNetwork.random(100, 1, 1e-4, activation, rng), x, y, 1500, 0.02)
            a, w = run["a"][-1], run["w"][-1]
            w = w[(w**2).sum(axis=1) > 0.1 * a**2]  # the others have shrunk to w = 0 on the wrong side of a
            cosine = (w @ directions.T / np.linalg.norm(w, axis=1, keepdims=True)).max(axis=1)
            near.append((cosine > np.cos(0.05)).mean())
            counts.append(len(directions) / (2 * p))
            equal += int(clusters(w, threshold=float(np.cos(0.1))).max() + 1 == len(directions))
    holds = equal == 18 and min(near) > 0.95 and max(counts) <= 1
    measured = f"equal in {equal}/18 draws, worst share within .05 rad {min(near):.3f}, extrema <= 2p in all"
    return judge("C6", "clusters = extrema of T <= 2p; > 95 % of neurons within .05 rad", measured, holds)


def linear_flow(seed: int) -> Criterion:
    """C6c: closed form for p = 1 against a tanh network."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, (40, 5)), rng.standard_normal(40)
    network = TwoLayerNetwork.random(50, 5, 1e-6, "tanh", rng)
    v = np.c_[x, np.ones(40)].T @ y / 40
    lr = 0.05 / float(np.linalg.norm(v))
    run = network.train(x, y, 200, lr, 20)
    theory = initial_descent(x, y, network.a, network.w, run.t, lr)
    early = run.t <= np.log(1e3) / np.log(1.05)
    gap = np.abs(run["w"] - theory["w"]).max(axis=(1, 2)) / np.abs(theory["w"]).max(axis=(1, 2))
    cosine = float(np.abs(run["w"][-1] @ v / np.linalg.norm(run["w"][-1], axis=1) / np.linalg.norm(v)).mean())
    measured = f"largest relative error {gap[early].max():.1e}, mean |cos| {cosine:.5f}"
    claim = "p = 1 closed form to 1e-4 at growth < 1e3; mean |cos| > .99"
    return judge("C6c", claim, measured, bool(gap[early].max() < 1e-4 and cosine > 0.99))


def embedding_principle(seed: int) -> Criterion:
    """C7b: embedded critical points, and the exact inertia law."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-1.5, 1.5, 12)[:, None]
    y = np.sin(2 * x[:, 0]) + 0.3 * x[:, 0] ** 2
    gradient, monotone, law, saddles = 0.0, [], [], 0
    for width in (1, 2, 3):
        for narrow in critical_points(width, x, y, "tanh", rng, 12):
            before = inertia(narrow.hessian(x, y))
            options = [(k, f) for k in range(width) for f in (-0.5, 0.3, 1.7)]
            for wide, option in [(add_null(narrow), None), *((split(narrow, *o), o) for o in options)]:
                after = inertia(wide.hessian(x, y))
                gradient = max(gradient, *(float(np.abs(part).max()) for part in wide.gradient(x, y)))
                monotone.append(all(b <= a for b, a in zip(before, after, strict=True)))
                saddles += before[2] == 0 and after[2] > 0
                if option and abs(narrow.a[option[0]]) > 1e-3:
                    law.append(after == split_inertia(narrow, x, y, *option))
    measured = (
        f"|grad| <= {gradient:.0e}, inertia monotone {sum(monotone)}/{len(monotone)}, "
        f"split law {sum(law)}/{len(law)}, minima turned saddles {saddles}"
    )
    return judge(
        "C7b",
        "|grad| < 1e-9, inertia monotone, split law exact",
        measured,
        gradient < 1e-9 and all(monotone) and all(law),
    )


def optimistic_rank(seed: int) -> Criterion:
    """C10: tangent rank at condensed and uncondensed parameters of one function."""
    rng, condensed, loose, wanted = np.random.default_rng(seed), [], [], []
    for dim, needed in ((1, 1), (2, 2), (3, 1)):
        points = rng.standard_normal((500, dim))
        narrow = wide = TwoLayerNetwork.random(needed, dim, 1.0, "tanh", rng)
        for k in range(5):
            wide = split(wide, k % needed, 0.4)
        extra = np.concatenate([narrow.w, rng.standard_normal((2, dim + 1))])
        loose.append(tangent_rank(TwoLayerNetwork(np.append(narrow.a, [0, 0]), extra, "tanh"), points))
        condensed.append(tangent_rank(wide, points))
        wanted.append(needed * (dim + 2))
    holds = condensed == wanted and all(s > w for s, w in zip(loose, wanted, strict=True))
    measured = f"condensed {condensed}, uncondensed {loose}, m*(d+2) = {wanted} (bias included)"
    return judge("C10", "rank = m* (parameters a neuron) if condensed, larger otherwise", measured, holds)
