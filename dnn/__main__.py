"""`python -m dnn`: the anchor task at toy size, started ever smaller: what a transformer answers, how far it condenses.

Whether the answers to the unseen pair are the inferred ones is printed and not demanded.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from toymodels import experiments
from toymodels.claims import AFTER, READING, Claim, Quantity, Statistic
from toymodels.experiments import Experiment
from toymodels.run.engine import in_words
from toymodels.validation import positive_int

GAMMAS = (0.3, 0.5, 0.7)


def anchor_run(gamma: float, rng: np.random.Generator, n_steps: int) -> dict[str, float]:
    """Train one toy transformer and read it.

    Parameters
    ----------
    gamma : float
        Rate of the initialisation N(0, d_in^(-2 gamma)).
    rng : numpy Generator
        Of data, weights and batches.
    n_steps : int
        Updates.

    Returns
    -------
    dict of str to float
        `unseen_keys` (test accuracy), `inferential` and `symmetric` (shares of answers to the unseen pair), `cosine`
        (mean |cos| of the rows of the first query matrix).
    """
    from dnn.tasks.anchor_task import mean_absolute_cosine, query_cosines, quick, unseen_pair_answers
    from dnn.training.loop import train

    task = quick(gamma, n_steps)
    network = task.network(rng)
    run = train(network, task.split(rng), task.config, rng)
    answers = unseen_pair_answers(network, rng)
    values = {"unseen_keys": float(run["test_accuracy"][-1]), "cosine": mean_absolute_cosine(query_cosines(network))}
    return {**values, "inferential": answers["inferential"], "symmetric": answers["symmetric"]}


def anchor_runs(rng: np.random.Generator, n_steps: int) -> dict[str, Any]:
    """Every measure of :func:`anchor_run` for all rates, from the same random numbers; prints each as it is done."""
    runs = []
    for gamma in GAMMAS:
        start = time.perf_counter()
        runs.append(anchor_run(gamma, deepcopy(rng), n_steps))
        values = ", ".join(f"{name} {value:.3f}" for name, value in runs[-1].items())
        print(f"gamma {gamma}: {values}  [{time.perf_counter() - start:.0f} s]", flush=True)
    return {name: np.array([run[name] for run in runs]) for name in runs[0]}


every_rate = Statistic("every rate", lambda values: values)
every_step = Statistic("every step", lambda values: values)
CLAIMS = (
    Claim(
        "anchor_task.toy-condenses",
        "Figure 10",
        "Condensation rises with the rate of the initialisation.",
        Quantity(
            "increase of mean |cos| of the rows of the first query matrix from gamma to gamma, 0.3, 0.5 and 0.7",
            lambda data: np.diff(data["cosine"]),
        ),
        every_step >= 0,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "anchor_task.toy-unseen-keys",
        "Section 7.2",
        "Keys that were not trained are answered.",
        Quantity("test accuracy, gamma 0.3, 0.5 and 0.7", lambda data: data["unseen_keys"]),
        every_rate > 0.98,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "anchor_task.toy-symmetric",
        "Section 7.2, pattern iii",
        "At a large rate the unseen pair (4, 3) is answered as (3, 4) was trained.",
        Quantity("share of symmetric answers, gamma 0.7", lambda data: data["symmetric"][-1]),
        every_rate > 0.9,
        source=READING,
        fixed=AFTER,
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the claims for every seed, about five minutes each; 1 if one failed numerically."""
    parser = argparse.ArgumentParser(prog="python -m dnn", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run of every gamma for each")
    parser.add_argument("--steps", type=int, default=3000, help="updates of every run (default: 3000)")
    options = parser.parse_args(argv)
    try:
        positive_int("--steps", options.steps)
        for seed in options.seeds:
            positive_int("--seeds", seed, minimum=0)
        import_module("torch")
    except ValueError as error:
        parser.error(str(error))
    except ModuleNotFoundError as error:
        parser.error(in_words(error))
    anchor_task = Experiment("anchor-task", partial(anchor_runs, n_steps=options.steps), CLAIMS)
    codes = []
    for seed in options.seeds:
        print(f"seed {seed}")
        codes.append(experiments.main(parser.prog, str(__doc__), [anchor_task], ["--seed", str(seed)]))
    return max(codes)


if __name__ == "__main__":
    raise SystemExit(main())
