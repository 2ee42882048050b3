r"""How condensed a layer is: cosine similarity, orientations, clusters, effective rank, static neurons.

Every function takes the rows of a weight matrix as neurons, so a two-layer network, a convolution
(:func:`flatten_kernels`) or the outputs of neurons over data (:func:`output_similarity`) are measured alike.

**Zero vectors.** A neuron with zero weights has no direction. Its cosine with every other neuron is 0 and
with itself 1, and no cluster contains it (label -1).

References
----------
Xu, Zhang, Zhou (2025). An overview of condensation phenomenon in deep learning, section 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import array_of, finite, non_negative, of_ordinary_size, row_norms

MOST_TURNED = 500  # neurons; optimal leaf ordering takes 0.6 s for these and grows with the third power
ALIKE = 0.9  # mean |cos| from which a heat map sorts neurons by sign
MOST = {float: 1e150, np.float32: 1e18}  # entries whose squares are numbers
LOOSE = 1e-5  # rounding that is allowed in cosines in single precision


def unit_rows(w: np.ndarray) -> np.ndarray:
    """Rows (..., m, d) divided by their norms; zero rows stay zero."""
    norms = row_norms(w)[..., None]
    return np.divide(w, norms, out=np.zeros_like(w), where=norms > 0)


def as_rows(name: str, w: ArrayLike) -> np.ndarray:
    """A finite (m, d) matrix; single precision is kept, everything else becomes double."""
    single: type = np.float32 if getattr(w, "dtype", None) == np.float32 else float
    rows = finite(name, w, ndim=2, dtype=single)
    if np.abs(rows).max() > MOST[single]:
        raise ValueError(
            f"{name} must be at most {MOST[single]:g} in size, or norms overflow, got {np.abs(rows).max():g}"
        )
    return rows


def amplitudes(amplitude: ArrayLike | None, w: np.ndarray) -> np.ndarray:
    """Relative sizes (m,) of the neurons `w` (m, d): those given, checked, or the norms of the rows if None.

    Raises
    ------
    ValueError
        If `amplitude` does not have one finite entry >= 0 per neuron.
    """
    if amplitude is None:
        return row_norms(w)
    amplitude = non_negative("amplitude", amplitude)
    if amplitude.shape != (len(w),):
        raise ValueError(f"amplitude must have shape ({len(w)},), one per neuron, got {amplitude.shape}")
    return of_ordinary_size(amplitude)


def cosine_similarity(w: ArrayLike) -> np.ndarray:
    r"""Cosine similarity of every pair of neurons, :math:`u\cdot v/(|u||v|)` (overview, eq. 2).

    Parameters
    ----------
    w : (m, d) array
        One neuron per row. Single precision stays single precision.

    Returns
    -------
    (m, m) array
        Entries in [-1, 1], ones on the diagonal. 0 is orthogonal; zero vectors give 0 off the diagonal.

    Raises
    ------
    ValueError
        If `w` is not a finite matrix.

    Examples
    --------
    >>> cosine_similarity([[1.0, 0.0], [-2.0, 0.0], [0.0, 0.0]]).tolist()
    [[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    units = unit_rows(as_rows("w", w))
    similarity = np.clip(units @ units.T, -1, 1)  # rounding may leave [-1, 1] by one unit in the last place
    np.fill_diagonal(similarity, 1)
    return similarity + 0.0  # -0.0 becomes 0.0


def heatmap_order(similarity: ArrayLike) -> np.ndarray:
    """Order of neurons that shows condensed groups as blocks, however many there are and of either sign.

    Average linkage of 1 - |cos|: groups farther from each other than their members are stay together. Up to 500 neurons
    the branches are turned so that neighbours are as similar as can be (optimal leaf ordering), beyond that they stay
    as they were joined. Neurons at |cos| >= 0.9 on average are then sorted by sign.

    Parameters
    ----------
    similarity : (m, m) array
        Symmetric, from :func:`cosine_similarity`.

    Returns
    -------
    (m,) integer array
        `similarity[np.ix_(order, order)]` is the heat map.

    Raises
    ------
    ValueError
        If `similarity` is not a finite symmetric matrix with entries in [-1, 1].

    Examples
    --------
    >>> heatmap_order(cosine_similarity([[1.0, 0.1], [0.0, 1.0], [-1.0, 0.0], [0.2, 1.0], [2.0, 0.0]])).tolist()
    [2, 4, 0, 3, 1]

    References
    ----------
    Bar-Joseph, Gifford, Jaakkola (2001). Fast optimal leaf ordering for hierarchical clustering. Bioinformatics 17.
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    similarity = _checked_similarity(similarity)
    if len(similarity) == 1:
        return np.zeros(1, dtype=int)
    distance = squareform(np.maximum(1 - np.abs(similarity), 0), checks=False)
    tree = linkage(distance, "average")
    tree = optimal_leaf_ordering(tree, distance) if len(similarity) <= MOST_TURNED else tree
    order = leaves_list(tree)
    begins = np.diff(fcluster(tree, 1 - ALIKE, "distance")[order], prepend=0) != 0
    group = np.cumsum(begins) - 1
    opposite = similarity[order, order[begins][group]] < 0
    return order[np.lexsort((opposite, group))]


def _checked_similarity(similarity: ArrayLike) -> np.ndarray:
    similarity = finite("similarity", similarity, ndim=2)
    if similarity.shape[0] != similarity.shape[1] or np.abs(similarity - similarity.T).max() > LOOSE:
        raise ValueError(f"similarity must be a symmetric matrix, got shape {similarity.shape}")
    if np.abs(similarity).max() > 1 + LOOSE:
        raise ValueError(f"similarity must have entries in [-1, 1], got {np.abs(similarity).max():g} as the largest")
    return similarity


def orientation(w: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    r"""Feature of a neuron with one input and a bias: orientation and amplitude (overview, section 2).

    Parameters
    ----------
    w, b : (m,) arrays
        Input weight and bias.

    Returns
    -------
    theta : (m,) array
        :math:`\mathrm{sign}(b)\arccos(w/\sqrt{w^2+b^2})` in (-pi, pi]. Two limits are filled in by
        continuity: b = 0 gives 0 or pi. A zero neuron has theta 0.
    amplitude : (m,) array
        :math:`\sqrt{w^2+b^2}`; 0 for a zero neuron.

    Raises
    ------
    ValueError
        If the shapes differ or an entry is not finite.

    Examples
    --------
    A neuron with equal weight and bias looks 45 degrees up, one with weight -1 alone back:

    >>> theta, amplitude = orientation([1.0, -1.0], [1.0, 0.0])
    >>> np.degrees(theta).round(9).tolist(), amplitude.round(3).tolist()
    ([45.0, 180.0], [1.414, 1.0])
    """
    w, b = finite("w", w), finite("b", b)
    if w.shape != b.shape:
        raise ValueError(f"b must have the shape of w, {w.shape}, got {b.shape}")
    return np.arctan2(b + 0.0, w + 0.0), np.hypot(w, b)


def effective_rank(w: ArrayLike, amplitude: ArrayLike | None = None) -> float:
    r"""Number of directions in use: the exponential of the entropy of the spectrum of the normalised Gram
    matrix.

    With unit vectors :math:`u_k` and weights :math:`p_k` proportional to the amplitudes, the eigenvalues of
    :math:`\sum_k p_k u_k u_k^T` sum to 1 and their entropy is exponentiated.

    Parameters
    ----------
    w : (m, d) array
        One neuron per row.
    amplitude : (m,) array, optional
        Weight of each direction; equal if None. The squared norms give the effective rank of `w` itself
        (entropy of its squared singular values). Zero vectors never count.

    Returns
    -------
    float
        1 when all neurons are parallel or opposite, min(m, d) when they spread evenly.

    Raises
    ------
    ValueError
        If an entry is not finite or every neuron has zero weight.

    Examples
    --------
    Three parallel neurons are one direction, two orthogonal ones are two; with amplitudes 3 : 1 they are as many as the
    entropy of (3/4, 1/4) says:

    >>> effective_rank([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0]]), round(effective_rank(np.eye(2)), 12)
    (1.0, 2.0)
    >>> round(effective_rank(np.eye(2), [3.0, 1.0]), 3)
    1.755
    """
    w = as_rows("w", w)
    weights = w.any(axis=1) * (np.ones(len(w)) if amplitude is None else amplitudes(amplitude, w))
    if not weights.sum() > 0:
        raise ValueError("w must have a neuron with non-zero weights and amplitude, got none")
    scaled = np.sqrt(weights / weights.sum())[:, None] * unit_rows(w)
    gram = scaled.T @ scaled if w.shape[1] <= w.shape[0] else scaled @ scaled.T
    values = np.linalg.eigvalsh(gram)
    values = values[values > np.finfo(values.dtype).eps]
    return float(np.exp(-np.sum(values * np.log(values))))


def static_neurons(w: ArrayLike, x: ArrayLike) -> np.ndarray:
    """Which ReLU neurons are inactive on every input, and so receive no gradient (overview, section 3).

    Parameters
    ----------
    w : (m, d + 1) array
        Input weights, bias last.
    x : (n, d) array
        Training inputs.

    Returns
    -------
    (m,) boolean array
        True for a neuron whose pre-activation is <= 0 on all of `x`.

    Raises
    ------
    ValueError
        If shapes do not agree or an entry is not finite.

    Examples
    --------
    On inputs in [0, 1] the neuron relu(-x - 1) never fires, relu(x - 1/2) does:

    >>> static_neurons([[-1.0, -1.0], [1.0, -0.5]], [[0.0], [1.0]]).tolist()
    [True, False]
    """
    w, x = as_rows("w", w), as_rows("x", x)
    if w.shape[1] != x.shape[1] + 1:
        raise ValueError(f"w must have {x.shape[1] + 1} columns (inputs and bias), got shape {w.shape}")
    return np.all(x @ w[:, :-1].T + w[:, -1] <= 0, axis=0)


def output_similarity(outputs: ArrayLike) -> np.ndarray:
    """Cosine similarity of what neurons say over data (overview, section 4.2).

    Parameters
    ----------
    outputs : (n, m) or (n, m, ...) array
        Output of neuron or channel k on sample i in `outputs[i, k]`; trailing axes (image positions) are
        flattened.

    Returns
    -------
    (m, m) array
        As :func:`cosine_similarity`; a neuron that is silent on all data is a zero vector.

    Raises
    ------
    ValueError
        If `outputs` has fewer than two axes or is not finite.

    Examples
    --------
    On any data relu(x) and relu(2 x) say the same up to a factor, and relu(-x) speaks where they are silent:

    >>> x = np.array([3.0, 4.0, -1.0])
    >>> output_similarity(np.maximum(np.stack([x, 2 * x, -x], axis=1), 0)).round(9).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    outputs = array_of("outputs", outputs)
    if outputs.ndim < 2:
        raise ValueError(f"outputs must have at least 2 axes (samples, neurons), got shape {outputs.shape}")
    return cosine_similarity(np.moveaxis(outputs, 1, 0).reshape(outputs.shape[1], -1))


def flatten_kernels(kernels: ArrayLike) -> np.ndarray:
    """Convolution kernels as rows, channels and positions flattened together (overview, section 4.3).

    Parameters
    ----------
    kernels : (c_out, c_in, ...) array
        Convolution weights, or a plain (m, d) matrix.

    Returns
    -------
    (c_out, d) array
        One row per output channel.

    Raises
    ------
    ValueError
        If `kernels` has fewer than two axes or is not finite.

    Examples
    --------
    Two kernels of one channel and 2 x 2 positions, opposite to each other:

    >>> kernels = np.array([[[[1.0, 2.0], [3.0, 4.0]]], [[[-1.0, -2.0], [-3.0, -4.0]]]])
    >>> flatten_kernels(kernels).tolist(), float(cosine_similarity(flatten_kernels(kernels))[0, 1].round(12))
    ([[1.0, 2.0, 3.0, 4.0], [-1.0, -2.0, -3.0, -4.0]], -1.0)
    """
    kernels = array_of("kernels", kernels)
    if kernels.ndim < 2 or not kernels.size:
        raise ValueError(f"kernels must have at least 2 axes (output channels first), got shape {kernels.shape}")
    return as_rows("kernels", kernels.reshape(len(kernels), -1))
