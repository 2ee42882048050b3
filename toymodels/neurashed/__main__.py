"""The criteria of the graph model, each measured and judged."""

from __future__ import annotations

from collections.abc import Sequence

from toymodels import experiments
from toymodels.neurashed.criteria import EXPERIMENTS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiments named on the command line, all by default; 1 if one failed numerically."""
    return experiments.main("python -m toymodels.neurashed", str(__doc__), EXPERIMENTS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
