"""python -m figures lists the figures, python -m figures NAME makes some, python -m figures all makes all of them.

NAME is a subject ("sigmoidal_modes"), a number in a paper ("fig-3") or a name of the first layout ("layerwise_03").
With --write the claims at this seed, and at seed 0 the pictures, go into the gallery of this checkout.
With --check what comes out is compared with the ledger. `judge` judges the stored data again, without a run.
"""

from figures.harness.command import main

if __name__ == "__main__":
    raise SystemExit(main(description=__doc__))
