"""Five runs: numbers of orientations at six records, and networks merged at three cosines."""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED, REPRODUCED


def counts(*runs: list[int]) -> dict[str, np.ndarray]:
    """One list a run, over the records."""
    return {"count": np.transpose(runs)}


def merged(name: str, middle: list[float], loose: float, tight: float) -> dict[str, np.ndarray]:
    """What is measured after merging at cos > .99, between looser and tighter merging."""
    return {name: np.array([[loose, value, tight] for value in middle])}


def retrained(gain: list[float]) -> dict[str, np.ndarray]:
    """Loss after merging at cos > .9 over that after more steps; at the other cosines nothing is gained."""
    after = np.array(
        [[1e-3, 2e-5, 1e-6], [4e-4, 5e-5, 3e-6], [2e-3, 1e-5, 2e-6], [5e-4, 3e-5, 1e-6], [3e-3, 4e-5, 5e-6]]
    )
    return {"merged_loss": after * np.stack([gain, np.ones(5), np.ones(5)], axis=1), "retrained_loss": after}


def harmed(factor: list[float]) -> dict[str, np.ndarray]:
    """Loss after merging at cos > .9 over that at cos > .99, which is a third more than at cos > .999."""
    middle = np.array([2e-5, 5e-5, 1e-5, 3e-5, 4e-5])
    return {"merged_loss": np.stack([middle * factor, middle, middle * 0.75], axis=1)}


CASES = {
    # largest 7, 6, 9, 3, 8, in the middle of training; then 8, 6, 9, 3, 8
    "few": Case(
        counts([1, 2, 7, 4, 5, 5], [2, 6, 3, 3, 4, 4], [1, 3, 3, 9, 6, 6], [1, 1, 2, 3, 3, 2], [1, 2, 3, 4, 8, 7]),
        counts([1, 2, 8, 4, 5, 5], [2, 6, 3, 3, 4, 4], [1, 3, 3, 9, 6, 6], [1, 1, 2, 3, 3, 2], [1, 2, 3, 4, 8, 7]),
        (7, 8),
        also=[  # the lower bound: largest 1, 1, 1, 2, 1; then 0, 0, 0, 1, 0, where the neurons scatter
            (counts(*[[0, 0, 1, 0, 0, 0]] * 3, [0, 1, 1, 2, 1, 1], [0, 1, 1, 1, 1, 1]), REPRODUCED),
            (counts(*[[0, 0, 0, 0, 0, 0]] * 3, [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]), CONTRADICTED),
        ],
    ),
    # last less first 1, 2, 0, 3, 1; then 0, -1, 0, 2, 0, though all grow in between
    "grow": Case(
        counts([2, 3, 5, 4, 4, 3], [1, 2, 4, 4, 4, 3], [2, 3, 3, 4, 3, 2], [1, 1, 2, 3, 4, 4], [3, 5, 6, 6, 5, 4]),
        counts([2, 3, 5, 4, 4, 2], [3, 4, 5, 4, 4, 2], [2, 3, 3, 4, 3, 2], [1, 1, 2, 3, 4, 3], [3, 5, 6, 6, 5, 3]),
        (1, 0),
    ),
    # 0, 0, 1, 0, 2 falls; then 1, 0, 1, 0, 2, three of them at one record and the first by two
    "typically-monotone": Case(
        counts([1, 2, 2, 3, 4, 4], [1, 1, 1, 2, 2, 3], [2, 3, 2, 4, 4, 5], [2, 2, 3, 3, 4, 6], [1, 3, 2, 5, 4, 5]),
        counts([1, 4, 2, 3, 4, 4], [1, 1, 1, 2, 2, 3], [2, 3, 2, 4, 4, 5], [2, 2, 3, 3, 4, 6], [1, 3, 2, 5, 4, 5]),
        (0, 1),
    ),
    # no fall; then one of one run
    "always-monotone": Case(
        counts([1, 2, 2, 3, 4, 4], [1, 1, 1, 2, 2, 3], [2, 3, 3, 4, 4, 5], [2, 2, 3, 3, 4, 6], [1, 3, 3, 5, 5, 5]),
        counts([1, 2, 2, 3, 4, 4], [1, 1, 1, 2, 2, 3], [2, 3, 3, 4, 4, 5], [2, 2, 3, 2, 4, 6], [1, 3, 3, 5, 5, 5]),
        (0, 0),
    ),
    # the third run alone has two such neurons; what the others have moved, none of theirs being silent, is no matter
    "static-neurons": Case(
        {"asleep": np.array([0, 0, 2, 0, 0]), "asleep_moved": np.array([1, 1, 0, 1, 1])},
        {"asleep": np.array([0, 0, 2, 0, 0]), "asleep_moved": np.array([0, 0, 1e-9, 0, 0])},
        (0, 1e-9),
    ),
    "merged-output": Case(
        merged("merged_error", [0.009, 0.008, 0.5, 0.001, 0.02], loose=0.6, tight=1e-4),
        merged("merged_error", [0.011, 0.008, 0.5, 0.001, 0.02], loose=0.6, tight=1e-4),
        (0.009, 0.011),
    ),
    "merged-width": Case(
        merged("merged_width", [8, 7, 20, 5, 9], loose=3, tight=40),
        merged("merged_width", [9, 7, 20, 5, 10], loose=3, tight=40),
        (8, 9),
        # the lower bound from above; no network is left without a neuron
        also=[(merged("merged_width", [1, 1, 1, 2, 1], loose=1, tight=3), REPRODUCED)],
    ),
    # loose over middle of five runs
    "harm": Case(harmed([2.2, 2.5, 1.5, 50, 2.1]), harmed([1.8, 1.9, 1.5, 50, 2.1]), (2.2, 1.9)),
    "retraining": Case(retrained([2.2, 2.5, 1.5, 50, 2.1]), retrained([1.8, 1.9, 1.5, 50, 2.1]), (2.2, 1.9)),
}
