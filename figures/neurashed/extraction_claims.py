"""What the graph extracted from a network is asked to predict; bounds were fixed before any run, or say so."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from toymodels.claims import AFTER, CONTROL, READING, Claim, Decisive, Quantity, median, share_of_runs

PLACE = "Section 4, outlook"
QUANTILE = 95  # percent of the random parts that the dominant part must exceed


def beyond(name: str, kind: str = "agreement"):
    """Rank correlation of the graph's prediction with the measurement minus that of another, all runs."""
    return lambda data: (data[f"{kind}_graph"] - data[f"{kind}_{name}"]).ravel()


def above_random(data: Data) -> np.ndarray:
    """Test accuracy of the dominant part above the 95th percentile of random parts, all runs."""
    return (data["dominant"] - np.percentile(data["random"], QUANTILE, axis=-1)).ravel()


def slope(ratios: np.ndarray) -> np.ndarray:
    """ln of the participation ratio at the largest batch over that at the smallest, (architecture, replicate)."""
    return np.log(ratios[..., -1] / ratios[..., 0])


def trend(kind: int):
    """Measured slope along the sign of the predicted one, all runs; `kind` 0 for equal updates, 1 for equal epochs."""
    return lambda data: (
        np.sign(slope(data["predicted_ratio"][..., kind, :])) * slope(data["measured_ratio"][..., kind, :])
    ).ravel()


def amount(data: Data) -> np.ndarray:
    """Measured slope over the predicted one, equal updates, all runs whose predicted one is not 0; 0 if none is."""
    measured, predicted = (slope(data[f"{name}_ratio"][..., 0, :]) for name in ("measured", "predicted"))
    ratio = measured[predicted != 0] / predicted[predicted != 0]
    return ratio if ratio.size else np.zeros(1)


def explained(data: Data) -> np.ndarray:
    """Share of the nodes above the first layer that a rule explains, all runs that have such nodes; 0 if none has."""
    share = data["explained"][data["explained"] >= 0]
    return share if share.size else np.zeros(1)


A_NODE_ABOVE = Decisive("a run with a node above the first layer", lambda data: bool((data["explained"] >= 0).any()))
A_PREDICTED_SLOPE = Decisive(
    "a run whose prediction is not 0", lambda data: bool((slope(data["predicted_ratio"][..., 0, :]) != 0).any())
)


CLAIMS = (
    Claim(
        "extraction.together",
        PLACE,
        "A node is a few units of a layer that are often activated at the same time.",
        Quantity(
            "share of the units, neither dead nor always firing, whose node has another unit",
            lambda data: data["grouped"].ravel(),
        ),
        median > 0.5,
        source=READING,
    ),
    Claim(
        "extraction.together-shuffled",
        PLACE,
        "No units fire together when the firing of each is shuffled over the samples.",
        Quantity(
            "the same share after every unit is shuffled by itself",
            lambda data: data["grouped_shuffled"].ravel(),
        ),
        median < 0.05,
        source=CONTROL,
    ),
    Claim(
        "extraction.together-in-class",
        PLACE,
        "Few units fire together only because they fire for the same classes.",
        Quantity(
            "the same share after every unit is shuffled by itself within each class",
            lambda data: data["grouped_in_class"].ravel(),
        ),
        median < 0.25,
        source=CONTROL,
        fixed=AFTER,
    ),
    Claim(
        "extraction.rules",
        "Section 2, firing rules",
        "Whether a node fires is determined by its dependent nodes in the level below.",
        Quantity(
            "share of the nodes above the first layer that `at least k of the parents` explains (phi >= similarity), "
            "of each run that has some",
            explained,
        ),
        median > 0.5,
        source=READING,
        decisive=A_NODE_ABOVE,
    ),
    Claim(
        "extraction.elasticity",
        PLACE,
        "The graph predicts the local elasticity between classes of its network.",
        Quantity(
            "rank correlation of predicted and measured elasticity over the ordered pairs of different classes",
            lambda data: data["agreement_graph"].ravel(),
        ),
        median > 0.5,
        source=READING,
        defence="whether a node fires says nothing of the length of an input, and the paper has no other input",
        why="LE between classes is mostly an effect of each of the two, foremost of the size of the inputs, of which "
        "firing says nothing (inner products do: 0.93 to 0.97 with the mean LE of a test class, one network each)",
    ),
    Claim(
        "extraction.elasticity-beyond-shuffled",
        PLACE,
        "It does so by what fires together: with the firing of every unit shuffled it predicts less.",
        Quantity(
            "rank correlation of the graph minus that of the shuffled graph, 0 where that has no path to a class",
            beyond("shuffled"),
        ),
        median > 0.2,
        source=READING,
        defence="whether a node fires says nothing of the length of an input, and the paper has no other input",
        why="LE between classes is mostly an effect of each of the two, foremost of the size of the inputs, of which "
        "firing says nothing (inner products do: 0.93 to 0.97 with the mean LE of a test class, one network each)",
    ),
    Claim(
        "extraction.elasticity-beyond-classes",
        PLACE,
        "It does so beyond how often every unit fires for each class.",
        Quantity(
            "rank correlation of the graph minus that of the graph with firing shuffled within classes",
            beyond("shuffled_in_class"),
        ),
        median > 0,
        source=CONTROL,
        defence="whether a node fires says nothing of the length of an input, and the paper has no other input",
        why="LE between classes is mostly an effect of each of the two, foremost of the size of the inputs, of which "
        "firing says nothing (inner products do: 0.93 to 0.97 with the mean LE of a test class, one network each)",
    ),
    Claim(
        "extraction.elasticity-beyond-inputs",
        PLACE,
        "It does so beyond what the inner products of the inputs say.",
        Quantity("rank correlation of the graph minus that of the inputs' inner products", beyond("inputs")),
        median > 0,
        source=CONTROL,
        defence="whether a node fires says nothing of the length of an input, and the paper has no other input",
        why="LE between classes is mostly an effect of each of the two, foremost of the size of the inputs, of which "
        "firing says nothing (inner products do: 0.93 to 0.97 with the mean LE of a test class, one network each)",
    ),
    Claim(
        "extraction.elasticity-pairs",
        PLACE,
        "The graph predicts which classes move which, beyond how much each class moves others and is moved.",
        Quantity(
            "rank correlation of predicted and measured ln LE between classes after the best effects of base class and "
            "test class are taken off both",
            lambda data: data["paired_graph"].ravel(),
        ),
        median > 0.5,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "extraction.elasticity-pairs-beyond-classes",
        PLACE,
        "That too goes beyond how often every unit fires for each class.",
        Quantity(
            "the same rank correlation minus that of the graph with firing shuffled within classes",
            beyond("shuffled_in_class", "paired"),
        ),
        median > 0,
        source=CONTROL,
        fixed=AFTER,
    ),
    Claim(
        "extraction.elasticity-pairs-beyond-inputs",
        PLACE,
        "That too goes beyond what the inner products of the inputs say.",
        Quantity(
            "the same rank correlation minus that of the inputs' inner products",
            beyond("inputs", "paired"),
        ),
        median > 0,
        source=CONTROL,
        fixed=AFTER,
    ),
    Claim(
        "extraction.dominant",
        PLACE,
        "The dominant third of the units carries the prediction (a subnetwork of comparable performance).",
        Quantity(
            "test accuracy of the dominant third of each hidden layer above the 95th percentile of random thirds",
            above_random,
        ),
        median > 0,
        source=READING,
        defence="the paper speaks of a subnetwork that is trained alone, not of one that is cut out after training",
        why="strong nodes fire for the same digits, zeros and ones (118 of 134 units kept in one network looked at; "
        "101 in a random third), and others are lost as a whole; random thirds keep some of each",
    ),
    Claim(
        "extraction.dominant-beyond-activation",
        PLACE,
        "The graph names better units than their mean activity does.",
        Quantity(
            "test accuracy of the dominant third minus that of the third with the largest mean activity",
            lambda data: (data["dominant"] - data["active"]).ravel(),
        ),
        median > 0,
        source=READING,
    ),
    Claim(
        "extraction.batch-size-updates",
        "Section 3, implicit regularization",
        "The graph of a young network, trained further, predicts how sparsity depends on the batch: equal updates.",
        Quantity(
            "ln of the participation ratio of mean activity at the largest batch over the smallest, along the sign "
            "predicted, 0 where none is",
            trend(0),
        ),
        share_of_runs(0.66) > 0,
        source=READING,
    ),
    Claim(
        "extraction.batch-size-amount",
        "Section 3, implicit regularization",
        "It predicts by how much, too: equal updates.",
        Quantity(
            "measured ln of the participation ratio at the largest batch over the smallest, relative to that predicted"
            ", of each run whose prediction is not 0",
            amount,
        ),
        median.between(0.5, 2),
        source=READING,
        fixed=AFTER,
        decisive=A_PREDICTED_SLOPE,
        defence="the paper fixes no rates of g+ and g-, and slower ones predict less",
        why="at batches of one the graph keeps a few nodes (g+ = 1.05x, g- = 0.98x), the networks nearly all units",
    ),
    Claim(
        "extraction.batch-size-epochs",
        "Section 3, implicit regularization",
        "The graph of a young network, trained further, predicts how sparsity depends on the batch: equal epochs.",
        Quantity(
            "ln of the participation ratio of mean activity at the largest batch over the smallest, along the sign "
            "predicted, 0 where none is",
            trend(1),
        ),
        share_of_runs(0.66) > 0,
        source=READING,
        defence="a thousand digits and three perceptrons; the networks are not trained to the end",
        why="with fewer updates larger batches leave a network nearer to its start, and the deep one, which is still "
        "on its first plateau there, becomes denser as it learns, not sparser",
    ),
)
