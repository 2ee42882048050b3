"""Sheet 6: how neurons rank samples, and how much noise a network survives."""

import numpy as np

from docs.check import Formula, Number, Span

FIELDS, LABELS = np.array([[3.0], [1.0], [2.0], [0.0]]), np.array([0, 0, 1, 1])


def gradient(fields, labels, sign=1.0):
    """Rank gradient of the first class."""
    from dnn import rank_gradient

    classes = int(labels.max()) + 1
    return float(rank_gradient(fields, np.full((classes, 1), sign), labels)[0, 0])


def largest(K):
    """Rank gradient of a neuron that puts all of its class first, for K classes of equal size."""
    labels = np.repeat(np.arange(int(K)), 20)
    return gradient(-np.arange(labels.size, dtype=float)[:, None], labels)


def won(pairs, q):
    """Rank gradient of q among 12 samples that stand before others in so many pairs."""
    order = [0] * q + [1] * (12 - q)  # all pairs won; each exchange of neighbours loses one
    for _ in range(q * (12 - q) - pairs):
        k = next(k for k in range(11) if order[k] == 0 and order[k + 1] == 1)
        order[k], order[k + 1] = 1, 0
    return gradient(-np.arange(12.0)[:, None], np.array(order))


def from_auc(A, q):
    """Rank gradient of q among 12 samples that win a share A of the pairs; between whole pairs it is linear."""
    pairs = A * q * (12 - q)
    low = min(int(pairs), int(q * (12 - q)) - 1)
    below, above = won(low, int(q)), won(low + 1, int(q))
    return below + (pairs - low) * (above - below)


def in_first_half():
    """Density of class 0 among the first half of the ranks."""
    from dnn import rank_probability

    return float(rank_probability(FIELDS, np.ones((2, 1)), LABELS, bins=2)[0, 0])


def monotone():
    """Rank gradient of class 0 after exp is applied to the fields."""
    return gradient(np.exp(FIELDS), LABELS)


def pixel_accuracy(amplitude=0.5):
    """Accuracy of sign(x) on -1 and 1 under noise of that share of the data's range, in per cent."""
    from scipy.stats import norm

    return 100 * norm.cdf(1 / (2 * amplitude))


def weight_accuracy(amplitude=1.0):
    """The same under noise on the weights -1 and 1 of the two logits, in per cent."""
    from scipy.stats import norm

    spread = np.std([-1.0, 1.0], ddof=1)
    return 100 * norm.cdf(2 / (np.sqrt(2) * amplitude * spread))


PROBLEMS = {
    "four": Number("rank gradient of class 0: fields 3 1 2 0, labels 0 0 1 1", lambda: gradient(FIELDS, LABELS)),
    "half": Number("rank probability density of class 0 in the first of two bins, same neuron", in_first_half),
    "largest": Formula("largest rank gradient among K classes of equal size", largest, {"K": Span(2, 12, whole=True)}),
    "auc": Formula(
        "rank gradient of a class of q among 12 samples that wins a share A of the pairs with others",
        from_auc,
        {"A": Span(0.0, 1.0), "q": Span(2, 10, whole=True)},
        limits={"at A = 1/2": {"A": 0.5}},
    ),
    "monotone": Number("rank gradient of class 0, same neuron, once every field h is replaced by exp(h)", monotone),
    "pixels": Number("accuracy of sign(x) on -1 and 1 at pixel noise 0.5", pixel_accuracy, "%"),
    "weights": Number("accuracy of logits -x and x on -1 and 1 at weight noise 1", weight_accuracy, "%"),
}
