r"""Snapshots of two-layer networks: :math:`f(x) = \sum_j a_j\,s(w_j\cdot x)`, with or without a bias."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.activations import get_activation
from toymodels.condensation.similarity import as_rows
from toymodels.snapshot import BASES, Snapshot
from toymodels.validation import array_of

ALWAYS_ON = "a unit whose activation has no threshold is always on"


def two_layer_snapshot(a: ArrayLike, w: ArrayLike, x: ArrayLike, activation: str = "relu") -> Snapshot:
    """A two-layer network with a single output at some inputs.

    Parameters
    ----------
    a : (m,) array
        Output weights.
    w : (m, d) or (m, d + 1) array
        Input weights; one column more than `x` has is the bias.
    x : (n, d) array
        Inputs. Single precision stays single where all three are.
    activation : str
        As in :class:`toymodels.condensation.network.TwoLayerNetwork`.

    Returns
    -------
    Snapshot
        Everything; `firing` for ReLU alone.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, or the activation is unknown.

    Examples
    --------
    >>> now = two_layer_snapshot([1.0, -1.0], [[1.0, 0.0], [0.0, 1.0]], [[2.0, 1.0], [-1.0, 3.0]])
    >>> now.outputs.tolist(), now.linear_outputs.tolist(), now.kernel.tolist()
    ([[1.0], [-3.0]], [[1.0], [-4.0]], [[15.0, 4.0], [4.0, 19.0]])
    """
    w, x = as_rows("w", w), as_rows("x", x)
    a = as_rows("a", np.atleast_2d(array_of("a", a)))
    if a.shape != (1, len(w)):
        raise ValueError(f"a must have shape ({len(w)},), one entry per row of w, got {a.shape[1:]}")
    if w.shape[1] - x.shape[1] not in (0, 1):
        raise ValueError(f"w must have {x.shape[1]} columns, or one more for the bias, got shape {w.shape}")
    fill = get_activation(activation).fill

    def layers(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ones = np.ones((len(x), w.shape[1] - x.shape[1]), dtype=x.dtype)
        x1 = np.concatenate([x, ones], axis=1)
        return x1, x1 @ w.T

    def activated(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = np.empty_like(z), np.empty_like(z)
        fill(z, value, slope)
        return value, slope

    def predict(inputs: np.ndarray, parameters: Sequence[np.ndarray]) -> np.ndarray:
        readout, weights = parameters
        return activated(layers(inputs, weights)[1])[0] @ readout.T

    x1, z = layers(x, w)
    value, slope = activated(z)
    moved = slope * a
    kernel = value @ value.T + (moved @ moved.T) * (x1 @ x1.T)
    is_relu = activation == "relu"
    return Snapshot(
        outputs=value @ a.T,
        features=value,
        kernel=kernel,
        hidden=(z,),
        readouts=(a,),
        firing=z > 0 if is_relu else None,
        linear_outputs=z @ a.T,
        neurons=w,
        changes=kernel[:BASES, :, None],
        parameters=(a, w),
        inputs=x,
        predict=predict,
        silent={} if is_relu else {"firing": ALWAYS_ON},
    )
