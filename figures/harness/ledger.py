"""The ledger of claims and the gallery page: what was claimed, what was measured, what came of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from comparisons import folder
from comparisons.report import number
from figures.harness.afterwards import AFTERWARDS
from figures.harness.figure import PAPERS, Judged
from figures.harness.running import Made, load

GALLERY = Path(__file__).with_name("gallery")


def summary(claims: Iterable[Judged]) -> str:
    """`61 claims: 48 reproduced, 9 contradicted, 4 open`."""
    counts = Counter(claim.verdict for claim in claims)
    parts = (f"{counts[verdict]} {verdict}" for verdict in ("reproduced", "contradicted", "open"))
    return f"{sum(counts.values())} claims: {', '.join(parts)}"


def write_gallery(made: Sequence[Made], preset: str, gallery: Path = GALLERY) -> None:
    """Copy the pictures and write `CLAIMS.md`, `claims.json` and the page that shows everything.

    A figure that failed keeps its picture and its claims of an earlier run of this preset, and the ledger says so. A
    confirmation of earlier claims is dropped: :func:`write_confirmation` writes the next.
    """
    good = [one for one in made if not one.error]
    for one in good:
        folder.write(gallery / f"{one.name}{one.picture.suffix}", one.picture.read_bytes())
    kept = _of_an_earlier_run([one.name for one in made if one.error], preset, gallery)
    shown = sorted([*good, *kept], key=lambda one: one.name)
    content = {"preset": preset, "claims": {one.name: [asdict(claim) for claim in one.claims] for one in shown}}
    folder.write(gallery / "claims.json", json.dumps(content, indent=1) + "\n")
    claims = [claim for one in shown for claim in one.claims]
    folder.write(gallery / "CLAIMS.md", ledger_page(claims, preset, kept=[one.name for one in kept]))
    folder.write(gallery / "README.md", gallery_page(shown))
    (gallery / "confirmation.json").unlink(missing_ok=True)


def _of_an_earlier_run(names: Sequence[str], preset: str, gallery: Path) -> list[Made]:
    path = gallery / "claims.json"
    content = json.loads(path.read_text()) if path.exists() else {"preset": None, "claims": {}}
    known = content["claims"] if content["preset"] == preset else {}
    pictures = {name: next(gallery.glob(f"{name}.*"), None) for name in names}
    return [
        Made(name, picture, tuple(Judged(**claim) for claim in known[name]), 0.0)
        for name, picture in pictures.items()
        if name in known and picture is not None
    ]


def write_confirmation(made: Sequence[Made], preset: str, seed: int, gallery: Path = GALLERY) -> None:
    """Put what another seed measured beside the committed claims; their pictures stay.

    Raises
    ------
    ValueError
        If `preset` is not that of the committed claims.
    """
    content = json.loads((gallery / "claims.json").read_text())
    if preset != content["preset"]:
        raise ValueError(f"preset must be that of the committed claims, {content['preset']}, got {preset}")
    claims = [Judged(**claim) for name in sorted(content["claims"]) for claim in content["claims"][name]]
    again = {claim.key: claim for one in made if not one.error for claim in one.claims}
    found = {"preset": preset, "seed": seed, "claims": [asdict(claim) for claim in again.values()]}
    folder.write(gallery / "confirmation.json", json.dumps(found, indent=1) + "\n")
    folder.write(gallery / "CLAIMS.md", ledger_page(claims, preset, again, seed))


def ledger_page(
    claims: Sequence[Judged],
    preset: str,
    again: Mapping[str, Judged] | None = None,
    seed: int | None = None,
    kept: Sequence[str] = (),
) -> str:
    """All claims as one table per paper; with those of another seed beside them, by key, in a column of their own."""
    lines = [
        "# Claims of the papers, judged by measurement",
        "",
        f"{summary(claims)}. Preset `{preset}`; the spread is over replicates. Criteria were fixed before this run, "
        "many of their bounds in the light of earlier runs of the same experiments: they say what a rerun must show, "
        "not what was foreseen. Those marked * were added or reworded after an exploratory run of this preset. A place "
        "with `our reading` or `control` is followed by a statement that the paper does not make in these words.",
        "Written by `python -m figures all`.",
    ]
    if kept:
        lines += ["", f"Kept from an earlier run, since this one could not make them: {', '.join(kept)}."]
    if again:
        lines += ["", _agreement(claims, again, seed)]
    heads = ["place", "claim", "criterion", "measured", "verdict", *([f"at seed {seed}"] if again else [])]
    for paper, title in PAPERS.items():
        own = [claim for claim in claims if claim.paper == paper]
        if own:
            lines += ["", f"## {title}", "", summary(own) + ".", ""]
            lines += [_line(heads), "|---" * len(heads) + "|", *(_row(claim, again) for claim in own)]
    return "\n".join(lines) + "\n"


def _agreement(claims: Sequence[Judged], again: Mapping[str, Judged], seed: int | None) -> str:
    """How the verdicts of the other seed, for which all criteria were fixed beforehand, compare."""
    pairs = [(claim, again[claim.key]) for claim in claims if claim.key in again]
    same = sum(first.verdict == second.verdict for first, second in pairs)
    late = [pair for pair in pairs if pair[0].key in AFTERWARDS]
    same_late = sum(first.verdict == second.verdict for first, second in late)
    return (
        f"The last column is a run at seed {seed} (`python -m figures all --seed {seed}`), before which all criteria "
        f"were fixed, also those marked *: {summary(second for _, second in pairs)}. The verdict is the same for "
        f"{same} of {len(pairs)} claims, for {same_late} of the {len(late)} marked ones."
    )


def _row(claim: Judged, again: Mapping[str, Judged] | None) -> str:
    verdict = f"**{claim.verdict}**" + (f": {claim.why}" if claim.why else "")
    mark = " *" if claim.key in AFTERWARDS else ""
    cells = [claim.place, claim.statement, claim.criterion + mark, measured(claim), verdict]
    if again:
        other = again.get(claim.key)
        cells.append("not run" if other is None else _other(claim, other))
    return _line(cells)


def _other(claim: Judged, other: Judged) -> str:
    """What the other seed measured, with its verdict where that differs."""
    return measured(other) + ("" if other.verdict == claim.verdict else f": **{other.verdict}**")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def measured(claim: Judged) -> str:
    """The median, with the spread when there are replicates; four digits, so that none rounds to its bound unseen."""
    median, low, high = (number(value, 4) for value in (claim.median, claim.low, claim.high))
    return median if claim.replicates == 1 else f"{median} [{low}, {high}], {claim.replicates} runs"


def gallery_page(made: Sequence[Made]) -> str:
    """One section per figure: picture, caption, verdicts."""
    lines = ["# Gallery", "", "The papers' figures, redrawn. All claims in one table: [CLAIMS.md](CLAIMS.md)."]
    for one in made:
        figure = load(one.name)
        lines += ["", f"## {one.name}", "", f"![{one.name}]({one.name}{one.picture.suffix})", "", figure.caption, ""]
        lines += [f"- {claim.place}: {claim.statement} **{claim.verdict}** ({measured(claim)})" for claim in one.claims]
        lines += ["", f"Quick preset: {figure.seconds:g} s on one core. Paper preset: {figure.cost.rstrip('.')}."]
    return "\n".join(lines) + "\n"
