"""The pages of the gallery: all claims by paper and section, and one section per figure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from figures.harness import exports, stored
from figures.harness.coverage import coverage_page
from figures.harness.figure import PAPERS
from figures.harness.ledger import (
    FIRST,
    GALLERY,
    LARGE,
    Ledger,
    Row,
    merged,
    place_of,
    read_ledger,
    rows,
    stale,
    summary_of,
)
from figures.harness.parting import parting_page
from figures.harness.registry import load
from figures.harness.running import FigureResult
from toymodels.claims import AFTER, OPEN, PAPER, REPRODUCED, SEED_DECIDES
from toymodels.run import files

KINDS_OF_PLACE = ("Abstract", "Section", "Figure", "Theorem", "Equation", "Remark", "Appendix", "First version")
DOCS = GALLERY.parents[1] / "docs"
_SECTION = re.compile(rf"(First version, )?(?:{'|'.join(KINDS_OF_PLACE[:-1])})s?( [A-Z0-9]+)?")


def write_ledger(ledger: Ledger, place: Path) -> None:
    """`claims.json` and `CLAIMS.md` into a folder."""
    files.write(place / "claims.json", json.dumps(ledger, indent=1, allow_nan=False) + "\n")
    files.write(place / "CLAIMS.md", ledger_page(ledger))


def write_gallery(made: Sequence[FigureResult], preset: str, seed: int, gallery: Path = GALLERY) -> list[str]:
    """Put these figures into the gallery: claims and data at their size and seed, pictures of the first, the pages.

    Figures that failed, and those that were not made, keep what an earlier call wrote.

    Returns
    -------
    list of str
        Figures whose data are too large to be kept.
    """
    too_large = []
    ledger = merged(read_ledger(gallery), made, preset, seed)
    picture = f"-{LARGE}" if place_of(ledger, preset) == LARGE else ""
    for result in made:
        if result.error:
            continue
        if stored.write(gallery, result.name, preset, seed, result.kept) is None and result.kept:
            too_large.append(result.name)
        if seed == FIRST:
            files.write(gallery / f"{result.name}{picture}{result.picture.suffix}", result.picture.read_bytes())
    write_pages(ledger, gallery)
    return too_large


def write_pages(ledger: Ledger, gallery: Path = GALLERY) -> None:
    """Everything in the gallery that is made of the ledger alone."""
    write_ledger(ledger, gallery)
    files.write(gallery / "README.md", gallery_page(ledger, gallery))
    files.write(gallery / "commands.json", exports.commands_text(ledger))
    if gallery == GALLERY:
        for name, page in documents(ledger).items():
            files.write(DOCS / name, page)


def documents(ledger: Ledger) -> dict[str, str]:
    """Pages of the documentation that are made of the ledger, by name."""
    return {"where_they_part.md": parting_page(ledger), "coverage.md": coverage_page(ledger)}


def ledger_page(ledger: Ledger) -> str:
    """All claims by paper and section, one line each; what was measured and what the authors could answer, folded."""
    all_rows = rows(ledger)
    differ = [row for row in all_rows if row.verdict == (OPEN, SEED_DECIDES)]
    larger = [row for row in all_rows if row.preset == LARGE]
    lines = [
        "# Claims of the papers, judged by measurement",
        "",
        f"{summary_of(all_rows)}.",
        "",
    ]
    if larger:
        smaller = [row for row in all_rows if row.preset != LARGE]
        lines += [f"- Judged at `{LARGE}`: {summary_of(larger)}."]
        lines += [f"- Judged at `{ledger['preset']}`: {summary_of(smaller)}.", ""]
    lines += [
        f"Preset `{ledger['preset']}`, or `{LARGE}` where a row says so: the largest size at which a claim was judged "
        f"decides. A verdict is that of all seeds shown, and open where they differ ({len(differ)} do); it is open, "
        "too, where two or three runs fall on both sides of the bound, and where the size cannot decide. The spread is "
        "over replicates. Criteria marked * were fixed after an exploratory run, all others before: many in the light "
        "of earlier runs of the same experiments, so that they say what a rerun must show, not what was foreseen. "
        "Readings are statements that the paper does not make in these words; controls are ours. Written by "
        "`python -m figures all --write`; `python -m figures judge` judges the stored data again.",
    ]
    old = [figure for figure in ledger["figures"] if stale(ledger, figure)]
    if old:
        lines += ["", f"The seeds of these figures were computed by different versions of the code: {', '.join(old)}."]
    for paper in dict.fromkeys(figure.partition("/")[0] for figure in ledger["figures"]):
        own = [row for row in all_rows if row.figure.startswith(f"{paper}/")]
        lines += ["", f"## {PAPERS.get(paper, paper)}", "", f"{summary_of(own)}."]
        for section in sorted({section_of(row.claim.place) for row in own}, key=_in_order):
            lines += ["", f"### {section}", ""]
            lines += [_folded(row) for row in own if section_of(row.claim.place) == section]
    return "\n".join(lines) + "\n"


def section_of(place: str) -> str:
    """Figure, section, theorem, ... in which a place lies, without panel or subsection.

    >>> section_of("Figure 3a, 3c"), section_of("First version, Figure 7b"), section_of("Section 7.2, pattern i")
    ('Figure 3', 'First version, Figure 7', 'Section 7')
    >>> section_of("Equations 16 to 18"), section_of("Appendix G.3"), section_of("Theorem 1, read at one input")
    ('Equations', 'Appendix G', 'Theorem 1')
    """
    if place.startswith("Equation"):
        return "Equations"
    place = re.sub(r"(\d)[a-z]\b", r"\1", place)
    found = _SECTION.match(place)
    return found.group().strip() if found else place.partition(",")[0]


def _in_order(section: str) -> tuple:
    first = next((i for i, kind in enumerate(KINDS_OF_PLACE) if section.startswith(kind)), len(KINDS_OF_PLACE))
    return first, [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in section.split()]


def _folded(row: Row) -> str:
    """One line, and behind it what was measured, where, why, and what the authors could answer."""
    claim, (verdict, remark) = row.claim, row.verdict
    kind = "" if claim.source == PAPER else f" ({claim.source})"
    text = f"**{verdict}**" + (f", {remark}" if remark else "")
    line = f"{text} at `{row.preset}`. {claim.place}{kind}: {claim.statement}"
    inside = [f"`{claim.key}`. Criterion: {claim.criterion}{' *' if claim.fixed == AFTER else ''}"]
    for preset, seeds in row.sizes.items():
        numbers = "; ".join(f"{judged.measured} (seed {seed})" for seed, judged in seeds.items())
        inside.append(f"Measured at `{preset}`: {numbers}")
    missed = next((judged for judged in row.deciding if judged.verdict != REPRODUCED), None)
    if verdict != REPRODUCED and missed:
        inside += [f"Size: {row.settings[row.preset]}"] if row.settings.get(row.preset) else []
        inside += [f"Why: {missed.why}"] if missed.why else []
        inside += [f"The authors could answer: {missed.defence}"] if missed.defence else []
    details = "<br>".join(part.replace("\n", " ") for part in inside)
    return f"<details><summary>{_html(line)}</summary>{_html(details)}</details>\n"


def _html(text: str) -> str:
    """Bold and code as tags, for within a tag nothing else is read."""
    text = _escaped(text)
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", re.sub(r"\*\*([^*]*)\*\*", r"<b>\1</b>", text))


def _escaped(text: str) -> str:
    """Without what a page would take for tags."""
    return re.sub(r"<(?!br>)", "&lt;", text)


def gallery_page(ledger: Ledger, gallery: Path = GALLERY) -> str:
    """One section per figure: picture, caption, and every number beside its criterion."""
    lines = ["# Gallery", "", "The papers' figures, redrawn. All claims in one page: [CLAIMS.md](CLAIMS.md)."]
    for name in ledger["figures"]:
        figure = load(name)
        lines += ["", f"## {name}", ""]
        for size in ("", f"-{LARGE}"):
            shown = next(
                (f"{name}{size}{end}" for end in (".png", ".svg") if (gallery / f"{name}{size}{end}").exists()), ""
            )
            lines += [f"![{name}{size}]({shown})", ""] if shown else []
        lines += [figure.caption, ""]
        for row in rows(ledger, [name]):
            verdict, remark = row.verdict
            words = f"{verdict}, {remark}" if remark else verdict
            size = f", at `{LARGE}`" if row.preset == LARGE else ""
            lines.append(f"- {row.claim.place}: {row.claim.statement} **{words}**: {row.claim.measured}{size}")
            lines.append(f"  - asked: {row.claim.criterion}")
        large = f"{figure.large_seconds:g} s" if figure.large_seconds else "not run yet"
        sizes = f" Large preset: {large}." if LARGE in figure.presets else ""
        lines += [
            "",
            f"Quick preset: {figure.seconds:g} s on one core.{sizes} Paper preset: {figure.cost.rstrip('.')}.",
        ]
    return "\n".join(lines) + "\n"
