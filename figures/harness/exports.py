"""The ledger for other programs: commands that a stranger's machine can run, each with what must come out."""

from __future__ import annotations

import json
import math
from typing import Any

from figures.harness.ledger import Ledger, Row, rows
from toymodels.claims import Judged

ROUNDING = 1e-6  # relative: what another processor or library version may change of a number without replicates


def tolerance(row: Row, judged: Judged) -> float:
    """How far the median of a rerun may lie off: the spread of all runs at this size, or rounding."""
    seeds = [other for sizes in row.sizes.values() if judged in sizes.values() for other in sizes.values()]
    finite = [bound for other in seeds for bound in (other.low, other.high) if math.isfinite(bound)]
    spread = max(finite) - min(finite) if finite else 0.0
    return max(spread, ROUNDING * abs(judged.median)) if math.isfinite(judged.median) else 0.0


def commands(ledger: Ledger) -> list[dict[str, Any]]:
    """A list of claim, command, expected verdict and median, and tolerance of the median: every size and seed."""
    listed = []
    for row in rows(ledger):
        for preset, seeds in row.sizes.items():
            for seed, judged in seeds.items():
                command = f"python -m figures {row.figure} --preset {preset} --seed {seed} --check {judged.key}"
                expected = {"verdict": judged.verdict, "median": judged.to_dict()["median"]}
                listed.append(
                    {
                        "claim": judged.key,
                        "command": command,
                        "expected": expected,
                        "tolerance": tolerance(row, judged),
                    }
                )
    return listed


def commands_text(ledger: Ledger) -> str:
    """The list as JSON."""
    return json.dumps(commands(ledger), indent=1) + "\n"


def failures(ledger: Ledger, figure: str, preset: str, seed: int, claims: list[Judged], keys: list[str]) -> list[str]:
    """What of a rerun is not as the ledger expects, a line each; all claims of the figure if no `keys` are named.

    Raises
    ------
    ValueError
        For a key that is no claim of the figure, or a size and seed that the ledger does not have.
    """
    made = {claim.key: claim for claim in claims}
    known = {row.claim.key: row for row in rows(ledger, [figure])}
    unknown = [key for key in keys if key not in made or key not in known]
    if unknown:
        raise ValueError(f"claims to check must be of {figure}, got {', '.join(unknown)}")
    lines = []
    for key in keys or list(known):
        seeds = known[key].sizes.get(preset, {})
        if str(seed) not in seeds:
            have = ", ".join(f"{size} {name}" for size, judged in known[key].sizes.items() for name in judged)
            raise ValueError(f"preset and seed must be of the ledger, {have}, got {preset} {seed}")
        expected = seeds[str(seed)]
        off = 0.0 if made[key].median == expected.median else abs(made[key].median - expected.median)  # inf is inf
        allowed = tolerance(known[key], expected)
        if not off <= allowed:
            lines.append(f"{key}: median {made[key].median:.6g}, expected {expected.median:.6g} within {allowed:.3g}")
        if made[key].verdict != expected.verdict:
            lines.append(f"{key}: {made[key].verdict}, expected {expected.verdict}")
    return lines
