"""What comes of one question put to one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from toymodels.validation import finite, numeric, text

OUTCOMES = ("shown", "absent", "unclear", "silent", "failed")


@dataclass(frozen=True)
class Verdict:
    """One row of the answer.

    Parameters
    ----------
    outcome : str
        One of `shown absent unclear silent failed`.
    scores : tuple of float
        One dimensionless score per replicate.
    thresholds : (float, float)
        `absent` below the first, `shown` from the second; fixed in the study's question.
    note : str
        Why it is silent, failed or unclear, or what else the reader must know.
    predicted, measured : float, optional
        A closed form's prediction beside the measured median, in the model's own units.

    Raises
    ------
    ValueError
        For an outcome that is none, or scores, thresholds or times that are no real numbers; NaN is one, where there is
        no score.

    Examples
    --------
    >>> Verdict.from_scores([0.1, 0.7, 0.9], 0.3, 0.5).outcome
    'shown'
    """

    outcome: str
    scores: tuple[float, ...] = ()
    thresholds: tuple[float, float] = (np.nan, np.nan)
    note: str = ""
    predicted: float | None = None
    measured: float | None = None

    def __post_init__(self):
        if not isinstance(self.outcome, str) or self.outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}, got {self.outcome!r}")
        object.__setattr__(self, "scores", _numbers("scores", self.scores))
        object.__setattr__(self, "thresholds", _numbers("thresholds", self.thresholds))
        if len(self.thresholds) != 2:
            raise ValueError(f"thresholds must be two numbers, got {self.thresholds}")
        for name in ("predicted", "measured"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else float(_numbers(name, [value])[0]))
        text("note", self.note)

    @staticmethod
    def from_scores(scores: Sequence[float], absent_below: float, shown_from: float, **more: Any) -> Verdict:
        """Judge the median of `scores`; `more` fields of the verdict may follow.

        `shown` from `shown_from`, `absent` below `absent_below`, else, or if it is infinite, `unclear`.
        """
        scores = _numbers("scores", scores)
        absent_below = float(finite("absent_below", absent_below, ndim=0))
        shown_from = float(finite("shown_from", shown_from, ndim=0))
        if not scores:
            raise ValueError("scores must not be empty")
        if not absent_below <= shown_from:
            raise ValueError(f"absent_below must be <= shown_from, got {absent_below} and {shown_from}")
        median = _median(scores)
        if not np.isfinite(median):
            outcome = "unclear"
        elif median >= shown_from:
            outcome = "shown"
        else:
            outcome = "absent" if median < absent_below else "unclear"
        return Verdict(outcome, scores, (absent_below, shown_from), **more)

    @staticmethod
    def unclear(why: str, scores: Sequence[float] = (), **more: Any) -> Verdict:
        """A condition of the score decided, not the size of `scores`; `why` names it, `more` fields may follow."""
        return Verdict("unclear", _numbers("scores", scores), note=why, **more)

    @property
    def score(self) -> float:
        """Median over replicates; NaN when there is none."""
        return _median(self.scores) if self.scores else float("nan")

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest score over replicates; NaN when there is none, or when a replicate has none."""
        return (float(np.min(self.scores)), float(np.max(self.scores))) if self.scores else (np.nan, np.nan)

    @property
    def absent_in_every_replicate(self) -> bool:
        """What a negative control owes: every single score below the lower threshold."""
        return bool(self.scores) and self.spread[1] < self.thresholds[0]

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, for JSON, which has no NaN and no infinity: these become words."""
        numbers = {name: [_plain(x) for x in getattr(self, name)] for name in ("scores", "thresholds")}
        return {**asdict(self), **numbers, "predicted": _plain(self.predicted), "measured": _plain(self.measured)}

    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> Verdict:
        """The inverse of :meth:`to_dict`, also after `fields` went through JSON."""
        numbers = {name: tuple(_number(x) for x in fields[name]) for name in ("scores", "thresholds")}
        more = {name: _number(fields.get(name)) for name in ("predicted", "measured")}
        return Verdict(**{**fields, **numbers, **more})


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    """Real numbers (n,), infinity among them, as a tuple of floats; NaN is the one that is equal to itself there."""
    array = numeric(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have 1 dimension(s), got shape {array.shape}")
    return tuple(np.nan if np.isnan(value) else float(value) for value in array)


def _median(scores: Sequence[float]) -> float:
    """NaN between the two infinities, too."""
    with np.errstate(invalid="ignore"):
        return float(np.median(scores))


def _plain(value: float | None) -> float | str | None:
    return value if value is None or np.isfinite(value) else str(float(value))


def _number(value: float | str | None) -> Any:
    """NaN as the one that is equal to itself in tuples."""
    return None if value is None else np.nan if np.isnan(float(value)) else float(value)
