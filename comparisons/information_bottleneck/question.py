"""What is asked and how it is judged: which share of the peak of I(X;T) is lost by the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.checks import require_series
from comparisons.harness.verdict import Verdict
from toymodels.trajectory import Trajectory

DISCRETE = {"binned_input": "binned I(X;T)", "binned_label": "binned I(Y;T)"}


@dataclass(frozen=True)
class Question:
    """Thresholds as shares of the peak, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
    """

    absent_below: float = 0.1
    shown_from: float = 0.25


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Share of the peak of I(X;T) lost by the end; what is known of the label at the end beside it."""
    require_series(runs, "about_input", "about_label")
    lost = [1 - run["about_input"][-1] / run["about_input"].max() for run in runs]
    start, peak, end = np.median([_three(run["about_input"]) for run in runs], axis=0)
    first, label = np.median([run["about_label"][[0, -1]] for run in runs], axis=0)
    note = f"I(X;T) {start:.2f} -> {peak:.2f} -> {end:.2f} bits, I(Y;T) {first:.2f} -> {label:.2f}"
    return Verdict.from_scores(lost, asked.absent_below, asked.shown_from, note=note)


def _three(bits: np.ndarray) -> tuple[float, float, float]:
    """At the start, at the peak and at the end."""
    return bits[0], bits.max(), bits[-1]


def details(result: Any) -> str:
    """Other estimators on the same runs, and how far each is off where the truth is known."""
    lines = []
    for row, replicates in result.runs.items():
        for name in DISCRETE:
            if replicates and name in replicates[0].data:
                three = np.median([_three(run[name]) for run in replicates], axis=0)
                lines.append(f"  {row}: {DISCRETE[name]} {' -> '.join(f'{value:.2f}' for value in three)}")
    if lines:
        lines.insert(0, "other estimates in bits, start -> peak -> end, median over replicates:")
    return "\n".join([*lines, "estimators of I(X;T) in bits where the truth is known, noise 0.5:", *estimator_bias()])


def estimator_bias(n: int = 400, noise: float = 0.5, dims: tuple[int, ...] = (1, 3, 10)) -> list[str]:
    """Every estimator against the known truth: X ~ N(0, I), T = X + noise, n samples; one line per dimension.

    Parameters
    ----------
    n : int
        Samples; no estimator over n known inputs can exceed log2(n).
    noise : float
        Standard deviation.
    dims : tuple of int
        Dimensions.
    """
    from toymodels.metrics.information import binned, gaussian, gaussian_mixture, ksg

    lines = []
    for d in dims:
        rng = np.random.default_rng(d)
        x = rng.standard_normal((n, d))
        t = x + noise * rng.standard_normal((n, d))
        truth = gaussian(np.eye(d), np.eye(d), noise)
        edges = np.linspace(t.min(), t.max() + 1e-9, 31)
        biases = {
            "mixture": gaussian_mixture(x, noise, rng, 20),
            "ksg": ksg(x, t),
            "binned": binned(t, np.arange(n), edges),
        }
        values = ", ".join(f"{name} {value:.2f}" for name, value in biases.items())
        lines.append(f"  dimension {d}: truth {truth:.2f}, {values} (log2 n = {np.log2(n):.2f})")
    return lines
