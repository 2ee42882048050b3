"""Clouds of digits in the plane of the readout: in whose place they are, how far they overlap, how they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 80  # samples of each digit in a cloud


def overlap(cloud: np.ndarray, other: np.ndarray) -> float:
    """Share of either of two clouds (n, 2) inside the convex hull of the other, the smaller of the two shares."""
    from scipy.spatial import Delaunay

    shares = [(Delaunay(a).find_simplex(b) >= 0).mean() for a, b in ((cloud, other), (other, cloud))]
    return float(min(shares))


def centroid_accuracy(points: np.ndarray, labels: np.ndarray, train: np.ndarray, train_labels: np.ndarray) -> float:
    """Share of `points` (n, 2) nearest to the training centroid of their own class, among the classes of `labels`."""
    classes = np.unique(train_labels)
    centres = np.stack([train[train_labels == k].mean(axis=0) for k in classes])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    return float((classes[nearest] == labels).mean())


def rms_radius(points: np.ndarray) -> float:
    """Root mean square distance of `points` (n, 2) from their mean."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def chosen_digits(labels: np.ndarray, digits: tuple[int, ...], most: int = SHOWN) -> np.ndarray:
    """Indices of the first `most` samples of each of `digits`; `ValueError` if a digit has fewer."""
    chosen = [np.flatnonzero(labels == digit)[:most] for digit in digits]
    for digit, index in zip(digits, chosen, strict=True):
        if len(index) < most:
            raise ValueError(f"most must be at most {len(index)}, the samples of digit {digit}, got {most}")
    return np.concatenate(chosen)


def in_words(digits: tuple[int, ...]) -> str:
    """The digits as in a sentence: "0, 2 and 5"."""
    *first, last = (str(digit) for digit in digits)
    return f"{', '.join(first)} and {last}" if first else last


def draw_cloud(axes: Axes, points: np.ndarray, labels: np.ndarray, title: str) -> None:
    """Points (n, 2) in the plane of the readout, one colour per digit."""
    from comparisons.harness.style import ORDER, tidy

    for colour, digit in zip(ORDER, np.unique(labels), strict=False):
        mine = points[labels == digit]
        axes.plot(*mine.T, ".", markersize=3, alpha=0.6, color=colour, label=f"digit {int(digit)}")
    axes.set(title=title, xlabel="$h_1$", ylabel="$h_2$")
    tidy(axes)
