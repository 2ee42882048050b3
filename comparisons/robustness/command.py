"""Whether verdicts hold at other seeds and other sizes.

python -m comparisons robustness --jobs 2 [--studies grokking] [--models layerwise] [--with-dnn --hours 3] [--write]

Every row is asked again at other seeds, and with every setting that is a number and not its knob doubled and halved.
What is finished is kept, and the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from comparisons import matrix
from comparisons.harness import command, report
from comparisons.harness.study import Study
from comparisons.robustness import tables
from comparisons.robustness.survey import FOLDER, Answer, survey
from comparisons.robustness.variations import BASE, PRESET, Case, cases, chosen
from toymodels.run import files
from toymodels.run.engine import interruptible
from toymodels.validation import positive_int

NAME = "robustness"
CSV = "robustness.csv"


def parser(known: Sequence[str], default: Sequence[str]) -> argparse.ArgumentParser:
    """The command line.

    Parameters
    ----------
    known, default : sequence of str
        Names of all studies, and of those that are asked without being named.
    """
    made = command.Parser(
        prog=f"python -m comparisons {NAME}",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    named = f"without: {', '.join(default)}"
    made.add_argument("--studies", nargs="+", metavar="STUDY", choices=list(known), default=list(default), help=named)
    made.add_argument("--models", nargs="+", metavar="MODEL", help="without: all but networks and those on request")
    made.add_argument("--with-dnn", action="store_true", help="networks in torch too, which take hours")
    made.add_argument("--hours", type=float, help="begin no run of a network in torch after so many")
    made.add_argument("--seeds", type=int, default=8, help="seeds, from 0 on")
    made.add_argument("--replicates", type=int, default=3, help="runs a variation")
    made.add_argument("--jobs", type=int, default=1, help="worker processes; never changes a number")
    made.add_argument("--out", default="results", metavar="DIR", help="folder of all results")
    made.add_argument("--write", action="store_true", help="write table and numbers into this checkout")
    return made


@command.ends_with_its_reader
def main(
    argv: Sequence[str],
    load: Callable[[Sequence[str]], list[Study]],
    known: Sequence[str],
    default: Sequence[str],
) -> int:
    """Vary the rows of studies, print how far their verdicts hold, and return the exit code.

    Parameters
    ----------
    argv : sequence of str
        Arguments of the command line.
    load : callable (names) -> list of Study
    known, default : sequence of str
        Names of all studies, and of those that are asked without being named.

    Returns
    -------
    int
        0 when all was asked, 1 when the folder cannot be written any more, 2 for bad arguments, 130 when stopped.
    """
    options = parser(known, default).parse_args(argv)
    start = time.perf_counter()
    try:
        if options.write:
            matrix.require_checkout()
        _require_numbers(options)
        with interruptible():
            asked = _cases(load(list(dict.fromkeys(options.studies))), options)
            more = {"replicates": options.replicates, "jobs": options.jobs, "hours": options.hours, "out": options.out}
            came = survey(asked, **more, log=command.to_stderr)
    except ValueError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return command.USAGE
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"{NAME}: {command.in_one_line(error)}; what is finished is kept", file=sys.stderr)
        return command.FAILED
    except KeyboardInterrupt:
        return _stopped()
    if came.interrupted:
        return _stopped()
    content = tables.entries(came.answers, replicates=options.replicates, seeds=options.seeds)
    place = Path(options.out) / FOLDER / CSV
    try:
        earlier = place.read_text(encoding="utf-8") if place.exists() else ""
        files.write(place, tables.comma_separated(came.answers, earlier))
    except ValueError as error:
        print(f"{NAME}: {place}: {error}", file=sys.stderr)
        return command.FAILED
    print(tables.plain(content))
    print(f"\n{place}  ({time.perf_counter() - start:.0f} s)")
    for line in _differing(came.answers):
        command.to_stderr(line)
    if options.write:
        tables.commit(content, came.answers)
    return command.ALL_RAN


def _require_numbers(options: argparse.Namespace) -> None:
    for name in ("seeds", "replicates", "jobs"):
        positive_int(name, getattr(options, name))
    if options.hours is not None and not 0 < options.hours < math.inf:
        raise ValueError(f"hours must be positive and finite, got {options.hours}")


def _cases(studies: Sequence[Study], options: argparse.Namespace) -> list[Case]:
    """All variations of the models that are asked; says which are not."""
    for name in options.models or ():
        if not any(chosen(study, [name], True) for study in studies):
            raise ValueError(f"models must be ones that {' or '.join(s.name for s in studies)} runs, got {name!r}")
    asked: list[Case] = []
    for study in studies:
        models = chosen(study, options.models, options.with_dnn)
        for model in models:
            asked += cases(study, model, options.seeds)
        aside = [name for name in chosen(study, list(study.models), True) if name not in models]
        if aside and options.models is None:
            hint = "--with-dnn or --models asks them" if not options.with_dnn else "--models asks them"
            command.to_stderr(f"{study.name}: without {', '.join(aside)}; {hint}")
    return asked


def _differing(answers: Sequence[Answer]) -> list[str]:
    """One line per base that is not the committed verdict."""
    bases = [answer for answer in answers if answer.case.what == BASE and not answer.left_out]
    return [
        f"{answer.case.study.name} {line}"
        for answer in bases
        for line in report.differences(answer.case.study.name, {answer.case.row: answer.verdict}, PRESET, scores=False)
    ]


def _stopped() -> int:
    print("interrupted; what is finished is kept, the same command goes on", file=sys.stderr)
    return command.INTERRUPTED
