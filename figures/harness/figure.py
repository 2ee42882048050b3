"""The vocabulary of the papers' figures: what is computed, drawn and claimed. Knows no figure and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toymodels.claims import Claim, Judged

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

PAPERS = {
    "layerwise": "Nam et al. (2025), Solve layerwise linear models first, arXiv:2502.21009",
    "neurashed": "Su (2024), Envisioning future deep learning theories: some basic concepts and characteristics",
    "condensation": "An overview of condensation phenomenon in deep learning (2025)",
    "opt_npt": (
        "Lin, Feng, Zhang and Zhao (2025), Network dynamics-based framework for understanding deep neural networks"
    ),
    "phase_diagrams": "Phase diagrams of the studies, ours: where a phenomenon is seen in the plane of two settings",
}

PRESETS = ("quick", "large", "paper")  # the smallest, the largest that two cores do in an hour, the published size

Data = Mapping[str, np.ndarray]
Grid = Callable[..., "xarray.Dataset"]


@dataclass(frozen=True)
class PaperFigure:
    """One figure: computed, drawn and judged.

    Parameters
    ----------
    name : str
        "PAPER/SUBJECT", the folder and the module it lies in: "layerwise/sigmoidal_modes". A figure of your own may
        have any such name.
    caption : str
        What is seen, and which settings were not printed in the paper and how they were chosen.
    presets : mapping of str to settings
        At least "quick"; "large" where the quick size cannot decide what an hour of two cores can.
    compute : callable (settings, rng, grid) -> dict of arrays
        Everything the picture and the claims need; `grid` is :func:`toymodels.run.sweep.sweep` with jobs, engine and
        cache filled in, for workers `f(settings, rng, **point)` bound to their settings by `functools.partial`.
    draw : callable (data, settings) -> Figure
        Draws; computes nothing.
    claims : tuple of Claim
        What is judged.
    seconds : float
        What the quick preset takes on one core, measured.
    cost : str
        What the paper preset costs, measured or estimated (say which).
    aliases : tuple of str
        Other names on the command line: the paper's number ("fig-3") and the name in the first layout.
    large_seconds : float
        What the large preset takes on one core, measured.
    stream : str, optional
        Name from which the random numbers are drawn, if not `name`: a figure keeps its numbers when it is renamed.
    """

    name: str
    caption: str
    presets: Mapping[str, Any]
    compute: Callable[[Any, np.random.Generator, Grid], dict[str, np.ndarray]]
    draw: Callable[[Data, Any], Figure]
    claims: tuple[Claim, ...]
    seconds: float = 0.0
    cost: str = "not stated"
    aliases: tuple[str, ...] = ()
    stream: str = ""
    large_seconds: float = 0.0

    def __post_init__(self):
        paper, slash, subject = self.name.partition("/")
        if not (paper and slash and subject) or "/" in subject or not set(self.name) <= set(_LETTERS):
            raise ValueError(f"name must be PAPER/SUBJECT in lower-case letters, digits and _, got {self.name!r}")
        if "quick" not in self.presets:
            raise ValueError(f"presets must contain 'quick', got {', '.join(self.presets)}")
        keys = [claim.key for claim in self.claims]
        if len(set(keys)) != len(keys):
            raise ValueError(f"claims must have keys of their own, got {', '.join(keys)}")

    @property
    def paper(self) -> str:
        """First part of the name."""
        return self.name.partition("/")[0]

    def judge(self, data: Data) -> list[Judged]:
        """Every claim with its measured value and verdict."""
        return [claim.judge(data) for claim in self.claims]


_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_/"
