"""The command line of studies: flags, progress, exit codes."""

from __future__ import annotations

import argparse
import difflib
import functools
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from comparisons.harness import report
from comparisons.harness.model import Model
from comparisons.harness.result import Result
from comparisons.harness.settings import parse, visible
from comparisons.harness.study import Study
from toymodels.run.engine import interruptible

SEED, REPLICATES = 0, 3  # of the committed scores too
ALL_RAN, FAILED, USAGE, DIFFERS, INTERRUPTED, NOBODY_READS = 0, 1, 2, 3, 130, 141


class Parser(argparse.ArgumentParser):
    """Answers a misspelt flag with the nearest one."""

    def error(self, message: str):
        """Print the message, with the nearest flag, and leave with 2."""
        wrong = [word for word in message.split() if word.startswith("--")]
        flags = [flag for action in self._actions for flag in action.option_strings]
        near = difflib.get_close_matches(wrong[0], flags, n=1) if "unrecognized" in message and wrong else []
        super().error(f"{message}; did you mean {near[0]}?" if near else message)


def ends_with_its_reader(main: Callable[..., int]) -> Callable[..., int]:
    """A command that stops without a word, with 141, when whoever reads what it prints (`head`) has gone."""

    @functools.wraps(main)
    def call(*args, **options) -> int:
        try:
            code = main(*args, **options)
            sys.stdout.flush()
            return code
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is printed yet is flushed at the end
            return NOBODY_READS

    return call


def base_parser(prog: str, description: str, presets: Sequence[str]) -> argparse.ArgumentParser:
    """The flags that every command which runs studies has."""
    made = Parser(
        prog=prog,
        description=description,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--preset", default="quick", choices=list(presets), help="sizes and horizons")
    made.add_argument("--seed", type=int, default=SEED, help="of everything, >= 0")
    made.add_argument("--replicates", type=int, default=REPLICATES, help="runs per row")
    made.add_argument("--jobs", type=int, default=1, help="worker processes; never changes a number")
    made.add_argument("--engine", default="local", help="local, dask or dask:HOST:PORT of a scheduler")
    made.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    made.add_argument("--data", metavar="DIR", help="folder with data sets, for models that load them")
    made.add_argument("--out", type=os.path.expanduser, default="results", metavar="DIR", help="folder of all results")
    made.add_argument("--resume", action="store_true", help="take finished runs whose code and settings are the same")
    made.add_argument("--no-picture", dest="picture", action="store_false", help="compute and judge only")
    made.add_argument(
        "--check", action="store_true", help="exit 3 when a verdict or a score differs from the committed one"
    )
    made.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting: NAME of the question, MODEL.NAME of a model, MODEL.off.NAME of its control",
    )
    return made


def parser(study: Study) -> argparse.ArgumentParser:
    """The command line of one study."""
    made = base_parser(f"python -m comparisons.{study.name}", study.headline, list(study.presets))
    made.epilog = settings_in_words(study)
    made.add_argument("--models", nargs="+", metavar="MODEL", help=_models(study))
    return made


def _models(study: Study) -> str:
    asked = [name for name, model in study.models.items() if isinstance(model, Model) and model.on_request]
    more = f"; only when named: {', '.join(map(report.plain_name, asked))}" if asked else ""
    return ", ".join(report.plain_name(name) for name in study.models if name not in asked) + more


def settings_in_words(study: Study, prefix: str = "") -> str:
    """Every setting with its default, for `--help`; `prefix` stands before every key."""
    lines = ["settings for --set, with their defaults:"]
    lines += [f"  {prefix}{name}={value}" for name, value in visible(study.question).items()]
    for name, model in study.models.items():
        if isinstance(model, Model):
            key = f"{prefix}{report.plain_name(name)}"
            lines += [f"  {key}.{setting}={value}" for setting, value in visible(model.settings).items()]
            lines += [f"      control: {model.knob}"] if model.off else []
    return "\n".join(lines)


def to_stderr(line: str) -> None:
    """One line of progress."""
    print(line, file=sys.stderr, flush=True)


@ends_with_its_reader
def main(study: str | Study, argv: Sequence[str] | None = None) -> int:
    """Run a study from the command line and return its exit code.

    Parameters
    ----------
    study : str or Study
        A name stands for `comparisons.NAME.STUDY`.
    argv : sequence of str, optional
        Instead of the command line's arguments.

    Returns
    -------
    int
        0 when all ran, 1 when a row failed, 2 for bad arguments, 3 when `--check` finds a difference, 130 when stopped.
    """
    if isinstance(study, str):  # by name, so that workers import it rather than get a copy of __main__
        study = importlib.import_module(f"comparisons.{study}").STUDY
    assert isinstance(study, Study)
    options = vars(parser(study).parse_args(argv))
    check, same = options.pop("check"), same_numbers(options, options["changes"])
    try:
        with interruptible():
            result = study.run(**_arguments(options), log=to_stderr, loud=True)
    except (ValueError, FileNotFoundError) as error:
        print(f"{study.name}: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"{study.name}: {in_one_line(error)}; what is finished is kept, --resume goes on", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return stopped()
    print(result)
    if result.interrupted:
        return stopped()
    if result.folder is not None and (result.folder / "figure.png").exists():
        print(result.folder / "figure.png")
    return exit_code(result, check, options["preset"], same)


def _arguments(options: dict) -> dict:
    """The command line's options as arguments of :meth:`Study.run`."""
    changes = parse(options.pop("changes"))
    return {**options, "settings": changes}


def in_one_line(error: OSError) -> str:
    """What the operating system refused, and where."""
    return f"{error.strerror or type(error).__name__}{f': {error.filename}' if error.filename else ''}"


def stopped() -> int:
    """Say how to go on, and return the exit code of an interruption."""
    print("interrupted; what is finished is kept, --resume goes on", file=sys.stderr)
    return INTERRUPTED


def same_numbers(options: dict, changes: Sequence | Mapping) -> bool:
    """Whether a call has the seed, replicates and settings with which scores are committed."""
    return (options["seed"], options["replicates"]) == (SEED, REPLICATES) and not changes


def exit_code(result: Result, check: bool, preset: str, scores: bool = True) -> int:
    """1 when a model failed, 3 when `check` finds a verdict that differs from the committed one, else 0.

    Parameters
    ----------
    result : Result
    check : bool
    preset : str
    scores : bool
        Whether scores are compared as well as outcomes.
    """
    if any(verdict.outcome == "failed" for verdict in result.verdicts.values()):
        return FAILED
    differences = report.differences(result.study, result.verdicts, preset, scores) if check else []
    if check:
        lines = [*differences, *report.unknown(result.study, result.verdicts, preset, scores)]
        far = f"{report.ABSOLUTE:g} + {report.RELATIVE:g} of the score"
        fine = f"verdicts as committed, scores within {far}" if scores else "verdicts as committed; scores not compared"
        print("\n".join(lines) or fine, file=sys.stderr)
    return DIFFERS if differences else ALL_RAN
