"""Derivatives of two-layer networks by all their parameters: output weights, input weights, output biases."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from toymodels.condensation.activations import get_activation


class Layer(NamedTuple):
    """The hidden layer on inputs.

    Parameters
    ----------
    value, slope, z : (..., n, m) arrays
        Outputs of the neurons, their slopes, and what goes into them.
    """

    value: np.ndarray
    slope: np.ndarray
    z: np.ndarray


def hidden_layer(w: np.ndarray, activation: str, x1: np.ndarray) -> Layer:
    """The layer of input weights (..., m, d + 1) on inputs (n, d + 1)."""
    z = x1 @ w.swapaxes(-1, -2)
    value, slope = np.empty_like(z), np.empty_like(z)
    get_activation(activation).fill(z, value, slope)
    return Layer(value, slope, z)


def output_jacobian(layer: Layer, columns: np.ndarray, x1: np.ndarray, biased: bool) -> np.ndarray:
    """Derivatives (..., n, K, p) of the outputs; columns (..., m, K). The output biases come last, if there are any."""
    columns = columns.swapaxes(-1, -2)  # (..., K, m)
    k = columns.shape[-2]
    by_a = layer.value[..., :, None, :, None] * np.eye(k)[:, None, :]  # (..., n, K, m, K)
    by_w = (columns[..., None, :, :] * layer.slope[..., None, :])[..., None] * x1[:, None, None, :]
    shape = (*layer.value.shape[:-1], k, -1)
    parts = [by_a.reshape(shape), by_w.reshape(shape)]
    if biased:
        parts.append(np.broadcast_to(np.eye(k), (*layer.value.shape[:-1], k, k)))
    return np.concatenate(parts, axis=-1)


def loss_hessian(
    layer: Layer, columns: np.ndarray, error: np.ndarray, x1: np.ndarray, activation: str, biased: bool
) -> np.ndarray:
    """Hessian (..., p, p) of the loss, for errors (..., n, K) with their 1/n; parameters as in the Jacobian."""
    jacobian = output_jacobian(layer, columns, x1, biased)
    jacobian = jacobian.reshape(*jacobian.shape[:-3], -1, jacobian.shape[-1])
    hessian = jacobian.swapaxes(-1, -2) @ jacobian / len(x1)
    m, k, q = columns.shape[-2], error.shape[-1], x1.shape[1]
    slope = layer.slope
    pushes = (error[..., None] * x1[:, None, :]).reshape(*error.shape[:-1], -1)
    cross = (slope.swapaxes(-1, -2) @ pushes).reshape(*slope.shape[:-2], m, k, q)  # d2 f / da_j dw_j
    curvature = get_activation(activation).curvature(layer.z)
    bend = sum(error[..., c, None] * curvature * columns[..., None, :, c] for c in range(k))
    own = np.einsum("...nk,ni,nj->...kij", bend, x1, x1)
    for j in range(m):
        outer, inner = slice(j * k, j * k + k), slice(m * k + j * q, m * k + j * q + q)
        hessian[..., outer, inner] += cross[..., j, :, :]
        hessian[..., inner, outer] += cross[..., j, :, :].swapaxes(-1, -2)
        hessian[..., inner, inner] += own[..., j, :, :]
    return hessian
