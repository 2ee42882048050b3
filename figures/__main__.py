"""python -m figures lists the figures, python -m figures NAME makes some, python -m figures all makes the gallery.

With another --seed, `all` puts what it measures beside the claims of the gallery, whose criteria it has not seen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from comparisons.runner import ALL_RAN, FAILED, INTERRUPTED, USAGE
from figures.harness import running as runner
from toymodels.run.engine import parse_engine
from toymodels.validation import positive_int


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m figures", description=__doc__, allow_abbrev=False)
    made.add_argument("names", nargs="*", metavar="NAME", help="figures to make, or `all`; none lists them")
    made.add_argument("--preset", default="quick", choices=["quick", "paper"])
    made.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--jobs", type=int, default=1, help="worker processes; never changes a number")
    made.add_argument("--engine", default="local", help="local, dask or dask:ADDRESS")
    made.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    made.add_argument("--data", metavar="DIR", help="folder with data sets")
    made.add_argument("--out", default="results", metavar="DIR")
    made.add_argument("--format", default="png", choices=runner.FORMATS)
    made.add_argument("--resume", action="store_true", help="keep what an earlier call computed")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Make figures from the command line and return the exit code."""
    options = vars(parser().parse_args(argv))
    wanted = options.pop("names")
    if not wanted:
        print("\n".join(f"{name:24} {_first_sentence(name)}" for name in runner.names()))
        return ALL_RAN
    try:
        made = _make(wanted, options)
    except ValueError as error:
        print(f"figures: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("interrupted; what is finished is kept, --resume goes on", file=sys.stderr)
        return INTERRUPTED
    return _report(wanted, made, options)


def _make(wanted: list[str], options: dict) -> list[runner.Made]:
    from tqdm import tqdm

    positive_int("seed", options["seed"], minimum=0)
    positive_int("jobs", options["jobs"])
    parse_engine(options["engine"])
    chosen = runner.names() if wanted == ["all"] else wanted
    for name in chosen:
        runner.load(name)
    many = len(chosen) > 1
    inner = {**options, "overrides": tuple(options["overrides"])} | ({"jobs": 1, "engine": "local"} if many else {})
    requests = [runner.Request(name=name, **inner) for name in chosen]
    outer = {"jobs": options["jobs"], "engine": options["engine"]} if many else {"jobs": 1, "engine": "local"}
    requests.sort(key=lambda one: -runner.load(one.name).seconds)  # the longest first, or it ends alone
    _expect_replaced_workers()
    made = []
    bar = tqdm(total=len(requests), disable=None, unit="figure", leave=False)
    for one in runner.make_all(requests, **outer):
        bar.update()
        made.append(one)
        if bar.disable:
            state = f"failed: {one.error}" if one.error else f"{one.seconds:.1f} s"
            print(f"{one.name}: {state}", file=sys.stderr, flush=True)
    bar.close()
    return sorted(made, key=lambda one: one.name)


def _expect_replaced_workers() -> None:
    """Loky replaces, and warns of, a worker that has grown by 300 MB; with torch loaded all do, and nothing is lost."""
    import warnings

    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)


def _report(wanted: list[str], made: list[runner.Made], options: dict) -> int:
    from figures.harness import ledger

    for one in made:
        print(f"{one.name}  {one.picture}" if not one.error else f"{one.name}  failed: {one.error}")
        for claim in one.claims:
            print(f"  {claim.verdict:12} {ledger.measured(claim):32} {claim.place}: {claim.criterion}")
    print(ledger.summary([claim for one in made for claim in one.claims]))
    if wanted == ["all"] and not options["overrides"]:
        if options["seed"] == 0:
            ledger.write_gallery(made, options["preset"])
        else:
            ledger.write_confirmation(made, options["preset"], options["seed"])
        print(ledger.GALLERY)
    return FAILED if any(one.error for one in made) else ALL_RAN


def _first_sentence(name: str) -> str:
    return (runner.load(name).caption.partition(". ")[0]).rstrip(".")


if __name__ == "__main__":
    raise SystemExit(main())
