"""Measures of collapse of five runs, chosen where a claim reads them, at one start and the last time; else 1."""

from collections.abc import Sequence

import numpy as np

from tests.figures.claims import Case

SCALES = np.array([1.0, 0.3, 0.1, 0.03])
TENTH, SMALLEST = 2, 3  # positions
BETWEEN = np.array([0.02, 0.03, 0.01, 0.05, 0.04])  # variability that five runs from 0.1 are left with


def at_the_end(name: str, **of: Sequence[float]) -> dict[str, np.ndarray]:
    """A measure (starts, 5 runs, 3 times) that ends from `largest`, `tenth` or `smallest` as said, and is 1 else."""
    values = np.ones((4, 5, 3))
    for start, last in of.items():
        values[{"largest": 0, "tenth": TENTH, "smallest": SMALLEST}[start], :, -1] = last
    return {"scales": SCALES, name: values}


def simplex(lengths: Sequence[float], angles: Sequence[float]) -> dict[str, np.ndarray]:
    """Both conditions from 0.1, in units of 1e-4."""
    lengths, angles = 1e-4 * np.array(lengths), 1e-4 * np.array(angles)
    return at_the_end("equinorm", tenth=lengths) | at_the_end("equiangular", tenth=angles)


def power(exponents: Sequence[float]) -> dict[str, np.ndarray]:
    """Variability that falls from the start 0.1 to 0.03 as these powers of it."""
    return at_the_end("within_between", tenth=BETWEEN, smallest=BETWEEN * 0.3 ** np.array(exponents))


def decayed(shares: Sequence[float]) -> dict[str, np.ndarray]:
    """Variability with decay that ends at these shares of that without, from the largest start."""
    plain = 10 * BETWEEN
    with_decay = np.stack([np.ones(5), np.ones(5), np.ones(5), plain * shares], axis=1)
    return {"decayed": with_decay} | at_the_end("within_between", largest=plain)


def ranks(smallest: Sequence[int]) -> dict[str, np.ndarray]:
    """Large singular values (starts, runs) with ten classes; from the larger starts 40."""
    return {"rank": np.array([[40] * 5] * 3 + [smallest]), "n_classes": np.array(10)}


def small_start(ratios: Sequence[float]) -> dict[str, np.ndarray]:
    """What is left from a start of 1 over what is left from 0.1."""
    tenth = np.array([1e-5, 3e-5, 2e-5, 5e-5, 4e-5])
    return at_the_end("nc1", largest=tenth * ratios, tenth=tenth)


CASES = {  # in each second case one run is another, or three of them where only few values are possible
    "collapse": Case(
        at_the_end("nc1", tenth=[9e-7, 1e-7, 5e-7, 8e-7, 2e-7]),
        at_the_end("nc1", tenth=[9e-7, 11e-7, 5e-7, 8e-7, 2e-7]),
        (5e-7, 8e-7),
    ),
    "variance": Case(
        {"balanced": np.array([9e-5, 1e-5, 5e-5, 8e-5, 2e-5])},
        {"balanced": np.array([9e-5, 1e-5, 5e-5, 8e-5, 11e-5])},
        (5e-5, 8e-5),
    ),
    "variance-by-start": Case(power([1.1, 2, 1.9, 1.2, 2.1]), power([1.1, 2, 0.9, 1.2, 2.1]), (1.9, 1.2)),
    "variance-from-a-tenth": Case(
        at_the_end("within_between", tenth=[9e-5, 1e-5, 5e-5, 8e-5, 2e-5]),
        at_the_end("within_between", tenth=[9e-5, 1e-5, 5e-5, 8e-5, 11e-5]),
        (5e-5, 8e-5),
    ),
    "variance-with-decay": Case(
        decayed([0.09, 0.01, 0.05, 0.08, 0.02]), decayed([0.09, 0.11, 0.05, 0.08, 0.02]), (0.05, 0.08)
    ),
    "simplex": Case(
        simplex([9, 1, 2, 1, 7], [1, 5, 1, 3, 2]),  # 9 5 2 3 7
        simplex([9, 1, 2, 11, 7], [1, 5, 1, 3, 2]),  # 9 5 2 11 7
        (5e-4, 7e-4),
    ),
    "dual": Case(
        at_the_end("nc3", tenth=[0.002, 0.009, 0.001, 0.006, 0.005]),
        at_the_end("nc3", tenth=[0.002, 0.009, 0.011, 0.006, 0.005]),
        (0.005, 0.006),
    ),
    "nearest-mean": Case(  # shares of 200 samples
        at_the_end("nc4", tenth=[0, 0, 0, 0, 0]), at_the_end("nc4", tenth=[0.005, 0.01, 0, 0.005, 0]), (0, 0.005)
    ),
    "rank": Case(ranks([9, 9, 10, 8, 10]), ranks([9, 11, 10, 8, 10]), (0.9, 1)),
    "small-start": Case(
        small_start([1100, 5000, 3000, 1500, 2000]), small_start([1100, 5000, 900, 1500, 2000]), (2000, 1500)
    ),
}
