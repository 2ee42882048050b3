"""Runs by hand on a plane of 2 learning rates, 3 starts and 4 draws; all others end between the edge and 1.3 of it.

A run is where its flow ends, where it starts, and where descent ends, in units of the edge.
"""

import numpy as np

from tests.figures.claims import Case

Run = tuple[float, float, float]
LRS = np.array([0.3, 0.5])
FLATTEST = 4.0  # so that minima are flat enough below a learning rate of 2 / 4
OTHER: Run = (1.1, 0.5, 3.0)  # its flow is neither below the edge nor well above it, its descent far from both


def plane(family: str, low: list[Run], high: list[Run]) -> dict[str, np.ndarray]:
    """These runs at the lower and at the higher learning rate."""
    runs = np.array([[*rows, *[OTHER] * (12 - len(rows))] for rows in (low, high)]).reshape(2, 3, 4, 3)
    names = [f"{family}_{name}" for name in ("flow", "first", "descent")]
    return dict(zip(names, np.moveaxis(runs, -1, 0), strict=True)) | {f"{family}_lr": LRS}


def at_the_edge(family: str, far: float, *descents: float) -> dict[str, np.ndarray]:
    """Three runs whose flow ends well above the edge, one `far` above it; else too low, or from too sharp a start."""
    first, second, third = descents
    low = [(1.29, 0.5, 2.0), (1.3, 0.5, first), (far, 0.79, second)]
    return plane(family, low, [(1.5, 0.8, 2.0), (1.5, 0.1, third)])


def chain_at_the_edge(*descents: float) -> dict[str, np.ndarray]:
    """The same up to 1.8, and a run just above it, which counts for the network but not for the chain."""
    data = at_the_edge("layerwise", 1.8, *descents)
    data["layerwise_flow"][1, 2, 3], data["layerwise_descent"][1, 2, 3] = 1.81, 2.0
    return data


def flat_minima(*descents: float) -> dict[str, np.ndarray]:
    """Three runs at the lower learning rate, and one far from the edge where no minimum is flat enough."""
    low = [(1.4, 0.5, descent) for descent in descents]
    return plane("layerwise", low, [(1.4, 0.5, 2.0)]) | {"layerwise_flattest": np.array(FLATTEST)}


def below(family: str, *logs: float) -> dict[str, np.ndarray]:
    """Flows up to .9 of the edge, and descent that differs by these natural logs; at .91 it is far away."""
    first, second, third = np.exp(logs)
    low = [(0.9, 0.5, 0.9 * first), (0.5, 0.9, 0.5 * second), (0.91, 0.5, 2.0)]
    return plane(family, low, [(0.2, 0.1, 0.2 * third)])


def breaks(*losses: float) -> dict[str, np.ndarray]:
    """What is left of the loss of three runs whose flow ends at 2.5 or more; little is left of all others."""
    flow, loss = np.full((2, 3, 4), 2.49), np.full((2, 3, 4), 0.01)
    places = (0, 0, 1), (0, 2, 3), (1, 1, 0)
    for place, end, left in zip(places, (2.5, 9.0, 3.0), losses, strict=True):
        flow[place], loss[place] = end, left
    return {"layerwise_flow": flow, "layerwise_loss": loss}


# the bound of below-the-edge is .2 ln 1.2 = .2 * .1823 = .0365
CASES = {
    "layerwise-at-the-edge": Case(  # .14 .05 .1 and .12 .05 .16
        chain_at_the_edge(1.14, 0.95, 0.9), chain_at_the_edge(1.12, 0.95, 0.84), (0.1, 0.12)
    ),
    "layerwise-below-the-edge": Case(  # .035 .02 .03 and .032 .02 .038
        below("layerwise", -0.035, 0.02, 0.03), below("layerwise", 0.032, 0.02, -0.038), (0.03, 0.032)
    ),
    "condensation-at-the-edge": Case(  # .14 .1 .05 and .14 .16 .05
        at_the_edge("condensation", 2.5, 1.14, 0.9, 0.95),
        at_the_edge("condensation", 2.5, 1.14, 0.84, 0.95),
        (0.1, 0.14),
    ),
    "condensation-below-the-edge": Case(
        below("condensation", -0.035, 0.02, 0.03), below("condensation", 0.032, 0.02, -0.038), (0.03, 0.032)
    ),
    "chain-with-flat-minima": Case(flat_minima(1.14, 0.95, 0.9), flat_minima(1.12, 0.95, 0.84), (0.1, 0.12)),
    "chain-breaks": Case(breaks(0.11, np.inf, 0.5), breaks(0.1, np.inf, 0.5), (1, 1)),  # one of three is not broken
}
