r"""Snapshots of layerwise linear models: diagonal networks, two linear layers, and free features.

A model that does not train on labels needs them where an update on a single sample is to be tried: the first
`toymodels.snapshot.BASES` samples are updated on, by their cross-entropy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.kernels import diagonal_network_ntk
from toymodels.layerwise.sparse_regression import SparseRegression
from toymodels.snapshot import BASES, Snapshot, update_direction
from toymodels.validation import array_of, finite, times

ALWAYS_ON = "linear units are always on"
ITS_OWN_MAP = "a linear network is its own linear map: this would be its own score"
ON_AXES = "a unit of a diagonal network reads one input for ever: its direction cannot change"
PAIRED = "its units come in pairs of one order that are read with opposite signs: what they say together is 0"
NO_INPUTS = "features are free parameters, not functions of inputs"
NO_LABELS = "no labels to update on were given"


def diagonal_snapshot(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Snapshot:
    r"""The diagonal network :math:`\sum_i a_i b_i x_i`; its hidden units are :math:`b_i x_i`.

    Parameters
    ----------
    a, b : (d,) arrays
        Weights.
    x : (n, d) array
        Inputs.

    Returns
    -------
    Snapshot
        Without `firing`, `linear_outputs` and `neurons`.

    Raises
    ------
    ValueError
        If shapes do not fit or an entry is not finite.

    Examples
    --------
    >>> now = diagonal_snapshot([1.0, 2.0], [3.0, 1.0], [[1.0, 1.0]])
    >>> now.outputs.tolist(), now.features.tolist(), now.kernel.tolist()
    ([[5.0]], [[3.0, 1.0]], [[15.0]])
    """
    a, b, x = finite("a", a, ndim=1), finite("b", b, ndim=1), finite("x", x, ndim=2)
    kernel = diagonal_network_ntk(x, a, b)

    def predict(inputs: np.ndarray, parameters: Sequence[np.ndarray]) -> np.ndarray:
        return inputs @ (parameters[0] * parameters[1])[:, None]

    return _diagonal(x, kernel, x * b, a, (a, b), predict)


def difference_snapshot(u: ArrayLike, v: ArrayLike, x: ArrayLike) -> Snapshot:
    r"""The network :math:`\sum_i (u_i^2 - v_i^2) x_i` of :class:`toymodels.layerwise.SparseRegression`.

    Its 2 d hidden units are :math:`u_i x_i` and :math:`v_i x_i`, read with :math:`u_i` and :math:`-v_i`. For weights
    > 0 both sort the samples alike and are read with opposite signs, so `hidden` and `readouts` say nothing.

    Parameters
    ----------
    u, v : (d,) arrays
        Weights.
    x : (n, d) array
        Inputs.

    Returns
    -------
    Snapshot
        As :func:`diagonal_snapshot`, without `hidden` and `readouts`.

    Raises
    ------
    ValueError
        If shapes do not fit or an entry is not finite.

    Examples
    --------
    >>> now = difference_snapshot([2.0], [1.0], [[1.0], [-1.0]])
    >>> now.outputs.tolist(), now.features.tolist(), now.kernel.tolist()
    ([[3.0], [-3.0]], [[2.0, 1.0], [-2.0, -1.0]], [[20.0, -20.0], [-20.0, 20.0]])
    """
    u, v, x = finite("u", u, ndim=1), finite("v", v, ndim=1), finite("x", x, ndim=2)
    kernel = 4 * diagonal_network_ntk(x, u, v)

    def predict(inputs: np.ndarray, parameters: Sequence[np.ndarray]) -> np.ndarray:
        return inputs @ (parameters[0] ** 2 - parameters[1] ** 2)[:, None]

    return _diagonal(x, kernel, np.hstack([x * u, x * v]), None, (u, v), predict)


def _diagonal(x, kernel, hidden, readout, parameters, predict) -> Snapshot:
    is_paired = readout is None
    paired = dict.fromkeys(("hidden", "readouts"), PAIRED) if is_paired else {}
    return Snapshot(
        outputs=predict(x, parameters),
        features=hidden,
        kernel=kernel,
        hidden=() if is_paired else (hidden,),
        readouts=() if is_paired else (readout[None],),
        changes=kernel[:BASES, :, None],
        parameters=parameters,
        inputs=x,
        predict=predict,
        silent={"firing": ALWAYS_ON, "linear_outputs": ITS_OWN_MAP, "neurons": ON_AXES, **paired},
    )


def sparse_regression_snapshots(
    model: SparseRegression, t: ArrayLike, rng: np.random.Generator, held_out: ArrayLike | None = None
) -> tuple[Iterator[Snapshot], np.ndarray]:
    """The run that `model.solve(t, rng)` makes with a generator in the same state, as a snapshot at each time.

    Parameters
    ----------
    model : SparseRegression
    t : (n_t,) array
        Increasing finite flow times > 0.
    rng : numpy.random.Generator
        Draws the task.
    held_out : (m, dim) array, optional
        More inputs to look at, after those of the training set.

    Returns
    -------
    snapshots : iterator of Snapshot
        The start, then one for each time.
    targets : (n_samples + m,) array
        What the true map says at these inputs.

    Raises
    ------
    ValueError
        If a time is not positive and finite, times do not increase, or `held_out` has other columns.
    SimulationError
        If the integrator gives up.

    Examples
    --------
    >>> model = SparseRegression(dim=20, n_samples=10, n_active=2)
    >>> snapshots, targets = sparse_regression_snapshots(model, [1.0, 400.0], np.random.default_rng(0))
    >>> [round(1 - float(np.var(now.outputs[:, 0] - targets) / np.var(targets)), 2) for now in snapshots]
    [0.0, 1.0, 1.0]
    """
    t = times(t)
    if t[0] == 0 or np.isinf(t[-1]):
        raise ValueError(f"t must be > 0 and finite, got {t[0] if t[0] == 0 else t[-1]:g}")
    x, y, truth = model.sample(rng)
    u, v = model._flow(x, y, t)
    if held_out is not None:
        x = np.vstack([x, _columns("held_out", held_out, model.dim)])
    start = np.full(model.dim, float(model.init_scale))
    pairs = [(start, start), *zip(u, v, strict=True)]
    return (difference_snapshot(first, second, x) for first, second in pairs), x @ truth


def linear_snapshot(w1: ArrayLike, w2: ArrayLike, x: ArrayLike, labels: ArrayLike | None = None) -> Snapshot:
    """The two-layer linear network W2 W1 x.

    Parameters
    ----------
    w1 : (h, d) array
    w2 : (K, h) array
    x : (n, d) array
        Inputs.
    labels : (n,) array, optional
        Classes in 0..K-1, for updates.

    Returns
    -------
    Snapshot
        Without `firing` and `linear_outputs`.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, or labels are not 0..K-1.

    Examples
    --------
    >>> now = linear_snapshot([[1.0, 1.0]], [[2.0], [0.0]], [[1.0, 0.0], [0.0, 1.0]])
    >>> now.outputs.tolist(), now.kernel.tolist()
    ([[2.0, 0.0], [2.0, 0.0]], [[3.0, 1.0], [1.0, 3.0]])
    """
    w1, w2 = finite("w1", w1, ndim=2), finite("w2", w2, ndim=2)
    x = _columns("x", x, w1.shape[1])
    _columns("w2", w2, len(w1))
    hidden = x @ w1.T
    outputs, through, inner, read = hidden @ w2.T, hidden @ hidden.T, x @ x.T, w2 @ w2.T
    changes, silent = _changes(outputs, labels, through, inner, read)

    def predict(inputs: np.ndarray, parameters: Sequence[np.ndarray]) -> np.ndarray:
        return inputs @ parameters[0].T @ parameters[1].T

    return Snapshot(
        outputs=outputs,
        features=hidden,
        kernel=through + np.trace(read) / len(w2) * inner,
        hidden=(hidden,),
        readouts=(w2,),
        neurons=w1,
        changes=changes,
        parameters=(w1, w2),
        inputs=x,
        predict=predict,
        silent={"firing": ALWAYS_ON, "linear_outputs": ITS_OWN_MAP, **silent},
    )


def free_features_snapshot(weights: ArrayLike, features: ArrayLike, labels: ArrayLike | None = None) -> Snapshot:
    """Free features with a linear classifier, of :class:`toymodels.layerwise.UnconstrainedFeatures`.

    Parameters
    ----------
    weights : (K, width) array
    features : (width, n) array
        One sample a column.
    labels : (n,) array, optional
        Classes in 0..K-1, for updates.

    Returns
    -------
    Snapshot
        Without what needs inputs or neurons.

    Raises
    ------
    ValueError
        As :func:`linear_snapshot`.

    Examples
    --------
    >>> now = free_features_snapshot([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 3.0]])
    >>> now.outputs.tolist(), now.kernel.tolist()
    ([[2.0, 0.0], [0.0, 3.0]], [[5.0, 0.0], [0.0, 10.0]])
    """
    w, h = finite("weights", weights, ndim=2), finite("features", features, ndim=2).T
    _columns("weights", w, h.shape[1])
    outputs, through, one, read = h @ w.T, h @ h.T, np.eye(len(h)), w @ w.T
    changes, silent = _changes(outputs, labels, through, one, read)
    missing = dict.fromkeys(("inputs", "predict", "neurons"), NO_INPUTS)
    return Snapshot(
        outputs=outputs,
        features=h,
        kernel=through + np.trace(read) / len(w) * one,
        hidden=(h,),
        readouts=(w,),
        changes=changes,
        parameters=(w, h),
        silent={"firing": ALWAYS_ON, "linear_outputs": ITS_OWN_MAP, **missing, **silent},
    )


def _changes(outputs, labels, through, inner, read) -> tuple[np.ndarray | None, dict[str, str]]:
    """Changes (B, n, K) by the kernel 1 x through + read x inner, or the reason why there are none."""
    if labels is None:
        return None, {"changes": NO_LABELS}
    direction = update_direction(outputs[:BASES], array_of("labels", labels)[:BASES])
    first = through[:BASES, :, None] * direction[:, None]
    return first + inner[:BASES, :, None] * (direction @ read)[:, None], {}


def _columns(name: str, value: ArrayLike, columns: int) -> np.ndarray:
    array = finite(name, value, ndim=2)
    if array.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {array.shape}")
    return array
