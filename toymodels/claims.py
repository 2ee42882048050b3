"""Claims, whose sentence cannot part from their test: what is said, what is measured, and the bound that decides.

A claim names a *quantity* (words, and the function that measures it) and a *criterion*, an object that judges the
measured values of all replicates and prints its own sentence:

>>> criterion = every_run.between(1, 2) & (spread < 0.1)
>>> print(criterion)
every run in [1, 2] and spread < 0.1
>>> criterion.met_by([1.5, 1.55])
True

What runs that disagree can decide is said in :mod:`toymodels.bounds`. The same class serves the papers' figures and the
criteria of every family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from toymodels.bounds import (
    FEW_RUNS,
    NO_MAJORITY,
    WITHIN_SPREAD,
    Criterion,
    Statistic,
    every,
    every_run,
    mean,
    median,
    median_of_each,
    share_of_runs,
    some_run,
    spread,
    value,
)
from toymodels.validation import numeric

__all__ = [
    "AFTER",
    "BEFORE",
    "CANNOT_CONTRADICT",
    "CONTRADICTED",
    "CONTROL",
    "FEW_RUNS",
    "LEFT_OPEN",
    "NO_MAJORITY",
    "OPEN",
    "PAPER",
    "READING",
    "REPRODUCED",
    "SEED_DECIDES",
    "WITHIN_SPREAD",
    "Claim",
    "Criterion",
    "Decisive",
    "Judged",
    "Quantity",
    "Statistic",
    "at_least",
    "every",
    "every_run",
    "mean",
    "median",
    "median_of_each",
    "share_of_runs",
    "some_run",
    "spread",
    "value",
    "verdict_of",
]

REPRODUCED, CONTRADICTED, OPEN = "reproduced", "contradicted", "open"
PAPER, READING, CONTROL = "paper", "reading", "control"  # said by the paper; our reading of it; our own control
BEFORE, AFTER = "before", "after exploration"  # when the criterion was fixed: before any run, or after looking at one
SEED_DECIDES = "depends on the seed"
LEFT_OPEN = "its criterion leaves it open"
CANNOT_CONTRADICT = "the bound is missed, by data that cannot contradict it"
_NUMBERS = ("median", "low", "high", "lower_quartile", "upper_quartile")  # of a verdict


@dataclass(frozen=True)
class Quantity:
    """What is measured.

    Parameters
    ----------
    words : str
        What it is, with its unit or what it is relative to.
    measure : callable (data) -> float or sequence of float
        The value of every replicate, from the data of a figure or an experiment.
    """

    words: str
    measure: Callable[[Any], Any]


@dataclass(frozen=True)
class Decisive:
    """Which data can contradict a claim; others leave an unmet criterion open. What meets it needs none of them.

    Parameters
    ----------
    words : str
        "at least 10,000 digits".
    holds : callable (data) -> bool
    """

    words: str
    holds: Callable[[Any], bool]

    def __and__(self, other: Decisive) -> Decisive:
        """Data that fulfil both."""
        return Decisive(f"{self.words} and {other.words}", lambda data: self.holds(data) and other.holds(data))


def at_least(**sizes: float) -> Decisive:
    """Data whose entries of these names are at least so large.

    >>> decisive = at_least(samples=10_000)
    >>> decisive.words, decisive.holds({"samples": 1000})
    ('samples >= 10,000', False)
    """
    words = " and ".join(f"{name.replace('_', ' ')} >= {size:,}" for name, size in sizes.items())
    return Decisive(words, lambda data: all(float(np.min(data[name])) >= size for name, size in sizes.items()))


@dataclass(frozen=True)
class Claim:
    """One statement that a run can judge.

    Parameters
    ----------
    key : str
        Unique; starts with the module it lies in: "batch_norm_lag.statistics".
    place : str
        Where the paper says it: "Figure 6c", "Theorem 2", "Section 4.1".
    statement : str
        What it says, in our own words.
    quantity : Quantity
        What is measured.
    criterion : Criterion
        What the measured values must meet.
    source : str
        `paper` when the paper says it, `reading` when it is our reading of it, `control` when it is a control of ours.
    fixed : str
        Whether the criterion was fixed `before` any run or `after exploration`.
    decisive : Decisive, optional
        Which data can contradict it.
    defence : str
        The strongest thing the authors could answer.
    why : str
        One line on why, printed when the verdict is not `reproduced`.

    Raises
    ------
    ValueError
        For a source or a time of fixing that is none, or an empty text.
    """

    key: str
    place: str
    statement: str
    quantity: Quantity
    criterion: Criterion
    source: str = PAPER
    fixed: str = BEFORE
    decisive: Decisive | None = None
    defence: str = ""
    why: str = ""

    def __post_init__(self):
        for name in ("key", "place", "statement"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} must not be empty, got {getattr(self, name)!r}")
        if not isinstance(self.criterion, Criterion):
            raise ValueError(f"criterion must be a Criterion, got {self.criterion!r}")
        if not self.quantity.words.strip():
            raise ValueError("quantity must say in words what is measured, got none")
        for name, known in (("source", (PAPER, READING, CONTROL)), ("fixed", (BEFORE, AFTER))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")

    @property
    def sentence(self) -> str:
        """What must be measured for the claim to hold."""
        size = f"; contradicted only with {self.decisive.words}" if self.decisive else ""
        return f"{self.quantity.words}: {self.criterion}{size}"

    def judge(self, data: Any) -> Judged:
        """The claim with what `data` say: `reproduced`, `contradicted`, or `open` where they cannot decide.

        Raises
        ------
        ValueError
            If the quantity is no number in some replicate.
        """
        values = np.atleast_1d(numeric(f"claim {self.key}", self.quantity.measure(data)))
        if values.size == 0 or np.isnan(values).any():
            raise ValueError(f"claim {self.key} must measure numbers, got {values}")
        met, remark = self.criterion.met_by(values), self.criterion.split(values)
        if not remark and met is None:
            remark = LEFT_OPEN
        if not remark and met is False and self.decisive is not None and not self.decisive.holds(data):
            remark = CANNOT_CONTRADICT
        met = None if remark else met
        verdict = OPEN if met is None else REPRODUCED if met else CONTRADICTED
        return Judged(
            key=self.key,
            place=self.place,
            statement=self.statement,
            criterion=self.sentence,
            source=self.source,
            fixed=self.fixed,
            median=float(np.median(values)),
            low=float(values.min()),
            high=float(values.max()),
            lower_quartile=_quartile(values),
            upper_quartile=-_quartile(-values),
            replicates=values.size,
            verdict=verdict,
            why="" if verdict == REPRODUCED else self.why,
            defence="" if verdict == REPRODUCED else self.defence,
            remark=remark,
        )


def _quartile(values: np.ndarray) -> float:
    """The value below which less than a quarter lie, of four or fewer the smallest; one of them, so it may be inf."""
    return float(np.quantile(values, 0.25, method="inverted_cdf"))


@dataclass(frozen=True)
class Judged:
    """A claim with what was measured at one seed, in plain numbers and words that JSON can hold.

    Parameters
    ----------
    key, place, statement, source, fixed : str
        As in :class:`Claim`.
    criterion : str
        The sentence of quantity, criterion and size.
    median, low, high, lower_quartile, upper_quartile : float
        Of the measured values; the quartiles are values, of four or fewer the extremes.
    replicates : int
        How many values: of runs, or of whatever else quantity and criterion name (pairs, layers, widths).
    verdict : str
        `reproduced`, `contradicted` or `open`.
    why, defence : str
        As in :class:`Claim`, empty when reproduced.
    remark : str
        What left it open.
    """

    key: str
    place: str
    statement: str
    criterion: str
    source: str
    fixed: str
    median: float
    low: float
    high: float
    lower_quartile: float
    upper_quartile: float
    replicates: int
    verdict: str
    why: str = ""
    defence: str = ""
    remark: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, in what JSON has: a number without end is "inf" or "-inf"."""
        fields = asdict(self)
        return fields | {name: str(fields[name]) for name in _NUMBERS if np.isinf(fields[name])}

    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> Judged:
        """The inverse of :meth:`to_dict`; fields of an earlier version have the extremes for quartiles."""
        fields = {"lower_quartile": fields["low"], "upper_quartile": fields["high"], **fields}
        return Judged(**{**fields, **{name: float(fields[name]) for name in _NUMBERS}})

    @property
    def measured(self) -> str:
        """The median, with the spread where there are replicates; four digits, so that none rounds to its bound."""
        middle, low, high = (f"{value:.4g}" for value in (self.median, self.low, self.high))
        return middle if self.replicates == 1 else f"{middle} [{low}, {high}], {self.replicates} values"


def verdict_of(seeds: Sequence[Judged], names: Sequence[str] = ()) -> tuple[str, str]:
    """The verdict that a claim has at several seeds, and a remark: the same at all, or open.

    Parameters
    ----------
    seeds : sequence of Judged
        The same claim at every seed; with only one of them the verdict is that seed's, and the remark says so.
        Where one reproduces and another contradicts, the seed decides; else an open remark is what left it open.
    names : sequence of str, optional
        Of the seeds ("0", "11"), for remarks that are not of all.

    Raises
    ------
    ValueError
        If there is none, or they judge different claims.
    """
    keys = {judged.key for judged in seeds}
    if len(keys) != 1:
        raise ValueError(f"seeds must judge one claim, got {', '.join(sorted(keys)) or 'none'}")
    verdicts = {judged.verdict for judged in seeds}
    if {REPRODUCED, CONTRADICTED} <= verdicts:
        return OPEN, SEED_DECIDES
    if len(seeds) == 1:
        return seeds[0].verdict, "one seed"
    if OPEN not in verdicts:
        return seeds[0].verdict, ""
    reasons: dict[str, list[str]] = {}
    for judged, name in zip(seeds, names or [""] * len(seeds), strict=True):
        if judged.verdict == OPEN:
            reasons.setdefault(judged.remark, []).append(name)
    if len(verdicts) == len(reasons) == 1 or not names:
        return OPEN, "; ".join(reasons)
    places = {reason: " and ".join(f"seed {name}" for name in which) for reason, which in reasons.items()}
    return OPEN, "; ".join(f"at {place} {reason}" for reason, place in places.items())
