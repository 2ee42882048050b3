"""Judging a number with its unit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from docs.check.differences import nice
from docs.check.expressions import Refused, read
from docs.check.judgement import Judgement, refused, right, wrong

# unit: what it measures, and how much of the first unit of that kind one of it is
UNITS = {
    "": ("a plain number", 1.0),
    "%": ("a plain number", 0.01),
    "percent": ("a plain number", 0.01),
    "times": ("a plain number", 1.0),
    "flow time": ("a time", 1.0),
    "steps": ("a number of steps", 1.0),
    "decades": ("a ratio of times", 1.0),
    "e-folds": ("a ratio of times", 1 / np.log(10)),
    "octaves": ("a ratio of times", np.log10(2)),
    "bits": ("information", 1.0),
    "nats": ("information", 1 / np.log(2)),
    "neurons": ("a number of neurons", 1.0),
    "samples": ("a number of samples", 1.0),
    "degrees": ("an angle", 1.0),
    "radians": ("an angle", 180 / np.pi),
}
SINGULAR = {name[:-1]: name for name in UNITS if name.endswith("s")}
MULTIPLES = (2, 0.5, 4, 0.25, 10, 0.1, np.log(10), 1 / np.log(10), np.log(2), 1 / np.log(2), np.pi, 1 / np.pi)


@dataclass(frozen=True)
class Number:
    """An answer that is a number with a unit.

    Parameters
    ----------
    asks : str
        What is asked for, in a line.
    truth : callable
        Without arguments, the exact number in `unit`.
    unit : str
        One of :data:`UNITS`; units of the same kind are converted.
    within : float
        Relative tolerance: how many digits are asked for.
    """

    asks: str
    truth: Callable[[], float]
    unit: str = ""
    within: float = 5e-3

    def judge(self, answer: Any) -> Judgement:
        """Whether the number `answer` is right, and if not what kind of mistake explains it.

        Parameters
        ----------
        answer : str or float
            Such as "4.6 flow time", "log(99) / 2 flow time" or "37 %".
        """
        try:
            value, unit = quantity(answer)
        except Refused as refusal:
            return refused(str(refusal))
        if not np.isfinite(value):
            return wrong("it is not a finite real number")
        return self._compared(value, unit)

    def _compared(self, value: float, unit: str) -> Judgement:
        (kind, size), (wanted, base) = UNITS[unit], UNITS[self.unit]
        truth = float(self.truth())
        if kind != wanted:
            if unit == "":
                good = "the number is right, but " if self._close(value, truth) else ""
                return wrong(f"{good}the unit is missing: {wanted} is asked for, in {self.unit}")
            return wrong(f"{unit} measure {kind}, and {wanted} is asked for" + (f", in {self.unit}" * bool(self.unit)))
        converted = value * size / base
        if self._close(converted, truth):
            return right()
        for other, (same, scale) in UNITS.items():
            if same == kind and scale != size and self._close(value * scale / base, truth):
                return wrong(
                    f"the number would be right in {other or 'plain numbers'}, not in {unit or 'plain numbers'}"
                )
        return wrong(self._mistake(converted, truth))

    def _close(self, value: float, truth: float) -> bool:
        return abs(value - truth) <= self.within * max(abs(truth), 1e-12)

    def _mistake(self, value: float, truth: float) -> str:
        if value == 0:
            return "0, which the answer is not"
        if self._close(-value, truth):
            return "wrong sign"
        for multiple in MULTIPLES:
            if self._close(value / multiple, truth):
                return f"off by a factor {nice(multiple)} (yours over the answer)"
        if truth and self._close(value * truth, 1.0):
            return "it is one over the answer"
        if truth and abs(value / truth - 1) < 20 * self.within:
            return f"close, but to be within {100 * self.within:.2g} %: compute it with more digits"
        if np.sign(value) != np.sign(truth):
            return "wrong sign and size"
        return f"too {'large' if abs(value) > abs(truth) else 'small'} by a factor of about {_about(value, truth)}"


def _about(value: float, truth: float) -> str:
    ratio = abs(value / truth) if abs(value) > abs(truth) else abs(truth / value) if value else np.inf
    return f"{ratio:.1g}" if ratio >= 2 else f"{ratio:.2g}"


def quantity(answer: Any) -> tuple[float, str]:
    """The number and the unit of a text such as "log(99)/2 flow time".

    Parameters
    ----------
    answer : str or float

    Raises
    ------
    Refused
        If it is no number, or its unit is not one of :data:`UNITS`.

    Examples
    --------
    >>> quantity("2.5 bits"), quantity("37 %"), quantity(0.5)
    ((2.5, 'bits'), (37.0, '%'), (0.5, ''))
    """
    if isinstance(answer, bool) or not isinstance(answer, str | int | float | np.number):
        raise Refused(f"a number must be text or a number, got {type(answer).__name__}")
    if not isinstance(answer, str):
        return float(answer), ""
    text = " ".join(answer.split())
    names = sorted([*(name for name in UNITS if name), *SINGULAR], key=len, reverse=True)
    for name in names:
        if text.lower().endswith(name):
            before = text[: -len(name)]
            if name == "%" or re.search(r"[\s)]$", before) or (before and before[-1].isdigit()):
                return read(before, ()).value({}), SINGULAR.get(name, name)
    words = re.search(r"[\d)]\s+([A-Za-z][A-Za-z -]*)$", text)
    if words and words.group(1).strip() not in ("pi", "e"):
        units = ", ".join(name for name in UNITS if name)
        raise Refused(f"{words.group(1)[:40]!r} is not a unit here (units: {units})")
    return read(text, ()).value({}), ""
