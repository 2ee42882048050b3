"""What is asked and how it is judged: by how many decades of a model's own time the test score lags behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.checks import CHANCE, commonest, require_scores, require_shares, told, too_few
from comparisons.harness.verdict import Verdict
from toymodels.metrics.curves import despiked, scatter, setback, settled_from
from toymodels.metrics.grokking import crossing_time, lag
from toymodels.trajectory import Trajectory

NOISE = 3.0  # scatters that a curve may lie beside its level
LEEWAY = 0.1  # and the most that they may come to


@dataclass(frozen=True)
class Question:
    """Levels, thresholds and conditions, fixed beforehand.

    Parameters
    ----------
    train_level, full_level : float
        What the training score must reach and keep, and what the test score reaches in the second number, the delay
        between levels; a run's `meta` may say other ones for its task.
    absent_below, shown_from : float
        Decades.
    least_rise : float
        Both scores must rise by that much, and the test score by that much after the fit.
    late_share : float
        Share of the test score's rise that must come after the fit.
    most_setback : float
        Share of that late rise by which the test score may fall back.
    """

    train_level: float = 0.95
    full_level: float = 0.95
    absent_below: float = 0.3
    shown_from: float = 0.5
    least_rise: float = 0.1
    late_share: float = 0.3
    most_setback: float = 0.2

    def __post_init__(self):
        require_shares(self, "train_level", "full_level", "least_rise", "late_share", "most_setback")


def crossings(run: Trajectory, asked: Any) -> tuple[float, float]:
    """When train and test first reach their levels; `inf` when they never do."""
    return (
        crossing_time(run.t, run["train"], told(run, "train_level", asked.train_level)),
        crossing_time(run.t, run["test"], told(run, "test_level", asked.full_level)),
    )


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Lag of the test score behind the training score, of runs that fit, generalise, and do so late."""
    require_scores(runs, "train", "test")
    flaws = [_undefined(run, asked) or too_few(run) for run in runs]
    if any(flaws):
        return Verdict.unclear(commonest(flaws))
    numbers = _crossing_numbers(runs, asked)
    lags = [lag(run.t, *(rising(run, name) for name in ("train", "test"))) for run in runs]
    verdict = Verdict.from_scores(lags, asked.absent_below, asked.shown_from, **numbers)
    checks = {"shown": _not_late, "absent": _not_at_once}
    flaws = [checks[verdict.outcome](run, asked) for run in runs] if verdict.outcome in checks else []
    if any(flaws):
        return Verdict.unclear(commonest(flaws), lags, thresholds=verdict.thresholds, **_without_note(numbers))
    return verdict


def _without_note(numbers: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in numbers.items() if name != "note"}


def _score(run: Trajectory, name: str) -> np.ndarray:
    """A score without lone records; below 0 an R2 is no worse than the mean's, and counts as 0."""
    return np.maximum(despiked(run[name]), 0.0)


def rising(run: Trajectory, name: str) -> np.ndarray:
    """The score of this `name` as the lag is read off it: without lone records, and never beyond its two ends."""
    return _within_ends(_score(run, name))


def _within_ends(values: np.ndarray) -> np.ndarray:
    """A curve that neither dips below its first record nor rises above its last, so that shares are shares."""
    return np.clip(values, min(values[0], values[-1]), max(values[0], values[-1]))


def _bounds(run: Trajectory) -> tuple[float, float]:
    """The smallest and the largest lag that the records allow, each rise being at one end or the other of a gap."""
    shares = []
    for name in ("train", "test"):
        values = rising(run, name)
        shares.append((values - values[0]) / (values[-1] - values[0]))
    late = run.t > 0
    gaps = np.diff(np.log10(run.t[late]))
    train, test = (share[late] for share in shares)
    return float(((train[:-1] - test[1:]) * gaps).sum()), float(((train[1:] - test[:-1]) * gaps).sum())


def _not_at_once(run: Trajectory, asked: Any) -> str:
    """Why a small lag does not tell that both rise together; empty if it does."""
    if run.t[0] == 0 and max(_risen(run, name) for name in ("train", "test")) > 0.5:
        return "a score rises between t = 0 and the first record that has a logarithm"
    least, most = _bounds(run)
    if most - least >= 2 * asked.shown_from:  # half of it on either side
        return f"records are too far apart: a lag of {most:.2f} would look the same"
    return ""


def _risen(run: Trajectory, name: str) -> float:
    """Share of a score's rise that the first record after t = 0 shows."""
    values = _score(run, name)
    return float((values[1] - values[0]) / (values[-1] - values[0]))


def _fit(run: Trajectory, asked: Any) -> int | None:
    """The record from which on the training score has its level and keeps it, but for its noise."""
    train = _score(run, "train")
    level = told(run, "train_level", asked.train_level)
    return settled_from(train, level, min(NOISE * scatter(run["train"]), LEEWAY))


def _undefined(run: Trajectory, asked: Any) -> str:
    """Why no lag can be read off a run; empty if it can."""
    train, test = _score(run, "train"), _score(run, "test")
    level = told(run, "train_level", asked.train_level)
    if train.max() < level:
        return f"the training score never reaches {level:g}"
    if train[-1] - train[0] < asked.least_rise:
        return "flat training curve"
    if _fit(run, asked) is None:
        return f"the training score does not keep {level:g}"
    if test[-1] - test[0] < asked.least_rise:
        return "flat test curve: never generalises"
    return ""


def _not_late(run: Trajectory, asked: Any) -> str:
    """Why a lag is no late generalisation; empty if it is."""
    test, fit = _score(run, "test"), _fit(run, asked)
    assert fit is not None
    if fit > 0 and run.t[fit - 1] == 0:
        return "the fit lies between t = 0 and the first record that has a logarithm"
    least = _bounds(run)[0]
    if least < asked.absent_below:
        return f"records are too far apart: a lag of {least:.2f} would look the same"
    late = test[-1] - test[: fit + 1].max()  # beyond the best of before: a dip at the fit is no start
    rise = test[-1] - test[0]
    if late < asked.least_rise or late < asked.late_share * rise:
        return f"of the test score's rise by {rise:.2f} only {late:.2f} comes after the fit"
    if late <= CHANCE * scatter(run["test"]):
        return f"the test score's late rise is within {CHANCE:g} scatters of the curve"
    if test[-3] < test[fit] + late / 2:
        return "the test score's late rise is seen in the last two records only"
    if setback(test[fit:]) > asked.most_setback * late:
        return f"the test score falls back by {setback(test[fit:]):.2f} after the fit"
    if run.t[fit] > 0 and np.log10(run.t[-1] / run.t[fit]) < asked.shown_from:
        return "the run ends too soon after the fit"
    return ""


def _crossing_numbers(runs: Sequence[Trajectory], asked: Any) -> dict[str, Any]:
    """The second number: the delay between levels, beside its prediction where a theory has one."""
    times = np.array([crossings(run, asked) for run in runs])  # (replicates, 2)
    never = int(np.isinf(times[:, 1]).sum())
    if never:
        return {"note": f"test level not reached in {never} of {len(runs)} runs"}
    numbers: dict[str, Any] = {"measured": float(np.median(times[:, 1]))}
    note = f"levels {_decades(times):.2f} decades apart" if (times > 0).all() else ""
    predicted = np.array([[told(run, f"predicted_{part}_time", 0) for part in ("train", "test")] for run in runs])
    if (predicted[:, 1] > 0).all():
        numbers["predicted"] = float(np.median(predicted[:, 1]))
        if note and (predicted > 0).all():
            note += f", predicted {_decades(predicted):.2f}"
    return numbers | {"note": note}


def _decades(times: np.ndarray) -> float:
    """Median of log10(t_test / t_train) over rows of (t_train, t_test)."""
    return float(np.median(np.log10(times[:, 1] / times[:, 0])))
