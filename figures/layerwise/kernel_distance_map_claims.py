"""What Figure 6, Section 6.1 and Appendix G.2 say of imbalance, scale and target in linear networks."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, every_run, median


def symmetry(data: Data) -> list[float]:
    """Correlation of each map of (a) with its mirror image in lambda."""
    maps = np.log10(data["a"] + 1e-6)
    return [float(np.corrcoef(distances.ravel(), distances[::-1].ravel())[0, 1]) for distances in maps]


CLAIMS = (
    Claim(
        "kernel_distance_map.rich",
        "Figure 6a",
        "Nearly balanced layers with small weights learn features, in the median draw.",
        Quantity("kernel distance at |lambda| = 9/39 and scale 1", lambda data: data["corner"]),
        median > 0.02,
        fixed=AFTER,
    ),
    Claim(
        "kernel_distance_map.lazy",
        "Figure 6a",
        "Large imbalance makes the dynamics linear at any scale.",
        Quantity(
            "largest kernel distance over both signs and all scales at |lambda| = 9",
            lambda data: data["a"][:, [0, -1]].max(axis=(1, 2)),
        ),
        every_run < 1e-4,
        fixed=AFTER,
    ),
    Claim(
        "kernel_distance_map.symmetric",
        "Section 6.1",
        "Either sign of the imbalance does so in a square network.",
        Quantity("correlation of the map of log10 of the kernel distance with its mirror image in lambda", symmetry),
        every_run > 0.95,
        fixed=AFTER,
    ),
    Claim(
        "kernel_distance_map.balanced",
        "Appendix G.2",
        "Rich representations emerge at any scale when the layers are balanced.",
        Quantity(
            "smallest kernel distance over scales 1, 10 and 20 at lambda = 0",
            lambda data: data["balanced"].min(axis=1),
        ),
        median > 0.01,
        fixed=AFTER,
    ),
    Claim(
        "kernel_distance_map.closed-form",
        "Figure 6a",
        "The exact solution gives what gradient descent gives.",
        Quantity("difference of the kernel distances of the two, three networks", lambda data: data["closed_form"]),
        every_run < 1e-3,
        source=CONTROL,
        fixed=AFTER,
    ),
    Claim(
        "kernel_distance_map.large-target",
        "Figure 6b",
        "Near balance a target larger than the weights is learned richly.",
        Quantity(
            "kernel distance at the smallest |lambda|, target divided by 0.1",
            lambda data: data["b"][:, data["b"].shape[1] // 2, 0],
        ),
        median > 0.1,
        fixed=AFTER,
    ),
    Claim(
        "kernel_distance_map.small-target",
        "Figure 6b",
        "A small target is learned lazily whatever the imbalance.",
        Quantity(
            "largest kernel distance over lambda and targets divided by 25 or more",
            lambda data: data["b"][:, :, data["divisors"] >= 25].max(axis=(1, 2)),
        ),
        every_run < 1e-3,
        fixed=AFTER,
    ),
    Claim(
        "kernel_distance_map.imbalance",
        "Figure 6b",
        "So is a target of the size of the weights when the layers are imbalanced.",
        Quantity(
            "largest kernel distance at |lambda| = 0.5 over targets divided by 4.6 or more",
            lambda data: data["b"][:, [0, -1]][..., data["divisors"] >= 4.6].max(axis=(1, 2)),
        ),
        every_run < 1e-3,
        fixed=AFTER,
    ),
    Claim(
        "kernel_distance_map.imbalance-and-large-target",
        "Figure 6b",
        "Imbalanced layers learn lazily whatever the target.",
        Quantity(
            "larger kernel distance of both signs at |lambda| = 0.5, target divided by 0.1",
            lambda data: data["b"][:, [0, -1], 0].max(axis=1),
        ),
        every_run < 1e-3,
        source=READING,
        fixed=AFTER,
        why="a target ten times as large outweighs an imbalance of this size: the kernel moves by more than 0.05",
        defence="the paper asks for sufficient imbalance, and 0.5 is not large against a target ten times as large",
    ),
)
