"""What the score of implicit regularisation says of Section 3 of Su (2024): small batches make sparser graphs."""

from __future__ import annotations

from functools import partial

import numpy as np

from comparisons.implicit_regularisation import STUDY
from figures.harness.figure import Grid
from toymodels.claims import CONTROL, READING, Claim, Quantity, every

QUESTION = STUDY.question
BATCHES = (1, 2, 4, 8, 32)
RULES = ("multiplicative", "additive")
REPLICATES = 3


def score_of(rule: str, rng: np.random.Generator, batch: int) -> dict[str, float]:
    """The study's score of the graph model, and its closed form."""
    found = STUDY.score("neurashed")(rng=rng, rule=rule, batch=batch)
    return {name: found[name] for name in ("score", "predicted")}


def compute(rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Scores and closed forms over batches and draws, by rule."""
    data = {}
    for rule in RULES:
        cells, seed = {"batch": BATCHES}, int(rng.integers(2**31))
        found = grid(partial(score_of, rule), cells, replicates=REPLICATES, seed=seed)
        data |= {f"{rule}_{name}": found[name].transpose("batch", "replicate").values for name in found}
    return data


PLACE = "Su (2024), Section 3"
CLAIMS = (
    Claim(
        "implicit_regularisation.graph-sparser",
        PLACE,
        "Small batches end at a sparser graph than the full batch, after as many updates.",
        Quantity(
            "decades between the nodes in use, one input a step, multiplicative: every run",
            lambda data: data["multiplicative_score"][0],
        ),
        every("run") >= QUESTION.shown_from,
        source=READING,
    ),
    Claim(
        "implicit_regularisation.graph-sparser-when-additive",
        "Su (2024), Section 3, with g+ = x + c",
        "So they do under the additive rule, the other simplest choice.",
        Quantity(
            "decades between the nodes in use, one input a step, additive: every run",
            lambda data: data["additive_score"][0],
        ),
        every("run") >= QUESTION.shown_from,
        source=READING,
        why="what does not fire is not worn: own nodes grow more slowly than shared ones, and no less for ever",
        defence="the paper names the rule as an example, and says that silent nodes may also diminish",
    ),
    Claim(
        "implicit_regularisation.graph-as-predicted",
        "ours",
        "How much sparser is told by how often a node's inputs are absent from a batch.",
        Quantity(
            "|score - closed form|, decades, both rules, batches of 1 to 32: every run",
            lambda data: np.abs(
                np.concatenate([data[f"{rule}_score"] - data[f"{rule}_predicted"] for rule in RULES], axis=None)
            ),
        ),
        every("run") < QUESTION.absent_below,
        source=CONTROL,
    ),
)
