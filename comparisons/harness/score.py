"""The score of one model as a function of its settings, for sweeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.report import plain_name
from comparisons.harness.settings import changed
from comparisons.harness.verdict import Verdict
from toymodels.run.engine import one_thread
from toymodels.trajectory import Trajectory
from toymodels.validation import generator

Judge = Callable[[Sequence[Trajectory], Any], Verdict]


@dataclass(frozen=True)
class Score:
    """One model's score as a function of its settings.

    Parameters
    ----------
    study, model : str
    run : callable (settings, rng) -> Trajectory
    settings : dataclass
        What is not given in a call.
    judge : callable (runs, question) -> Verdict
    question : dataclass
    """

    study: str
    model: str
    run: Callable[[Any, np.random.Generator], Trajectory]
    settings: Any
    judge: Judge
    question: Any

    nan_is_an_answer = True  # a sweep takes NaN of it for "no score there"

    @property
    def label(self) -> str:
        """How a sweep calls it: "grokking.score('layerwise')"."""
        return f"{self.study}.score({self.model!r})"

    def __call__(self, *, rng: np.random.Generator, **settings: Any) -> dict[str, float]:
        """Run once with these settings and judge the run."""
        with one_thread():
            run = self.run(changed(self.settings, settings, f"{plain_name(self.model)}."), generator("rng", rng))
        verdict = self.judge([run], self.question)
        numbers = {"score": verdict.score, "measured": verdict.measured, "predicted": verdict.predicted}
        return {name: float("nan") if value is None else float(value) for name, value in numbers.items()}
