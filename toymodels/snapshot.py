"""What a model of any family is at one moment: plain arrays on a set of inputs, each only where it has a meaning.

An order parameter is a function of snapshots, so whatever a family puts into its snapshot can be measured in the same
way as in every other; what it has not got it gives a reason for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import integer_labels
from toymodels.validation import array_of, finite

Predict = Callable[[np.ndarray, Sequence[np.ndarray]], np.ndarray]
BASES = 10  # inputs on which an update is tried


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A model at one moment, on n inputs; its arrays are copies, which can only be read.

    Parameters
    ----------
    outputs : (n, K) array
        Logits; K = 1 for a single output, whose sign is the class.
    features : (n, d) array, optional
        What the last hidden layer puts out.
    kernel : (n, n) array, optional
        Tangent kernel, averaged over equal outputs.
    hidden : sequence of (n, N_l) arrays
        Local fields of the hidden layers, the first one first: what their units are functions of.
    readouts : sequence of (K, N_l) arrays
        What the outputs read of each hidden layer with all later activations linear; one for each of `hidden`.
    firing : (n, N) bool array, optional
        Which units of the last hidden layer are on.
    linear_outputs : (n, K) array, optional
        Outputs with all activations linear.
    neurons : (m, p) array, optional
        Incoming weights of the first hidden layer, one unit a row, its bias included.
    changes : (B, n, K) array, optional
        By how much an update on each of the first B inputs alone moves all outputs.
    parameters : sequence of arrays
        All that is trained, as a point of a vector space; those of two axes or more are weight matrices.
    inputs : (n, p) array, optional
        The inputs, where they are vectors.
    predict : callable (inputs, parameters) -> (n, K) array, optional
        The model as a function, at any inputs and any parameters of these shapes.
    silent : mapping of str to str
        Why a field is missing.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, or a reason is given for something else than a missing field.

    Examples
    --------
    >>> now = Snapshot([[0.5], [-2.0]], silent={"kernel": "its updates follow a rule"})
    >>> now.has("kernel"), now.reason("kernel"), now.reason("features")
    (False, 'its updates follow a rule', 'the model gives no features')
    """

    outputs: np.ndarray
    features: np.ndarray | None = None
    kernel: np.ndarray | None = None
    hidden: Sequence[np.ndarray] = ()
    readouts: Sequence[np.ndarray] = ()
    firing: np.ndarray | None = None
    linear_outputs: np.ndarray | None = None
    neurons: np.ndarray | None = None
    changes: np.ndarray | None = None
    parameters: Sequence[np.ndarray] = ()
    inputs: np.ndarray | None = None
    predict: Predict | None = None
    silent: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        n, k = _array("outputs", self.outputs, (None, None)).shape
        shapes = {
            "outputs": (n, k),
            "features": (n, None),
            "kernel": (n, n),
            "firing": (n, None),
            "linear_outputs": (n, k),
            "neurons": (None, None),
            "changes": (None, n, k),
            "inputs": (n, None),
        }
        for name, shape in shapes.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _array(name, getattr(self, name), shape))
        hidden = tuple(_array("hidden", layer, (n, None)) for layer in self.hidden)
        if len(self.readouts) != len(hidden):
            raise ValueError(f"readouts must hold one for each of the {len(hidden)} hidden, got {len(self.readouts)}")
        pairs = zip(self.readouts, hidden, strict=True)
        readouts = tuple(_array("readouts", matrix, (k, layer.shape[1])) for matrix, layer in pairs)
        parameters = tuple(_array("parameters", values, None) for values in self.parameters)
        for name, values in (("hidden", hidden), ("readouts", readouts), ("parameters", parameters)):
            object.__setattr__(self, name, values)
        names = {entry.name for entry in fields(self)} - {"outputs", "silent"}
        for name in self.silent:
            if name not in names or self.has(name):
                raise ValueError(f"silent must give reasons for missing fields, got one for {name!r}")
        object.__setattr__(self, "silent", dict(self.silent))

    def has(self, name: str) -> bool:
        """Whether the field `name` is there."""
        value = getattr(self, name)
        return value is not None and not (isinstance(value, tuple | list) and len(value) == 0)

    def reason(self, name: str) -> str:
        """Why the field `name` is missing; empty if it is there."""
        return "" if self.has(name) else self.silent.get(name, f"the model gives no {name.replace('_', ' ')}")


def update_direction(outputs: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Gradient of the cross-entropy by the outputs of samples, up to a factor for each.

    The probability of the true class is left out, and with it the factor that vanishes for samples classified with
    certainty. A single output moves along itself.

    Parameters
    ----------
    outputs : (B, K) array
    labels : (B,) array
        Integers in 0..K-1; for a single output they are not looked at.

    Returns
    -------
    (B, K) array

    Raises
    ------
    ValueError
        If `outputs` are not finite, or labels do not fit.

    Examples
    --------
    >>> update_direction([[5.0, 1.0, 1.0]], [0]).tolist()
    [[-1.0, 0.5, 0.5]]
    """
    outputs = finite("outputs", outputs, ndim=2)
    if outputs.shape[1] == 1:
        return np.ones_like(outputs)
    labels = integer_labels(labels, len(outputs))
    if labels.max() >= outputs.shape[1]:
        raise ValueError(f"labels must be in 0..{outputs.shape[1] - 1}, got {labels.max()}")
    own = labels[:, None] == np.arange(outputs.shape[1])
    others = np.where(own, -np.inf, outputs)
    weights = np.exp(others - others.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) - own


def _array(name: str, values: ArrayLike, shape: tuple[int | None, ...] | None) -> np.ndarray:
    """A copy of `values` of this shape (None: any size), finite, of the floating type they have, that is read-only."""
    given = array_of(name, values)
    dtype: Any = given.dtype if given.dtype.kind in "bf" else float
    array = finite(name, given, ndim=None if shape is None else len(shape), dtype=dtype).copy()
    for size, wanted in zip(array.shape, shape or (), strict=False):
        if wanted not in (None, size):
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}".replace("None", "any"))
    array.flags.writeable = False
    return array
