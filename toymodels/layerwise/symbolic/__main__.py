"""The derivations as LaTeX, or the master solution as code."""

from toymodels.layerwise.symbolic.command import main

if __name__ == "__main__":
    raise SystemExit(main())
