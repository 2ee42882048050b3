"""Statements of Nam et al. (2025) on exact dynamics, held against gradient flow that is integrated without them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.layerwise.gradient_flow import products, scalar_network, two_layers
from figures.harness.figure import Claim, Data, Grid, PaperFigure, all_above, all_below
from figures.layerwise.theorems_drawing import draw
from toymodels.layerwise import DiagonalNetwork, ScalarNetwork, transition

STRENGTHS = np.array([2.0, 1.0, 0.5])  # of the aligned network
START = 0.01  # all its initial singular values
SAMPLES = 20


@dataclass(frozen=True)
class Theorems(Settings):
    """Imbalances, targets over the initial norm, units, and random draws of everything."""

    imbalances: tuple = (-100.0, -10.0, -1.0, -0.1, 0.0, 0.1, 1.0, 10.0, 100.0)
    limits: tuple = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4)
    ratios: tuple = (-3.0, -1.0, -0.3, 0.03, 0.3, 1.0, 3.0, 30.0)  # target over Sigma_0
    units: int = 20
    n_skills: int = 5
    alpha: float = 0.6
    replicas: int = 5
    n_times: int = 400


def aligned(imbalance: float, rng: np.random.Generator, settings: Theorems) -> dict[str, np.ndarray | float]:
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
    return {"modes": np.einsum("ij,tik,kj->tj", left, learned, right), "error": error, "t": t}


def limit(imbalance: float, rng: np.random.Generator, settings: Theorems) -> dict[str, float]:
    """Distance of one mode, over its target, from the sigmoid and from the exponential of Eq. 70."""
    start, target = 10 ** rng.uniform(-2, -1), rng.uniform(0.5, 2)
    first = np.sqrt((np.hypot(imbalance, 2 * start) + imbalance) / 2)
    t = np.linspace(0, 10 / np.hypot(target, imbalance / 2), settings.n_times)
    a, b = products(np.array([first]), np.array([start / first]), target, 1.0, t)
    found = (a * b)[:, 0]
    sigmoid = target / (1 + (target / start - 1) * np.exp(-2 * target * t))
    exponential = start + (target - start) * -np.expm1(-imbalance * t)
    return {
        "sigmoid": np.abs(found - sigmoid).max() / target,
        "exponential": np.abs(found - exponential).max() / target,
    }


def conserved(kind: str, rng: np.random.Generator, settings: Theorems) -> dict[str, np.ndarray]:
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


def scalar(ratio: float, rng: np.random.Generator, settings: Theorems) -> dict[str, np.ndarray | float]:
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


def skills(alpha: float, rng: np.random.Generator, settings: Theorems) -> dict[str, np.ndarray]:
    """Half-times of skills of power-law frequency, which is what stands for the variance, from a random small start."""
    frequency = np.arange(1, settings.n_skills + 1) ** -(alpha + 1)
    start = np.full(settings.n_skills, 10 ** rng.uniform(-3, -1))
    longest = 1.2 * DiagonalNetwork(np.ones(settings.n_skills), start, start, frequency).time_to(0.5).max()
    t = np.linspace(0, longest, 10 * settings.n_times)
    a, b = products(start, start, 1.0, frequency, t)
    half = np.array([np.interp(0.5, skill, t) for skill in (a * b).T])
    return {"product": half * frequency / (half[0] * frequency[0])}


def compute(settings: Theorems, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Every experiment, with random draws."""
    parts = {
        "aligned": (aligned, {"imbalance": settings.imbalances}),
        "limit": (limit, {"imbalance": settings.limits}),
        "conserved": (conserved, {"kind": ["diagonal", "matrix"]}),
        "scalar": (scalar, {"ratio": settings.ratios}),
        "skills": (skills, {"alpha": [settings.alpha]}),
    }
    data = {
        "imbalances": np.array(settings.imbalances),
        "limits": np.array(settings.limits),
        "ratios": np.array(settings.ratios),
    }
    for name, (cell, points) in parts.items():
        runs = grid(partial(cell, p=p), points, replicates=settings.replicas, seed=int(rng.integers(2**31)))
        data |= {f"{name}_{key}": values.values for key, values in runs.data_vars.items()}  # (points, replicas, ...)
    return data


def _half_times(data: Data, where: np.ndarray) -> np.ndarray:
    """Half-time of the weakest mode over that of the strongest, every network at the chosen imbalances."""
    n_times = data["aligned_t"].shape[-1]
    runs = zip(
        data["aligned_t"][where].reshape(-1, n_times), data["aligned_modes"][where].reshape(-1, n_times, 3), strict=True
    )
    half = [[np.interp(0.5, mode, t) for mode in (modes / STRENGTHS).T] for t, modes in runs]
    return np.array([last / first for first, _, last in half])


def _monotone(data: Data) -> np.ndarray:
    """Larger of the largest backward step and the distance from the target at the end, over the target, per network."""
    modes = data["aligned_modes"] / STRENGTHS
    backward = -np.diff(modes, axis=2).min(axis=(2, 3))
    missing = np.abs(modes[:, :, -1] - 1).max(axis=2)
    return np.maximum(backward, missing).ravel()


FIGURE = PaperFigure(
    name="layerwise/theorems",
    caption=(
        "What the paper proves about exact dynamics, measured on gradient flow that is integrated numerically from "
        "random starts: modes of an imbalanced network, their limits, conserved differences, growth of a scalar "
        "network. The paper shows no such figure; all sizes are ours: strengths 2, 1, 0.5 from 0.01 (a); one mode from "
        "0.01 to 0.1 towards 0.5 to 2 (b); four modes, and a 5-4-3 network on inputs that are not white (c); 20 "
        "Gaussian units, targets -3 to 30 times their norm (d). (a) and (d) show one draw."
    ),
    presets={"quick": Theorems(), "paper": Theorems(units=200, replicas=50)},
    compute=compute,
    draw=draw,
    seconds=7,
    cost="about 2 min on one core (estimated from the quick preset).",
    claims=(
        Claim(
            key="layerwise-G2-modes",
            place="Theorem G.2, Equation 69",
            statement="From an aligned lambda-balanced start every singular value moves by a function of its own; the "
            "singular vectors stay.",
            criterion="white inputs, |lambda| <= 100: map within 1e-6 of that of our closed form, over the strongest "
            "mode, at all times, every network",
            measure=lambda data: data["aligned_error"].ravel(),
            holds=all_below(1e-6),
        ),
        Claim(
            key="layerwise-G2-monotone",
            place="Theorem G.2",
            statement="It rises monotonically from its start to the singular value of the correlation.",
            criterion="no mode steps back or ends off its target by more than 1e-4 of it (value: worst), every network",
            measure=_monotone,
            holds=all_below(1e-4),
        ),
        Claim(
            key="layerwise-70-sigmoid",
            place="Equation 70",
            statement="As lambda goes to 0 the transition becomes the sigmoid.",
            criterion="lambda = 1e-4: distance < 1e-3 of the target at all times, every draw",
            measure=lambda data: data["limit_sigmoid"][0],
            holds=all_below(1e-3),
        ),
        Claim(
            key="layerwise-70-exponential",
            place="Equation 70",
            statement="As |lambda| goes to infinity it becomes the exponential 1 - exp(-|lambda| t).",
            criterion="lambda = 1e4: distance < 1e-3 of the target at all times, every draw",
            measure=lambda data: data["limit_exponential"][-1],
            holds=all_below(1e-3),
        ),
        Claim(
            key="layerwise-G2-salient",
            place="Appendix G.1",
            statement="As lambda goes to 0 the network learns the most salient features first.",
            criterion="|lambda| <= 0.1: half-time of the mode of 0.5 over that of 2 above 1.5, every network",
            measure=lambda data: _half_times(data, np.abs(data["imbalances"]) <= 0.1),
            holds=all_above(1.5),
        ),
        Claim(
            key="layerwise-G2-lazy",
            place="Appendix G.1",
            statement="As lambda increases the dynamics becomes that of a linear model: all modes at the same time.",
            criterion="|lambda| = 100: half-time of the mode of 0.5 over that of 2 below 1.05, every network",
            measure=lambda data: _half_times(data, np.abs(data["imbalances"]) == 100),
            holds=all_below(1.05),
        ),
        Claim(
            key="layerwise-conserved-diagonal",
            place="Equation 8",
            statement="The difference of the squared layers of every feature is conserved.",
            criterion="drift of a^2 - b^2 over the largest change of a square < 1e-6, every draw",
            measure=lambda data: data["conserved_drift"][0].max(axis=1),
            holds=all_below(1e-6),
        ),
        Claim(
            key="layerwise-conserved-matrix",
            place="Appendix D.3",
            statement="So is its analogue in linear networks, from any start.",
            criterion="inputs not white, Gaussian start: drift of W2'W2 - W1W1' over the largest change of W2'W2 "
            "< 1e-6, every draw",
            measure=lambda data: data["conserved_drift"][1].max(axis=1),
            holds=all_below(1e-6),
        ),
        Claim(
            key="layerwise-I1-solution",
            place="Theorem I.1, Equations 73-77",
            statement="One factor drives all units, and it tends to gamma of Equation 19.",
            criterion="weights by their printed form, and the final growth of a + b by Equation 77, within 1e-6, every "
            "start (value: worse of the two)",
            measure=lambda data: np.maximum(data["scalar_solution"], data["scalar_limit"]).ravel(),
            holds=all_below(1e-6),
        ),
        Claim(
            key="layerwise-I1-monotone",
            place="Theorem I.1",
            statement="It is monotone: increasing if f(0) lies below the target, else decreasing.",
            criterion="no step of the wrong sign up to 99.9% of the way, every start (value: their number)",
            measure=lambda data: data["scalar_backward"].ravel(),
            holds=all_below(0.5),
        ),
        Claim(
            key="layerwise-I2-inflection",
            place="Remark I.2",
            statement="It has an inflection point if and only if it increases and starts below the centre of its "
            "sigmoid.",
            criterion="its speed has a maximum inside the run exactly if S > f(0) and S > 2P (value: 1 if not), every "
            "start",
            measure=lambda data: data["scalar_unexpected"].ravel(),
            holds=all_below(0.5),
        ),
        Claim(
            key="layerwise-11-half-times",
            place="Equation 11",
            statement="In the model of skills half-times are inverse to frequencies.",
            criterion="half-time times frequency, over that of skill 1, within 1% of 1, every start",
            measure=lambda data: np.abs(data["skills_product"] - 1).max(axis=(0, 2)),
            holds=all_below(0.01),
        ),
    ),
)
