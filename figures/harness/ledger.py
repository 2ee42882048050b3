"""The ledger of claims: what was claimed, what was measured at each size and seed, and what came of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from figures.harness.figure import PAPERS, PRESETS
from figures.harness.running import FigureResult
from toymodels.claims import CONTRADICTED, CONTROL, OPEN, PAPER, READING, REPRODUCED, Judged, verdict_of

GALLERY = Path(__file__).parents[1] / "gallery"
FIRST = 0  # the seed whose pictures the gallery shows
QUICK, LARGE, _ = PRESETS
KINDS = {PAPER: "of the papers", READING: "readings of ours", CONTROL: "controls of ours"}
PRESET_CRITERION = "criterion set for the preset"
DERIVED = ("papers", "rows")  # of the file, made of its other parts
ONE_LARGER_SEED = "one seed at the larger size"

Ledger = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A claim at every size and seed at which it was judged.

    Parameters
    ----------
    figure : str
        Name of the figure it belongs to.
    sizes : mapping of str to (mapping of str to Judged)
        Preset -> seed -> what was measured, the smallest preset first.
    settings : mapping of str to str
        Preset -> its settings in words.
    """

    figure: str
    sizes: Mapping[str, Mapping[str, Judged]]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def claim(self) -> Judged:
        """What is claimed, with the numbers of the first seed of the largest size."""
        return next(iter(self.sizes[self.preset].values()))

    @property
    def preset(self) -> str:
        """The largest size, which decides."""
        return list(self.sizes)[-1]

    @property
    def deciding_sizes(self) -> dict[str, Mapping[str, Judged]]:
        """Size -> seed -> that on which the verdict rests: the largest size, and all where that has a single seed."""
        alone = len(self.sizes[self.preset]) == 1
        return {preset: seeds for preset, seeds in self.sizes.items() if alone or preset == self.preset}

    @property
    def deciding(self) -> list[Judged]:
        """The seeds on which the verdict rests, see :attr:`deciding_sizes`."""
        return [judged for seeds in self.deciding_sizes.values() for judged in seeds.values()]

    @property
    def measured(self) -> str:
        """What was measured at every seed on which the verdict rests."""
        return "; ".join(f"{at_seeds(seeds)} at `{preset}`" for preset, seeds in self.deciding_sizes.items())

    @property
    def verdict(self) -> tuple[str, str]:
        """Verdict and remark of :func:`toymodels.claims.verdict_of`."""
        sizes = self.deciding_sizes
        names = [seed if len(sizes) == 1 else f"{seed} of `{preset}`" for preset in sizes for seed in sizes[preset]]
        verdict, remark = verdict_of(self.deciding, names)
        mixed = len({judged.verdict for judged in self.deciding}) > 1
        alone = mixed and len(self.sizes) > 1 and len(self.sizes[self.preset]) == 1
        return verdict, ONE_LARGER_SEED if alone else remark


def at_seeds(seeds: Mapping[str, Judged]) -> str:
    """`0.45 [0.42, 0.71], 3 values (seed 0); 0.2 (seed 11)`."""
    return "; ".join(f"{judged.measured} (seed {seed})" for seed, judged in seeds.items())


def counted(verdicts: Iterable[tuple[str, str]]) -> str:
    """`61 claims of the papers: 48 reproduced, 9 contradicted, 4 open; 12 readings of ours: ...` of (source, verdict).

    >>> counted([("paper", "reproduced"), ("control", "open")])  # doctest: +ELLIPSIS
    '1 claims of the papers: 1 reproduced, 0 contradicted, 0 open; 1 controls of ours: 0 reproduced, ...'
    """
    counts = Counter(verdicts)
    parts = []
    for source, words in KINDS.items():
        if n := sum(count for (kind, _), count in counts.items() if kind == source):
            listed = ", ".join(f"{counts[source, verdict]} {verdict}" for verdict in (REPRODUCED, CONTRADICTED, OPEN))
            parts.append(f"{n} {f'claims {words}' if source == PAPER else words}: {listed}")
    return "; ".join(parts) or "no claims"


def summary(claims: Sequence[Sequence[Judged]]) -> str:
    """The line of :func:`counted`, of claims each at its seeds."""
    return counted((seeds[0].source, verdict_of(seeds)[0]) for seeds in claims)


def read_ledger(gallery: Path = GALLERY) -> Ledger:
    """The committed ledger: preset, and figure -> seed -> what was measured; empty without one.

    What follows from these, papers and verdicts of rows, is left out.
    """
    path = gallery / "claims.json"
    content = json.loads(path.read_text()) if path.exists() else {}
    if "figures" not in content:
        return {"preset": QUICK, "figures": {}}
    return {name: value for name, value in content.items() if name not in DERIVED}


def with_rows(ledger: Ledger) -> Ledger:
    """The ledger with what follows from it: the papers, and the verdict of every row over all sizes and seeds."""
    listed = []
    for row in rows(ledger):
        verdict, remark = row.verdict
        paper = row.figure.partition("/")[0]
        decided = [{"preset": preset, "seeds": list(seeds)} for preset, seeds in row.deciding_sizes.items()]
        names = {"key": row.claim.key, "figure": row.figure, "paper": paper, "source": row.claim.source}
        listed.append(names | {"verdict": verdict, "remark": remark, "decided_by": decided})
    papers = {name: PAPERS.get(name, name) for name in dict.fromkeys(row["paper"] for row in listed)}
    return ledger | {"papers": papers, "rows": listed}


def place_of(ledger: Ledger, preset: str) -> str:
    """Under which name a ledger holds a preset: its own preset under `figures`, the larger one under its name.

    Raises
    ------
    ValueError
        If it holds none of that preset.
    """
    if preset == LARGE and ledger["preset"] == QUICK:
        return LARGE
    if ledger["figures"] and ledger["preset"] != preset:
        raise ValueError(f"preset must be that of the gallery, {ledger['preset']}, or {LARGE}, got {preset}")
    return "figures"


def merged(ledger: Ledger, made: Sequence[FigureResult], preset: str, seed: int) -> Ledger:
    """The ledger with these figures at this seed; all other figures, sizes and seeds stay.

    Raises
    ------
    ValueError
        If it holds none of that preset.
    """
    where = place_of(ledger, preset)
    shown = {name: dict(seeds) for name, seeds in ledger.get(where, {}).items()}
    for result in made:
        if not result.error:
            claims = [claim.to_dict() for claim in result.claims]
            entry = {"made_by": result.made_by, "settings": result.settings, "claims": claims}
            shown.setdefault(result.name, {})[str(seed)] = entry
    base = ledger if where == LARGE else ledger | {"preset": preset}
    return base | {where: dict(sorted(shown.items()))}


def claims_of(ledger: Ledger, figure: str, where: str = "figures") -> list[list[Judged]]:
    """Every claim of a figure at its seeds, in the order of the first; a claim that only another seed has is old."""
    return [list(seeds.values()) for seeds in _by_claim(ledger, figure, where).values()]


def _by_claim(ledger: Ledger, figure: str, where: str) -> dict[str, dict[str, Judged]]:
    """Key -> seed -> what was measured."""
    claims: dict[str, dict[str, Judged]] = {}
    for i, (seed, entry) in enumerate(sorted(ledger.get(where, {}).get(figure, {}).items(), key=_seed)):
        for judged in map(Judged.from_dict, entry["claims"]):
            if i == 0 or judged.key in claims:
                claims.setdefault(judged.key, {})[seed] = judged
    return claims


def rows(ledger: Ledger, figures: Iterable[str] | None = None) -> list[Row]:
    """Every claim of these figures (all, if None) at its sizes and seeds, in the order of the ledger."""
    found = []
    for figure in ledger["figures"] if figures is None else figures:
        larger = _by_claim(ledger, figure, LARGE)
        for key, seeds in _by_claim(ledger, figure, "figures").items():
            sizes = {ledger["preset"]: seeds} | ({LARGE: larger[key]} if key in larger else {})
            settings = {preset: _settings(ledger, figure, place_of(ledger, preset)) for preset in sizes}
            found.append(Row(figure, sizes, settings))
    return found


def _settings(ledger: Ledger, figure: str, where: str) -> str:
    return next((entry.get("settings", "") for entry in ledger[where][figure].values()), "")


def summary_of(rows: Sequence[Row]) -> str:
    """The line of :func:`counted`, each claim at the size that decides."""
    return counted((row.claim.source, row.verdict[0]) for row in rows)


def _seed(item: tuple[str, Any]) -> int:
    return int(item[0])


def stale(ledger: Ledger, figure: str) -> bool:
    """Whether the seeds of a figure at one size were computed by different code or versions.

    Every changed line that the computation can reach counts, whether it changes a number or not.
    """
    sizes = [ledger.get(where, {}).get(figure, {}).values() for where in ("figures", LARGE)]
    return any(len({entry["made_by"] for entry in entries}) > 1 for entries in sizes)


def verdict_in_words(claim: Judged, changes: Mapping[str, Any]) -> str:
    """The verdict of one seed for the terminal; with changed settings it says what its criterion was set for."""
    return f"{claim.verdict} ({PRESET_CRITERION})" if changes else claim.verdict
