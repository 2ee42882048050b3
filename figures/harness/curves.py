"""What the figures of networks in training share: moments at which a curve crosses a level, and drawn clouds."""

from __future__ import annotations

import numpy as np

from toymodels.metrics.grokking import crossing_time


def first_time(steps: np.ndarray, curve: np.ndarray, level: float) -> float:
    """The first of `steps` (n,) at which `curve` (n,) is at least `level`; `inf` if it never is."""
    reached = np.asarray(curve) >= level
    return float(steps[reached.argmax()]) if reached.any() else float("inf")


def first_times(steps: np.ndarray, curves: np.ndarray, level: float) -> np.ndarray:
    """:func:`first_time` of every row of `curves` (replicates, n)."""
    return np.array([first_time(steps, curve, level) for curve in curves])


def crossings(steps: np.ndarray, curves: np.ndarray, levels) -> np.ndarray:
    """:func:`toymodels.metrics.crossing_time` of every row of `curves` (replicates, n), with a level each or one."""
    levels = np.broadcast_to(levels, len(curves))
    return np.array([crossing_time(steps, *pair) for pair in zip(curves, levels, strict=True)])


def steepest(steps: np.ndarray, curve: np.ndarray) -> float:
    """Middle of the interval between two of `steps` (n,) in which `curve` (n,) rises fastest per step."""
    i = int((np.diff(curve) / np.diff(steps)).argmax())
    return float(steps[i] + steps[i + 1]) / 2


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


def spread(points: np.ndarray) -> float:
    """Root mean square distance of `points` (n, 2) from their mean."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def chosen_digits(labels: np.ndarray, digits: tuple[int, ...], most: int) -> np.ndarray:
    """Indices of the first `most` samples of each of `digits`; `ValueError` if a digit has fewer."""
    found = [np.flatnonzero(labels == digit)[:most] for digit in digits]
    for digit, index in zip(digits, found, strict=True):
        if len(index) < most:
            raise ValueError(f"most must be at most {len(index)}, the samples of digit {digit}, got {most}")
    return np.concatenate(found)


def draw_cloud(axes, points: np.ndarray, labels: np.ndarray, title: str) -> None:
    """Points (n, 2) in the plane of the readout, one colour per digit."""
    from comparisons.harness.style import ORDER, tidy

    for colour, digit in zip(ORDER, np.unique(labels), strict=False):
        mine = points[labels == digit]
        axes.plot(*mine.T, ".", markersize=3, alpha=0.6, color=colour, label=f"digit {int(digit)}")
    axes.set(title=title, xlabel="$h_1$", ylabel="$h_2$")
    tidy(axes)
