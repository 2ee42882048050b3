"""What Section 3 and Figures 3 and 4 say of batch size, sparse pathways and neural collapse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data
from toymodels.claims import AFTER, READING, Claim, Quantity, Statistic, every_run, mean, median

NODES = "effective number of nodes of a level of 9"
VARIABILITY = "tr(within)/tr(between) at the end"


def nodes_left(rule: str, batch_size: int) -> Callable[[Data], np.ndarray]:
    """Nodes of every run that remain at the end with batches of this size."""
    return lambda data: data[f"end_{rule}"][list(data["batch_sizes"]).index(batch_size)]


def one_over_three(data: Data) -> np.ndarray:
    """Variability within classes at the end with batches of 1 over the median with batches of 3: runs are unpaired."""
    return data["within_iid"][:, -1] / np.median(data["within_three"][:, -1])


def law_error(data: Data) -> np.ndarray:
    """Relative error of the mean of ln(own / shared amplification) at the end against the law, every batch size."""
    return np.abs(data["log_ratio_multiplicative"][:, -1] / data["law"][:, -1] - 1)


every_size = Statistic("every B", every_run.of)
CLAIMS = (
    Claim(
        "batch_size.sparse-when-small",
        "Figure 3c",
        "Small batches learn a sparse pathway: only the shared nodes remain.",
        Quantity(f"multiplicative, batches of 1: {NODES}", nodes_left("multiplicative", 1)),
        mean < 3.05,
        fixed=AFTER,
    ),
    Claim(
        "batch_size.dense-when-large",
        "Figure 4b",
        "Large batches learn a dense pathway: all nodes remain.",
        Quantity(
            f"multiplicative, batches of 8: {NODES}",
            nodes_left("multiplicative", 8),
        ),
        mean > 8.9,
        fixed=AFTER,
    ),
    Claim(
        "batch_size.law",
        "Section 3",
        "Features that fire less often grow less or diminish, by how often they are absent (our law).",
        Quantity(
            "multiplicative: relative error of the mean of ln(own / shared amplification) at the end against "
            "-T 2^-B ln(a/b)",
            law_error,
        ),
        every_size < 0.15,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "batch_size.sparse-when-additive",
        "Figure 3c with g+ = x + c",
        "Small batches learn a sparse pathway also with the additive rule, the other simplest choice.",
        Quantity(f"additive without decay, batches of 1: {NODES}", nodes_left("additive", 1)),
        median < 4,
        source=READING,
        defence="the paper fixes no rule for Figure 3, and says that rare features grow less rapidly or diminish",
        why="without decay own over shared amplification tends to 1 - 2^-B, never below one half: 8.5 of 9 nodes",
    ),
    Claim(
        "batch_size.collapse",
        "Section 3",
        "With small batches the variability within a class vanishes, as in neural collapse.",
        Quantity(f"multiplicative, one input a step: {VARIABILITY}", lambda data: data["within_small"][:, -1]),
        every_run < 1e-3,
    ),
    Claim(
        "batch_size.no-collapse-with-full-batch",
        "Section 3",
        "Gradient descent on the full batch keeps the variability within a class.",
        Quantity(
            f"multiplicative, all types in each batch: {VARIABILITY} over that after the first epoch",
            lambda data: data["within_full"][:, -1] / data["within_full"][:, 0],
        ),
        every_run > 0.9,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "batch_size.smallest-sparsest",
        "Section 3",
        "The smaller the batch, the sparser the pathways, at an equal number of updates and with several classes.",
        Quantity(
            f"multiplicative, three classes, independent draws: {VARIABILITY} of batches of 1 over the median of "
            "batches of 3",
            one_over_three,
        ),
        median < 1,
        source=READING,
        fixed=AFTER,
        defence="the paper draws one class, where batches of 1 are the sparsest, and compares small with large batches",
        why="per step the shared nodes lead by (1-1/2K)^B - (1-1/K)^B, largest at B = 3 or 4 for K = 3 classes; "
        "for one class, as drawn in the paper, it is largest at B = 1",
    ),
    Claim(
        "batch_size.collapse-when-additive",
        "Section 3 with g+ = x + c",
        "With small batches the variability within a class vanishes also under the additive rule.",
        Quantity(f"additive, one input a step: {VARIABILITY}", lambda data: data["within_additive"][:, -1]),
        median < 1e-2,
        source=READING,
        defence="the paper fixes no rule here; this one has no decay",
        why="own over shared amplification stays at one half, a plateau of 1/6",
    ),
    Claim(
        "batch_size.simplex",
        "Section 3, neural collapse",
        "The class means form a simplex when batches are drawn independently.",
        Quantity(
            "multiplicative, one random input a step: mean deviation of the cosines between class means from a simplex",
            lambda data: data["angle_iid"],
        ),
        median < 0.05,
        source=READING,
        defence="the paper links sparse pathways to neural collapse in words only and claims no simplex",
        why="the amplifications of different classes drift apart as a random walk; drawn in epochs the deviation "
        "is rounding",
    ),
    Claim(
        "batch_size.simplex-in-epochs",
        "Section 3, neural collapse",
        "The class means form a simplex when every epoch shows each type once.",
        Quantity(
            "multiplicative, epochs: 1 - mean deviation of the cosines between class means from a simplex",
            lambda data: 1 - data["angle_small"],
        ),
        median > 0.99,
        source=READING,
    ),
)
