"""The studies of this package, by name."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from comparisons.harness.study import Study

PHENOMENA = (
    "grokking",
    "local_elasticity",
    "information_bottleneck",
    "neural_collapse",
    "emergence",
    "double_descent",
    "edge_of_stability",
    "implicit_regularisation",
)
EXCHANGE = "order_parameters"
FORERUNNERS = "forerunners"
ALL = (*PHENOMENA, EXCHANGE, FORERUNNERS)
SIZES = ("quick", "large", "paper")


def studies(names: Sequence[str]) -> list[Study]:
    """The studies of these names."""
    return [importlib.import_module(f"comparisons.{name}").STUDY for name in names]


def preset_of(study: Study, asked: str) -> str:
    """The preset of `asked` size, or the largest below it that the study has; all have "quick"."""
    return next(size for size in reversed(SIZES[: SIZES.index(asked) + 1]) if size in study.presets)
