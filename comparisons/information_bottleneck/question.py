"""What is asked and how it is judged: which share of the peak of I(X;T) is lost by the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comparisons.harness.checks import CHANCE, commonest, require_series, told, too_few
from comparisons.harness.verdict import Verdict
from toymodels.metrics.curves import despiked, scatter, setback
from toymodels.metrics.information.forgetting import forgotten, gained, trend_after_peak, trend_to_plateau
from toymodels.trajectory import Trajectory

LUCKY = 1.7  # standard deviations of a rank correlation that few records of pure noise have by luck
OTHER_NOISE = {"half_noise": "half", "double_noise": "twice"}
DISCRETE = {"binned_input": "binned I(X;T)", "binned_label": "binned I(Y;T)"}


@dataclass(frozen=True)
class Question:
    """Thresholds and conditions as shares of the peak, fixed beforehand.

    Parameters
    ----------
    absent_below, shown_from : float
    least_gain : float
        Share of the peak that must have been gained before it.
    label_kept : float
        Share of its own peak above which the information about the label must stay.
    least_bits : float
        Less than that is no information, about the input or the label.
    headroom : float
        Bits by which the peak must lie below what the estimator can tell apart, log2 of the number of inputs.
    least_trend, least_trend_to_plateau : float
        Size of the rank correlation with time that makes a fall after the peak a trend; of all records, with few of
        them more, or of those before a plateau.
    most_setback : float
        Share of the loss by which the information may come back.
    spreads : float
        Spreads over draws of the noise that the loss must exceed.
    """

    absent_below: float = 0.1
    shown_from: float = 0.25
    least_gain: float = 0.25
    label_kept: float = 0.9
    least_bits: float = 0.05
    headroom: float = 0.5
    least_trend: float = 0.7
    least_trend_to_plateau: float = 0.9
    most_setback: float = 0.2
    spreads: float = 3.0


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Share of the peak of I(X;T) lost by the end, by a representation that fitted first and keeps the label."""
    require_series(runs, "about_input", "about_label")
    flaws = [_undefined(run, asked) or too_few(run) for run in runs]
    if any(flaws):
        return Verdict.unclear(commonest(flaws))
    lost = [forgotten(run["about_input"]) for run in runs]
    start, peak, end = np.median([_three(run["about_input"]) for run in runs], axis=0)
    first, label = np.median([run["about_label"][[0, -1]] for run in runs], axis=0)
    numbers: dict[str, Any] = {}
    known = [told(run, "predicted", np.nan) for run in runs]
    if not np.isnan(known).any():
        numbers = {"predicted": float(np.median(known)), "measured": float(np.median(lost))}
    note = f"I(X;T) {start:.2f} -> {peak:.2f} -> {end:.2f} bits, I(Y;T) {first:.2f} -> {label:.2f}"
    verdict = Verdict.from_scores(lost, asked.absent_below, asked.shown_from, note=note, **numbers)
    flaws = [_not_forgetting(run, asked) for run in runs] if verdict.outcome == "shown" else []
    flaws = flaws if any(flaws) else [_other_noise(run, asked, verdict.outcome) for run in runs]
    if verdict.outcome == "unclear" or not any(flaws):
        return verdict
    return replace(verdict, outcome="unclear", note=f"{commonest(flaws)}; {note}")


def _undefined(run: Trajectory, asked: Any) -> str:
    """Why a run can say nothing about forgetting; empty if it can."""
    bits = despiked(run["about_input"])
    if not bits.max() > asked.least_bits:
        return f"carries no information about the input: {bits.max():.2g} bits at most"
    samples = _samples(run)
    if bits.max() > np.log2(samples) - asked.headroom:
        return f"at the estimator's ceiling, log2 {samples:g} = {np.log2(samples):.2f} bits"
    return ""


def _samples(run: Trajectory) -> float:
    """Inputs behind the estimate, `inf` if the run does not say."""
    if "samples" not in run.meta:
        return np.inf
    samples = told(run, "samples", np.nan)
    if samples < 1:
        raise ValueError(f"meta['samples'] must be >= 1, got {samples:g}")
    return samples


def _not_forgetting(run: Trajectory, asked: Any) -> str:
    """Why a loss is no bottleneck; empty if it is."""
    bits, label = despiked(run["about_input"]), despiked(run["about_label"])
    if not label.max() > asked.least_bits:
        return "never learned the label"
    if max(setback(run["about_label"]), label.max() - label[-1]) > (1 - asked.label_kept) * label.max():
        return "forgets the label too"
    if gained(run["about_input"]) < asked.least_gain:
        return "forgets, but never fitted"
    if bits.argmax() and gained(run["about_input"][1:]) < asked.least_gain / 2:
        return "that it fitted rests on the first record alone"
    since = len(bits) - 1 - int(bits[::-1].argmax())
    least = max(asked.least_trend, LUCKY / np.sqrt(max(since, 1)))
    falls = trend_after_peak(run.t, run["about_input"]) <= -least
    if not (falls or trend_to_plateau(run.t, run["about_input"]) <= -asked.least_trend_to_plateau):
        return "fluctuates after its peak rather than falls"
    if 1 - bits[-1] / np.partition(bits, -3)[-3] < asked.shown_from:
        return "the peak stands on two records only"
    peak = int(bits.argmax())
    lowest = int(bits[: peak + 1].argmin())
    if setback(bits[: peak + 1]) > 0.5 * (bits[peak] - bits[lowest]):
        return "rises and falls before its peak too"
    if setback(-bits[peak:]) > asked.most_setback * (bits[peak] - bits[-1]):
        return "comes back after its peak"
    if bits[peak] - bits[-1] <= CHANCE * scatter(run["about_input"]):
        return f"the loss is within {CHANCE:g} scatters of the curve"
    spread = run.data.get("draw_spread")
    if spread is not None and bits[peak] - bits[-1] <= asked.spreads * np.hypot(spread[peak], spread[-1]):
        return f"the loss is within {asked.spreads:g} spreads over draws of the noise"
    return ""


def _other_noise(run: Trajectory, asked: Any, outcome: str) -> str:
    """At which other noise the outcome differs; empty if at none that was recorded and decides."""
    for name, words in OTHER_NOISE.items():
        if all(f"{part}_{name}" in run.data for part in ("about_input", "about_label")):
            parts = {part: run[f"{part}_{name}"] for part in ("about_input", "about_label")}
            other = replace(run, data=parts, meta={k: v for k, v in run.meta.items() if k != "predicted"})
            judged = judge([other], asked)
            if judged.outcome != outcome and not _undefined(other, asked):
                return f"{outcome}, but {judged.outcome} at {words} the noise"
    return ""


def _three(bits: np.ndarray) -> tuple[float, float, float]:
    """At the start, at the peak and at the end."""
    return bits[0], despiked(bits).max(), bits[-1]


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
