"""Experiments of a family with the claims they decide, and the command that runs, judges and prints them."""

from __future__ import annotations

import argparse
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toymodels.claims import CONTRADICTED, Claim, Judged
from toymodels.trajectory import SimulationError
from toymodels.validation import positive_int

FAILED = "failed"
_COLUMN = max(map(len, (CONTRADICTED, FAILED))) + 2


@dataclass(frozen=True)
class Experiment:
    """What is run once, and everything that is judged on it.

    Parameters
    ----------
    name : str
        Short, as on the command line: "theorem-1".
    run : callable (rng) -> mapping of str to numbers or arrays
        What the claims measure.
    claims : tuple of Claim
    """

    name: str
    run: Callable[[np.random.Generator], Mapping[str, Any]]
    claims: tuple[Claim, ...]

    def judge(self, rng: np.random.Generator) -> list[Judged]:
        """Run, and judge every claim.

        Raises
        ------
        SimulationError
            If a number of the run went bad, also where a claim measures NaN.
        """
        data = self.run(rng)
        try:
            return [claim.judge(data) for claim in self.claims]
        except ValueError as error:
            raise SimulationError(str(error)) from error


def main(prog: str, description: str, experiments: Sequence[Experiment], argv: Sequence[str] | None = None) -> int:
    """The command `prog [NAME ...] [--seed N]`: every claim with its verdict, printed as soon as it is judged.

    Parameters
    ----------
    prog, description : str
        For `--help`.
    experiments : sequence of Experiment
        All there are; the command line may name some.
    argv : sequence of str, optional
        Instead of the command line's arguments.

    Returns
    -------
    int
        0 if every experiment could be judged, whatever the verdicts: a contradicted claim is a result. 1 if one failed
        numerically. Bad arguments leave with 2.
    """
    known = {experiment.name: experiment for experiment in experiments}
    if len(known) < len(experiments):
        raise ValueError(
            f"experiments must have names of their own, got {', '.join(experiment.name for experiment in experiments)}"
        )
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(known)} (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers of every experiment (default: 0)")
    options = parser.parse_args(argv)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"NAME must be one of {', '.join(known)}, got {', '.join(unknown)}")
    try:
        positive_int("--seed", options.seed, minimum=0)
    except ValueError as error:
        parser.error(str(error))
    verdicts = []
    for name in dict.fromkeys(options.names or known):
        start = time.perf_counter()
        try:
            judged = known[name].judge(np.random.default_rng(options.seed))
        except SimulationError as error:
            _say(FAILED, f"{name}: {error}")
            verdicts.append(FAILED)
            continue
        for claim in judged:
            _say(claim.verdict, f"{claim.key} ({claim.place}; {claim.source})", *_lines(claim))
            verdicts.append(claim.verdict)
        print(f"{'':{_COLUMN}}{name}: {time.perf_counter() - start:.1f} s", flush=True)
    print(", ".join(f"{verdicts.count(kind)} {kind}" for kind in dict.fromkeys(verdicts)))
    return int(FAILED in verdicts)


def _lines(claim: Judged) -> list[str]:
    told = [claim.statement, f"criterion: {claim.criterion}", f"measured: {claim.measured}"]
    return told + [f"{name}: {text}" for name, text in (("why", claim.why), ("defence", claim.defence)) if text]


def _say(verdict: str, head: str, *lines: str) -> None:
    indent = " " * _COLUMN
    print(f"{verdict:{_COLUMN}}{head}")
    for line in lines:
        print(textwrap.fill(line, 118, initial_indent=indent, subsequent_indent=indent + "  "))
    print(end="", flush=True)
