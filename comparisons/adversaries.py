"""Curves that must never be called `shown`, and true ones that must not be missed, for every study's judge.

`python -m comparisons adversaries` prints how often each study's judge is deceived, over many draws of one run each.
A study's verdict rests on several replicates whose conditions all must hold, so that chance deceives it less often.
The curves of a study lie in its folder.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence

import numpy as np

from comparisons.harness.cases import Case
from comparisons.harness.verdict import Verdict
from comparisons.studies import PHENOMENA
from toymodels.validation import positive_int

NAME = "adversaries"
DRAWS = 200


def _listed(kind: str) -> dict[str, list[Case]]:
    return {name: getattr(importlib.import_module(f"comparisons.{name}.adversaries"), kind) for name in PHENOMENA}


FALSE, TRUE = _listed("FALSE"), _listed("TRUE")
VARIATIONS = {
    "as it is": {},
    "20 records": {"n_records": 20},
    "200 records": {"n_records": 200},
    "500 records": {"n_records": 500},
    "clock squared": {"power": 2.0},
    "root of the clock": {"power": 0.5},
    "a decade more": {"decades": 5.0},
}


def judged(study: str, case: Case, seed: int, runs: int = 1, **variation) -> Verdict:
    """The study's verdict on runs of a case.

    Parameters
    ----------
    study : str
        Name of a study.
    case : Case
    seed : int
        Of the draws; run k draws from (seed, k).
    runs : int
        How many replicates.
    **variation
        Of :meth:`Case.run`.

    Returns
    -------
    Verdict
    """
    asked = importlib.import_module(f"comparisons.{study}").STUDY
    drawn = [case.run(np.random.default_rng((seed, k)), **variation) for k in range(runs)]
    return asked.judge(drawn, asked.presets["quick"].question)


def table(draws: int = DRAWS) -> str:
    """How often every case is called shown, and why not, as text.

    Parameters
    ----------
    draws : int
        Of one run each.

    Returns
    -------
    str
    """
    lines = []
    for kind, cases in (("must never be shown", FALSE), ("must not be missed", TRUE)):
        lines += ["", f"{kind}: share of {draws} single runs called shown, outcome and reason of the first"]
        for study, listed in cases.items():
            for case in listed:
                verdicts = [judged(study, case, seed) for seed in range(draws)]
                share = np.mean([verdict.outcome == "shown" for verdict in verdicts])
                why = f"{verdicts[0].outcome}: {verdicts[0].note}".removesuffix(": ")
                lines.append(f"  {study.replace('_', ' '):22}  {case.name:36}  {share:5.3f}  {why}")
    return "\n".join(lines[1:])


def main(argv: Sequence[str] = ()) -> int:
    """Print the table and return 0; it judges the judges, and fails nothing.

    Parameters
    ----------
    argv : sequence of str
        Arguments after the command's name.
    """
    parser = argparse.ArgumentParser(prog=f"python -m comparisons {NAME}", description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="single runs of every case")
    try:
        print(table(positive_int("draws", parser.parse_args(list(argv)).draws)))
    except ValueError as error:
        parser.error(str(error))
    return 0
