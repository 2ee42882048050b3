"""`python -m toymodels.condensation`: every criterion, measured and judged, one line as each is done."""

from __future__ import annotations

import argparse
import sys
import textwrap
import time

from toymodels.condensation.criteria import CRITERIA
from toymodels.trajectory import SimulationError


def main(argv: list[str] | None = None) -> int:
    """Run the criteria named on the command line (all by default); 0 if all ran, 1 if one failed numerically."""
    parser = argparse.ArgumentParser(prog="python -m toymodels.condensation", description=__doc__)
    parser.add_argument("criteria", nargs="*", metavar="NAME", help=f"any of {' '.join(CRITERIA)}; default: all")
    parser.add_argument("--seed", type=int, default=0, help="seed of every criterion (default 0)")
    options = parser.parse_args(argv)
    unknown = [name for name in options.criteria if name not in CRITERIA]
    if unknown or options.seed < 0:
        parser.error(f"unknown criteria: {' '.join(unknown)}" if unknown else "--seed must be >= 0")
    names = options.criteria or list(CRITERIA)
    print(f"{'name':5} {'verdict':13} seed {options.seed}")
    failures = 0
    for done, name in enumerate(names):
        print(f"[{done + 1}/{len(names)}] {name} ...", end="\r", file=sys.stderr, flush=True)
        failures += not _run(name, options.seed)
    return 1 if failures else 0


def _run(name: str, seed: int) -> bool:
    start = time.perf_counter()
    try:
        found = CRITERIA[name](seed)
    except SimulationError as error:
        print(f"{name:5} {'failed':13} {error}", flush=True)
        return False
    print(f"{name:5} {found.verdict:13} {found.claim}  [{time.perf_counter() - start:.1f} s]")
    print(textwrap.fill(found.measured, 118, initial_indent=" " * 20, subsequent_indent=" " * 20), flush=True)
    return True


if __name__ == "__main__":
    raise SystemExit(main())
