"""Claims, whose sentence cannot part from their test: what is said, what is measured, and the bound that decides.

A claim names a *quantity* (words, and the function that measures it) and a *criterion*, an object that judges the
measured values of all replicates and prints its own sentence:

>>> criterion = every_run.between(1, 2) & (spread < 0.1)
>>> print(criterion)
every run in [1, 2] and spread < 0.1
>>> criterion.met_by([1.5, 1.55])
True

Two or three runs that fall on both sides of a bound decide nothing, whichever side their median lies on:

>>> criterion.split_by([1.5, 1.55]), (median > 1).split_by([0.9, 1.1, 1.2])
(False, True)

The same class serves the papers' figures and the criteria of every family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

REPRODUCED, CONTRADICTED, OPEN = "reproduced", "contradicted", "open"
PAPER, READING, CONTROL = "paper", "reading", "control"  # said by the paper; our reading of it; our own control
BEFORE, AFTER = "before", "after exploration"  # when the criterion was fixed: before any run, or after looking at one
SEED_DECIDES = "depends on the seed"
_NUMBERS = ("median", "low", "high")  # of a verdict
FEW_RUNS = 3  # up to which runs on both sides of a bound leave a claim open
WITHIN_SPREAD = "the bound lies within the spread of {} runs"


@dataclass(frozen=True)
class Criterion:
    """A test of the values measured in all replicates, with its sentence.

    Parameters
    ----------
    sentence : str
        What must hold, in words.
    test : callable (values (n,)) -> bool or None
        Whether it does; None where these values cannot decide.
    of_runs : int
        In how many equal parts (networks, panels) the values are of runs, which scatter, and the bound is on a typical
        or on every one of them; 0 where they are of something else.
    """

    sentence: str
    test: Callable[[np.ndarray], bool | None]
    of_runs: int = 0

    def met_by(self, values: Sequence[float] | np.ndarray) -> bool | None:
        """Whether `values` (n,) meet the criterion; None where they cannot decide."""
        measured = np.atleast_1d(np.asarray(values, dtype=float))
        if not measured.size:
            raise ValueError("values must hold at least one number, got none")
        return self.test(measured)

    def split_by(self, values: Sequence[float] | np.ndarray) -> bool:
        """Whether two or three runs of one part of `values` (n,) fall on both sides, each judged alone."""
        values = np.atleast_1d(np.asarray(values, dtype=float))
        parts = np.array_split(values, self.of_runs) if self.of_runs else []
        return any({True, False} <= {self.test(run[None]) for run in part} for part in parts if len(part) <= FEW_RUNS)

    def open_if(self, other: Criterion, words: str = "") -> Criterion:
        """This criterion, left open where the values meet `other`; `words` say what that means."""

        def test(values: np.ndarray) -> bool | None:
            return None if other.test(values) else self.test(values)

        return Criterion(f"{self.sentence} (open if {words or other.sentence})", test, self.of_runs)

    def __and__(self, other: Criterion) -> Criterion:
        runs = max(self.of_runs, other.of_runs)
        sentences = (_closed(each.sentence, " or ") for each in (self, other))
        return Criterion(" and ".join(sentences), lambda v: _both(self.test(v), other.test(v)), runs)

    def __or__(self, other: Criterion) -> Criterion:
        runs = max(self.of_runs, other.of_runs)
        sentences = (_closed(each.sentence, " and ") for each in (self, other))
        return Criterion(" or ".join(sentences), lambda v: _either(self.test(v), other.test(v)), runs)

    def __bool__(self) -> bool:
        raise TypeError("a criterion is neither true nor false before it is tested: write (x > a) & (x < b)")

    def __str__(self) -> str:
        return self.sentence


def _closed(sentence: str, word: str) -> str:
    """The sentence, in brackets where it would else be read apart at `word`."""
    return f"({sentence})" if word in sentence else sentence


def _exact(bound: float) -> str:
    """A bound as it is compared, in as few digits as say it."""
    short = f"{bound:g}"
    return short if float(short) == float(bound) else repr(float(bound))


def _both(first: bool | None, second: bool | None) -> bool | None:
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def _either(first: bool | None, second: bool | None) -> bool | None:
    if first or second:
        return True
    return None if first is None or second is None else False


@dataclass(frozen=True)
class Statistic:
    """What of the values is compared with a bound; comparing it gives a :class:`Criterion`.

    Parameters
    ----------
    words : str
        How it is called in a sentence.
    of : callable (values (n,)) -> values
        The number or numbers that are compared.
    share : float
        Of these, how many must pass.
    of_runs : int
        As in :class:`Criterion`.
    throughout : bool
        Whether one exception refutes: then an exact value is missed by a single run, however few there are.
    """

    words: str
    of: Callable[[np.ndarray], Any]
    share: float = 1.0
    of_runs: int = 0
    throughout: bool = False

    def __gt__(self, bound: float) -> Criterion:
        return self._criterion(f"> {_exact(bound)}", lambda value: value > bound)

    def __ge__(self, bound: float) -> Criterion:
        return self._criterion(f">= {_exact(bound)}", lambda value: value >= bound)

    def __lt__(self, bound: float) -> Criterion:
        return self._criterion(f"< {_exact(bound)}", lambda value: value < bound)

    def __le__(self, bound: float) -> Criterion:
        return self._criterion(f"<= {_exact(bound)}", lambda value: value <= bound)

    def equals(self, bound: float) -> Criterion:
        """Exactly `bound`."""
        exact = self._criterion(f"= {_exact(bound)}", lambda value: value == bound)
        return replace(exact, of_runs=0) if self.throughout else exact

    def between(self, low: float, high: float) -> Criterion:
        """In [`low`, `high`], ends included."""
        if not low <= high:
            raise ValueError(f"low must be <= high, got {low:g} and {high:g}")
        return self._criterion(f"in [{_exact(low)}, {_exact(high)}]", lambda value: (value >= low) & (value <= high))

    def within(self, tolerance: float, of: float) -> Criterion:
        """Less than `tolerance` away from the number `of`."""
        return self._criterion(
            f"within {_exact(tolerance)} of {_exact(of)}", lambda value: np.abs(value - of) < tolerance
        )

    def _criterion(self, bound: str, passes: Callable[[np.ndarray], Any]) -> Criterion:
        def test(values: np.ndarray) -> bool:
            return bool(np.mean(passes(np.asarray(self.of(values)))) >= self.share)

        return Criterion(f"{self.words} {bound}", test, self.of_runs)


every_run = Statistic("every run", lambda values: values, of_runs=1, throughout=True)
some_run = Statistic("some run", lambda values: values, share=np.finfo(float).tiny)
median = Statistic("median", np.median, of_runs=1)
mean = Statistic("mean", np.mean, of_runs=1)
spread = Statistic("spread", lambda values: values.max() - values.min())


def every(what: str) -> Statistic:
    """All values, where one is not of a run but of something else.

    >>> print(every("layer") > 0)
    every layer > 0
    """
    return Statistic(f"every {what}", lambda values: values)


def share_of_runs(share: float) -> Statistic:
    """At least this share of the values.

    >>> print(share_of_runs(0.9) < 1)
    90% of the runs < 1
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share}")
    return Statistic(f"{100 * share:.4g}% of the runs", lambda values: values, share, of_runs=1)


def median_of_each(what: str, parts: int) -> Statistic:
    """The median of every one of `parts` equal parts, one after the other, of the values: of runs of several networks.

    >>> (median_of_each("network", 2) > 0).met_by([-1, 1, 2, 3, 4, 5])
    True
    """
    if parts < 1:
        raise ValueError(f"parts must be >= 1, got {parts}")

    def medians(values: np.ndarray) -> np.ndarray:
        return np.array([np.median(part) for part in np.array_split(values, parts) if part.size])

    return Statistic(f"median of each {what}", medians, of_runs=parts)


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
    """Which data can contradict a claim; others leave an unmet criterion open.

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
        size = f"; decided with {self.decisive.words}" if self.decisive else ""
        return f"{self.quantity.words}: {self.criterion}{size}"

    def judge(self, data: Any) -> Judged:
        """The claim with what `data` say: `reproduced`, `contradicted`, or `open` where they cannot decide.

        Raises
        ------
        ValueError
            If the quantity is no number in some replicate.
        """
        values = np.atleast_1d(np.asarray(self.quantity.measure(data), dtype=float))
        if values.size == 0 or np.isnan(values).any():
            raise ValueError(f"claim {self.key} must measure numbers, got {values}")
        met = self.criterion.met_by(values)
        split = self.criterion.split_by(values)
        if split or (met is False and self.decisive is not None and not self.decisive.holds(data)):
            met = None
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
            replicates=values.size,
            verdict=verdict,
            why="" if verdict == REPRODUCED else self.why,
            defence="" if verdict == REPRODUCED else self.defence,
            remark=WITHIN_SPREAD.format(values.size) if split else "",
        )


@dataclass(frozen=True)
class Judged:
    """A claim with what was measured at one seed, in plain numbers and words that JSON can hold.

    Parameters
    ----------
    key, place, statement, source, fixed : str
        As in :class:`Claim`.
    criterion : str
        The sentence of quantity, criterion and size.
    median, low, high : float
        Of the measured values.
    replicates : int
        How many values.
    verdict : str
        `reproduced`, `contradicted` or `open`.
    why, defence : str
        As in :class:`Claim`, empty when reproduced.
    remark : str
        What left it open, if the spread of few runs did.
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
        """The inverse of :meth:`to_dict`."""
        return Judged(**{**fields, **{name: float(fields[name]) for name in _NUMBERS}})

    @property
    def measured(self) -> str:
        """The median, with the spread where there are replicates; four digits, so that none rounds to its bound."""
        middle, low, high = (f"{value:.4g}" for value in (self.median, self.low, self.high))
        return middle if self.replicates == 1 else f"{middle} [{low}, {high}], {self.replicates} runs"


def verdict_of(seeds: Sequence[Judged]) -> tuple[str, str]:
    """The verdict that a claim has at several seeds, and a remark: the same at all, or open.

    Parameters
    ----------
    seeds : sequence of Judged
        The same claim at every seed; with only one of them the verdict is that seed's, and the remark says so. Where
        all are open, the remark is what left one of them so.

    Raises
    ------
    ValueError
        If there is none, or they judge different claims.
    """
    keys = {judged.key for judged in seeds}
    if len(keys) != 1:
        raise ValueError(f"seeds must judge one claim, got {', '.join(sorted(keys)) or 'none'}")
    verdicts = {judged.verdict for judged in seeds}
    if len(verdicts) > 1:
        return OPEN, SEED_DECIDES
    if len(seeds) == 1:
        return seeds[0].verdict, "one seed"
    return seeds[0].verdict, next((judged.remark for judged in seeds if judged.remark), "")
