"""A few hand-written points of three modes, at which each of them is where its claim wants it or is not."""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case

NETWORK = np.array([[0.1, 0.0, 0.0], [0.5, 0.1, 0.0], [0.9, 0.4, 0.1], [1.0, 0.8, 0.3], [1.0, 0.9, 0.6]])
STRENGTHS = np.array([4.0, 2.0, 0.5])
STARTS = np.array([1e-2, 1e-4, 1e-7, 1e-8])
E = 1e-8


def integrated(third: float) -> dict[str, np.ndarray]:
    """The network, and that integrated: off by at most 9e-8, 2e-8 and `third`, not at the last time."""
    off = np.array([[0.0, 0, 0], [-9 * E, E, 0], [2 * E, 2 * E, -E], [E, 0, third], [0, 0, 0]])
    return {"network": NETWORK, "integrated": NETWORK + off}


def fastest(name: str, shares: Sequence[float]) -> dict[str, np.ndarray]:
    """Modes whose largest step, of 0.4, is from these shares on; those before and after are of 0.01."""
    steps = np.array([[-0.02], [-0.01], [0], [0.4], [0.41], [0.42]])
    return {name: np.array(shares) + steps}


def delays(off: Sequence[float]) -> dict[str, np.ndarray]:
    """Delays that grow by (1 + off) / 2S per e-fold of a smaller start."""
    per_fold = (1 + np.array(off)) / (2 * STRENGTHS)
    grown = np.log(1 / STARTS)[:, None] * per_fold + [0.3, 0.7, -0.2]
    return {"starts": STARTS, "strengths": STRENGTHS, "delays": grown}


CASES = {
    "sigmoid": Case(integrated(5 * E), integrated(11 * E), (5 * E, 9 * E)),
    # over 0.05 and 0.01: 0.9, 0.6 and 0.9, 1.2
    "stages": Case({"network_at": np.array([0.045, 0.006])}, {"network_at": np.array([0.045, 0.012])}, (0.75, 1.05)),
    "concurrent": Case({"linear_at": np.array([0.9, 0.54])}, {"linear_at": np.array([0.9, 0.46])}, (0.72, 0.68)),
    "immediate": Case(fastest("linear", [0.045, 0.02, 0.03]), fastest("linear", [0.045, 0.055, 0.03]), (0.03, 0.045)),
    "abrupt": Case(fastest("network", [0.42, 0.45, 0.55]), fastest("network", [0.42, 0.38, 0.55]), (0.45, 0.42)),
    "delay": Case(delays([0.015, -0.018, 0.01]), delays([0.015, -0.018, 0.022]), (0.015, 0.018)),
}
