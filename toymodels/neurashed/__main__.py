"""`python -m toymodels.neurashed [--seed N]`: the criteria of figures and theorems as a table."""

from __future__ import annotations

import argparse

from toymodels.neurashed.criteria import check_all


def main(arguments: list[str] | None = None) -> int:
    """Print one block per criterion; 0 if all pass, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m toymodels.neurashed", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    passed = []
    for criterion in check_all(parser.parse_args(arguments).seed):
        verdict = "pass" if criterion.passed else "FAIL"
        print(f"{criterion.name}  {verdict}  {criterion.subject}")
        print(f"          asked     {criterion.demand}")
        print(f"          measured  {criterion.measured}", flush=True)
        passed.append(criterion.passed)
    print(f"{sum(passed)} of {len(passed)} criteria pass")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    raise SystemExit(main())
