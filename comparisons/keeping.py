"""What lies in a folder of results: `show` prints what a call did, `prune` lists, and on request deletes, leftovers."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from comparisons.harness.folder import cells_of, read_manifest
from comparisons.harness.running import CELLS
from comparisons.stored import load
from toymodels.run.cells import read_head

COMMANDS = ("show", "prune")
_CELL = re.compile(r"[0-9a-f]{20}-[0-9a-f]{20}\.npz(\.damaged-\d+)?")


def parser() -> argparse.ArgumentParser:
    """The command line of `show` and `prune`."""
    made = argparse.ArgumentParser(prog="python -m comparisons", description=__doc__, allow_abbrev=False)
    commands = made.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="print the table of a finished call and the identity of its runs")
    show.add_argument("folder", metavar="FOLDER", help="results/grokking/quick-s0, or the file of one run")
    prune = commands.add_parser("prune", help="list the stored runs that no manifest names")
    prune.add_argument("--out", default="results", metavar="DIR")
    prune.add_argument("--yes", action="store_true", help="delete them")
    return made


def main(argv: Sequence[str]) -> int:
    """Run one of the commands and return the exit code: 0, or 2 where there is nothing of the kind."""
    options = parser().parse_args(argv)
    try:
        if options.command == "show":
            print(shown(Path(options.folder)))
        else:
            print(pruned(Path(options.out), options.yes))
    except (ValueError, FileNotFoundError, OSError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def shown(place: Path) -> str:
    """The table of a call with the identity of each run; of one file, its identity alone."""
    if place.is_file():
        return json.dumps(read_head(place)["identity"], indent=1)
    if not (place / "manifest.json").exists():
        raise FileNotFoundError(f"{place} holds no result")
    manifest = read_manifest(place)
    lines = [str(load(place))] if "verdicts" in manifest else [f"{place}: {manifest.get('state', 'no state')}"]
    for row, runs in manifest["rows"].items():
        for i, run in enumerate(runs):
            what = run.get("error") or f"digest {run.get('digest', 'not finished')[:12]}, {run.get('seconds', '-')} s"
            lines.append(f"{row} {i + 1}: {run['cell'] or run.get('file')}  {what}")
    return "\n".join(lines)


def pruned(out: Path, delete: bool) -> str:
    """Stored runs under `out` that no readable manifest names, by function; deleted if `delete`.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If a manifest is damaged: what it names cannot be known; with `delete` also if a figure was interrupted or has
        failed, which goes on from stored runs that no manifest names.
    """
    store = out / CELLS
    if not store.is_dir():
        raise FileNotFoundError(f"{out} holds no stored runs")
    if store.is_symlink():
        raise ValueError(f"{store} is a link: other folders may name its runs, prune where it points to")
    named: set[str] = set()
    unfinished: list[str] = []
    for folder in _folders(out):
        if any(folder.glob("manifest.json.damaged-*")):
            raise ValueError(
                f"{folder} holds a damaged manifest: what it named cannot be known; delete that file first"
            )
        if (folder / "manifest.json").exists():
            manifest = read_manifest(folder)
            named.update(cells_of(manifest))
            if "figure" in manifest and manifest.get("state") != "finished":
                unfinished.append(str(folder))
    cells = [path for path in sorted(store.glob("*/*")) if path.is_file() and _CELL.fullmatch(path.name)]
    left = [path for path in cells if f"{path.parent.name}/{path.name.removesuffix('.npz')}" not in named]
    size = sum(path.stat().st_size for path in left)
    counts = Counter(_function_of(path) for path in left)
    lines = [f"{count:6} of {name}" for name, count in sorted(counts.items())]
    if unfinished and left:
        needs = f"--resume of {', '.join(unfinished)} may need some of them: let it finish, or delete its folder first"
        if delete:
            raise ValueError(needs)
        lines.append(needs)
    if delete:
        for path in left:
            path.unlink()
    if not left:
        return f"nothing to prune: {len(cells)} stored runs, all named by a manifest"
    verb = "deleted" if delete else "could be deleted (--yes does it)"
    return "\n".join([*lines, f"{len(left)} of {len(cells)} stored runs, {size / 1e6:.1f} MB, {verb}"])


def _folders(out: Path) -> list[Path]:
    """Every folder under `out`, through links too, each once."""
    seen: dict[Path, Path] = {}
    for place, names, _ in os.walk(out, followlinks=True):
        real = Path(place).resolve()
        if real in seen:
            names.clear()
        seen.setdefault(real, Path(place))
    return list(seen.values())


def _function_of(path: Path) -> str:
    try:
        return str(read_head(path)["identity"]["asked"]["function"]["name"])
    except (ValueError, KeyError, TypeError):
        return "a damaged file"
