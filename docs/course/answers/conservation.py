"""Sheet 2: what gradient flow conserves, and what breaks it."""

import numpy as np

from docs.check import Formula, Number, Program, Span
from toymodels.layerwise import DiagonalNetwork

WEIGHTS = Span(0.2, 2.0)


def weights(imbalance, b0=0.5):
    """A start of this imbalance a^2 - b^2, with a + b > 0."""
    return (np.sqrt(imbalance + b0**2), b0) if imbalance > 0 else (b0, np.sqrt(b0**2 - imbalance))


def imbalance(a0, b0, t):
    """a^2 - b^2 at time t."""
    run = DiagonalNetwork([1.0], [a0], [b0]).solve([t])
    return run["a"][0, 0] ** 2 - run["b"][0, 0] ** 2


def final_weight(S, lam):
    """a at the end."""
    a0, b0 = weights(lam)
    return DiagonalNetwork([S], [a0], [b0]).solve([np.inf])["a"][0, 0]


def decayed(lam, mu, t):
    """a^2 - b^2 at time t with weight decay mu."""
    a0, b0 = weights(lam)
    run = DiagonalNetwork([1.0], [a0], [b0], weight_decay=mu).solve([t])
    return (run["a"][0, 0] - run["b"][0, 0]) * (run["a"][0, 0] + run["b"][0, 0])


def leaked(a, b, S, eta):
    """a^2 - b^2 after one step."""
    run = DiagonalNetwork([S], [a], [b]).simulate(1, eta)
    return (run["a"][-1, 0] - run["b"][-1, 0]) * (run["a"][-1, 0] + run["b"][-1, 0])


def product_of_sums(a0, b0, t):
    """(a + b)(a - b) at time t, over its start."""
    return imbalance(a0, b0, t) / (a0**2 - b0**2)


def kept(steps=1000, lr=0.1):
    """Share of the imbalance that many steps of descent keep, in per cent."""
    run = DiagonalNetwork([1.0], [2.0], [0.01]).simulate(steps, lr)
    left = run["a"][:, 0] ** 2 - run["b"][:, 0] ** 2
    return 100 * left[-1] / left[0]


def shrunk_product(S, mu):
    """Product at the end of training with weight decay mu < S."""
    return DiagonalNetwork([S], [0.5], [0.4], weight_decay=mu).solve([np.inf])["product"][0, 0]


PROBLEMS = {
    "imbalance": Formula(
        "a(t)^2 - b(t)^2 from the start",
        imbalance,
        {"a0": WEIGHTS, "b0": WEIGHTS, "t": Span(0.0, 3.0)},
        given=lambda a0, b0, **_: np.abs(a0 - b0) > 0.05,
    ),
    "final-weight": Formula(
        "a at the end, for S > 0, a + b > 0 and imbalance lam = a^2 - b^2",
        final_weight,
        {"S": Span(0.3, 3.0), "lam": Span(-3.0, 3.0)},
        cases={"lam > 0": lambda lam, **_: lam > 0, "lam < 0": lambda lam, **_: lam < 0},
        limits={"at lam = 0": {"lam": 0.0}},
    ),
    "leak": Formula(
        "a^2 - b^2 after one step of descent of size eta",
        leaked,
        {"a": WEIGHTS, "b": WEIGHTS, "S": Span(-2, 2), "eta": Span(0.01, 0.5)},
        limits={"as eta -> 0": {"eta": 1e-9}},
        given=lambda a, b, **_: np.abs(a - b) > 0.05,
    ),
    "decay": Formula(
        "a^2 - b^2 at time t with weight decay mu",
        decayed,
        {"lam": Span(0.2, 3.0), "mu": Span(0.05, 0.5), "t": Span(0.1, 4.0)},
        limits={"at t = 0": {"t": 0.0}},
    ),
    "shrunk": Formula(
        "a b at the end with weight decay mu < S, from positive weights",
        shrunk_product,
        {"S": Span(1.0, 3.0), "mu": Span(0.05, 0.8)},
    ),
    "kept": Number(
        "share of a^2 - b^2 left after 1000 steps of 0.1 from a = 2, b = 0.01, S = 1", kept, "%", within=1e-3
    ),
    "invariant": Program(
        "the share (a + b)(a - b) / (a0 + b0)(a0 - b0) after n steps of descent on (1 - a b)^2 / 2",
        "invariant",
        lambda a0, b0, lr, n: leaked_after(a0, b0, lr, n),
        {"a0": Span(1.0, 2.0), "b0": Span(0.1, 0.5), "lr": Span(0.01, 0.1), "n": Span(1, 50, whole=True)},
    ),
}


def leaked_after(a0, b0, lr, n):
    """Share of the imbalance left after n steps."""
    run = DiagonalNetwork([1.0], [a0], [b0]).simulate(n, lr)
    a, b = run["a"][-1, 0], run["b"][-1, 0]
    return (a - b) * (a + b) / ((a0 - b0) * (a0 + b0))
