"""Numbers of four settings, random starts and bounds, written down with the distance that each is to have.

The growth gamma = exp(arsinh(1 / R)) solves gamma - 1 / gamma = 2 / R: a growth is chosen, and the ratio
R = 2 gamma / (gamma^2 - 1) goes with it; the growth is then put off by a factor 1 + d, and d is what is measured.
"""

import numpy as np

from tests.figures.claims import Case

SETTINGS = ("rich", "between", "kernel", "small target")
OFF = np.array([4e-7, -9e-7, 6e-7, -2e-7])  # sizes 2, 4, 6, 9: median 5
OFF_ONCE = np.array([4e-7, -9e-7, 6e-7, -12e-7])  # 4, 6, 9, 12: median 7.5
MARGINS = np.array([0.2, 0.5, 0.1, 0.3, 0.9])  # two of small ratios, three of large ones: median .3
MARGINS_MISSED = np.array([0.2, 0.5, 0.1, -0.05, 0.9])  # median .2


def ratio_of(growth: np.ndarray) -> np.ndarray:
    """The ratio R from which features grow so much."""
    return 2 * growth / (growth**2 - 1)


def numbers(off=OFF, kernel=(11.0, 1.4, 1.005, 1.0004), opposed=(9e-4, 0.2, 0.8, 0.98)) -> dict[str, np.ndarray]:
    """Ratio, growth of the features, growth of the kernel and |h-| / h+ of the four settings."""
    growth = np.array([200.0, 3.0, 1.1, 1.01])
    return {"numbers": np.stack([ratio_of(growth), growth * (1 + np.array(off)), kernel, opposed], axis=1)}


def equations(modes: np.ndarray, sums: np.ndarray) -> dict[str, np.ndarray]:
    """Distances from Equation 16 and from Equations 17 and 18 in the four settings."""
    distances = {"modes": np.abs(modes), "sums": np.abs(sums)}
    return {f"{name}_{key}": np.array(of[i]) for key, of in distances.items() for i, name in enumerate(SETTINGS)}


def starts(*off: float) -> dict[str, np.ndarray]:
    """Five random starts whose growth is off by these."""
    growth = np.array([100.0, 3.0, 1.5, 1.1, 1.02])
    return {"random_ratio": ratio_of(growth), "random_gamma": growth * (1 + np.array(off))}


def kernels(margins: np.ndarray) -> dict[str, np.ndarray]:
    """Two small ratios, two that do not count (whose kernels would miss both bounds), and three large ones.

    By the `margins` the kernel grows more than 10 times, or changes less than .006, up or, of the fourth, down.
    """
    rich, lazy = 10 * 10 ** margins[:2], 0.006 * 10 ** -margins[2:] * np.array([1, -1, 1])
    return {
        "random_ratio": np.array([0.01, 0.04, 0.06, 9.0, 11.0, 20.0, 100.0]),
        "random_growth": np.concatenate([rich, [2.0, 1.5], 1 + lazy]),
    }


BAD = np.full(4, 1e-3)  # of the equations that the claim is not about
CASES = {
    "growth": Case(numbers(OFF), numbers(OFF_ONCE), (5e-7, 7.5e-7)),
    "modes": Case(equations(OFF, BAD), equations(OFF_ONCE, BAD), (5e-7, 7.5e-7)),
    "sums": Case(equations(BAD, OFF), equations(BAD, OFF_ONCE), (5e-7, 7.5e-7)),
    # sizes 1, 2, 4, 6, 9 thousandths, and 2, 4, 6, 9, 12
    "ratio-alone": Case(
        starts(0.002, -0.009, 0.004, 0.001, -0.006), starts(0.002, -0.009, 0.004, 0.012, -0.006), (0.004, 0.006)
    ),
    "greedy": Case(numbers(), numbers(opposed=(-1.2e-3, 0.2, 0.8, 0.98)), (9e-4, 1.2e-3)),
    "rich": Case(numbers(), numbers(kernel=(9.0, 1.4, 1.005, 1.0004)), (11, 9)),
    # (.005 + .0004) / 2 and (.005 + .008) / 2, the latter of a kernel that shrinks
    "lazy": Case(numbers(), numbers(kernel=(11.0, 1.4, 1.005, 0.992)), (0.0027, 0.0065)),
    "bound": Case({"bound": np.array([1.0])}, {"bound": np.array([0.999])}, (1, 0.999)),
    "kernel-from-gaussian-starts": Case(kernels(MARGINS), kernels(MARGINS_MISSED), (0.3, 0.2)),
}
