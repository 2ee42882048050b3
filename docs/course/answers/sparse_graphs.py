"""Sheet 4: why neurashed makes pathways sparse, and what it cannot do."""

import numpy as np

from docs.check import Formula, Number, Program, Span
from toymodels.neurashed import Multiplicative, elasticity_ratio
from toymodels.neurashed.rules import batch_frequency, mean_log_rate
from toymodels.neurashed.sparsity import additive_ratio, predicted_log_ratio

GROWTH, FADING = Span(1.01, 1.5), Span(0.5, 0.99)


def break_even(a, b):
    """The share of steps in which a node must fire to keep its amplification."""
    from scipy.optimize import brentq

    return brentq(lambda p: float(mean_log_rate(Multiplicative(a, b), p)), 0.0, 1.0, xtol=1e-15, rtol=1e-14)


def reached(B, M):
    """Additive rule without decay: own over shared amplification in the end."""
    return additive_ratio(int(B), int(M))


def sparsity(T, B, M, a, b):
    """Mean of ln(own / shared) after T steps."""
    return float(predicted_log_ratio(T, int(B), Multiplicative(a, b), int(M)))


def elasticity(t, b1, b2, K, L):
    """Change at the same class over change at another after t updates per class."""
    return float(elasticity_ratio(t, int(b1), int(b2), int(K), int(L)))


def batch_without_sparsity(wanted=0.5):
    """Smallest batch of draws from four types at which own nodes keep half of the shared ones' strength."""
    rule, sizes = Multiplicative(1.02, 0.98), range(1, 200)
    return next(B for B in sizes if np.exp(predicted_log_ratio(300, B, rule, 4)) >= wanted)


PROBLEMS = {
    "drift": Formula(
        "mean growth of ln(amplification) per step of a node that fires in a share p of the steps; g+ = a x, g- = b x",
        lambda p, a, b: float(mean_log_rate(Multiplicative(a, b), p)),
        {"p": Span(0.05, 0.95), "a": GROWTH, "b": FADING},
        limits={"at p = 0": {"p": 0.0}, "at p = 1": {"p": 1.0}},
    ),
    "break-even": Formula(
        "the share p at which a node neither grows nor fades", break_even, {"a": GROWTH, "b": FADING}
    ),
    "in-batch": Formula(
        "chance that a batch of B draws contains a type of share 1/M",
        lambda B, M: float(batch_frequency(1 / M, int(B))),
        {"B": Span(1, 40, whole=True), "M": Span(2, 12, whole=True)},
    ),
    "sparsity": Formula(
        "mean of ln(own / shared amplification) after T steps of batches of B from M types",
        sparsity,
        {
            "T": Span(1, 400, whole=True),
            "B": Span(1, 8, whole=True),
            "M": Span(2, 8, whole=True),
            "a": GROWTH,
            "b": FADING,
        },
    ),
    "additive": Formula(
        "limit of own / shared amplification for g+ = x + c without fading",
        reached,
        {"B": Span(1, 8, whole=True), "M": Span(2, 8, whole=True)},
    ),
    "elasticity": Formula(
        "same-class over other-class change of the logit after t updates per class on L levels",
        elasticity,
        {
            "t": Span(1, 200),
            "b1": Span(1, 6, whole=True),
            "b2": Span(1, 6, whole=True),
            "K": Span(2, 6, whole=True),
            "L": Span(1, 8, whole=True),
        },
        limits={"at late times": {"t": 1e9}},
    ),
    "grow": Program(
        "log of an amplification that starts at 1, after n steps of which it fires in the first k",
        "grow",
        lambda a, b, n, k: min(k, n) * np.log(a) + max(n - k, 0) * np.log(b),
        {"a": GROWTH, "b": FADING, "n": Span(20, 40, whole=True), "k": Span(0, 20, whole=True)},
    ),
    "no-sparsity": Number(
        "smallest batch size, of 4 types, at which own nodes keep half of the shared strength after 300 steps of "
        "a = 1.02, b = 0.98",
        batch_without_sparsity,
        "samples",
        within=1e-3,
    ),
}
