"""Criteria: bounds on what is measured in all replicates, that print their own sentences and say where runs disagree.

Two or three runs that fall on both sides of a bound decide nothing, whichever side their median lies on, and no median
does of which half of the runs or more say the opposite when each is judged alone:

>>> every_run.between(1, 2).split_by([1.5, 1.55]), (median > 1).split_by([0.9, 1.1, 1.2])
(False, True)
>>> [(median > 1).split_by(runs) for runs in ([0, 0, 3, 3], [0, 2, 3, 3])]
[True, False]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toymodels.validation import numeric

FEW_RUNS = 3  # up to which runs on both sides of a bound leave a claim open
WITHIN_SPREAD = "the bound lies within the spread of {} values"
NO_MAJORITY = "no more than half of {} values agree with their median"


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
    agreed : callable (values (n,)) -> bool or None, optional
        The test with None, too, where a median in it has no majority of its runs.
    """

    sentence: str
    test: Callable[[np.ndarray], bool | None]
    of_runs: int = 0
    agreed: Callable[[np.ndarray], bool | None] | None = None

    def met_by(self, values: Sequence[float] | np.ndarray) -> bool | None:
        """Whether `values` (n,) meet the criterion; None where they cannot decide."""
        measured = np.atleast_1d(numeric("values", values))
        if not measured.size:
            raise ValueError("values must hold at least one number, got none")
        return self.test(measured)

    def split_by(self, values: Sequence[float] | np.ndarray) -> bool:
        """Whether the runs of `values` (n,) disagree so that they decide nothing, see :meth:`split`."""
        return bool(self.split(values))

    def split(self, values: Sequence[float] | np.ndarray) -> str:
        """How the runs of `values` (n,), each judged alone, disagree so that they decide nothing; empty if they decide.

        Two or three runs of one part do when they fall on both sides, a median does without a majority of its runs.
        """
        values = np.atleast_1d(numeric("values", values))
        parts = np.array_split(values, self.of_runs) if self.of_runs else []
        if any({True, False} <= {self.test(run[None]) for run in part} for part in parts if len(part) <= FEW_RUNS):
            return WITHIN_SPREAD.format(values.size)
        undecided = self.test(values) is not None and self._agreed(values) is None
        return NO_MAJORITY.format(values.size) if undecided else ""

    def _agreed(self, values: np.ndarray) -> bool | None:
        return (self.agreed or self.test)(values)

    def open_if(self, other: Criterion, words: str = "") -> Criterion:
        """This criterion, left open where the values meet `other`; `words` say what that means."""

        def test(values: np.ndarray) -> bool | None:
            return None if other.test(values) else self.test(values)

        def agreed(values: np.ndarray) -> bool | None:
            return None if other.test(values) else self._agreed(values)

        return Criterion(f"{self.sentence} (open if {words or other.sentence})", test, self.of_runs, agreed)

    def __and__(self, other: Criterion) -> Criterion:
        runs = max(self.of_runs, other.of_runs)
        sentences = (_closed(each.sentence, " or ") for each in (self, other))
        return Criterion(
            " and ".join(sentences),
            lambda v: _both(self.test(v), other.test(v)),
            runs,
            lambda v: _both(self._agreed(v), other._agreed(v)),
        )

    def __or__(self, other: Criterion) -> Criterion:
        runs = max(self.of_runs, other.of_runs)
        sentences = (_closed(each.sentence, " and ") for each in (self, other))
        return Criterion(
            " or ".join(sentences),
            lambda v: _either(self.test(v), other.test(v)),
            runs,
            lambda v: _either(self._agreed(v), other._agreed(v)),
        )

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
    majority : bool
        Whether it is of a typical run: then more than half of the runs of every part must agree with it.
    """

    words: str
    of: Callable[[np.ndarray], Any]
    share: float = 1.0
    of_runs: int = 0
    throughout: bool = False
    majority: bool = False

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

        def agreed(values: np.ndarray) -> bool | None:
            parts = [part for part in np.array_split(values, self.of_runs) if part.size]
            sides = [np.mean(passes(part) == passes(np.median(part))) > 0.5 for part in parts]
            return test(values) if all(sides) else None

        return Criterion(f"{self.words} {bound}", test, self.of_runs, agreed if self.majority else None)


every_run = Statistic("every run", lambda values: values, of_runs=1, throughout=True)
value = Statistic("value", lambda values: values)  # of what is measured once
some_run = Statistic("some run", lambda values: values, share=np.finfo(float).tiny)
median = Statistic("median", np.median, of_runs=1, majority=True)
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

    return Statistic(f"median of each {what}", medians, of_runs=parts, majority=True)
