"""What Section 4.1 and Figure 3 say of the modes of a linear model and of a diagonal network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data
from toymodels.claims import Claim, Quantity, every


def fastest_at(name: str) -> Callable[[Data], list[float]]:
    """Learned share at which each mode of "linear" or "network" moves fastest."""
    return lambda data: [float(mode[np.argmax(np.diff(mode))]) for mode in data[name].T]


def delay_error(data: Data) -> np.ndarray:
    """Relative difference of the growth of the delay per e-fold of a smaller start from 1 / 2S, every mode."""
    slopes = np.polyfit(np.log(1 / data["starts"]), data["delays"], 1)[0]
    return np.abs(2 * data["strengths"] * slopes - 1)


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
    ),
    Claim(
        "sigmoidal_modes.concurrent",
        "Figure 3a",
        "The modes of the linear model saturate concurrently.",
        Quantity(
            "learned share of modes 2 and 3, linear model, when mode 1 is 95% learned", lambda data: data["linear_at"]
        ),
        every_mode > 0.5,
    ),
    Claim(
        "sigmoidal_modes.immediate",
        "Figure 3a",
        "A mode of the linear model learns fastest right at the start.",
        Quantity("learned share where a mode moves fastest, linear model", fastest_at("linear")),
        every_mode < 0.05,
    ),
    Claim(
        "sigmoidal_modes.abrupt",
        "Figure 3b",
        "A mode of the network learns fastest after a delay, abruptly.",
        Quantity("learned share where a mode moves fastest, network", fastest_at("network")),
        every_mode > 0.4,
    ),
    Claim(
        "sigmoidal_modes.delay",
        "Section 4.1",
        "The smaller the start, the longer the delay, logarithmically.",
        Quantity("relative difference of the delay per e-fold of a smaller start from 1 / 2S", delay_error),
        every_mode < 0.02,
    ),
)
