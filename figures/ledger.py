"""The ledger of claims and the gallery page: what was claimed, what was measured, what came of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from comparisons import folder
from comparisons.report import number
from figures.core import PAPERS, Judged
from figures.runner import Made, load

GALLERY = Path(__file__).with_name("gallery")
AFTERWARDS = (  # added, or reworded together with their experiment, after an exploratory run
    "condensation-4-rise",
    "condensation-4-blocks",
    "condensation-7-wide",
    "dnn-5c-sizes",
    "dnn-5c-random",
    "dnn-7g-npt",
    "dnn-7g-peak",
    "dnn-7g-random-features",
    "dnn-o3g-lag",
    "dnn-o9-linear-tail",
    "layerwise-10-lazy-scales",
    "layerwise-7-general",
    "neurashed-3-smallest",
    "neurashed-4-no-collapse",
    "neurashed-claims-batch",
    "neurashed-claims-batch-smaller",
)


def summary(claims: Iterable[Judged]) -> str:
    """`61 claims: 48 reproduced, 9 contradicted, 4 open`."""
    counts = Counter(claim.verdict for claim in claims)
    parts = (f"{counts[verdict]} {verdict}" for verdict in ("reproduced", "contradicted", "open"))
    return f"{sum(counts.values())} claims: {', '.join(parts)}"


def write_gallery(made: Sequence[Made], preset: str, gallery: Path = GALLERY) -> None:
    """Copy the pictures and write `CLAIMS.md`, `claims.json` and the page that shows everything."""
    good = sorted((one for one in made if not one.error), key=lambda one: one.name)
    for one in good:
        folder.write(gallery / f"{one.name}{one.picture.suffix}", one.picture.read_bytes())
    claims = [claim for one in good for claim in one.claims]
    content = {"preset": preset, "claims": {one.name: [asdict(claim) for claim in one.claims] for one in good}}
    folder.write(gallery / "claims.json", json.dumps(content, indent=1) + "\n")
    folder.write(gallery / "CLAIMS.md", ledger_page(claims, preset))
    folder.write(gallery / "README.md", gallery_page(good))


def ledger_page(claims: Sequence[Judged], preset: str) -> str:
    """All claims as one table per paper."""
    lines = [
        "# Claims of the papers, judged by measurement",
        "",
        f"{summary(claims)}. Preset `{preset}`; criteria were fixed before the run, except those marked *, which were "
        "added or reworded with their experiment after an exploratory one; the spread is over replicates.",
        "Written by `python -m figures all`.",
    ]
    for paper, title in PAPERS.items():
        own = [claim for claim in claims if claim.paper == paper]
        if own:
            lines += ["", f"## {title}", "", summary(own) + ".", ""]
            lines += ["| place | claim | criterion | measured | verdict |", "|---|---|---|---|---|", *map(_row, own)]
    return "\n".join(lines) + "\n"


def _row(claim: Judged) -> str:
    verdict = f"**{claim.verdict}**" + (f": {claim.why}" if claim.why else "")
    mark = " *" if claim.key in AFTERWARDS else ""
    cells = (claim.place, claim.statement, claim.criterion + mark, measured(claim), verdict)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def measured(claim: Judged) -> str:
    """The median, with the spread when there are replicates."""
    if claim.replicates == 1:
        return number(claim.median)
    return f"{number(claim.median)} [{number(claim.low)}, {number(claim.high)}], {claim.replicates} runs"


def gallery_page(made: Sequence[Made]) -> str:
    """One section per figure: picture, caption, verdicts."""
    lines = ["# Gallery", "", "The papers' figures, redrawn. All claims in one table: [CLAIMS.md](CLAIMS.md)."]
    for one in made:
        figure = load(one.name)
        lines += ["", f"## {one.name}", "", f"![{one.name}]({one.name}{one.picture.suffix})", "", figure.caption, ""]
        lines += [f"- {claim.place}: {claim.statement} **{claim.verdict}** ({measured(claim)})" for claim in one.claims]
        if figure.cost:
            lines += ["", f"Paper preset: {figure.cost}"]
    return "\n".join(lines) + "\n"
