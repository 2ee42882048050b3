"""All phenomena, then the model x phenomenon matrix; what is in a folder of results; how far verdicts hold and judges.

python -m comparisons --preset quick --jobs 2 [--check | --write]
python -m comparisons show results/grokking/quick-s0
python -m comparisons prune [--out results] [--yes]
python -m comparisons robustness [--studies grokking] [--jobs 2] [--write]
python -m comparisons adversaries
"""

from __future__ import annotations

import difflib
import sys
import time
from collections.abc import Sequence

from comparisons import adversaries, keeping, matrix
from comparisons.harness import command
from comparisons.harness.settings import parse
from comparisons.harness.study import Study
from comparisons.robustness import command as robustness
from comparisons.studies import ALL, EXCHANGE, FORERUNNERS, PHENOMENA, SIZES, preset_of, studies
from toymodels.run.engine import interruptible


def parser():
    """The command line of a study, without its models; settings start with the name of their study."""
    made = command.base_parser("python -m comparisons", __doc__ or "", SIZES)
    made.epilog = "\n\n".join(
        f"{study.name}: {command.settings_in_words(study, f'{study.name}.')}" for study in studies(ALL)
    )
    made.add_argument("--with-exchange", action="store_true", help="run order_parameters and forerunners as well")
    made.add_argument("--write", action="store_true", help="write matrix, verdicts and figures into this checkout")
    return made


@command.ends_with_its_reader
def main(argv: Sequence[str] | None = None) -> int:
    """Run every study and return the worst exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv and argv[0] in keeping.COMMANDS:
        return keeping.main(argv)
    if argv and argv[0] == robustness.NAME:
        return robustness.main(argv[1:], studies, known=ALL, default=PHENOMENA)
    if argv and argv[0] == adversaries.NAME:
        return adversaries.main(argv[1:])
    if argv and not argv[0].startswith("-"):
        known = [*keeping.COMMANDS, robustness.NAME, adversaries.NAME]
        near = difflib.get_close_matches(argv[0], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        print(f"comparisons: no command {argv[0]!r}; {hint}", file=sys.stderr)
        return command.USAGE
    options = vars(parser().parse_args(argv))
    check, write, exchange = (options.pop(name) for name in ("check", "write", "with_exchange"))
    try:
        if write:
            matrix.require_checkout()
        asked = studies([*PHENOMENA, *([EXCHANGE, FORERUNNERS] if exchange else [])])
        changes = _by_study(parse(options.pop("changes")), asked)
        if write and any(changes.values()):
            raise ValueError("--write takes the settings of the preset, so no --set")
        size = options.pop("preset")
        if write and any(preset_of(study, size) != size for study in asked):
            raise ValueError(f"--write takes a preset that every study has, got {size}")
    except ValueError as error:
        print(f"comparisons: {error}", file=sys.stderr)
        return command.USAGE
    start = time.perf_counter()
    results, codes = [], []
    for study in asked:
        preset = preset_of(study, size)
        if preset != size:
            command.to_stderr(f"{study.name} has no preset {size}; {preset} is the largest below it")
        try:
            with interruptible():
                result = study.run(
                    **options, preset=preset, settings=changes[study.name], log=command.to_stderr, loud=True
                )
        except (ValueError, FileNotFoundError) as error:
            print(f"{study.name}: {error}", file=sys.stderr)
            return command.USAGE
        except BrokenPipeError:
            raise
        except OSError as error:
            print(f"{study.name}: {command.in_one_line(error)}; --resume goes on", file=sys.stderr)
            return command.FAILED
        except KeyboardInterrupt:
            return command.stopped()
        print(result, end="\n\n", flush=True)
        if result.interrupted:
            return command.stopped()
        results.append(result)
        same = command.same_numbers(options, changes[study.name])
        codes.append(command.exit_code(result, check, preset, same))
    print(matrix.plain([result for result in results if result.study in PHENOMENA]))
    print(f"\n{time.perf_counter() - start:.0f} s")
    if write:
        known = {study.name: study for study in asked}
        matrix.commit([r for r in results if r.study in PHENOMENA], known, size)
        matrix.commit_verdicts([r for r in results if r.study not in PHENOMENA], known, size)
    return max(codes)


def _by_study(changes: dict, asked: Sequence[Study]) -> dict[str, dict]:
    """Settings sorted by the study that their keys start with."""
    sorted_changes: dict[str, dict] = {study.name: {} for study in asked}
    for key, value in changes.items():
        name = key.partition(".")[0]
        if name not in sorted_changes:
            raise ValueError(f"--set STUDY.KEY=VALUE must start with one of {', '.join(sorted_changes)}, got {key!r}")
        sorted_changes[name][key] = value
    for study in asked:
        study.settings(sorted_changes[study.name])
    return sorted_changes


if __name__ == "__main__":
    raise SystemExit(main())
