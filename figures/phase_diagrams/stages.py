"""What the stage score says of Sections 4.1 to 4.4 of Nam et al. (2025): runs of the diagonal network, and claims."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from comparisons.emergence import STUDY
from comparisons.emergence.models import JITTER
from comparisons.emergence.question import curves
from figures.harness.figure import Grid
from toymodels.claims import CONTROL, READING, Claim, Quantity, every
from toymodels.layerwise import DiagonalNetwork
from toymodels.metrics.emergence import RISE_OF_EXPONENTIAL, area_between, gaps_and_rises, passing_times

QUESTION = STUDY.question
ALPHA = 0.6  # frequencies fall as k^-(alpha + 1)
RANKS = 24  # skills of the power law
RARE = 15  # rank from which on neighbours are expected to overlap


def equal_ratios(rng: np.random.Generator) -> dict[str, Any]:
    """Rises of the study's skills, decades, and the clock-free area between those that follow each other."""
    model = STUDY.models["layerwise"]
    run = model.run(model.settings, rng)
    skills = curves(run)
    _, rises = gaps_and_rises(passing_times(run.t, skills))
    return {"rise": rises, "area": np.array([area_between(a, b) for a, b in pairwise(skills.T)])}


def power_law(rng: np.random.Generator) -> dict[str, Any]:
    """Stage score of neighbours, (RANKS - 1,), where frequencies are a power law of the rank."""
    s = STUDY.models["layerwise"].settings
    a, b = np.sqrt(s.start) * rng.uniform(*JITTER, (2, RANKS))
    frequency = np.arange(1, RANKS + 1) ** -(ALPHA + 1)
    t = np.geomspace(1, 3 * np.log(1 / s.start) / frequency[-1], 2000)
    run = DiagonalNetwork(np.ones(RANKS), a, b, frequency).solve(t)
    gaps, rises = gaps_and_rises(passing_times(t, run["product"]))
    return {"stage": 2 * gaps / (rises[1:] + rises[:-1])}


def one_layer(rng: np.random.Generator, ratio: float) -> dict[str, float]:
    """The study's score of a single layer on the same inputs."""
    return {"score": STUDY.score("layerwise one layer")(rng=rng, ratio=ratio)["score"]}


def compute(ratios: tuple, replicates: int, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Rises and areas, stages by rank, and scores of one layer, each over draws."""
    seeds = [int(seed) for seed in rng.integers(2**31, size=3)]
    equal, law = (
        grid(each, {}, replicates=replicates, seed=seed)
        for each, seed in zip((equal_ratios, power_law), seeds, strict=False)
    )
    single = grid(one_layer, {"ratio": ratios}, replicates=replicates, seed=seeds[2])
    return {
        "stages_rise": equal["rise"].values,
        "stages_area": equal["area"].values,
        "stages_by_rank": law["stage"].values,
        "stages_one_layer": single["score"].transpose("ratio", "replicate").values,
    }


PAPER_NAME = "Nam et al. (2025)"
CLAIMS = (
    Claim(
        "emergence.sudden",
        f"{PAPER_NAME}, Section 4.1",
        "A skill of two layers waits, then rises abruptly: in a fraction of the decades that one layer takes.",
        Quantity(
            "decades from 10 to 90 % over those of an exponential, start 1e-6: every skill",
            lambda data: data["stages_rise"].ravel() / RISE_OF_EXPONENTIAL,
        ),
        every("skill") < 0.2,
        source=READING,
    ),
    Claim(
        "emergence.one-after-the-other",
        f"{PAPER_NAME}, Section 4.2",
        "A skill is complete before the next one begins, whatever the clock.",
        Quantity(
            "1 - 2 times the mean of the next skill's progress over this one's, start 1e-6, ratio 3: every pair",
            lambda data: data["stages_area"].ravel(),
        ),
        every("pair") > 0.95,
        source=READING,
    ),
    Claim(
        "emergence.one-layer",
        f"{PAPER_NAME}, Section 4.3",
        "One layer learns the same skills at once, unless frequencies differ by a factor of 22.",
        Quantity(
            "score of one layer at ratios up to 12: every run",
            lambda data: data["stages_one_layer"][data["layerwise_ratios"] < 20].ravel(),
        ),
        every("run") < QUESTION.shown_from,
        source=CONTROL,
    ),
    Claim(
        "emergence.power-law-begins-in-stages",
        f"{PAPER_NAME}, Section 4.4",
        "Where frequencies are a power law of the rank, the first skills are learned in stages.",
        Quantity(
            "gap over rise of skills 1 and 2, alpha 0.6, start 1e-6: every run",
            lambda data: data["stages_by_rank"][:, 0],
        ),
        every("run") >= QUESTION.shown_from,
        source=READING,
    ),
    Claim(
        "emergence.power-law-merges",
        f"{PAPER_NAME}, Section 4.4",
        "The rarer ones overlap, which makes the sum of stages a smooth law.",
        Quantity(
            f"gap over rise of neighbours from rank {RARE} on, alpha 0.6, start 1e-6: every pair",
            lambda data: data["stages_by_rank"][:, RARE - 1 :].ravel(),
        ),
        every("pair") < QUESTION.absent_below,
        source=READING,
    ),
)
