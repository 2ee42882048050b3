"""What Section 4.1 and Figure 3 say of the modes of a linear model and of a diagonal network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.curves import crossings
from figures.harness.figure import Data
from toymodels.claims import AFTER, Claim, Quantity, every


def fastest_at(name: str) -> Callable[[Data], list[float]]:
    """Learned share at which each mode of "linear" or "network" moves fastest."""
    return lambda data: [float(mode[_fastest(data["t"], mode)]) for mode in data[name].T]


def _fastest(t: np.ndarray, mode: np.ndarray) -> int:
    """The record (n_t,) after which a mode (n_t,) moves fastest."""
    return int(np.argmax(np.diff(mode) / np.diff(t)))


def _reached(data: Data, name: str, share: float) -> np.ndarray:
    """When each mode of "linear" or "network" has learned a share (modes,)."""
    found = crossings(data["t"], data[name].T, share)
    if np.isinf(found).any():
        raise ValueError(f"data must reach {100 * share:g}% of every mode")
    return found


def from_start(data: Data) -> np.ndarray:
    """Learned share at which each mode of the linear model moves fastest, or that time over its half-time if larger."""
    when = np.array([data["t"][_fastest(data["t"], mode)] for mode in data["linear"].T])
    return np.maximum(fastest_at("linear")(data), when / _reached(data, "linear", 0.5))


def late_and_abrupt(data: Data) -> np.ndarray:
    """Two numbers that are above 1 for a mode of the network that waits and then rises abruptly; the smaller of them.

    The learned share where it moves fastest, over 0.4, and the time up to 10% over that from there to 90%.
    """
    wait, end = (_reached(data, "network", share) for share in (0.1, 0.9))
    return np.minimum(np.array(fastest_at("network")(data)) / 0.4, wait / (end - wait))


def delay_error(data: Data) -> np.ndarray:
    """Largest relative difference of the growth of the delay per e-fold of a smaller start from 1 / 2S, every mode.

    From each start to the next smaller one.
    """
    slopes = np.diff(data["delays"], axis=0) / np.diff(np.log(1 / data["starts"]))[:, None]
    return np.abs(2 * data["strengths"] * slopes - 1).max(axis=0)


every_mode = every("mode")
CLAIMS = (
    Claim(
        "sigmoidal_modes.sigmoid",
        "Equation 9",
        "Each product follows the printed sigmoid.",
        Quantity(
            "largest difference of the closed form from DOP853 at relative tolerance 1e-11, over the strength",
            lambda data: np.abs(data["network"] - data["integrated"]).max(axis=0),
        ),
        every_mode < 1e-7,
        fixed=AFTER,
    ),
    Claim(
        "sigmoidal_modes.stages",
        "Figure 3b",
        "The first mode saturates while the next ones remain negligible.",
        Quantity(
            "learned share of mode 2 over 5% and of mode 3 over 1%, network, when mode 1 is 95% learned",
            lambda data: data["network_at"] / [0.05, 0.01],
        ),
        every_mode < 1,
        fixed=AFTER,
    ),
    Claim(
        "sigmoidal_modes.concurrent",
        "Figure 3a",
        "The modes of the linear model saturate concurrently.",
        Quantity(
            "learned share of modes 2 and 3, linear model, when mode 1 is 95% learned", lambda data: data["linear_at"]
        ),
        every_mode > 0.5,
        fixed=AFTER,
    ),
    Claim(
        "sigmoidal_modes.immediate",
        "Figure 3a",
        "A mode of the linear model learns fastest right at the start.",
        Quantity(
            "learned share where a mode moves fastest, linear model, or the time until then over its half-time if "
            "larger",
            from_start,
        ),
        every_mode < 0.05,
        fixed=AFTER,
    ),
    Claim(
        "sigmoidal_modes.abrupt",
        "Figure 3b",
        "A mode of the network learns fastest after a delay, abruptly.",
        Quantity(
            "learned share where a mode moves fastest, network, over 0.4, or its time up to 10% over that from 10% to "
            "90% if smaller",
            late_and_abrupt,
        ),
        every_mode > 1,
        fixed=AFTER,
    ),
    Claim(
        "sigmoidal_modes.delay",
        "Section 4.1",
        "The smaller the start, the longer the delay, logarithmically.",
        Quantity(
            "from each start to the next smaller one: largest relative difference of the growth of the delay per "
            "e-fold from 1 / 2S",
            delay_error,
        ),
        every_mode < 0.02,
        fixed=AFTER,
    ),
)
