"""Judging a formula: at drawn points, in the cases a problem names, and in its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from docs.check.differences import close, difference
from docs.check.expressions import Expression, Refused, read
from docs.check.judgement import Judgement, refused, right, wrong

POINTS = 48
SCALES = (2.0, 0.5, -1.0, 4.0, 0.25)  # by which a symbol may have been mistaken
SCALE_NAMES = ("2 {0}", "{0}/2", "-{0}", "4 {0}", "{0}/4")
IN_A_LIMIT = 1e-5  # how well an answer agrees where it is right only in the limit


@dataclass(frozen=True)
class Span:
    """Where a symbol's values are drawn.

    Parameters
    ----------
    low, high : float
        Over a positive span of more than a factor ten the draws are even in the logarithm.
    whole : bool
        Integers only.
    """

    low: float
    high: float
    whole: bool = False

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """`n` values.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator
        """
        if self.whole:
            return rng.integers(int(self.low), int(self.high) + 1, n).astype(float)
        if self.low > 0 and self.high > 10 * self.low:
            return np.exp(rng.uniform(np.log(self.low), np.log(self.high), n))
        return rng.uniform(self.low, self.high, n)


Truth = Callable[..., Any]


@dataclass(frozen=True)
class Formula:
    """An answer that is a formula in given symbols.

    Parameters
    ----------
    asks : str
        What is asked for, in a line.
    truth : callable
        From a value per symbol, as keywords, to the exact answer, a number; an exact solution of `toymodels`.
    symbols : mapping
        Name to :class:`Span`.
    cases : mapping, optional
        Words such as "S > 0" to a test of the symbols' values (arrays, as keywords).
    limits : mapping, optional
        Words such as "t = 0" or "late times" to the values that some symbols have there.
    given : callable, optional
        Which draws are allowed, a test like those of `cases`.
    """

    asks: str
    truth: Truth
    symbols: Mapping[str, Span]
    cases: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    given: Callable[..., Any] | None = None

    def judge(self, answer: Any) -> Judgement:
        """Whether the formula `answer` is right, and if not where and how it differs.

        Parameters
        ----------
        answer : str
        """
        try:
            expression = read(answer, self.symbols)
        except Refused as refusal:
            return refused(str(refusal))
        return _Comparison(self, expression).judgement()

    def points(self, n: int = POINTS) -> dict[str, np.ndarray]:
        """The points at which answers are compared, the same ones each time.

        Parameters
        ----------
        n : int
        """
        rng = np.random.default_rng(20)
        drawn = {name: span.draw(8 * n, rng) for name, span in self.symbols.items()}
        allowed = np.ones(8 * n, bool) if self.given is None else np.asarray(self.given(**drawn))
        return {name: values[allowed][:n] for name, values in drawn.items()}

    @cached_property
    def drawn(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """These points, and the truth there."""
        points = self.points()
        return points, self.values(points)

    def values(self, points: Mapping[str, np.ndarray]) -> np.ndarray:
        """The truth at `points`.

        Parameters
        ----------
        points : mapping of (n,) arrays
        """
        rows = zip(*points.values(), strict=True)
        return np.array([float(self.truth(**dict(zip(points, map(float, row), strict=True)))) for row in rows])


class _Comparison:
    """One answer beside the truth."""

    def __init__(self, problem: Formula, expression: Expression):
        self.problem, self.expression = problem, expression
        self.points, self.truth = problem.drawn
        self.mine = self.evaluate(self.points)

    def evaluate(self, points: Mapping[str, np.ndarray]) -> np.ndarray:
        rows = zip(*points.values(), strict=True)
        return np.array([self.expression.value(dict(zip(points, row, strict=True))) for row in rows])

    def judgement(self) -> Judgement:
        latex = self.expression.latex()
        found = self.difference(self.mine, self.truth, self.points)
        if found == "right":
            bad = [name for name, good in self.limits() if not good]
            return wrong(f"right, but not in the limit: {bad[0]}", latex) if bad else right(understood=latex)
        words = found or self.by_case() or self.mistaken() or self.by_limit() or self.somewhere()
        return wrong("; ".join(part for part in (words, self.expression.note) if part), latex)

    def difference(self, mine: np.ndarray, truth: np.ndarray, points: Mapping[str, np.ndarray]) -> str | None:
        counts = [name for name, span in self.problem.symbols.items() if span.whole]
        return difference(mine, truth, points, counts=counts)

    def mistaken(self) -> str | None:
        """One symbol taken for a multiple of itself, or two for each other."""
        n = min(12, len(self.truth))
        points, mine = {name: values[:n] for name, values in self.points.items()}, self.mine[:n]
        used = [name for name in points if name in self.expression.symbols]
        for name in used:
            for scale, words in zip(SCALES, SCALE_NAMES, strict=True):
                if self.agrees(mine, points | {name: scale * points[name]}):
                    return f"right if {name} were {words.format(name)}: look where {name} enters"
        for i, one in enumerate(used):
            for other in used[i + 1 :]:
                if self.agrees(mine, points | {one: points[other], other: points[one]}):
                    return f"right if {one} and {other} were exchanged"
        return None

    def agrees(self, mine: np.ndarray, points: Mapping[str, np.ndarray]) -> bool:
        for some in (slice(0, 2), slice(2, None)):  # most slips are ruled out by two points
            try:
                with np.errstate(all="ignore"):
                    truth = self.problem.values({name: values[some] for name, values in points.items()})
            except Exception:  # the truth is not defined there, and says so in a way of its own
                return False
            if not (np.isfinite(truth).all() and close(mine[some], truth).all()):
                return False
        return True

    def by_case(self) -> str | None:
        found = {}
        for name, test in self.problem.cases.items():
            chosen = np.asarray(test(**self.points))
            points = {symbol: values[chosen] for symbol, values in self.points.items()}
            found[name] = self.difference(self.mine[chosen], self.truth[chosen], points) or "wrong"
        good = [name for name, words in found.items() if words == "right"]
        if not good:
            return None
        bad = [f"{words} for {name}" for name, words in found.items() if words != "right"]
        return f"right for {' and '.join(good)}, {', '.join(bad)}"

    def limits(self) -> list[tuple[str, bool]]:
        """Whether the answer agrees in each limit."""
        found = []
        for name, values in self.problem.limits.items():
            points = {symbol: drawn[:12].copy() for symbol, drawn in self.points.items()}
            points |= {symbol: np.full(len(self.truth[:12]), value) for symbol, value in values.items()}
            truth, mine = self.problem.values(points), self.evaluate(points)
            found.append((name, bool(close(mine, truth, IN_A_LIMIT, self.truth).all())))
        return found

    def by_limit(self) -> str | None:
        found = self.limits()
        good, bad = [name for name, fine in found if fine], [name for name, fine in found if not fine]
        if not good:
            return None
        rest = f"wrong {' and '.join(bad)}" if bad else "wrong in between"
        return f"right {' and '.join(good)}, {rest}. {self.somewhere()}"

    def somewhere(self) -> str:
        """The point at which the two differ most, without the answer itself."""
        gap = np.abs(self.mine - self.truth) / np.maximum(np.abs(self.truth), np.finfo(float).tiny)
        k = int(np.where(np.isfinite(gap), gap, np.inf).argmax())
        place = ", ".join(f"{name} = {values[k]:.3g}" for name, values in self.points.items())
        if not np.isfinite(self.mine[k]):
            return f"At {place} it is not a finite real number"
        size = abs(self.mine[k] / self.truth[k] - 1) if self.truth[k] else np.inf
        if np.sign(self.mine[k]) != np.sign(self.truth[k]):
            how = "of the wrong sign"
        else:
            much = f"{100 * size:.3g} %" if size < 10 else f"a factor {size + 1:.3g}"
            how = f"{much} too {'large' if abs(self.mine[k]) > abs(self.truth[k]) else 'small'}"
        return f"At {place} yours is {self.mine[k]:.4g}, {how}"
