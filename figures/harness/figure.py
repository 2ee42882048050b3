"""The vocabulary of the papers' figures: what is computed, drawn and claimed. Knows no figure and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.study import BaseParams

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

PAPERS = {
    "layerwise": "Nam et al. (2025), Solve layerwise linear models first, arXiv:2502.21009",
    "neurashed": "Su (2024), Envisioning future deep learning theories: some basic concepts and characteristics",
    "condensation": "An overview of condensation phenomenon in deep learning (2025)",
    "dnn": "Lin, Feng, Zhang and Zhao (2025), Network dynamics-based framework for understanding deep neural networks",
}
REPRODUCED, CONTRADICTED, OPEN = "reproduced", "contradicted", "open"

Data = Mapping[str, np.ndarray]
Grid = Callable[..., "xarray.Dataset"]


@dataclass(frozen=True)
class Claim:
    """One statement of a paper that a run can judge.

    Parameters
    ----------
    key : str
        Unique short name, "layerwise-3b-stages".
    place : str
        Where the paper says it: "Figure 3b", "Theorem 2", "Section 4.1".
    statement : str
        What it says, in our own words.
    criterion : str
        What must be measured for it to hold, fixed beforehand.
    measure : callable (data) -> sequence of float
        The measured value of every replicate.
    holds : callable (values (n,)) -> bool or None
        Whether the criterion is met by these values; None when this preset cannot decide.
    why : str
        One line on why, printed when the verdict is not `reproduced`.
    decisive : callable (data) -> bool, optional
        Whether data of this size can contradict the claim; where they cannot, an unmet criterion leaves it open.
    """

    key: str
    place: str
    statement: str
    criterion: str
    measure: Callable[[Data], Sequence[float] | np.ndarray]
    holds: Callable[[np.ndarray], bool | None]
    why: str = ""
    decisive: Callable[[Data], bool] | None = None


@dataclass(frozen=True)
class Judged:
    """A claim with its measured value, spread and verdict."""

    key: str
    paper: str
    place: str
    statement: str
    criterion: str
    median: float
    low: float
    high: float
    replicates: int
    verdict: str
    why: str


@dataclass(frozen=True)
class PaperFigure:
    """One figure of a paper: computed, drawn and judged.

    Parameters
    ----------
    name : str
        Module name, also the file name in the gallery: "layerwise_03".
    paper : str
        One of `layerwise neurashed condensation dnn`.
    caption : str
        What is seen, and which settings were not printed in the paper and how they were chosen.
    presets : mapping of str to BaseParams
        "quick" and "paper".
    compute : callable (params, rng, grid) -> dict of arrays
        Everything the picture and the claims need; `grid` is :func:`toymodels.run.sweep.sweep` with jobs, engine and cache
        filled in.
    draw : callable (data, params) -> Figure
        Draws; computes nothing.
    claims : tuple of Claim
        What is judged.
    seconds : float
        What the quick preset takes on one core, measured.
    cost : str
        What the paper preset costs, measured or estimated (say which).
    """

    name: str
    paper: str
    caption: str
    presets: Mapping[str, BaseParams]
    compute: Callable[[Any, np.random.Generator, Grid], dict[str, np.ndarray]]
    draw: Callable[[Data, Any], Figure]
    claims: tuple[Claim, ...]
    seconds: float
    cost: str

    def __post_init__(self):
        if self.paper not in PAPERS:
            raise ValueError(f"paper must be one of {', '.join(PAPERS)}, got {self.paper!r}")
        if "quick" not in self.presets:
            raise ValueError(f"presets must contain 'quick', got {', '.join(self.presets)}")

    def judge(self, data: Data) -> list[Judged]:
        """Every claim with its measured value and verdict."""
        return [_judge(self.paper, claim, data) for claim in self.claims]


def _judge(paper: str, claim: Claim, data: Data) -> Judged:
    values = np.atleast_1d(np.asarray(claim.measure(data), dtype=float))
    if values.size == 0 or np.isnan(values).any():
        raise ValueError(f"claim {claim.key} must measure numbers, got {values}")
    met = claim.holds(values)
    if met is False and claim.decisive is not None and not claim.decisive(data):
        met = None
    verdict = OPEN if met is None else REPRODUCED if met else CONTRADICTED
    median, low, high = float(np.median(values)), float(values.min()), float(values.max())
    why = "" if verdict == REPRODUCED else claim.why
    return Judged(
        claim.key, paper, claim.place, claim.statement, claim.criterion, median, low, high, values.size, verdict, why
    )


def median_above(threshold: float) -> Callable[[np.ndarray], bool]:
    """The criterion "median > threshold"."""
    return lambda values: bool(np.median(values) > threshold)


def median_below(threshold: float) -> Callable[[np.ndarray], bool]:
    """The criterion "median < threshold"."""
    return lambda values: bool(np.median(values) < threshold)


def all_above(threshold: float) -> Callable[[np.ndarray], bool]:
    """The criterion "every replicate > threshold"."""
    return lambda values: bool((values > threshold).all())


def all_below(threshold: float) -> Callable[[np.ndarray], bool]:
    """The criterion "every replicate < threshold"."""
    return lambda values: bool((values < threshold).all())


def all_between(low: float, high: float) -> Callable[[np.ndarray], bool]:
    """The criterion "every replicate in [low, high]"."""
    return lambda values: bool(((values >= low) & (values <= high)).all())
