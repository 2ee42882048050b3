"""A few hand-written points of three modes, at which each of them is where its claim wants it or is not."""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

NETWORK = np.array([[0.1, 0.0, 0.0], [0.5, 0.1, 0.0], [0.9, 0.4, 0.1], [1.0, 0.8, 0.3], [1.0, 0.9, 0.6]])
STRENGTHS = np.array([4.0, 2.0, 0.5])
STARTS = np.array([1e-2, 1e-4, 1e-7, 1e-8])
E = 1e-8


def integrated(third: float) -> dict[str, np.ndarray]:
    """The network, and that integrated: off by at most 9e-8, 2e-8 and `third`, not at the last time."""
    off = np.array([[0.0, 0, 0], [-9 * E, E, 0], [2 * E, 2 * E, -E], [E, 0, third], [0, 0, 0]])
    return {"network": NETWORK, "integrated": NETWORK + off}


def linear(shares: Sequence[float], half_times: Sequence[float]) -> dict[str, np.ndarray]:
    """Modes that move fastest from these shares on, at time 0.1; a half-time is 0.4 or 4."""
    modes = [
        [0, share, 0.5, 0.6, 0.8, 1] if half == 0.4 else [0, share, 0.3, 0.5, 0.8, 1]
        for share, half in zip(shares, half_times, strict=True)
    ]
    return {"t": np.array([0, 0.1, 0.4, 4, 8, 16]), "linear": np.array(modes).T}


def network(shares: Sequence[float], waits: Sequence[float]) -> dict[str, np.ndarray]:
    """Modes that move fastest from these shares on, at time 6; at 10% at time 3.4 or 4, and all at 90% at time 7."""
    modes = [
        [0, 0.1 if wait == 3.4 else 0, 0.1 if wait == 4 else 0.2, share, share + 0.3, 0.9, 1]
        for share, wait in zip(shares, waits, strict=True)
    ]
    return {"t": np.array([0, 3.4, 4, 6, 6.5, 7, 9]), "network": np.array(modes).T}


def delays(*off: Sequence[float]) -> dict[str, np.ndarray]:
    """Delays of three modes that grow by (1 + off) / 2S per e-fold of a smaller start, `off` told from step to step."""
    folds = np.diff(np.log(1 / STARTS))[:, None]
    steps = folds * (1 + np.array(off)) / (2 * STRENGTHS)
    grown = np.cumsum(np.concatenate([[[5.3, 9.7, 30.2]], steps]), axis=0)
    return {"starts": STARTS, "strengths": STRENGTHS, "delays": grown}


CASES = {
    "sigmoid": Case(integrated(5 * E), integrated(11 * E), (5 * E, 9 * E)),
    # over 0.05 and 0.01: 0.9, 0.6 and 0.9, 1.2
    "stages": Case({"network_at": np.array([0.045, 0.006])}, {"network_at": np.array([0.045, 0.012])}, (0.75, 1.05)),
    "concurrent": Case({"linear_at": np.array([0.9, 0.54])}, {"linear_at": np.array([0.9, 0.46])}, (0.72, 0.68)),
    # the time until then over the half-time is .025, but in the last case .25 of the third mode
    "immediate": Case(
        linear([0.045, 0.02, 0.03], [4, 4, 4]),
        linear([0.045, 0.02, 0.03], [4, 4, 0.4]),
        (0.03, 0.045),
        also=[(linear([0.045, 0.055, 0.03], [4, 4, 4]), CONTRADICTED)],
    ),
    # shares over .4: 1.05, 1.125, 1.375; the wait over the rise: 4/3, but in the last case 3.4/3.6 of the third mode
    "abrupt": Case(network([0.42, 0.45, 0.55], [4, 4, 4]), network([0.42, 0.45, 0.55], [4, 4, 3.4]), (1.125, 1.05)),
    # in the last case the third mode's delay is bent: its mean growth is off by less than .002
    "delay": Case(
        delays([0.015, 0.01, 0.004], [0.01, -0.018, 0.01], [-0.01, 0.002, -0.01]),
        delays([0.015, 0.01, 0.022], [0.01, -0.018, -0.01], [-0.01, 0.002, -0.015]),
        (0.015, 0.018),
    ),
}
