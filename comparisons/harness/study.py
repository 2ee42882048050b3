"""The vocabulary: one question put to several models, answered by verdicts. Knows no phenomenon and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OFF = " (off)"  # suffix of the row that shows a model with its knob turned off
OUTCOMES = ("shown", "absent", "unclear", "silent", "failed")


@dataclass(frozen=True)
class BaseParams:
    """What every study's parameters have besides its own: where to compute and where the data lie.

    Parameters
    ----------
    device : str
        "auto", "cpu" or "cuda"; only torch models look at it.
    data : str, optional
        Folder with data sets, handed to :func:`dnn.data.load`.
    scratch : Path, optional
        Folder of this run for checkpoints, set by the runner.
    """

    device: str = field(default="auto", kw_only=True)
    data: str | None = field(default=None, kw_only=True)
    scratch: Path | None = field(default=None, kw_only=True)


Adapter = Callable[[Any, np.random.Generator], Trajectory]


@dataclass(frozen=True)
class Silent:
    """A family that cannot answer the question, and why."""

    why: str


@dataclass(frozen=True)
class Knob:
    """A model with the switch that removes the phenomenon: the same seed runs it on and off.

    Parameters
    ----------
    on, off : callables (params, rng) -> Trajectory
        The model, and its negative control.
    text : str
        What is turned, for the table: "initial scale 3 -> 0.03".
    """

    on: Adapter
    off: Adapter
    text: str


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
        `absent` below the first, `shown` from the second; fixed in the study's parameters.
    note : str
        Why it is silent, failed or unclear, or what else the reader must know.
    predicted, measured : float, optional
        A closed form's prediction beside the measured median, in the model's own units.
    """

    outcome: str
    scores: tuple[float, ...] = ()
    thresholds: tuple[float, float] = (np.nan, np.nan)
    note: str = ""
    predicted: float | None = None
    measured: float | None = None

    def __post_init__(self):
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}, got {self.outcome!r}")

    @staticmethod
    def from_scores(scores: Sequence[float], absent_below: float, shown_from: float, **more: Any) -> Verdict:
        """Judge the median: `shown` from `shown_from`, `absent` below `absent_below`, else or if infinite `unclear`."""
        if not len(scores):
            raise ValueError("scores must not be empty")
        if not absent_below <= shown_from:
            raise ValueError(f"absent_below must be <= shown_from, got {absent_below} and {shown_from}")
        median = float(np.median(scores))
        if not np.isfinite(median):
            outcome = "unclear"
        elif median >= shown_from:
            outcome = "shown"
        else:
            outcome = "absent" if median < absent_below else "unclear"
        return Verdict(outcome, tuple(map(float, scores)), (absent_below, shown_from), **more)

    @property
    def score(self) -> float:
        """Median over replicates; NaN when there is none."""
        return float(np.median(self.scores)) if self.scores else float("nan")

    @property
    def absent_in_every_replicate(self) -> bool:
        """What a negative control owes: every single score below the lower threshold."""
        return bool(self.scores) and max(self.scores) < self.thresholds[0]


Runs = Mapping[str, Sequence[Trajectory]]


@dataclass(frozen=True)
class Study:
    """One question, put to several models with one score.

    Parameters
    ----------
    name : str
        Module name, also the results folder.
    question : str
        The question in words, with its level and thresholds.
    presets : mapping of str to BaseParams
        At least "quick" and "paper".
    models : mapping of str to adapter, Knob or Silent
        Each adapter maps (params, rng) to a Trajectory. The longest goes last: the runner starts with it.
    judge : callable (replicates, params) -> Verdict
        Reduces the runs of one row to a dimensionless score and a verdict.
    plot : callable (runs, verdicts, params) -> Figure
        Draws what the runs contain; computes nothing.
    controls : tuple of str
        Rows besides the knobs' off rows that must come out `absent` in every replicate.
    details : callable (runs, params) -> str, optional
        More lines to print under the table.
    on_request : tuple of str
        Models that run only when they are named, since they take long or say the same again.
    """

    name: str
    question: str
    presets: Mapping[str, BaseParams]
    models: Mapping[str, Adapter | Knob | Silent]
    judge: Callable[[Sequence[Trajectory], Any], Verdict]
    plot: Callable[[Runs, Mapping[str, Verdict], Any], Figure]
    controls: tuple[str, ...] = ()
    details: Callable[[Runs, Any], str] | None = None
    on_request: tuple[str, ...] = ()

    def __post_init__(self):
        for field_name in ("controls", "on_request"):
            for name in getattr(self, field_name):
                if name not in self.models:
                    raise ValueError(f"{field_name} must name models, got {name!r}")

    def adding(self, **models: Adapter | Knob | Silent) -> Study:
        """This study with more models, or with some replaced."""
        return replace(self, models={**self.models, **models})

    def rows(self, names: Sequence[str] | None = None) -> dict[str, Adapter | Silent]:
        """Row name -> adapter for the chosen models (all but those on request, if None); a Knob gives two rows."""
        rows: dict[str, Adapter | Silent] = {}
        for name in names or [name for name in self.models if name not in self.on_request]:
            model = self.models[name]
            if isinstance(model, Knob):
                rows[name], rows[name + OFF] = model.on, model.off
            else:
                rows[name] = model
        return rows

    def is_control(self, row: str) -> bool:
        """Whether this row must come out `absent` in every replicate."""
        return row.endswith(OFF) or row in self.controls
