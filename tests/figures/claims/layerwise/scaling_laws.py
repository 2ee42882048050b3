"""Exact power laws over the range that is fitted, whose slopes miss minus the exponent by a chosen distance.

Before that range every loss is flat, so that a fit over all of it gives another slope.
"""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

EXPONENTS = {"time": [0.23, 0.375, 0.47], "data": [0.25, 0.37, 0.48], "parameters": [0.3, 0.6, 0.9]}  # of three alphas
X = {
    "time": np.array([10, 100, 800, 1000, 3000, 10_000]),
    "data": np.array([10, 50, 100, 800, 1000, 2000, 4000, 10_000]),
    "parameters": np.array([1, 10, 80, 100, 150, 400, 1000]),
}
START = {"time": 1e3, "data": 1e3, "parameters": 1e2}  # of the fitted range


def power(x: np.ndarray, start: float, slope: float) -> np.ndarray:
    """2 up to `start`, then a power law."""
    return 2 * np.maximum(x / start, 1) ** slope


def laws(resource: str, off: Sequence[float]) -> dict[str, np.ndarray]:
    """Losses of three alphas whose slopes are `off` minus the exponents."""
    slopes = np.array(off) - EXPONENTS[resource]
    losses = np.stack([power(X[resource], START[resource], slope) for slope in slopes])
    return {
        f"{resource}_x": X[resource],
        f"{resource}_loss": losses,
        f"{resource}_exponent": np.array(EXPONENTS[resource]),
    }


def small_alpha(which: str, time: float, data: float, parameters: float) -> dict[str, np.ndarray]:
    """Laws at the first alpha, `off` as said, of all skills (n,) or of the settings (alphas, n), the rest far off."""
    built = {}
    for resource, off in (("time", time), ("data", data), ("parameters", parameters)):
        of = laws(resource, [off, 0.5, -0.5])
        loss = of.pop(f"{resource}_loss")
        built |= of | {f"{resource}_{which}": loss[0] if which == "all" else loss}
    return built


def over_law(time: Sequence[float], data: Sequence[float]) -> dict[str, np.ndarray]:
    """Losses over their laws at the last point, three alphas; twice the law at the point before."""
    law = {"time": np.array([[5.0, 2.0], [4.0, 1.0], [3.0, 0.5]]), "data": np.array([[8.0, 3], [6, 2], [4, 1]])}
    last = {"time": time, "data": data}
    built = {f"{name}_law": values for name, values in law.items()}
    return built | {f"{name}_loss": law[name] * np.array([[2, ratio] for ratio in last[name]]) for name in law}


def frontier(off: float) -> dict[str, np.ndarray]:
    """The best loss at given compute, of slope `off` minus 0.23 from 10^3 on."""
    budget = np.array([100, 800, 1000, 10_000, 200_000, 1_000_000])
    return {"budget": budget, "frontier": power(budget, 1e3, off - 0.23), "compute_exponent": np.array(0.23)}


CASES = {  # two values: their median is half their sum
    "time": Case(laws("time", [0.5, 0.009, -0.004]), laws("time", [0.5, 0.011, -0.004]), (0.0065, 0.0075)),
    "data": Case(laws("data", [0.5, 0.003, -0.009]), laws("data", [0.5, 0.003, -0.011]), (0.006, 0.007)),
    "parameters": Case(
        laws("parameters", [0.5, -0.028, 0.01]), laws("parameters", [0.5, -0.032, 0.01]), (0.019, 0.021)
    ),
    # over the bounds 0.01, 0.01, 0.03: 0.9, 0.4, 0.8 and 0.9, 1.1, 0.8
    "small-alpha": Case(small_alpha("all", -0.009, 0.004, 0.024), small_alpha("all", -0.009, 0.011, 0.024), (0.8, 0.9)),
    # over 0.01: 1.2, 1.8 and 1.8, -1.2, for a flatter law is no steeper one; the law in parameters is not judged
    "truncated": Case(
        small_alpha("loss", -0.012, -0.018, 0),
        small_alpha("loss", -0.018, 0.012, 0),
        (1.5, 0.3),
        also=[(small_alpha("loss", -0.018, -0.008, 0), CONTRADICTED)],
    ),
    # 0.975, 0.98, 1.01, 1.02 and 0.965, 0.975, 1.01, 1.02
    "constants": Case(
        over_law([2, 1.02, 0.98], [2, 1.01, 0.975]),
        over_law([2, 1.02, 0.965], [2, 1.01, 0.975]),
        (0.995, 0.9925),
        also=[(over_law([2, 1.035, 0.98], [2, 1.01, 0.975]), CONTRADICTED)],
    ),
    "compute": Case(frontier(0.018), frontier(-0.022), (0.018, 0.022)),
}
