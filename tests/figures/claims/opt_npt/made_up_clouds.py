"""Clouds of sixty digits in a plane, twenty of each of three classes, and which of them are where."""

import numpy as np

CENTRES = np.array([[0.0, 0], [10, 0], [0, 10]])
CLASSES = np.repeat(np.arange(3), 20)
RING = np.stack([np.cos(np.arange(60) * np.pi / 10), np.sin(np.arange(60) * np.pi / 10)], axis=-1)  # thrice round


def groups() -> np.ndarray:
    """Training digits (60, 2): each class on a circle of radius 1 around a centre of its own."""
    return CENTRES[CLASSES] + RING


def placed(right: int) -> np.ndarray:
    """Test digits (60, 2): the first `right` of them on the circle of their own class, the rest on the next one."""
    return CENTRES[(CLASSES + (np.arange(60) >= right)) % 3] + RING


def ring(radius: float) -> np.ndarray:
    """Sixty points (60, 2) on a circle."""
    angle = np.arange(60) * np.pi / 30
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def spread(out: int) -> np.ndarray:
    """So many of sixty points (60, 2), four or more, on a circle of radius 5, the rest on one of radius 1/2.

    The hull of the cloud holds all of `ring(1)`, whose hull holds all but the `out` points.
    """
    angle = np.arange(out) * 2 * np.pi / out
    return np.concatenate([5 * np.stack([np.cos(angle), np.sin(angle)], axis=-1), ring(0.5)[out:]])
