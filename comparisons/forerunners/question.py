"""What is asked: as in `order_parameters`, of other events. `test` is the score whose level is the event.

`meta` names both levels. The weight norm counts like any other quantity, since nothing decays here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comparisons.harness.verdict import Verdict
from comparisons.order_parameters.question import Question, judge_ensemble
from toymodels.trajectory import Trajectory

NOTHING = "nothing foretells it better than the score itself"


def judge(runs: Sequence[Trajectory], asked: Any) -> Verdict:
    """Decades by which the best quantity's critical value foretells the event beyond the score itself and the clock."""
    return judge_ensemble(runs, asked, aside=(), nothing=NOTHING)


__all__ = ["NOTHING", "Question", "judge"]
