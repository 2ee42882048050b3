"""The pages of the gallery: all claims by paper and section, and one section per figure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
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
    at_seeds,
    merged,
    place_of,
    read_ledger,
    rows,
    stale,
    summary_of,
    with_rows,
)
from figures.harness.parting import parting_page
from figures.harness.registry import load
from figures.harness.running import FigureResult
from toymodels.claims import AFTER, OPEN, PAPER, REPRODUCED, SEED_DECIDES
from toymodels.run import files
from toymodels.run.engine import in_words

KINDS_OF_PLACE = ("Abstract", "Section", "Figure", "Theorem", "Equation", "Remark", "Appendix", "First version")
DOCS = GALLERY.parents[1] / "docs"
HOW_TO_READ = (
    "How a row is read:",
    "",
    "- *Whose statement it is.* No remark: the paper makes it. `reading`: we read it into the paper, which does not "
    "say it in these words. `control`: ours, to tell what a measurement shows.",
    "- *Criterion.* What is measured, a colon, and the bound that decides. After `contradicted only with` stands "
    "what the data must be for a missed bound to contradict; data that meet the bound need not be so. A bound is "
    "printed with all digits with which it is compared. Numbers have the units that the words before the colon name.",
    "- *Size.* A preset is a named set of sizes: `{preset}` is the usual one, `{large}` as large as two cores do in "
    "an hour. A claim is decided at the largest size at which it was judged. Where that was run with a single seed, "
    "the smaller size must agree, or the claim is open: `one seed at the larger size`.",
    "- *Seed.* The number from which all random draws of a run are made. `0.45 [0.4, 0.7], 3 values (seed 0)`: the "
    "median of three values, the smallest and the largest. The values are of runs that differ in their draws only, "
    "unless quantity or criterion names something else: pairs, layers, widths.",
    "- *Verdict.* `reproduced` or `contradicted` where all seeds that decide say so. All else is `open`: one seed "
    "reproduces and one contradicts (`depends on the seed`, {differ} rows); two or three runs fall on both sides of "
    "the bound; no more than half of the runs agree with their median; the bound is missed by data that cannot "
    "contradict it; or the criterion itself leaves it open, for instance because a network has not fitted.",
    "- *When the bound was fixed.* A criterion with * was fixed after a run had been looked at. The others were "
    "fixed before the run that is judged, many of them after earlier runs of the same experiment: they say what a "
    "rerun must show, and are no predictions.",
    "",
    "Written by `python -m figures all --write`. `python -m figures judge` judges the stored data again and counts "
    "the entries that other code or other settings have computed.",
)
OTHER_CODE = (
    "Of these figures not all seeds of one size were computed by the same code and library versions: {figures}. "
    "Every changed line that a computation can reach counts, also where it changes no number. Whether the code has "
    "changed since all seeds were computed is not said here: `python -m figures judge` counts that."
)
_SECTION = re.compile(rf"(First version, )?(?:{'|'.join(KINDS_OF_PLACE[:-1])})s?( [A-Z0-9]+)?")


def write_ledger(ledger: Ledger, place: Path) -> None:
    """`claims.json` and `CLAIMS.md` into a folder."""
    _write(ledger_files(ledger, place))


def ledger_files(ledger: Ledger, place: Path) -> dict[Path, str]:
    """Text of `claims.json` and `CLAIMS.md` of a folder."""
    text = json.dumps(with_rows(ledger), indent=1, allow_nan=False) + "\n"
    return {place / "claims.json": text, place / "CLAIMS.md": ledger_page(ledger)}


def _write(pages: Mapping[Path, str]) -> None:
    for path, text in pages.items():
        files.write(path, text)


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
    rendered(ledger, gallery)  # whatever is wrong with the pages comes to light before anything is written
    picture = f"-{LARGE}" if place_of(ledger, preset) == LARGE else ""
    for result in made:
        if result.error:
            continue
        origin = {"settings": result.settings, "made_by": result.made_by}
        if stored.write(gallery, result.name, preset, seed, result.kept, origin) is None and result.kept:
            too_large.append(result.name)
        if seed == FIRST:
            files.write(gallery / f"{result.name}{picture}{result.picture.suffix}", result.picture.read_bytes())
    write_pages(ledger, gallery)
    return too_large


def write_pages(ledger: Ledger, gallery: Path = GALLERY) -> None:
    """Everything in the gallery that is made of the ledger alone; nothing if one of the pages cannot be made."""
    _write(rendered(ledger, gallery))


def rendered(ledger: Ledger, gallery: Path = GALLERY) -> dict[Path, str]:
    """Text of every file of :func:`write_pages`.

    Raises
    ------
    ValueError
        If a page names a row that the ledger does not have, or one with another verdict than the page says.
    """
    try:
        pages = ledger_files(ledger, gallery)
        pages[gallery / "README.md"] = gallery_page(ledger, gallery)
        pages[gallery / "commands.json"] = exports.commands_text(ledger)
        if gallery == GALLERY:
            pages |= {DOCS / name: page for name, page in documents(ledger).items()}
    except (KeyError, StopIteration) as error:
        words = f"pages must be of rows that the ledger has, got {in_words(error)}"
        raise ValueError(f"{words}; nothing is written, and --resume finds what was computed") from error
    return pages


def documents(ledger: Ledger) -> dict[str, str]:
    """Pages of the documentation that are made of the ledger, by name."""
    return {"where_they_part.md": parting_page(ledger), "coverage.md": coverage_page(ledger)}


def ledger_page(ledger: Ledger) -> str:
    """All claims by paper and section, one line each; what was measured and what the authors could answer, folded."""
    all_rows = rows(ledger)
    differ = [row for row in all_rows if row.verdict == (OPEN, SEED_DECIDES)]
    larger = [row for row in all_rows if row.preset == LARGE]
    lines = ["# Claims of the papers, judged by measurement", "", f"{summary_of(all_rows)}.", ""]
    if larger:
        smaller = [row for row in all_rows if row.preset != LARGE]
        lines += [f"- Judged at `{LARGE}`: {summary_of(larger)}."]
        lines += [f"- Judged at `{ledger['preset']}`: {summary_of(smaller)}.", ""]
    lines += [line.format(preset=ledger["preset"], large=LARGE, differ=len(differ)) for line in HOW_TO_READ]
    old = [figure for figure in ledger["figures"] if stale(ledger, figure)]
    if old:
        lines += ["", OTHER_CODE.format(figures=", ".join(f"`{figure}`" for figure in old))]
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
    line = f"**{verdict}** at `{row.preset}`{_in_brackets(remark)}. {claim.place}{kind}: {claim.statement}"
    inside = [f"`{claim.key}`. Criterion: {claim.criterion}{' *' if claim.fixed == AFTER else ''}"]
    for preset, seeds in row.sizes.items():
        inside.append(f"Measured at `{preset}`: {at_seeds(seeds)}")
    judged_at = ((preset, judged) for preset, seeds in row.deciding_sizes.items() for judged in seeds.values())
    preset, missed = next(
        ((preset, judged) for preset, judged in judged_at if judged.verdict != REPRODUCED), ("", None)
    )
    if missed:
        inside += [f"Size: {row.settings[preset]}"] if row.settings.get(preset) else []
        inside += [f"Why: {missed.why}"] if missed.why else []
        inside += [f"The authors could answer: {missed.defence}"] if missed.defence else []
    details = "<br>".join(part.replace("\n", " ") for part in inside)
    return f"<details><summary>{_html(line)}</summary>{_html(details)}</details>\n"


def _in_brackets(remark: str) -> str:
    return f" ({remark})" if remark else ""


def _html(text: str) -> str:
    """Bold and code as tags, for within a tag nothing else is read."""
    text = _escaped(text)
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", re.sub(r"\*\*([^*]*)\*\*", r"<b>\1</b>", text))


def _escaped(text: str) -> str:
    """Without what a page would take for tags."""
    return re.sub(r"<(?!br>)", "&lt;", text)


def gallery_page(ledger: Ledger, gallery: Path = GALLERY) -> str:
    """One section per figure: picture, caption, and every number beside its criterion."""
    lines = ["# Gallery", ""]
    lines += ["The papers' figures, redrawn, with what is claimed and what was measured at every seed that decides."]
    lines += ["All claims in one page, and how a row is read: [CLAIMS.md](CLAIMS.md)."]
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
            kind = "" if row.claim.source == PAPER else f" ({row.claim.source})"
            told = f"{row.claim.place}{kind}: {row.claim.statement} **{verdict}**{_in_brackets(remark)}"
            lines.append(f"- {told}: {row.measured}")
            lines.append(f"  - asked: {row.claim.criterion}")
        took = f"{figure.large_seconds:g} s" if figure.large_seconds else "not timed"
        large = took if name in ledger.get(LARGE, {}) else "not run yet"
        sizes = f" Large preset: {large}." if LARGE in figure.presets else ""
        lines += [
            "",
            f"Quick preset: {figure.seconds:g} s on one core.{sizes} Paper preset: {figure.cost.rstrip('.')}.",
        ]
    return "\n".join(lines) + "\n"
