"""The command line of figures: names, progress, exit codes."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from comparisons.harness import folder as folders
from comparisons.harness.command import (
    ALL_RAN,
    FAILED,
    USAGE,
    Parser,
    ends_with_its_reader,
    in_one_line,
    stopped,
    to_stderr,
)
from comparisons.harness.settings import parse, visible
from figures.harness import exports, judging, ledger, pages, registry, running, sheet
from figures.harness.figure import PRESETS, PaperFigure
from toymodels.run.engine import interruptible, parse_engine
from toymodels.validation import positive_int

NAMES = (
    "subjects or numbers, or `all`; none, or `list`, lists the figures; `judge [NAME ...]` judges the stored data "
    "again, `sheet [NAME ...]` puts the gallery's pictures side by side"
)
LIST, JUDGE, SHEET = "list", "judge", "sheet"


def parser(description: str | None = None):
    """The command line."""
    made = Parser(
        prog="python -m figures",
        description=description or __doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("names", nargs="*", metavar="NAME", help=NAMES)
    made.add_argument("--preset", default="quick", choices=PRESETS)
    made.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting; `python -m figures NAME --settings` lists them",
    )
    made.add_argument("--settings", action="store_true", help="list the settings of these figures and stop")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--jobs", type=int, default=1, help="worker processes; never changes a number")
    made.add_argument("--engine", default="local", help="local, dask or dask:HOST:PORT of a scheduler")
    made.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    made.add_argument("--data", metavar="DIR", help="folder with data sets")
    made.add_argument("--out", default="results", metavar="DIR", help="folder of all results")
    made.add_argument("--format", default="png", choices=running.FORMATS)
    made.add_argument("--resume", action="store_true", help="draw and judge what is computed already")
    made.add_argument("--write", action="store_true", help="put claims and pictures into the gallery of this checkout")
    made.add_argument(
        "--check",
        nargs="*",
        metavar="CLAIM",
        help="compare these claims (all, if none is named) with the ledger; exit code 1 where one is not as expected. "
        "Before anything is computed, what the ledger does not have is refused",
    )
    made.add_argument(
        "--verbose", action="store_true", help="with `judge`: name the entries that other code has computed"
    )
    return made


@ends_with_its_reader
def main(
    argv: Sequence[str] | None = None, figures: Sequence[PaperFigure] | None = None, description: str | None = None
) -> int:
    """Make figures from the command line and return the exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Instead of the command line's arguments.
    figures : sequence of PaperFigure, optional
        Figures of your own; those of the papers, if None.
    description : str, optional
        For `--help`.

    Returns
    -------
    int
        0 when all were made, 1 when one failed, 2 for bad arguments, 130 when stopped.
    """
    command_line = parser(description)
    arguments = list(sys.argv[1:] if argv is None else argv)
    if {"-h", "--help"} & set(arguments):
        command_line.epilog = _all_settings(figures)
    options = vars(command_line.parse_args(arguments))
    names = ("names", "write", "settings", "check", "verbose")
    wanted, write, listing, check, verbose = (options.pop(name) for name in names)
    try:
        if wanted[:1] == [JUDGE] and figures is None:
            return _judge(wanted[1:], write, verbose)
        if wanted[:1] == [SHEET] and figures is None:
            chosen = _chosen(wanted[1:], {}) if wanted[1:] else list(registry.names())
            print("\n".join(map(str, sheet.write(chosen, Path(options["out"]) / "figures" / SHEET))))
            return ALL_RAN
        known = {figure.name: figure for figure in figures or ()}
        if wanted in ([], [LIST]) and figures is None:
            print("\n".join(f"{name:40} {_first_sentence(registry.load(name))}" for name in registry.names()))
            return ALL_RAN
        chosen = list(known) if figures is not None and not wanted else _chosen(wanted, known)
        if listing:
            print("\n".join(_settings(known.get(name) or registry.load(name), options["preset"]) for name in chosen))
            return ALL_RAN
        if write:
            _require_writable(chosen, options, known)
        if check is not None:
            _require_checkable(chosen, options, write, check)
        with interruptible():
            made = _make(chosen, known, dict(options))
        return _report(made, options, write, check)
    except ValueError as error:
        print(f"figures: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"figures: {in_one_line(error)}; what is finished is kept, --resume goes on", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return stopped()


def _judge(wanted: Sequence[str], write: bool, verbose: bool) -> int:
    """Judge the stored data again, print what is not as the ledger says, and with `write` put it there.

    Data that were computed with other settings than the preset's are wrong whatever is written; those of other code may
    be right, and are counted.
    """
    if write:
        _require_checkout()
    content = ledger.read_ledger()
    if not content["figures"]:
        raise ValueError("judge needs the data that the gallery of a checkout keeps, got an installed package")
    chosen = _chosen(wanted, {}) if wanted else list(registry.names())
    again, unread = [], []
    for name in chosen:
        try:
            again += judging.judge_again(content, [name])
        except ValueError as error:
            unread.append(str(error))
    differs = [line for one in again for line in one.differs]
    print("\n".join([*differs, *unread]) or "all as the ledger says")
    claims = [claim for one in again for claim in one.claims]
    stored = {one.figure for one in again}
    print(f"{len(claims)} verdicts of {len(stored)} figures; nothing is stored of {len(set(chosen) - stored)} others")
    others, older = judging.other_settings(content, chosen), judging.other_code(content, chosen)
    for line in [*others, *(f"{place}: computed by other code" for place in older if verbose)]:
        print(line)
    print(f"{len(others)} of {len(again)} entries were computed with other settings than those of their preset")
    more = "" if verbose or not older else "; --verbose names them"
    print(f"{len(older)} of them by other code or versions than those of now, which may change no number{more}")
    if write and unread:
        print("nothing is written")
    elif write:
        pages.write_pages(judging.rejudged(content, again))
        print(ledger.GALLERY)
    return FAILED if unread or others or (differs and not write) else ALL_RAN


def _chosen(wanted: Sequence[str], known: dict[str, PaperFigure]) -> list[str]:
    if list(wanted) == ["all"]:
        return list(known or registry.names())
    names = [registry.find(word, known) for word in wanted]
    return list(dict.fromkeys(names))


def _require_checkout() -> None:
    from comparisons.matrix import require_checkout

    require_checkout()


def _require_writable(chosen: list[str], options: dict, known: dict[str, PaperFigure]) -> None:
    _require_checkout()
    if options["changes"] or known or options["format"] != "png":
        raise ValueError("--write takes the papers' figures with the settings of the preset, as png")
    content = ledger.read_ledger()
    alone = [name for name in chosen if name not in content["figures"]]
    if ledger.place_of(content, options["preset"]) == ledger.LARGE and alone:  # no page would show them
        names = ", ".join(alone)
        raise ValueError(f"figures at the larger size must be in the gallery at {content['preset']}, got {names}")


def _require_checkable(chosen: list[str], options: dict, write: bool, keys: list[str]) -> None:
    if write or options["changes"]:
        got = "--write" if write else "--set"
        raise ValueError(
            f"--check compares a preset with the ledger as it is, and goes without --write and --set, got {got}"
        )
    positive_int("seed", options["seed"], minimum=0)
    exports.require_checkable(ledger.read_ledger(), chosen, options["preset"], options["seed"], keys)


def _make(chosen: list[str], known: dict[str, PaperFigure], options: dict) -> list[running.FigureResult]:
    positive_int("seed", options["seed"], minimum=0)
    jobs, engine = positive_int("jobs", options.pop("jobs")), options.pop("engine")
    parse_engine(engine)
    changes = parse(options.pop("changes"))
    many = len(chosen) > 1
    inner = {"jobs": 1, "engine": "local"} if many else {"jobs": jobs, "engine": engine}
    requests = [running.Request(known.get(name, name), changes=changes, **inner, **options) for name in chosen]
    figures = {request.name: known.get(request.name) or registry.load(request.name) for request in requests}
    for request in requests:
        running.settings_of(figures[request.name], request)
    requests.sort(key=lambda request: -figures[request.name].seconds)  # the longest first, or it ends alone
    outer = {"jobs": jobs, "engine": engine} if many else {"jobs": 1, "engine": "local"}
    made = []
    for result in running.make_all(requests, **outer):
        made.append(result)
        for line in result.messages:
            to_stderr(f"{result.name}: {line}")
        state = f"failed: {result.error}" if result.error else f"{result.seconds:.1f} s"
        to_stderr(f"{result.name}: {state}  ({len(made)} of {len(requests)})")
    return sorted(made, key=lambda result: chosen.index(result.name))


def _report(made: list[running.FigureResult], options: dict, write: bool, check: list[str] | None) -> int:
    changes = options["changes"]
    for result in made:
        print(f"{result.name}  {result.picture}" if not result.error else f"{result.name}  failed: {result.error}")
        for claim in result.claims:
            words = ledger.verdict_in_words(claim, changes)
            print(f"  {words:12} {claim.measured:32} {claim.place}: {claim.criterion}")
    print(ledger.summary([[claim] for result in made for claim in result.claims]))
    if write:
        for name in pages.write_gallery(made, options["preset"], options["seed"]):
            to_stderr(f"{name}: its data are too large to be kept for judging again")
        print(ledger.GALLERY)
    elif len(made) > 1:
        print(_written_beside(made, options))
    missed = [] if check is None else _checked(made, options, check)
    return FAILED if missed or any(result.error for result in made) else ALL_RAN


def _checked(made: list[running.FigureResult], options: dict, keys: list[str]) -> list[str]:
    """What is not as the ledger expects, printed; a figure that failed is not."""
    content, lines, compared = ledger.read_ledger(), [], 0
    for result in made:
        known = {row.claim.key for row in ledger.rows(content, [result.name])}
        own = [key for key in keys if key in known]
        if result.error:
            lines.append(f"{result.name}: nothing to compare, it failed")
            continue
        compared += len(own) or len(known)
        lines += exports.failures(content, result.name, options["preset"], options["seed"], list(result.claims), own)
    print("\n".join(lines) or f"as expected: {compared} claim{'s' if compared > 1 else ''}")
    return lines


def _written_beside(made: list[running.FigureResult], options: dict) -> Path:
    """The ledger of this call, in a folder of its own under the results."""
    place = Path(options["out"]) / "figures" / "ledger"
    call = folders.call_digest([result.cell for result in made])
    base = f"{options['preset']}-s{options['seed']}"
    with folders.locked(place):
        where = folders.folder_of_call(place, base, call, to_stderr)
        empty = {"preset": options["preset"], "figures": {}}
        pages.write_ledger(ledger.merged(empty, made, options["preset"], options["seed"]), where)
        rows = {result.name: [{"cell": result.cell}] for result in made}
        folders.write_manifest(where, {"figure": "ledger", "call": call, "state": "finished", "rows": rows})
    return where / "CLAIMS.md"


def _first_sentence(figure: PaperFigure) -> str:
    return re.split(r"(?<!et al)\. |(?<=\?) ", figure.caption, maxsplit=1)[0].rstrip(".")


def _all_settings(figures: Sequence[PaperFigure] | None) -> str:
    """Settings of the quick preset, figure by figure."""
    known = list(figures) if figures is not None else [registry.load(name) for name in registry.names()]
    return "\n".join(
        ["settings for --set, with those of the quick preset:", *(_settings(figure, "quick") for figure in known)]
    )


def _settings(figure: PaperFigure, preset: str) -> str:
    values = visible(figure.presets[preset])
    return "\n".join([figure.name, *(f"  {name}={value}" for name, value in values.items())])
