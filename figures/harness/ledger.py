"""The ledger of claims and the gallery page: what was claimed, what was measured at each seed, what came of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from figures.harness.figure import PAPERS
from figures.harness.registry import load
from figures.harness.running import FigureResult
from toymodels.claims import AFTER, CONTRADICTED, CONTROL, OPEN, PAPER, READING, REPRODUCED, Judged, verdict_of
from toymodels.run import files

GALLERY = Path(__file__).parents[1] / "gallery"
FIRST = 0  # the seed whose pictures the gallery shows
KINDS = {PAPER: "of the papers", READING: "readings of ours", CONTROL: "controls of ours"}
PRESET_CRITERION = "criterion set for the preset"

Ledger = dict[str, Any]


def summary(claims: Sequence[Sequence[Judged]]) -> str:
    """`61 claims of the papers: 48 reproduced, 9 contradicted, 4 open; 12 readings of ours: ...`, each at its seeds."""
    parts = []
    for source, words in KINDS.items():
        own = [seeds for seeds in claims if seeds[0].source == source]
        if own:
            counts = Counter(verdict_of(seeds)[0] for seeds in own)
            listed = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (REPRODUCED, CONTRADICTED, OPEN))
            name = f"claims {words}" if source == PAPER else words
            parts.append(f"{len(own)} {name}: {listed}")
    return "; ".join(parts) or "no claims"


def read_ledger(gallery: Path = GALLERY) -> Ledger:
    """The committed ledger: preset, and figure -> seed -> what was measured; empty without one."""
    path = gallery / "claims.json"
    content = json.loads(path.read_text()) if path.exists() else {}
    return content if "figures" in content else {"preset": "quick", "figures": {}}


def merged(ledger: Ledger, made: Sequence[FigureResult], preset: str, seed: int) -> Ledger:
    """The ledger with these figures at this seed; all other figures and seeds stay.

    Raises
    ------
    ValueError
        If it is of another preset.
    """
    if ledger["figures"] and ledger["preset"] != preset:
        raise ValueError(f"preset must be that of the gallery, {ledger['preset']}, got {preset}")
    shown = {name: dict(seeds) for name, seeds in ledger["figures"].items()}
    for result in made:
        if not result.error:
            entry = {"made_by": result.made_by, "claims": [claim.to_dict() for claim in result.claims]}
            shown.setdefault(result.name, {})[str(seed)] = entry
    return {"preset": preset, "figures": dict(sorted(shown.items()))}


def claims_of(ledger: Ledger, figure: str) -> list[list[Judged]]:
    """Every claim of a figure at its seeds, in the order of the first; a claim that only another seed has is old."""
    seeds = ledger["figures"].get(figure, {})
    judged = {
        seed: [Judged.from_dict(row) for row in entry["claims"]] for seed, entry in sorted(seeds.items(), key=_seed)
    }
    if not judged:
        return []
    first, *others = judged.values()
    by_key = [{claim.key: claim for claim in claims} for claims in others]
    return [[claim, *(known[claim.key] for known in by_key if claim.key in known)] for claim in first]


def _seed(item: tuple[str, Any]) -> int:
    return int(item[0])


def stale(ledger: Ledger, figure: str) -> bool:
    """Whether the seeds of a figure were computed by different code or versions."""
    return len({entry["made_by"] for entry in ledger["figures"].get(figure, {}).values()}) > 1


def write_ledger(ledger: Ledger, place: Path) -> None:
    """`claims.json` and `CLAIMS.md` into a folder."""
    files.write(place / "claims.json", json.dumps(ledger, indent=1) + "\n")
    files.write(place / "CLAIMS.md", ledger_page(ledger))


def write_gallery(made: Sequence[FigureResult], preset: str, seed: int, gallery: Path = GALLERY) -> None:
    """Put these figures into the gallery: claims at their seed, pictures of the first seed, and the pages.

    Figures that failed, and those that were not made, keep what an earlier call wrote.
    """
    ledger = merged(read_ledger(gallery), made, preset, seed)
    for result in made:
        if not result.error and seed == FIRST:
            files.write(gallery / f"{result.name}{result.picture.suffix}", result.picture.read_bytes())
    write_ledger(ledger, gallery)
    files.write(gallery / "README.md", gallery_page(ledger, gallery))


def ledger_page(ledger: Ledger) -> str:
    """All claims as one table a paper: what is said, what must be measured, what was, and the verdict of all seeds."""
    figures = list(ledger["figures"])
    claims = [seeds for figure in figures for seeds in claims_of(ledger, figure)]
    differ = [seeds for seeds in claims if len({claim.verdict for claim in seeds}) > 1]
    lines = [
        "# Claims of the papers, judged by measurement",
        "",
        f"{summary(claims)}.",
        "",
        f"Preset `{ledger['preset']}`. A verdict is that of all seeds shown, and open where they differ ({len(differ)} "
        "do). The spread is over replicates. Criteria marked * were fixed after an exploratory run, all others before: "
        "many in the light of earlier runs of the same experiments, so that they say what a rerun must show, not what "
        "was foreseen. Readings are statements that the paper does not make in these words; controls are ours. "
        "Written by `python -m figures all --write`.",
    ]
    old = [figure for figure in figures if stale(ledger, figure)]
    if old:
        lines += ["", f"The seeds of these figures were computed by different versions of the code: {', '.join(old)}."]
    for paper in dict.fromkeys(figure.partition("/")[0] for figure in figures):
        own = [figure for figure in figures if figure.startswith(f"{paper}/")]
        judged = [(seeds, figure) for figure in own for seeds in claims_of(ledger, figure)]
        lines += ["", f"## {PAPERS.get(paper, paper)}", "", summary([seeds for seeds, _ in judged]) + ".", ""]
        lines += [_line(["place", "claim", "criterion", "measured", "verdict"]), "|---" * 5 + "|"]
        lines += [_row(ledger, figure, seeds) for seeds, figure in judged]
    return "\n".join(lines) + "\n"


def _row(ledger: Ledger, figure: str, seeds: Sequence[Judged]) -> str:
    claim = seeds[0]
    verdict, remark = verdict_of(seeds)
    kind = "" if claim.source == PAPER else f" ({claim.source})"
    names = [seed for seed, _ in sorted(ledger["figures"][figure].items(), key=_seed)]
    measured = "; ".join(f"{judged.measured} (seed {name})" for name, judged in zip(names, seeds, strict=False))
    reasons = next((judged for judged in seeds if judged.verdict != REPRODUCED), claim)
    text = f"**{verdict}**" + (f", {remark}" if remark else "")
    text += f": {reasons.why}" if verdict != REPRODUCED and reasons.why else ""
    text += f". The authors could answer: {reasons.defence}" if verdict != REPRODUCED and reasons.defence else ""
    mark = " *" if claim.fixed == AFTER else ""
    return _line([claim.place + kind, claim.statement, claim.criterion + mark, measured, text])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def gallery_page(ledger: Ledger, gallery: Path = GALLERY) -> str:
    """One section per figure: picture, caption, verdicts."""
    lines = ["# Gallery", "", "The papers' figures, redrawn. All claims in one table: [CLAIMS.md](CLAIMS.md)."]
    for name in ledger["figures"]:
        figure = load(name)
        picture = next((f"{name}{suffix}" for suffix in (".png", ".svg") if (gallery / f"{name}{suffix}").exists()), "")
        lines += ["", f"## {name}", ""]
        lines += [f"![{name}]({picture})", ""] if picture else []
        lines += [figure.caption, ""]
        for seeds in claims_of(ledger, name):
            verdict, remark = verdict_of(seeds)
            words = f"{verdict}, {remark}" if remark else verdict
            lines.append(f"- {seeds[0].place}: {seeds[0].statement} **{words}** ({seeds[0].measured})")
        lines += ["", f"Quick preset: {figure.seconds:g} s on one core. Paper preset: {figure.cost.rstrip('.')}."]
    return "\n".join(lines) + "\n"


def verdict_in_words(claim: Judged, changes: Mapping[str, Any]) -> str:
    """The verdict of one seed for the terminal; with changed settings it says what its criterion was set for."""
    return f"{claim.verdict} ({PRESET_CRITERION})" if changes else claim.verdict
