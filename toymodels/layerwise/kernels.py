r"""Tangent kernels of linear networks and the distance between kernels.

The distance is that of Fort et al. (2020), arXiv:2010.15110, one minus the cosine of the two kernels. It is
computed as half the squared difference of the normalised kernels, which resolves values far below 1e-16. The alignment
of a kernel with its target is the cosine of the kernel and :math:`y y^\top` (Cristianini et al. (2001), NeurIPS 14);
that it comes before the loss falls is the silent alignment of Atanasov et al. (2021), arXiv:2111.00034.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import covariance as checked_covariance
from toymodels.layerwise.inputs import Inputs
from toymodels.validation import finite, of_ordinary_size, require_room

_ROUNDING = 1e-4  # largest asymmetry of a kernel relative to its largest entry, single precision included


def diagonal_network_ntk(x: ArrayLike, a: ArrayLike, b: ArrayLike) -> np.ndarray:
    r"""Tangent kernel of :math:`\sum_i a_i b_i x_i`: :math:`\sum_i (a_i^2 + b_i^2) x_i x_i'`.

    Parameters
    ----------
    x : (n, d) array
        Inputs; nothing is divided by n.
    a, b : (d,) arrays
        Weights.

    Returns
    -------
    (n, n) array

    Raises
    ------
    ValueError
        If shapes do not match or a value is not finite.

    Examples
    --------
    >>> diagonal_network_ntk([[1.0, 0.0], [1.0, 1.0]], a=[1.0, 2.0], b=[0.0, 0.0]).tolist()
    [[1.0, 1.0], [1.0, 5.0]]
    """
    x = finite("x", x, ndim=2)
    a, b = (_shaped(name, value, (x.shape[1],)) for name, value in (("a", a), ("b", b)))
    require_room(x=x, a=a, b=b)
    return (x * (a**2 + b**2)) @ x.T


def linear_network_ntk(x: ArrayLike, w1: ArrayLike, w2: ArrayLike) -> np.ndarray:
    r"""Tangent kernel of :math:`W_2 W_1 x`: :math:`I \otimes X W_1^\top W_1 X^\top + W_2 W_2^\top \otimes X X^\top`.

    Parameters
    ----------
    x : (n, d) array
        Inputs; nothing is divided by n.
    w1 : (h, d) array
    w2 : (c, h) array

    Returns
    -------
    (c n, c n) array
        The output index runs slowly.

    Raises
    ------
    ValueError
        If shapes do not match or a value is not finite.

    Examples
    --------
    >>> linear_network_ntk([[1.0, 0.0], [1.0, 1.0]], w1=[[1.0, 2.0]], w2=[[3.0]]).tolist()
    [[10.0, 12.0], [12.0, 27.0]]
    """
    x, w1 = finite("x", x, ndim=2), finite("w1", w1, ndim=2)
    if w1.shape[1] != x.shape[1]:
        raise ValueError(f"w1 must have {x.shape[1]} columns, one per input, got shape {w1.shape}")
    w2 = finite("w2", w2, ndim=2)
    w2 = _shaped("w2", w2, (len(w2), len(w1)))
    require_room(x=x, w1=w1, w2=w2)
    hidden = x @ w1.T
    return np.kron(np.eye(len(w2)), hidden @ hidden.T) + np.kron(w2 @ w2.T, x @ x.T)


def kernel_distance(k0: ArrayLike, k1: ArrayLike) -> float:
    """One minus the cosine of two kernels.

    Parameters
    ----------
    k0, k1 : (n, n) arrays
        Positive semi-definite.

    Returns
    -------
    float
        In [0, 1]: 0 for kernels that differ by a factor (always so for a single input and output), 1 for orthogonal
        ones. Accurate relative to its own size down to about 1e-30.

    Raises
    ------
    ValueError
        If the shapes differ or are not square, a kernel is zero, not symmetric or of negative trace, or the two have a
        negative product, so that one is indefinite.

    Examples
    --------
    >>> round(kernel_distance([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]), 3)
    0.293
    """
    k0 = of_ordinary_size(_symmetric("k0", finite("k0", k0, ndim=2)))
    k1 = of_ordinary_size(_symmetric("k1", _shaped("k1", k1, k0.shape)))
    norms = np.linalg.norm(k0), np.linalg.norm(k1)
    for name, norm in zip(("k0", "k1"), norms, strict=True):
        if norm == 0:
            raise ValueError(f"{name} must not be zero, got norm 0")
    if np.vdot(k0, k1) < 0:
        raise ValueError(f"k0 and k1 must be positive semi-definite, got a product of {np.vdot(k0, k1):g}")
    # at most 1 for kernels, but for rounding
    return float(min(0.5 * np.sum((k0 / norms[0] - k1 / norms[1]) ** 2), 1.0))


def kernel_alignment(kernel: ArrayLike, y: ArrayLike) -> float:
    r"""Cosine of a kernel and its target: :math:`y^\top K y / (|K|_F |y|^2)`.

    Parameters
    ----------
    kernel : (c n, c n) array
        Positive semi-definite, the output index slow.
    y : (n,) or (n, c) array
        Labels.

    Returns
    -------
    float
        In [0, 1]: 1 for the kernel of which y is the only eigenfunction.

    Raises
    ------
    ValueError
        If the shapes do not match, the kernel is not symmetric or of negative trace, or either is zero.

    Examples
    --------
    >>> round(kernel_alignment([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0]), 3)
    0.707
    """
    kernel, y = _symmetric("kernel", finite("kernel", kernel, ndim=2)), finite("y", y)
    if y.ndim not in (1, 2) or y.size != len(kernel):
        raise ValueError(f"y must have {len(kernel)} entries, one per row of kernel, got shape {y.shape}")
    kernel = of_ordinary_size(kernel)
    labels, norm = of_ordinary_size(y.T.ravel()), np.linalg.norm(kernel)
    for name, size in (("kernel", norm), ("y", np.linalg.norm(labels))):
        if size == 0:
            raise ValueError(f"{name} must not be zero, got norm 0")
    labels = labels / np.linalg.norm(labels)
    return float(np.clip(labels @ (kernel / norm) @ labels, 0.0, 1.0))


def gram_kernel_distance(
    gram_in0: ArrayLike,
    gram_out0: ArrayLike,
    gram_in1: ArrayLike,
    gram_out1: ArrayLike,
    covariance: ArrayLike | None = None,
) -> np.ndarray:
    r"""Kernel distance of two linear networks over inputs of one covariance C.

    The product of two kernels is :math:`c\,\mathrm{tr} A_0 C A_1 C + \mathrm{tr} A_0 C^2\, \mathrm{tr} B_1 +
    \mathrm{tr} A_1 C^2\, \mathrm{tr} B_0 + \mathrm{tr} C^2\, \mathrm{tr} B_0 B_1` times the square of the number of
    samples: no (c n, c n) matrix is formed.

    Parameters
    ----------
    gram_in0, gram_in1 : (..., d, d) arrays
        :math:`A = W_1^\top W_1`.
    gram_out0, gram_out1 : (..., c, c) arrays
        :math:`B = W_2 W_2^\top`.
        Leading axes broadcast, so that a trajectory can be compared with its start.
    covariance : float, (d,) or (d, d) array, optional
        :math:`C = X^\top X / n` of the inputs, or its diagonal. None is white inputs; the grams cannot tell, so that
        for others the distance is then wrong.

    Returns
    -------
    (...) array
        As :func:`kernel_distance`.

    Raises
    ------
    ValueError
        If shapes do not match or are not square, a matrix is not symmetric or of negative trace, or a kernel is zero.

    Examples
    --------
    >>> w1, w2 = np.array([[1.0, 2.0]]), np.array([[3.0]])
    >>> before, after = (w1.T @ w1, w2 @ w2.T), (4 * w1.T @ w1, w2 @ w2.T)
    >>> round(float(gram_kernel_distance(*before, *after)), 3)
    0.036
    >>> kernels = [linear_network_ntk(np.eye(2), w, w2) for w in (w1, 2 * w1)]
    >>> round(kernel_distance(*kernels), 3)
    0.036
    """
    names, given = ("gram_in0", "gram_out0", "gram_in1", "gram_out1"), (gram_in0, gram_out0, gram_in1, gram_out1)
    a0, b0, a1, b1 = grams = [_symmetric(name, finite(name, value)) for name, value in zip(names, given, strict=True)]
    require_room(**dict(zip(names, grams, strict=True)))
    for name, value, other in (("gram_in1", a1, a0), ("gram_out1", b1, b0)):
        if value.shape[-2:] != other.shape[-2:]:
            raise ValueError(f"{name} must have matrices of shape {other.shape[-2:]}, got {value.shape[-2:]}")
    moments = None if covariance is None else checked_covariance("covariance", covariance, a0.shape[-1])
    a0, a1 = _whitened(a0, moments), _whitened(a1, moments)
    try:
        norm0, norm1 = np.sqrt(_squared_norm(a0, b0, moments)), np.sqrt(_squared_norm(a1, b1, moments))
        np.broadcast(norm0, norm1)
    except ValueError:
        shapes = ", ".join(str(gram.shape) for gram in grams)
        raise ValueError(f"{', '.join(names)} must broadcast in their leading axes, got shapes {shapes}") from None
    for name, norm in (("gram_in0 and gram_out0", norm0), ("gram_in1 and gram_out1", norm1)):
        if np.count_nonzero(norm == 0):
            raise ValueError(f"{name} must not both be zero, got a kernel of norm 0")
    norm0, norm1 = norm0[..., None, None], norm1[..., None, None]
    # at most 1 for kernels, but for rounding
    return np.minimum(0.5 * _squared_norm(a0 / norm0 - a1 / norm1, b0 / norm0 - b1 / norm1, moments), 1.0)


def gram_kernel_alignment(
    gram_in: ArrayLike, gram_out: ArrayLike, correlation: ArrayLike, covariance: ArrayLike | None = None
) -> np.ndarray:
    r"""Alignment of the kernel of a two-layer linear network with labels that are linear in the inputs.

    With A, B and C as in :func:`gram_kernel_distance` and :math:`y = \Sigma_{yx} C^{-1} x` it is
    :math:`\mathrm{tr}(\Sigma_{yx} A \Sigma_{yx}^\top + B \Sigma_{yx} \Sigma_{yx}^\top)` over the norm of the kernel and
    :math:`E |y|^2`.

    Parameters
    ----------
    gram_in : (..., d, d) array
    gram_out : (..., c, c) array
        Leading axes broadcast.
    correlation : (c, d) array
        :math:`\Sigma_{yx}`, not zero.
    covariance : float, (d,) or (d, d) array, optional
        Of the inputs; white if None.

    Returns
    -------
    (...) array
        As :func:`kernel_alignment`.

    Raises
    ------
    ValueError
        If shapes do not match, a matrix is not symmetric or of negative trace, or the kernel or target is zero.

    Examples
    --------
    >>> w1, w2, target = np.array([[1.0, 2.0]]), np.array([[3.0]]), np.array([[0.5, 1.0]])
    >>> round(float(gram_kernel_alignment(w1.T @ w1, w2 @ w2.T, target)), 3)
    0.841
    >>> x = np.array([[1.0, 1.0], [1.0, -1.0]])
    >>> round(kernel_alignment(linear_network_ntk(x, w1, w2), x @ target.T), 3)
    0.841
    """
    a, b = (_symmetric(name, finite(name, value)) for name, value in (("gram_in", gram_in), ("gram_out", gram_out)))
    target = _shaped("correlation", correlation, (b.shape[-1], a.shape[-1]))
    require_room(gram_in=a, gram_out=b, correlation=target)
    moments = None if covariance is None else checked_covariance("covariance", covariance, a.shape[-1])
    power = np.sum(Inputs(target, moments).best * target)
    norm = np.sqrt(_squared_norm(_whitened(a, moments), b, moments))
    for name, size in (("correlation", power), ("gram_in and gram_out", norm)):
        if np.count_nonzero(size == 0):
            raise ValueError(f"{name} must not be zero, got norm 0")
    pull = np.sum(a * (target.T @ target), axis=(-2, -1)) + np.sum(b * (target @ target.T), axis=(-2, -1))
    return np.clip(pull / (norm * power), 0.0, 1.0)


def _whitened(gram: np.ndarray, moments: np.ndarray | None) -> np.ndarray:
    """The gram between the roots of the covariance."""
    if moments is None:
        return gram
    values, basis = np.linalg.eigh(moments)
    root = (basis * np.sqrt(np.maximum(values, 0))) @ basis.T
    return root @ gram @ root


def _squared_norm(a: np.ndarray, b: np.ndarray, moments: np.ndarray | None) -> np.ndarray:
    """Squared Frobenius norm of I x A + B x C, of side c d, for A whitened."""
    d, c = a.shape[-1], b.shape[-1]
    inner = a.trace(axis1=-2, axis2=-1) if moments is None else np.sum(a * moments, axis=(-2, -1))
    size = d if moments is None else np.sum(moments**2)
    traces = inner * b.trace(axis1=-2, axis2=-1)
    return c * (a**2).sum(axis=(-2, -1)) + 2 * traces + size * (b**2).sum(axis=(-2, -1))


def _symmetric(name: str, array: np.ndarray) -> np.ndarray:
    """`array` if it is symmetric matrices (..., n, n) of trace >= 0, as Gram matrices are; their spectrum is unseen."""
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise ValueError(f"{name} must be square, got shape {array.shape}")
    turned = array.swapaxes(-1, -2)
    if np.count_nonzero(array != turned):
        difference, largest = (np.abs(part).max(axis=(-2, -1)) for part in (array - turned, array))
        if np.any(difference > _ROUNDING * largest):
            raise ValueError(f"{name} must be symmetric, got a largest difference of {difference.max():g}")
    trace = array.trace(axis1=-2, axis2=-1)
    if np.count_nonzero(trace < 0):
        raise ValueError(f"{name} must be positive semi-definite, got a trace of {trace.min():g}")
    return array


def _shaped(name: str, value: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    array = finite(name, value)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array
