"""All phenomena, then the model x phenomenon matrix.

python -m comparisons --preset quick --jobs 2 [--check | --write]
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Sequence

from comparisons import matrix, report, runner
from comparisons.study import Study

PHENOMENA = ("grokking", "local_elasticity", "information_bottleneck", "neural_collapse")
EXCHANGE = "order_parameters"


def studies(names: Sequence[str]) -> list[Study]:
    """The studies of these names."""
    return [importlib.import_module(f"comparisons.{name}").STUDY for name in names]


def parser():
    """The command line of a study, without its models and parameters."""
    made = runner.base_parser("python -m comparisons", "All phenomena put to all models, and the matrix.")
    made.add_argument("--with-exchange", action="store_true", help="run comparisons.order_parameters as well")
    made.add_argument("--write", action="store_true", help="commit matrix, verdicts and figures to the repository")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run every study and return the worst exit code."""
    options = vars(parser().parse_args(argv))
    check, write, exchange = (options.pop(name) for name in ("check", "write", "with_exchange"))
    start = time.perf_counter()
    results, codes = [], []
    for study in studies([*PHENOMENA, *([EXCHANGE] if exchange else [])]):
        try:
            result = runner.run(study, **options, tell=lambda line: print(line, file=sys.stderr, flush=True))
        except (ValueError, FileNotFoundError) as error:
            print(f"{study.name}: {error}", file=sys.stderr)
            return runner.USAGE
        print(report.table(result), end="\n\n", flush=True)
        if result.interrupted:
            print("interrupted; what is finished is kept, --resume goes on", file=sys.stderr)
            return runner.INTERRUPTED
        results.append(result)
        codes.append(runner.exit_code(result, check, options["preset"]))
    print(matrix.plain([result for result in results if result.study.name in PHENOMENA]))
    print(f"\n{time.perf_counter() - start:.0f} s")
    if write:
        matrix.commit([r for r in results if r.study.name in PHENOMENA], options["preset"])
        for result in results[len(PHENOMENA) :]:
            matrix.write_verdicts([result], options["preset"])
            matrix.folder.write(
                matrix.GALLERY / f"{result.study.name}.png", (result.folder / "figure.png").read_bytes()
            )
    return max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
