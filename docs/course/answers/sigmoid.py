"""Sheet 1: how one mode of a two-layer linear network is learned."""

import numpy as np

from docs.check import Formula, Number, Program, Span
from docs.course.answers.slopes import slope_at_start
from toymodels.layerwise import DeepMode, DiagonalNetwork, transition

TARGETS = Span(0.5, 4.0)
STARTS = Span(1e-4, 0.1)


def mode(S, u0, t):
    """The mode at time t, from a balanced start."""
    return transition(t, target=S, initial=u0, imbalance=0.0)


def speed(S, u):
    """How fast the mode grows when it is at u."""
    return slope_at_start(lambda t: transition(t, target=S, initial=u, imbalance=0.0), 1 / (4 * abs(S) + 4 * abs(u)))


def half_time(S, u0):
    """When the mode is at S/2."""
    part = (S / 2 - u0) / (S - u0)  # of the way from start to target
    return DiagonalNetwork([S], [np.sqrt(u0)], [np.sqrt(u0)]).time_to(part)[0]


def deep_speed(S, u, L):
    """How fast the product of L equal factors grows when it is at u."""
    time = 1 / (2 * L * (S + u))
    return slope_at_start(lambda t: DeepMode(int(L), S, u).solve(t)["product"], time)


def stages():
    """Time between the half-times of two modes of strengths 2 and 1, both from 0.001."""
    return half_time(1.0, 1e-3) - half_time(2.0, 1e-3)


def crossing(depth):
    """When a mode of strength 1 that started at 0.0001 is at one half."""
    from scipy.optimize import brentq

    return brentq(lambda t: DeepMode(depth, 1.0, 1e-4).solve([t])["product"][0] - 0.5, 1e-6, 1e5, xtol=1e-10)


def slowdown():
    """How many times longer depth 3 waits than depth 2."""
    return crossing(3) / crossing(2)


PROBLEMS = {
    "speed": Formula("du/dt of the mode u = a b with a = b", speed, {"S": Span(-3, 3), "u": Span(0.05, 2.0)}),
    "mode": Formula(
        "u(t) from u(0) = u0 > 0 with a = b",
        mode,
        {"S": Span(-3, 3), "u0": STARTS, "t": Span(0.0, 4.0)},
        cases={"S > 0": lambda S, **_: S > 0, "S < 0": lambda S, **_: S < 0},
        limits={"at t = 0": {"t": 0.0}, "at late times": {"t": 100.0}},
        given=lambda S, **_: np.abs(S) > 0.3,
    ),
    "half-time": Formula("the time at which u = S/2", half_time, {"S": TARGETS, "u0": STARTS}),
    "stages": Number("time between the half-times of S = 2 and S = 1, both from u0 = 0.001", stages, "flow time"),
    "step": Program(
        "one step of gradient descent on (S - a b)^2 / 2, returning (a, b)",
        "step",
        lambda a, b, S, lr: [DiagonalNetwork([S], [a], [b]).simulate(1, lr)[name][-1, 0] for name in ("a", "b")],
        {"a": Span(-2, 2), "b": Span(-2, 2), "S": Span(-2, 2), "lr": Span(0.01, 0.5)},
    ),
    "deep-speed": Formula(
        "du/dt of the product u of L equal factors",
        deep_speed,
        {"S": TARGETS, "u": Span(0.05, 2.0), "L": Span(2, 5, whole=True)},
        given=lambda S, u, **_: np.abs(S - u) > 0.05,
    ),
    "slowdown": Number("half-time at depth 3 over that at depth 2, S = 1, u0 = 0.0001", slowdown, within=1e-2),
}
