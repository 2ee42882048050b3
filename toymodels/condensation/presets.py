"""Data and settings of the overview's figures, as far as they are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toymodels.condensation.network import TwoLayerNetwork
from toymodels.trajectory import Trajectory

FIGURE_ONE_EPOCHS = (100, 1000, 5000, 10_000, 12_000, 100_000)  # those that the overview shows
FIGURE_ONE_RECORDS = (100, 500, *range(1000, 20_000, 1000), *range(20_000, 100_000, 10_000), 100_000)

#: (gamma, gamma') of the cells in which the phase diagram is tested, with the usual initialisations among them
PHASE_CELLS = ((0.5, 0), (0.5, 0.5), (0.75, 0), (1, 0), (2, 1), (1.25, 0), (1.5, 0), (1.75, 0), (1.5, 1))


def figure_one_data(n: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Figure 1: -s(x) + s(2(x+.3)) - s(1.5(x-.4)) + s(.5(x-.8)), s = ReLU, on n even points in [-1, 1].

    The target is on the authors' page; the number of points is not stated.

    Returns
    -------
    x : (n, 1) array
    y : (n,) array
    """
    x = np.linspace(-1, 1, n)
    terms = -np.maximum(x, 0) + np.maximum(2 * (x + 0.3), 0) - np.maximum(1.5 * (x - 0.4), 0)
    return x[:, None], terms + np.maximum(0.5 * (x - 0.8), 0)


def figure_one(
    rng: np.random.Generator, replicates: int = 3, every: int | Sequence[int] = FIGURE_ONE_EPOCHS
) -> Trajectory:
    """Figure 1: 100 ReLU neurons, variance m^-4 (std 1e-4), learning rate 0.1, 100,000 epochs of gradient descent.

    Parameters
    ----------
    rng : numpy Generator
    replicates : int
        Networks trained at once.
    every : int or sequence of ints
        Epochs to record.

    Returns
    -------
    Trajectory
        `a` (n_t, replicates, 100), `w` (n_t, replicates, 100, 2), `loss` (n_t, replicates).
    """
    x, y = figure_one_data()
    return TwoLayerNetwork.random(100, 1, 1e-4, "relu", rng, replicates=replicates).train(x, y, 100_000, 0.1, every)


def figure_two(rng: np.random.Generator, power: float, replicates: int = 3) -> Trajectory:
    """Figure 2: tanh network, std m^-power. The target is lost; sin(1.5 x) on 40 points in [-1, 1] stands in for it.

    Parameters
    ----------
    rng : numpy Generator
    power : float
        Initialisation exponent; the larger, the smaller the start.
    replicates : int
        Networks trained at once.

    Returns
    -------
    Trajectory
        First and last state of 20,000 steps at learning rate 0.1 (0.02 for power <= 0.5).
    """
    x = np.linspace(-1, 1, 40)[:, None]
    network = TwoLayerNetwork.random(100, 1, 100.0**-power, "tanh", rng, replicates=replicates)
    return network.train(x, np.sin(1.5 * x[:, 0]), 20_000, 0.02 if power <= 0.5 else 0.1, 20_000)


def figure_six(rng: np.random.Generator, activation: str) -> Trajectory:
    """Figure 6 as in the authors' notebook: d = 5, n = 80, m = 50, std 50^-4, Adam at 1e-3, 100 epochs.

    Inputs are uniform in [-4, 2]^5 and the target is the sum over coordinates of 3.5 sin(5 x + 1).

    Parameters
    ----------
    rng : numpy Generator
        Draws data and start.
    activation : str
        "tanh" or "xtanh" in the figure.

    Returns
    -------
    Trajectory
        First and last state.
    """
    x = rng.uniform(-4, 2, (80, 5))
    network = TwoLayerNetwork.random(50, 5, 50.0**-4, activation, rng)
    return network.train(x, 3.5 * np.sin(5 * x + 1).sum(axis=1), 100, 1e-3, 100, optimizer="adam")


def random_line_data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Twelve random points: x (12, 1) uniform in [-1, 1], y (12,) normal."""
    return rng.uniform(-1, 1, (12, 1)), rng.standard_normal(12)


def random_kinks(x: np.ndarray, rng: np.random.Generator, replicates: int, kinks: int = 4) -> np.ndarray:
    """Random targets of figure 1's kind: sums of ReLU units of one input, with the mean square of figure 1's target.

    Kinks are uniform in [-0.9, 0.9], slopes in [0.5, 2] with either sign, and every unit is active on a random side.

    Parameters
    ----------
    x : (n, 1) array
    rng : numpy Generator
    replicates : int
        Targets.
    kinks : int
        Units of each.

    Returns
    -------
    (replicates, n) array
    """
    shape = (replicates, 1, kinks)
    place, slope = rng.uniform(-0.9, 0.9, shape), rng.uniform(0.5, 2, shape) * rng.choice([-1, 1], shape)
    y = (slope * np.maximum(rng.choice([-1, 1], shape) * (x - place), 0)).sum(axis=-1)
    size = np.sqrt(np.mean(figure_one_data()[1] ** 2))
    return y * size / np.sqrt((y**2).mean(axis=1, keepdims=True))


def embedding_data() -> tuple[np.ndarray, np.ndarray]:
    """sin(2 x) + 0.3 x^2 on twelve even points in [-1.5, 1.5], which one or two tanh neurons cannot fit: (x, y)."""
    x = np.linspace(-1.5, 1.5, 12)[:, None]
    return x, np.sin(2 * x[:, 0]) + 0.3 * x[:, 0] ** 2
