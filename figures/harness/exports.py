"""The ledger for other programs: commands that a stranger's machine can run, each with what must come out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from comparisons.harness.settings import visible
from figures.harness.figure import PaperFigure
from figures.harness.ledger import LARGE, QUICK, Ledger, Row, rows
from figures.harness.registry import load
from toymodels.claims import Judged

ROUNDING, TINY = 1e-6, 1e-12  # relative and absolute: what another processor or library version may change
PACKAGED_DIGITS, PACKAGED_TEST = 1000, 2000  # of MNIST, that come with the package


def tolerance(row: Row, judged: Judged) -> float:
    """How far the median of a rerun may lie off: the middle half of all values at this size, or rounding.

    From the lowest quartile of a seed to the highest; of four or fewer values, which do not tell how a median scatters,
    these are the extremes.
    """
    sizes = [list(seeds.values()) for seeds in row.sizes.values()]  # two of them may have measured the same
    own = [other for seeds in sizes if any(each is judged for each in seeds) for other in seeds]
    quartiles = [bound for other in own for bound in (other.lower_quartile, other.upper_quartile)]
    finite = [bound for bound in quartiles if math.isfinite(bound)]
    spread = max(finite) - min(finite) if finite else 0.0
    return max(spread, ROUNDING * abs(judged.median), TINY) if math.isfinite(judged.median) else 0.0


def needs(figure: PaperFigure, preset: str) -> list[str]:
    """What computing and checking a figure needs beside the three families: a checkout, torch, all of MNIST.

    A checkout, since an installed package has no ledger; torch, where the computation can reach a network.
    """
    from toymodels.run.sources import sources

    settings = figure.presets[preset]
    reached = sources(figure.compute, settings)
    found = ["checkout"]
    if any(name == "dnn" or name.startswith("dnn.") for name in reached):
        found.append("torch")
        values = visible(settings)
        sizes = [np.max(value) for name, value in values.items() if name == "samples" or name.endswith("_samples")]
        many = max(sizes, default=0) > PACKAGED_DIGITS or values.get("n_test", 0) > PACKAGED_TEST
        if values.get("data_set") == "mnist" or (many and "figures.opt_npt.digit_networks" in reached):
            found.append("full MNIST")
    return found


def seconds(figure: PaperFigure, preset: str) -> float | None:
    """What a preset takes on one core, measured; None where it was not."""
    return {QUICK: figure.seconds, LARGE: figure.large_seconds}.get(preset) or None


@cache
def _cost(name: str, preset: str) -> tuple[float | None, tuple[str, ...]]:
    figure = load(name)
    return seconds(figure, preset), tuple(needs(figure, preset))


def commands(ledger: Ledger) -> list[dict[str, Any]]:
    """A list of claim, command, expected verdict and median, and tolerance of the median: every size and seed.

    Every command computes its whole figure; `seconds` is what that takes, `needs` what must be there.
    """
    listed = []
    for row in rows(ledger):
        for preset, seeds in row.sizes.items():
            takes, needed = _cost(row.figure, preset)
            for seed, judged in seeds.items():
                command = f"python -m figures {row.figure} --preset {preset} --seed {seed} --check {judged.key}"
                expected = {"verdict": judged.verdict, "median": judged.to_dict()["median"]}
                listed.append(
                    {
                        "claim": judged.key,
                        "command": command,
                        "expected": expected,
                        "tolerance": tolerance(row, judged),
                        "seconds": takes,
                        "needs": list(needed),
                    }
                )
    return listed


def commands_text(ledger: Ledger) -> str:
    """The list as JSON."""
    return json.dumps(commands(ledger), indent=1) + "\n"


def require_checkable(ledger: Ledger, figures: Sequence[str], preset: str, seed: int, keys: Sequence[str]) -> None:
    """Refuse, before anything is computed, what cannot be compared with the ledger.

    Raises
    ------
    ValueError
        Without a ledger; for a key that is no claim of these figures, or a figure of which none is named though others
        are; for a size and seed that the ledger does not have.
    """
    if not ledger["figures"]:
        raise ValueError("--check needs the ledger that the gallery of a checkout keeps, got an installed package")
    strangers = [name for name in figures if name not in ledger["figures"]]
    if strangers:
        raise ValueError(f"figures to check must be of the ledger, got {', '.join(strangers)}")
    own = {name: {row.claim.key: row for row in rows(ledger, [name])} for name in figures}
    unknown = [key for key in keys if not any(key in known for known in own.values())]
    if unknown:
        raise ValueError(f"claims to check must be of {', '.join(figures)}, got {', '.join(unknown)}")
    for name, known in own.items():
        wanted = [key for key in keys if key in known] if keys else list(known)
        if not wanted:
            raise ValueError(f"claims to check must be of every figure that is named, got none of {name}")
        for key in wanted:
            _require_entry(known[key], preset, seed)


def _require_entry(row: Row, preset: str, seed: int) -> Judged:
    """What the ledger has of a row at a size and seed; `ValueError` if it has nothing."""
    seeds = row.sizes.get(preset, {})
    if str(seed) not in seeds:
        have = ", ".join(f"{size} {name}" for size, judged in row.sizes.items() for name in judged)
        raise ValueError(f"preset and seed must be of the ledger, {have}, got {preset} {seed}")
    return seeds[str(seed)]


def failures(ledger: Ledger, figure: str, preset: str, seed: int, claims: list[Judged], keys: list[str]) -> list[str]:
    """What of a rerun is not as the ledger expects, a line each; all claims of the figure if no `keys` are named.

    Raises
    ------
    ValueError
        For a figure or a key that the ledger does not have, or a size and seed.
    """
    require_checkable(ledger, [figure], preset, seed, keys)
    made = {claim.key: claim for claim in claims}
    known = {row.claim.key: row for row in rows(ledger, [figure])}
    lines = [f"{key}: the ledger does not have it" for key in made if not keys and key not in known]
    for key in keys or list(known):
        if key not in made:
            lines.append(f"{key}: no claim any more")
            continue
        expected = _require_entry(known[key], preset, seed)
        off = 0.0 if made[key].median == expected.median else abs(made[key].median - expected.median)  # inf is inf
        allowed = tolerance(known[key], expected)
        if not off <= allowed:
            lines.append(f"{key}: median {made[key].median:.6g}, expected {expected.median:.6g} within {allowed:.3g}")
        if made[key].verdict != expected.verdict:
            lines.append(f"{key}: {made[key].verdict}, expected {expected.verdict}")
    return lines
