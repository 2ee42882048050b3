"""Layers in order and in a made-up disorder: ranks 1 to 5 with two exchanged neighbours have rho = 1 - 6 * 4 / 120."""

import numpy as np

from tests.figures.claims import Case

SORTED = np.arange(1.0, 6.0)
NEIGHBOURS = np.array([2.0, 1, 4, 3, 5])  # rho .8, which is not above .8
REVERSED = SORTED[::-1]
ENOUGH = {"samples": np.array(10_000)}


def gradients(**of: np.ndarray) -> dict[str, np.ndarray]:
    """Three equal runs of every named network, on enough digits."""
    return ENOUGH | {f"{name}_gradient": np.stack([values] * 3) for name, values in of.items()}


def maps(**of: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracies with a linear tail, three equal runs."""
    return ENOUGH | {f"{name}_map": np.stack([values] * 3) for name, values in of.items()}


CASES = {
    "residual-is-sorted": Case(gradients(c=SORTED, d=SORTED), gradients(c=SORTED, d=NEIGHBOURS), (1, 0.9)),
    "residual-linear-tail": Case(maps(c=SORTED, d=SORTED), maps(c=SORTED, d=NEIGHBOURS), (1, 0.9)),
    "plain-less-sorted": Case(
        gradients(c=SORTED, control=NEIGHBOURS), gradients(c=NEIGHBOURS, control=SORTED), (0.2, -0.2)
    ),
    "plain-learns-less": Case(
        maps(c=np.array([0.1, 0.855]), control=np.array([0.9, 0.8])),
        maps(c=np.array([0.1, 0.845]), control=np.array([0.1, 0.8])),
        (5.5, 4.5),
    ),
    "hundred-layers-sorted": Case(gradients(hundred=SORTED), gradients(hundred=NEIGHBOURS), (1, 0.8)),
    "hundred-layers-linear-tail": Case(maps(hundred=SORTED), maps(hundred=REVERSED), (1, -1)),
}
