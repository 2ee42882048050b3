"""What a criterion says, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Criterion:
    """One claim with what was measured.

    Parameters
    ----------
    name, claim, measured : str
    verdict : str
        "pass" or "fail" about the threshold in `claim`; "contradicted" when a statement of the overview does not hold
        as it stands.
    """

    name: str
    claim: str
    measured: str
    verdict: str


def judge(name: str, claim: str, measured: str, holds: bool, otherwise: str = "fail") -> Criterion:
    """The criterion, passed if it `holds`."""
    return Criterion(name, claim, measured, "pass" if holds else otherwise)


def listed(values: Iterable[float], form: str = ".3g") -> str:
    """Numbers side by side."""
    return " ".join(format(value, form) for value in values)


def spread(values: np.ndarray) -> str:
    """Median with the extremes."""
    return f"{np.median(values):.3g} [{values.min():.3g}, {values.max():.3g}]"
