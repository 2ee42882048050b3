"""How few samples recover a narrow target: tangent ranks, fits to few samples, pairs of neurons made one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.settings import Settings
from toymodels.condensation import TwoLayerNetwork, effective_rank, split, tangent_rank

TARGETS = {"1 neuron, 1 input": (1, 1), "2 neurons, 2 inputs": (2, 2), "1 neuron, 3 inputs": (1, 3)}
SURPLUS = (0, 1, 2, 4, 8)  # neurons more than the target needs
ARMS = {"width 10": (10, 1e-4, 0.3), "width 40": (40, 1e-4, 0.3), "width 40, std 1": (40, 1.0, 0.02)}
NARROW, WIDE, LARGE = range(3)
RECOVERED, FITTED = 1e-2, 1e-3  # squared error on fresh inputs and on the samples, over the target's variance
ESTIMATE = 3  # m* (d + 2) for one tanh neuron of one input, bias included


@dataclass(frozen=True)
class OptimisticSampleSize(Settings):
    """Sample sizes, random targets, and the training of the networks that fit them.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of samples.
    replicates : int
        Batches of random targets, and draws of the ranks.
    targets : int
        Random targets of a batch, whose networks are trained at once.
    n_steps : int
        Steps of gradient descent.
    pairs : int
        Pairs of neurons in every draw of those that are made one.
    """

    sizes: tuple[int, ...] = (2, 3, 4, 8)
    replicates: int = 4
    targets: int = 8
    n_steps: int = 20_000
    pairs: int = 20


def ranks(rng: np.random.Generator, target: str) -> dict[str, list[int]]:
    """Tangent rank of ever wider networks of one function: condensed, and with idle neurons of other directions."""
    width, dim = TARGETS[target]
    points = rng.standard_normal((500, dim))
    narrow = TwoLayerNetwork.random(width, dim, 1.0, "tanh", rng)
    idle = rng.standard_normal((max(SURPLUS), dim + 1))
    condensed, loose = [], []
    for surplus in SURPLUS:
        wide = narrow
        for k in range(surplus):
            wide = split(wide, k % width, 0.4)
        condensed.append(tangent_rank(wide, points))
        a, w = np.append(narrow.a, np.zeros(surplus)), np.concatenate([narrow.w, idle[:surplus]])
        loose.append(tangent_rank(TwoLayerNetwork(a, w, "tanh"), points))
    return {"condensed": condensed, "loose": loose}


def recovery(settings: OptimisticSampleSize, rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Relative squared errors (arm, target) on the n samples and on fresh inputs, and effective ranks of the weights.

    Every arm has the same targets and samples.
    """
    target = TwoLayerNetwork.random(1, 1, 1.0, "tanh", rng, replicates=settings.targets)
    x, fresh = rng.standard_normal((n, 1)), rng.standard_normal((1000, 1))
    errors = {"on_samples": [], "on_fresh": [], "rank": []}
    for width, std, lr in ARMS.values():
        start = TwoLayerNetwork.random(width, 1, std, "tanh", rng, replicates=settings.targets)
        run = start.train(x, target(x), settings.n_steps, lr, settings.n_steps)
        trained = TwoLayerNetwork(run["a"][-1], run["w"][-1], "tanh")
        for name, z in (("on_samples", x), ("on_fresh", fresh)):
            errors[name].append(((trained(z) - target(z)) ** 2).mean(axis=-1) / target(fresh).var(axis=-1))
        errors["rank"].append([effective_rank(w) for w in trained.w])
    return errors


def share_recovered(on_samples: np.ndarray, on_fresh: np.ndarray) -> np.ndarray:
    """Share of recovered targets among those whose samples are fitted, along the last axis; 0 if none is."""
    fitted = on_samples < FITTED
    return (fitted & (on_fresh < RECOVERED)).sum(axis=-1) / np.maximum(fitted.sum(axis=-1), 1)


def merged(settings: OptimisticSampleSize, rng: np.random.Generator, activation: str) -> dict[str, Any]:
    """Pairs of neurons with cosine one: ratio of their norms, and the error of the best single neuron for both."""
    x1 = np.stack([np.linspace(-2, 2, 201), np.ones(201)])
    theta = rng.uniform(0, np.pi, settings.pairs)  # a bias >= 0, so that no ReLU pair is silent
    sums = np.stack([np.cos(theta), np.sin(theta)], axis=1) @ x1
    a, norms = rng.uniform(0.5, 2, (2, settings.pairs, 2))
    error = [one_neuron_error(*pair, activation) for pair in zip(sums, a, norms, strict=True)]
    return {"ratio": norms.max(axis=1) / norms.min(axis=1), "merge": error}


def one_neuron_error(z: np.ndarray, a: np.ndarray, norms: np.ndarray, activation: str) -> float:
    """Smallest relative error of c s(r z), over c and r, for the sum of neurons a s(norms z).

    Parameters
    ----------
    z : (n,) array
        Input times their common direction.
    a, norms : (k,) arrays
    activation : "relu" or "tanh"
    """
    from scipy.optimize import fminbound

    def output(a: np.ndarray, norms: np.ndarray) -> np.ndarray:
        return TwoLayerNetwork(a, np.stack([norms, np.zeros_like(norms)], axis=1), activation)(z[:, None])

    wanted = output(a, norms)

    def missed(norm: float) -> np.floating:
        neuron = output(np.ones(1), np.array([norm]))
        return np.linalg.norm(wanted - neuron * (neuron @ wanted) / (neuron @ neuron)) / np.linalg.norm(wanted)

    return missed(fminbound(missed, norms.min(), norms.max(), xtol=1e-9))  # pyright: ignore
