"""The command line of the checker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from docs.check.formulas import Formula
from docs.check.programs import Program
from docs.check.sheets import SHEETS, Problem, answers, problems

KINDS = {"Formula": "a formula", "Number": "a number", "Curve": "a CSV file", "Program": "a Python file"}


def main(argv: Sequence[str] | None = None) -> int:
    """Judge a sheet; exit status 1 if an answer is missing or not right, 2 if nothing could be judged.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments, those of the process by default.
    """
    parser = argparse.ArgumentParser("python -m docs.check", description=_DESCRIPTION)
    parser.add_argument("sheet", choices=SHEETS, help="which sheet")
    parser.add_argument("answers", nargs="*", metavar="PROBLEM=ANSWER", help="answers, in quotes")
    parser.add_argument("--from", dest="page", type=Path, help="a page of answers, .toml or .md")
    parser.add_argument("--blank", action="store_true", help="print an empty page of answers")
    asked = parser.parse_args(argv)
    known = problems(asked.sheet)
    if asked.blank:
        print("\n".join(f'# {_line(problem)}\n# {key} = ""\n' for key, problem in known.items()), end="")
        return 0
    try:
        given = answers(asked.page) if asked.page else {}
        given |= _pairs(asked.answers)
        unknown = set(given) - set(known)
        if unknown:
            raise ValueError(f"problem must be one of {', '.join(known)}, got {min(unknown)}")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if not given:
        given = _asked(known)
    return _report(known, given)


def _pairs(words: Sequence[str]) -> dict[str, str]:
    if broken := [word for word in words if "=" not in word]:
        raise ValueError(f"an answer must be PROBLEM=ANSWER, got {broken[0][:60]}")
    return {key.strip(): value.strip() for key, _, value in (word.partition("=") for word in words)}


def _asked(known) -> dict[str, str]:
    """Answers typed in, an empty line for none; nothing where nobody types."""
    given = {}
    for key, problem in known.items():
        print(f"{key}: {_line(problem)}")
        if sys.stdin.isatty():
            while typed := input("> ").strip():
                verdict = problem.judge(typed)
                print(verdict)
                given[key] = typed
                if verdict.right:
                    break
    return given


def _line(problem: Problem) -> str:
    names = f", in {', '.join(problem.symbols)}" if isinstance(problem, Formula | Program) else ""
    return f"{problem.asks} ({KINDS[type(problem).__name__]}{names})"


def _report(known, given) -> int:
    good = 0
    for key in known:
        if key in given:
            verdict = known[key].judge(given[key])
            good += verdict.right
            print(f"{key}: {verdict}")
    print(f"{good} of {len(known)} right, {len(known) - len(given)} not answered")
    return 0 if good == len(known) else 1


_DESCRIPTION = (
    "Judges the answers to a problem sheet against the exact solutions, and says where and how they differ. "
    "Without answers it lists the problems, and on a terminal asks for them one by one."
)
