"""The claims about condensation, each measured and judged.

The thresholds were set after exploratory runs: these are regression criteria, not pre-registered tests.

Every function takes a seed and returns a :class:`~toymodels.condensation.verdicts.Criterion`.
"""

from __future__ import annotations

from collections.abc import Callable

from toymodels.condensation import criteria_theory as theory
from toymodels.condensation import criteria_trained as trained
from toymodels.condensation.verdicts import Criterion

CRITERIA: dict[str, Callable[[int], Criterion]] = {
    "C1": trained.figure_one_clusters,
    "C1m": trained.figure_one_monotone,
    "C2": trained.initial_scale,
    "C5": theory.phase_diagram,
    "C5t": theory.three_layers,
    "C6": theory.condensed_direction_counts,
    "C6b": trained.literal_figure_six,
    "C6c": theory.linear_flow,
    "C6d": trained.plain_descent,
    "C7": trained.loss_plateaus,
    "C7b": theory.embedding_principle,
    "C8": trained.dropout_condenses,
    "C9": trained.width_reduction,
    "C10": theory.optimistic_rank,
    "C10r": trained.recovery,
}
