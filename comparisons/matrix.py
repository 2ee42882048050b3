"""The model x phenomenon matrix, and the committed verdicts it is held against."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from comparisons.harness import report
from comparisons.harness.model import OFF, Model
from comparisons.harness.result import Result
from comparisons.harness.study import Study
from comparisons.harness.verdict import Verdict
from toymodels.run import files

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "figures" / "gallery"
ROBUSTNESS = Path(__file__).with_name("robustness.json")  # written by `python -m comparisons robustness --write`
HOLDS = (
    "Holds in n of m: at other seeds and with every setting but the knob doubled and halved, "
    "see [ROBUSTNESS.md](figures/gallery/ROBUSTNESS.md)."
)
ALONE = "A row that the other studies do not ask is a control or a variant of one study."
COLUMNS = 4  # of a table on the page
MARKERS = ("<!-- matrix begins -->", "<!-- matrix ends -->")


def rows(results: Sequence[Result]) -> list[str]:
    """Every model of any study, in the order they first appear; knob-off rows belong to their model."""
    return list(dict.fromkeys(row for result in results for row in result.verdicts if not row.endswith(OFF)))


def cell(verdict: Verdict | None, off: Verdict | None, knob: str = "", holds: str = "") -> str:
    """`shown 2.22 (off: 0.14, scale 4 -> 0.1); holds in 12 of 13`; a silent model says why, or "not asked"."""
    if verdict is None:
        return "not asked"
    if verdict.outcome in ("silent", "failed"):
        return f"{verdict.outcome}: {verdict.note}"
    score = f" {report.number(verdict.score)}" if verdict.scores else ""
    turned = f", {knob}" if knob else ""
    control = f" (off: {report.number(off.score)}{turned})" if off is not None and off.scores else ""
    return f"{verdict.outcome}{score}{control}{f'; {holds}' if holds else ''}"


def holding(result: Result, row: str) -> str:
    """In how many variations the verdict of a row, and that of its control, holds; empty where it is not known.

    Parameters
    ----------
    result : Result
    row : str
        A model; nothing is said of a verdict that is not the one which was varied.
    """
    content = json.loads(ROBUSTNESS.read_text()) if ROBUSTNESS.exists() else {}
    known = content.get(result.study, {})

    def count(name: str) -> str:
        entry = known.get(name, {})
        same = name in result.verdicts and entry.get("base") == result.verdicts[name].outcome
        return f"in {entry['n']} of {entry['m']}" if same and entry["m"] else ""

    own, control = count(row), count(row + OFF)
    return f"holds {own}{f', off {control}' if control else ''}" if own else ""


def markdown(results: Sequence[Result]) -> str:
    """The matrix as tables of four phenomena, whose cells link to the figures."""
    lines = []
    for start in range(0, len(results), COLUMNS):
        lines += [*_table(results[start : start + COLUMNS]), ""]
    scores = "; ".join(f"{result.study.replace('_', ' ')}: {_score(result.headline)}" for result in results)
    varied = any(holding(result, row) for result in results for row in rows([result]))
    return "\n".join([*lines, f"Scores. {scores}. {ALONE}{f' {HOLDS}' if varied else ''}"])


def _table(results: Sequence[Result]) -> list[str]:
    """Lines of a table with a column a result, and a row for every model that one of them asks."""
    heads = [result.study.replace("_", " ") for result in results]
    lines = ["| model | " + " | ".join(heads) + " |", "|---" * (len(results) + 1) + "|"]
    return [
        *lines,
        *(f"| {row} | " + " | ".join(_linked(each, row) for each in results) + " |" for row in rows(results)),
    ]


def _cell(result: Result, row: str, for_page: bool) -> str:
    """Text of a cell; a page has room for what the control turns and for how far the verdict holds."""
    knob = result.knobs.get(row + OFF, "") if for_page else ""
    holds = holding(result, row) if for_page else ""
    return cell(result.verdicts.get(row), result.verdicts.get(row + OFF), knob, holds)


def _linked(result: Result, row: str) -> str:
    text = _cell(result, row, for_page=True)
    return f"[{text}](figures/gallery/{result.study}.png)" if row in result.verdicts else text


def plain(results: Sequence[Result]) -> str:
    """The matrix for a terminal."""
    table = [["model", *(result.study.replace("_", " ") for result in results)]]
    for row in rows(results):
        table.append([row, *(_cell(result, row, for_page=False) for result in results)])
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in table)


def _score(headline: str) -> str:
    return headline.partition("Score: ")[2].rstrip(".")


def require_checkout(root: Path = ROOT) -> None:
    """Refuse to change the files of an installed package.

    Raises
    ------
    ValueError
        If the package does not lie in a checkout of the project.
    """
    if not (root / "pyproject.toml").exists() or not (root / "README.md").exists():
        raise ValueError(f"--write changes the files of a checkout, but this is an installed package: {root}")


def commit(
    results: Sequence[Result],
    studies: Mapping[str, Study],
    preset: str,
    readme: Path = ROOT / "README.md",
    gallery: Path = GALLERY,
) -> None:
    """Write the matrix into the README, the verdicts into the package and the figures into the gallery."""
    text = readme.read_text()
    before, begin, rest = text.partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not begin or not end:
        raise ValueError(f"{readme} must contain the lines {' and '.join(MARKERS)}")
    files.write(readme, f"{before}{begin}\n{markdown(results)}\n{end}{after}")
    commit_verdicts(results, studies, preset, gallery)


def commit_verdicts(
    results: Sequence[Result], studies: Mapping[str, Study], preset: str, gallery: Path = GALLERY
) -> None:
    """Write verdicts into the package and figures into the gallery."""
    write_verdicts(results, studies, preset)
    for result in results:
        if result.folder is not None:
            files.write(gallery / f"{result.study}.png", (result.folder / "figure.png").read_bytes())


def write_verdicts(results: Sequence[Result], studies: Mapping[str, Study], preset: str) -> None:
    """Record outcomes and scores of these studies as the committed ones; models on request keep theirs."""
    committed = json.loads(report.COMMITTED.read_text()) if report.COMMITTED.exists() else {}
    for result in results:
        outcomes = {row: report.to_commit(verdict) for row, verdict in result.verdicts.items()}
        known = committed.setdefault(result.study, {})
        kept = {row: old for row, old in known.get(preset, {}).items() if _is_on_request(studies[result.study], row)}
        known[preset] = kept | outcomes
    files.write(report.COMMITTED, json.dumps(committed, indent=1, sort_keys=True) + "\n")


def _is_on_request(study: Study, row: str) -> bool:
    model = study.models.get(row.removesuffix(OFF))
    return isinstance(model, Model) and model.on_request
