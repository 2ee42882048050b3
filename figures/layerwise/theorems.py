"""Theorems G.2 and I.1 of Nam et al. (2025), and equations 8, 11 and 70, held against integrated gradient flow."""

from __future__ import annotations

from functools import partial

import numpy as np

from figures.harness.figure import Grid, PaperFigure
from figures.layerwise.theorems_claims import CLAIMS
from figures.layerwise.theorems_drawing import draw
from figures.layerwise.theorems_runs import Theorems, aligned, balanced, conserved, limit, scalar, skills


def compute(settings: Theorems, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Every experiment, with random draws."""
    parts = {
        "aligned": (aligned, {"imbalance": settings.imbalances}),
        "limit": (limit, {"imbalance": settings.limits}),
        "conserved": (conserved, {"kind": ["diagonal", "matrix"]}),
        "scalar": (scalar, {"ratio": settings.ratios}),
        "skills": (skills, {"alpha": [settings.alpha]}),
        "balanced": (balanced, {"start": settings.starts}),
    }
    data = {
        "imbalances": np.array(settings.imbalances),
        "limits": np.array(settings.limits),
        "ratios": np.array(settings.ratios),
        "starts": np.array(settings.starts),
    }
    for name, (cell, points) in parts.items():
        runs = grid(partial(cell, settings), points, replicates=settings.replicates, seed=int(rng.integers(2**31)))
        data |= {f"{name}_{key}": values.values for key, values in runs.data_vars.items()}  # (points, replicates, ...)
    return data


FIGURE = PaperFigure(
    name="layerwise/theorems",
    caption=(
        "Theorems G.2 and I.1. What the paper proves about exact dynamics, measured on gradient flow that is "
        "integrated numerically from random starts: modes of an imbalanced network, their limits, conserved "
        "differences, growth of a scalar network. The paper shows no such figure; all sizes are ours: strengths 2, 1, "
        "0.5 from 0.01 (a); one mode from 0.01 to 0.1 towards 0.5 to 2 (b); four modes, and a 5-4-3 network on inputs "
        "that are not white (c); 20 Gaussian units, targets -3 to 30 times their norm (d). (a) and (d) show one draw. "
        "Not drawn: a balanced mode from a thousandth to a hundred times its target."
    ),
    presets={"quick": Theorems(), "paper": Theorems(units=200, replicates=50)},
    compute=compute,
    draw=draw,
    seconds=7,
    cost="about 2 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_theorems", "theorem-g.2", "theorem-i.1", "appendix-g.1"),
    stream="layerwise_theorems",
)
