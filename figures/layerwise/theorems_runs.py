"""Integrated gradient flow from random starts, and how far it is from what the theorems say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.layerwise.gradient_flow import products, scalar_network, two_layers
from toymodels.layerwise import DiagonalNetwork, ScalarNetwork, transition

STRENGTHS = np.array([2.0, 1.0, 0.5])  # of the aligned network
START = 0.01  # all its initial singular values
SAMPLES = 20


@dataclass(frozen=True)
class Theorems(Settings):
    """Imbalances, targets, sizes, and random draws of everything.

    Parameters
    ----------
    imbalances : tuple of float
        lambda of the aligned network.
    limits : tuple of float
        lambda > 0 of the single mode that tends to a sigmoid and to an exponential, ascending.
    ratios : tuple of float
        Target of the scalar network over Sigma_0.
    starts : tuple of float
        Start of the single balanced mode over its target, ascending.
    units : int
        Units of the scalar network.
    n_skills : int
        Skills of the skill model.
    alpha : float
        Exponent of their frequencies.
    replicates : int
        Random draws of every experiment.
    n_times : int
        Times at which a flow is recorded.
    """

    imbalances: tuple[float, ...] = (-100.0, -10.0, -1.0, -0.1, 0.0, 0.1, 1.0, 10.0, 100.0)
    limits: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4)
    ratios: tuple[float, ...] = (-3.0, -1.0, -0.3, 0.03, 0.3, 1.0, 3.0, 30.0)
    starts: tuple[float, ...] = (0.001, 0.01, 0.1, 0.9, 10.0, 100.0)
    units: int = 20
    n_skills: int = 5
    alpha: float = 0.6
    replicates: int = 5
    n_times: int = 400


def aligned(settings: Theorems, rng: np.random.Generator, imbalance: float) -> dict[str, Any]:
    """Modes of an aligned lambda-balanced square network, and how far its map is from that of Theorem G.2."""
    n = STRENGTHS.size
    left, right, hidden = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(3))
    second = np.sqrt((np.hypot(imbalance, 2 * START) + abs(imbalance)) / 2)  # the heavier layer
    first, second = sorted((START / second, second), reverse=imbalance < 0)
    t = np.linspace(0, 12 / np.hypot(STRENGTHS[-1], imbalance / 2), settings.n_times)
    correlation = (left * STRENGTHS) @ right.T
    w1, w2 = two_layers(first * hidden @ right.T, second * left @ hidden.T, correlation, np.eye(n), t)
    learned = w2 @ w1
    told = transition(t[:, None], target=STRENGTHS, initial=START, imbalance=imbalance)
    error = np.linalg.norm(learned - (left * told[:, None]) @ right.T, axis=(1, 2)).max() / STRENGTHS[0]
    modes = np.einsum("ij,tik,kj->tj", left, learned, right)
    light, heavy = (float(np.linalg.norm(w[-1] - w[0])) for w in ((w2, w1) if imbalance < 0 else (w1, w2)))
    return {
        "modes": modes,
        "error": error,
        "t": t,
        "half": half_times(t, modes),
        "missed": worst_step_or_end(modes),
        "heavy": heavy / light,
    }


def half_times(t: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """When each of the modes (n_t, 3) has half of its strength, read between the times; `inf` if never."""
    return np.array([np.interp(0.5, mode, t, right=np.inf) for mode in (modes / STRENGTHS).T])


def worst_step_or_end(modes: np.ndarray) -> float:
    """Larger of the largest backward step and the distance from the target at the end, over the target."""
    share = modes / STRENGTHS
    return float(max(-np.diff(share, axis=0).min(), np.abs(share[-1] - 1).max()))


def limit(settings: Theorems, rng: np.random.Generator, imbalance: float) -> dict[str, float]:
    """Distance of one mode, over its target, from the sigmoid and from the exponential of Eq. 70."""
    start, target = 10 ** rng.uniform(-2, -1), rng.uniform(0.5, 2)
    first = np.sqrt((np.hypot(imbalance, 2 * start) + imbalance) / 2)
    t = np.linspace(0, 10 / np.hypot(target, imbalance / 2), settings.n_times)
    a, b = products(np.array([first]), np.array([start / first]), target, 1.0, t)
    theta = (a * b)[:, 0]
    sigmoid = target / (1 + (target / start - 1) * np.exp(-2 * target * t))
    exponential = start + (target - start) * -np.expm1(-imbalance * t)
    return {
        "sigmoid": np.abs(theta - sigmoid).max() / target,
        "exponential": np.abs(theta - exponential).max() / target,
    }


def balanced(settings: Theorems, rng: np.random.Generator, start: float) -> dict[str, float]:
    """Largest distance of a balanced mode's way to its target from the exponential that is half through at its time."""
    target = rng.uniform(0.5, 2)
    t = np.append(0, np.geomspace(1e-4, 12, settings.n_times)) / target
    weight = np.array([np.sqrt(start * target)])
    a, b = products(weight, weight, target, 1.0, t)
    way = (a * b)[:, 0] / target
    way = (way - start) / (1 - start)
    return {"exponential": float(np.abs(way + np.expm1(-np.log(2) * t / np.interp(0.5, way, t))).max())}


def conserved(settings: Theorems, rng: np.random.Generator, kind: str) -> dict[str, np.ndarray]:
    """Largest drift of the differences of squares along the flow, over how far the squares themselves have moved."""
    t = np.linspace(0, 10, settings.n_times)
    if kind == "diagonal":
        a0, b0, target = rng.standard_normal((3, 4))
        first, last = (weights**2 for weights in products(a0, b0, target, rng.uniform(0.5, 2, 4), t))
    else:
        x, y = rng.standard_normal((SAMPLES, 5)), rng.standard_normal((SAMPLES, 3))  # not white
        starts = rng.standard_normal((4, 5)) / 2, rng.standard_normal((3, 4)) / 2
        w1, w2 = two_layers(*starts, y.T @ x / SAMPLES, x.T @ x / SAMPLES, t)
        first, last = w1 @ w1.swapaxes(1, 2), w2.swapaxes(1, 2) @ w2
    drift = np.abs(last - first - (last - first)[0]).reshape(settings.n_times, -1).max(axis=1)
    return {"drift": drift / np.abs(last - last[0]).max(), "t": t}


def scalar(settings: Theorems, rng: np.random.Generator, ratio: float) -> dict[str, Any]:
    """Growth gamma of a scalar network with a Gaussian start, and whether Theorem I.1 and Remark I.2 describe it."""
    a0, b0 = 10 ** rng.uniform(-1, 0.5) * rng.standard_normal((2, settings.units))
    target = ratio * float(np.sum(a0**2 + b0**2)) / 2
    net = ScalarNetwork(a0, b0, target)
    t = np.linspace(0, net.time_to(0.999), settings.n_times)
    a, b = scalar_network(a0, b0, target, 1.0, t)
    gamma = np.sum((a + b) ** 2, axis=1) / np.sum((a0 + b0) ** 2)
    speed = 2 * (target - np.sum(a * b, axis=1)) * gamma
    told = (a0 + b0) * np.sqrt(gamma)[:, None] / 2 + (a0 - b0) / np.sqrt(gamma)[:, None] / 2
    rising = target > a0 @ b0
    bends = np.diff(speed[np.abs(speed) > 1e-6 * np.abs(speed).max()])
    inflection = (bends > 0).any() and (bends < 0).any()
    expected = rising and target > np.sum((a0 + b0) ** 2) / 2
    a_end, b_end = scalar_network(a0, b0, target, 1.0, np.array([0.0, net.time_to(1 - 1e-9)]))
    return {
        "gamma": gamma,
        "solution": np.abs(a - told).max() / np.abs(a).max(),
        "limit": abs(np.sum((a_end + b_end)[1] ** 2) / np.sum((a0 + b0) ** 2) / net.gamma_inf - 1),
        "backward": float((np.sign(np.diff(gamma)) != (1 if rising else -1)).sum()),
        "inflection": float(inflection),
        "unexpected": float(inflection != expected),
    }


def skills(settings: Theorems, rng: np.random.Generator, alpha: float) -> dict[str, np.ndarray]:
    """Half-times of skills of power-law frequency, which is what stands for the variance, from a random small start."""
    frequency = np.arange(1, settings.n_skills + 1) ** -(alpha + 1)
    start = np.full(settings.n_skills, 10 ** rng.uniform(-3, -1))
    longest = 1.2 * DiagonalNetwork(np.ones(settings.n_skills), start, start, frequency).time_to(0.5).max()
    t = np.linspace(0, longest, 10 * settings.n_times)
    a, b = products(start, start, 1.0, frequency, t)
    half = np.array([np.interp(0.5, skill, t) for skill in (a * b).T])
    return {"product": half * frequency / (half[0] * frequency[0])}
