"""Activation functions with their first two derivatives, written into buffers so that training allocates nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from toymodels.validation import choice

Fill = Callable[[np.ndarray, np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Activation:
    """One activation s: how to evaluate it, and how it is written.

    Parameters
    ----------
    fill : callable
        `fill(z, value, slope)` writes s(z) and s'(z) into the two buffers.
    curvature : callable
        s''(z), almost everywhere.
    symbolic : callable
        `symbolic(sympy, z)` is the sympy expression.
    """

    fill: Fill
    curvature: Callable[[np.ndarray], np.ndarray]
    symbolic: Callable[[Any, Any], Any]


def _fill_relu(z: np.ndarray, value: np.ndarray, slope: np.ndarray) -> None:
    np.maximum(z, 0, out=value)
    slope[...] = z > 0


def _fill_tanh(z: np.ndarray, value: np.ndarray, slope: np.ndarray) -> None:
    np.tanh(z, out=value)
    np.multiply(value, value, out=slope)
    np.subtract(1, slope, out=slope)


def _fill_power_tanh(power: int) -> Fill:
    """z^p tanh z, slope p z^(p-1) tanh z + z^p sech^2 z."""

    def fill(z: np.ndarray, value: np.ndarray, slope: np.ndarray) -> None:
        _fill_tanh(z, value, slope)
        slope *= z
        slope += power * value
        slope *= z ** (power - 1)
        value *= z**power

    return fill


def _fill_sigmoid(z: np.ndarray, value: np.ndarray, slope: np.ndarray) -> None:
    value[...] = (1 + np.tanh(z / 2)) / 2
    np.multiply(value, 1 - value, out=slope)


def _fill_softplus(z: np.ndarray, value: np.ndarray, slope: np.ndarray) -> None:
    np.logaddexp(0, z, out=value)
    slope[...] = (1 + np.tanh(z / 2)) / 2


def _tanh_curvature(z: np.ndarray) -> np.ndarray:
    t = np.tanh(z)
    return -2 * t * (1 - t**2)


def _xtanh_curvature(z: np.ndarray) -> np.ndarray:
    t = np.tanh(z)
    return 2 * (1 - t**2) * (1 - z * t)


def _x2tanh_curvature(z: np.ndarray) -> np.ndarray:
    t = np.tanh(z)
    return 2 * t + (1 - t**2) * (4 * z - 2 * z**2 * t)


def _sigmoid_curvature(z: np.ndarray) -> np.ndarray:
    s = (1 + np.tanh(z / 2)) / 2
    return s * (1 - s) * (1 - 2 * s)


def _softplus_curvature(z: np.ndarray) -> np.ndarray:
    return (1 - np.tanh(z / 2) ** 2) / 4


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(_fill_relu, np.zeros_like, lambda sp, z: sp.Max(0, z)),
    "tanh": Activation(_fill_tanh, _tanh_curvature, lambda sp, z: sp.tanh(z)),
    "xtanh": Activation(_fill_power_tanh(1), _xtanh_curvature, lambda sp, z: z * sp.tanh(z)),
    "x2tanh": Activation(_fill_power_tanh(2), _x2tanh_curvature, lambda sp, z: z**2 * sp.tanh(z)),
    "sigmoid": Activation(_fill_sigmoid, _sigmoid_curvature, lambda sp, z: 1 / (1 + sp.exp(-z))),
    "softplus": Activation(_fill_softplus, _softplus_curvature, lambda sp, z: sp.log(1 + sp.exp(z))),
}


def get_activation(name: str) -> Activation:
    """The activation of that name; `ValueError` lists the known ones."""
    return ACTIVATIONS[choice("activation", name, tuple(ACTIVATIONS))]
