"""Sheet 5: critical points that survive widening, neurons that merge, directions that are few."""

import numpy as np

from docs.check import Formula, Number, Span
from toymodels.condensation import (
    TwoLayerNetwork,
    critical_points,
    inertia,
    initial_flow,
    low_rank_sample_size,
    merge,
    multiplicity,
    optimistic_sample_size,
    split,
)

WIDE = Span(0.2, 2.0)


def merged_weight(a1, a2, c):
    """Output weight of two merged ReLU neurons, for input weights w and c w, referred to w."""
    w = np.array([0.6, 0.8])
    small = merge(TwoLayerNetwork([a1, a2], [w, c * w], "relu"), 1.0)
    return small.a[0] * np.linalg.norm(small.w[0]) / np.linalg.norm(w)


def early_output_weight(a0, w0, v, t):
    """Output weight at an early time, inputs +-1 with targets +-v, tanh."""
    run = initial_flow([[1.0], [-1.0]], [v, -v], [a0], [[w0, 0.0]], [t])
    return run["a"][0, 0]


def samples(m, d):
    """Optimistic sample size of m generic tanh neurons on d inputs."""
    rng = np.random.default_rng(0)
    target = TwoLayerNetwork.random(int(m), int(d), 1.0, "tanh", rng)
    return optimistic_sample_size(target, rng.standard_normal((int(m * (d + 2)) + 10, int(d))))


def narrow_minimum():
    """A local minimum of one tanh neuron, with its data, and the fraction at which splitting leaves a minimum."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((12, 1))
    y = np.tanh(1.3 * x[:, 0] + 0.4) + 0.3 * rng.standard_normal(12)
    found = critical_points(1, x, y, "tanh", np.random.default_rng(0), starts=10)
    best = min(found, key=lambda network: np.mean((network(x) - y) ** 2))
    return best, x, y


def flat_directions():
    """Zero eigenvalues of the Hessian once the neuron of a minimum is split."""
    network, x, y = narrow_minimum()
    return inertia(split(network, 0, 0.3).hessian(x, y))[1]


def same_error(fraction=0.3):
    """Loss after splitting over that before."""
    network, x, y = narrow_minimum()
    wide = split(network, 0, fraction)
    return np.mean((wide(x) - y) ** 2) / np.mean((network(x) - y) ** 2)


PROBLEMS = {
    "same-loss": Number("loss of a network after one neuron is split, over that before", same_error, within=1e-6),
    "order": Number(
        "order p of the activation x tanh x at the origin", lambda: int(multiplicity("xtanh")), within=1e-3
    ),
    "merge": Formula(
        "output weight that stands for two ReLU neurons (a1, w) and (a2, c w), c > 0, at input weight w",
        merged_weight,
        {"a1": WIDE, "a2": WIDE, "c": Span(0.3, 3.0)},
    ),
    "early": Formula(
        "output weight a(t) while all is small: a' = v w, w' = v a",
        early_output_weight,
        {"a0": Span(-1, 1), "w0": Span(-1, 1), "v": Span(0.2, 2.0), "t": Span(0.1, 3.0)},
        limits={"at t = 0": {"t": 0.0}},
    ),
    "samples": Formula(
        "samples from which a wide network may recover m generic tanh neurons with biases on d inputs",
        samples,
        {"m": Span(1, 4, whole=True), "d": Span(1, 4, whole=True)},
    ),
    "matrix-samples": Formula(
        "the same for a p x q matrix of rank r trained as a product",
        lambda r, p, q: low_rank_sample_size(int(r), int(p), int(q)),
        {"r": Span(1, 5, whole=True), "p": Span(5, 12, whole=True), "q": Span(5, 12, whole=True)},
    ),
    "flat": Number(
        "zero eigenvalues of the Hessian after the neuron of a minimum of positive Hessian is split at 0.3",
        flat_directions,
        within=1e-3,
    ),
}
