"""Bits at four records (rows) of three or five runs: known ones at the end, or a known mean at the peak.

Records before the last are below and above the bound; single runs exceed the largest mean.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED


def at_end(name: str, bits: list[float]) -> dict[str, np.ndarray]:
    """Five runs that end with these bits, after less and after more than any of them."""
    return {name: np.array([[0.1] * 5, [2.9] * 5, [0.2] * 5, bits])}


def around(start: list[float], peak: float) -> np.ndarray:
    """Three runs whose mean is largest at the second record, `peak`; the largest of all is in the third record."""
    second, third = [peak - 0.3, peak + 0.1, peak + 0.2], [peak - 0.5, peak - 0.1, peak + 0.4]
    return np.array([start, second, third, [1.0, 1.1, 0.9]])


def rising(start: float, peak: float = 1.88) -> dict[str, np.ndarray]:
    """Five runs whose mean, whichever is left out, is `start` at first and about `peak` at the second record.

    Without one of them it is `peak` and .025 or .0125 more or less there; one of them has .52 more later on.
    """
    second = peak + np.array([0.1, 0.05, 0, -0.05, -0.1])
    return {"paper_level2_input": np.array([[start] * 5, second, [1.6, 1.6, peak + 0.52, 1.6, 1.6], [1.0] * 5])}


def at_noise(*peaks: float) -> dict[str, np.ndarray]:
    """The largest means at the four sizes of noise."""
    names = ("paper", "noise_0.01", "noise_0.03", "noise_0.1")
    return {f"{name}_level2_input": around([0.9, 1.0, 1.1], peak) for name, peak in zip(names, peaks, strict=True)}


def forgetting(loss: list[float]) -> dict[str, np.ndarray]:
    """Five runs that lose these bits until the end, some from the second record and some from the third."""
    end = np.array([1.0, 1.1, 0.9, 1.2, 1.3])
    early, late = np.array([1, 0, 1, 0, 1]), np.array([0, 1, 0, 1, 0])
    return {"paper_level1_input": np.stack([0 * end + 0.5, early * (end + loss), late * (end + loss), end])}


KEPT = [0.995, 0.991, 1.0, 0.999, 0.993]
LOST = [0.995, 0.991, 0.985, 0.999, 0.993]  # in one run
CASES = {
    "fit": Case(  # in the second it starts too high: nothing has risen
        rising(1.19), rising(1.21), (1.88, 0), also=[(rising(1.19, 1.8), CONTRADICTED)]
    ),
    "compress": Case(
        at_end("paper_level2_input", [1.05, 0.9, 1.06, 1.04, 1.05]),  # mean 5.1 / 5 = 1.02
        at_end("paper_level2_input", [1.1, 1.0, 1.0, 1.1, 1.0]),  # mean 1.04
        (1.05, 1.0),
        also=[(at_end("paper_level2_input", [0.8, 1.0, 1.0, 1.0, 1.0]), CONTRADICTED)],  # mean .96
    ),
    "label": Case(at_end("paper_level2_label", KEPT), at_end("paper_level2_label", LOST), (0.995, 0.993)),
    "first-level": Case(
        forgetting([0.32, 0, 0.31, 0.33, 0.1]),  # mean .212
        forgetting([0.28, 0.9, 0.29, 0.27, 0.9]),  # mean .528
        (0.31, 0.29),
    ),
    "first-level-label": Case(at_end("long_level1_label", KEPT), at_end("long_level1_label", LOST), (0.995, 0.993)),
    "first-level-label-own-seventh": Case(
        at_end("long_own7_level1_label", KEPT), at_end("long_own7_level1_label", LOST), (0.995, 0.993)
    ),
    "constant-noise": Case(
        at_end("constant_noise_level2_input", [1.9, 1.05, 1.0, 2.0, 1.08]),  # mean 1.406
        at_end("constant_noise_level2_input", [0.2, 1.13, 1.14, 0.3, 1.12]),  # mean .778
        (1.08, 1.12),
    ),
    "any-noise": Case(
        at_noise(1.99, 1.95, 1.9, 1.87),  # the middle two are 1.9 and 1.95
        at_noise(1.99, 1.83, 1.9, 1.87),  # 1.87 and 1.9
        (1.925, 1.885),
    ),
    "large-batch": Case(
        at_end("large_batch_level2_input", [2.0, 1.92, 1.99, 1.95, 1.91]),
        at_end("large_batch_level2_input", [1.88, 1.92, 1.99, 1.95, 1.91]),
        (1.95, 1.92),
    ),
}
