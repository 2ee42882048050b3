"""Sheet 3: what decides whether features move."""

import numpy as np

from docs.check import Curve, Formula, Number, Span
from toymodels.layerwise import ScalarNetwork

WEIGHTS = Span(0.2, 3.0)


def unit(a, b, S=1.0):
    """A network of one hidden unit."""
    return ScalarNetwork([a], [b], S)


def kernel_growth(scale=0.1, target=1.0):
    """Tangent kernel at the end over that at the start, both weights at `scale`."""
    kernel = unit(scale, scale, target).solve([0.0, np.inf])["ntk"]
    return kernel[1] / kernel[0]


def final_rate(S, lam):
    """How fast the residual dies at the end, seen between two late times."""
    net = unit(np.sqrt(abs(lam) + 1.0), 1.0, S)
    late = np.array([1.0, 2.0]) * 12 / abs(lam + 2 * S) ** 0.9
    residual = net.solve(late)["residual"]
    return float(np.log(residual[0] / residual[1]) / (late[1] - late[0]))


def doubling_scale():
    """The scale of both weights at which the kernel doubles."""
    from scipy.optimize import brentq

    return brentq(lambda scale: kernel_growth(scale) - 2, 0.2, 0.99, xtol=1e-12)


def progress(t):
    """Share of the way that a network with a0 = 3, b0 = 0 has gone."""
    return unit(3.0, 0.0).solve(t)["progress"]


def final_kernel(S, lam):
    """a^2 + b^2 at the end."""
    return unit(np.sqrt(abs(lam) + 0.25), 0.5, S).solve([np.inf])["ntk"][0] / 2


PROBLEMS = {
    "ratio": Formula(
        "the weight-to-target ratio Sigma_0 / |S| of one unit (Z = 1)",
        lambda a, b, S: unit(a, b, S).weight_to_target,
        {"a": WEIGHTS, "b": WEIGHTS, "S": Span(-3, 3)},
        cases={"S > 0": lambda S, **_: S > 0, "S < 0": lambda S, **_: S < 0},
        given=lambda S, **_: np.abs(S) > 0.2,
    ),
    "growth": Formula(
        "gamma, how much (a + b)^2 grows in all, from a = b = s > 0 and S > 0",
        lambda s, S: unit(s, s, S).gamma_inf,
        {"s": WEIGHTS, "S": Span(0.3, 3.0)},
    ),
    "kernel": Number("tangent kernel at the end over that at the start, a = b = 0.1, S = 1", kernel_growth),
    "final-kernel": Formula(
        "(a^2 + b^2)/2 at the end, for S > 0 and lam = a^2 - b^2 > 0",
        final_kernel,
        {"S": Span(0.3, 3.0), "lam": Span(0.1, 9.0)},
        limits={"at lam = 0": {"lam": 0.0}},
    ),
    "progress": Curve(
        "share of the way from f(0) to S over t, for a0 = 3, b0 = 0, S = 1",
        progress,
        covers=(0.01, 1.0),
        x="t",
        y="progress",
        within=1e-4,
    ),
    "doubling": Number("the scale s of a = b = s at which the kernel doubles, S = 1", doubling_scale, within=2e-3),
}
