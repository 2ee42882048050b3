"""`python -m dnn`: criterion F10, the anchor task at toy size: which answer a transformer gives, how far it condenses.

Mean |cos| of the rows of W_Q(1) must rise with gamma (.3, .5, .7), unseen keys must score above .98, and the pair
(4, 3) must be answered symmetrically above .9 at .7. The inferential answer is reported and not demanded.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

GAMMAS = (0.3, 0.5, 0.7)


def anchor_run(gamma: float, seed: int, n_steps: int) -> dict[str, float]:
    """Train one toy transformer and read it.

    Parameters
    ----------
    gamma : float
        Rate of the initialisation N(0, d_in^(-2 gamma)).
    seed : int
        Seed of data, weights and batches.
    n_steps : int
        Updates.

    Returns
    -------
    dict of str to float
        `unseen_keys` (test accuracy), `inferential` and `symmetric` (shares of answers to the unseen pair), `cosine`.
    """
    from dnn.tasks.anchor_task import mean_absolute_cosine, query_cosines, quick, unseen_pair_answers
    from dnn.training.loop import train

    rng = np.random.default_rng(seed)
    task = quick(gamma, n_steps)
    network = task.network(rng)
    run = train(network, task.split(rng), task.config, rng)
    answers = unseen_pair_answers(network, rng)
    found = {"unseen_keys": float(run["test_accuracy"][-1]), "cosine": mean_absolute_cosine(query_cosines(network))}
    return {**found, "inferential": answers["inferential"], "symmetric": answers["symmetric"]}


def main(argv: list[str] | None = None) -> int:
    """Print criterion F10 with its seeds; about a minute and a half a run."""
    parser = argparse.ArgumentParser(prog="python -m dnn", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run of every gamma for each")
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args(argv)
    for seed in options.seeds:
        runs = []
        for gamma in GAMMAS:
            start = time.perf_counter()
            runs.append(anchor_run(gamma, seed, options.steps))
            values = ", ".join(f"{name} {value:.3f}" for name, value in runs[-1].items())
            print(f"F10   gamma {gamma} seed {seed}: {values}  [{time.perf_counter() - start:.0f} s]", flush=True)
        cosines = [run["cosine"] for run in runs]
        parts = {
            "cosine rises with gamma": cosines == sorted(cosines),
            "unseen keys above .98": min(run["unseen_keys"] for run in runs) > 0.98,
            "symmetric above .9 at .7": runs[-1]["symmetric"] > 0.9,
        }
        print(f"F10   seed {seed}: " + "; ".join(f"{name}: {'pass' if ok else 'fail'}" for name, ok in parts.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
