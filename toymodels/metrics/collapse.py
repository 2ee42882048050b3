r"""Neural collapse: four numbers that fall to 0 as the last-layer features of a classifier collapse.

With the mean :math:`\mu_c` of the features of class :math:`c` and the centre :math:`\mu_G=\frac1K\sum_c\mu_c`,

.. math:: \Sigma_W=\frac1K\sum_c\frac1{n_c}\sum_i(h_{ci}-\mu_c)(h_{ci}-\mu_c)^\top,\qquad
          \Sigma_B=\frac1K\sum_c(\mu_c-\mu_G)(\mu_c-\mu_G)^\top .

Each class weighs the same, however many samples it has; with balanced classes these are the matrices of the paper.
A class mean at the centre, or class means that all coincide, leave the measures undefined and are refused.

References
----------
.. [1] Papyan, Han and Donoho (2020). Prevalence of neural collapse during the terminal phase of deep learning
   training. arXiv:2008.08186.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import class_means, labelled, near_origin, scatter_trace
from toymodels.metrics.curves import despiked
from toymodels.validation import finite, non_negative, of_ordinary_size, positive_int, require_room


def nc1(features: ArrayLike, labels: ArrayLike) -> float:
    r"""Variability within classes against that between them, :math:`\mathrm{tr}(\Sigma_W\Sigma_B^\dagger)/K`.

    The pseudo-inverse sees only the space of the centred class means, of K - 1 dimensions: variability outside of it
    does not count. :func:`within_between` counts it.

    Parameters
    ----------
    features : (n, d) array
        One sample per row.
    labels : (n,) array
        Integers 0..K-1, each class present, K >= 2.

    Returns
    -------
    float
        0 when the features of each class are equal in that space; large when the classes overlap.

    Raises
    ------
    ValueError
        For non-finite features, a missing class, K < 2, or class means that all coincide.

    Examples
    --------
    >>> round(nc1([[0.0], [2.0], [10.0], [12.0]], [0, 0, 1, 1]), 12)
    0.02
    """
    features, labels = labelled(features, labels)
    n_classes = int(labels.max()) + 1
    return scatter_trace(features, labels, np.full(n_classes, 1 / n_classes)) / n_classes


def within_between(features: ArrayLike, labels: ArrayLike) -> float:
    r"""Total variability within classes over that between them, :math:`\mathrm{tr}\Sigma_W/\mathrm{tr}\Sigma_B`.

    Parameters
    ----------
    features : (n, d) array
        One sample per row.
    labels : (n,) array
        Integers 0..K-1, each class present, K >= 2.

    Returns
    -------
    float
        0 when all features of a class are equal.

    Raises
    ------
    ValueError
        As :func:`nc1`.

    Examples
    --------
    >>> within_between([[0.0], [2.0], [10.0], [12.0]], [0, 0, 1, 1])
    0.04
    """
    features, labels = labelled(features, labels)
    features = of_ordinary_size(near_origin(features))
    means, centred = _centred_means(features, labels)
    within = ((features - means[labels]) ** 2).sum(axis=1) / np.bincount(labels)[labels]
    return float(within.sum() / (centred**2).sum())


def fall(values: ArrayLike, start: int, floor: float = 0.0) -> float:
    r"""Decades by which a measure falls from one record to the last.

    Parameters
    ----------
    values : (n_t,) array
        A measure of this module along training, > 0 or with a `floor` > 0.
    start : int
        Record from which the fall counts, 0..n_t-1: that of zero training error.
    floor : float
        What lies below is rounding and counts as this; a fall down to it is a lower bound.

    Returns
    -------
    float
        :math:`\log_{10}(v_\mathrm{start}/v_\mathrm{last})`; negative for a rise. The unit does not matter. What a
        single record says against its neighbours does not count.

    Raises
    ------
    ValueError
        For values that are not finite, not > 0 in spite of the floor, or a `start` that is no record.

    Examples
    --------
    >>> fall([5.0, 1.0, 0.1, 0.01], start=1)
    2.0
    """
    values = np.maximum(finite("values", values, ndim=1), float(non_negative("floor", floor)))
    start = positive_int("start", start, minimum=0)
    if start >= len(values):
        raise ValueError(f"start must be a record, got {start} for {len(values)} records")
    if not values.min() > 0:
        raise ValueError(f"values must be > 0, got {values.min():g}")
    logs = despiked(np.log10(values))
    return float(logs[start] - logs[-1])


def nc2(features: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    r"""Distance of the class means from a simplex: equal lengths, equal angles.

    Parameters
    ----------
    features : (n, d) array
        One sample per row.
    labels : (n,) array
        Integers 0..K-1, each class present, K >= 2.

    Returns
    -------
    equinorm : float
        Standard deviation over mean of :math:`\|\mu_c-\mu_G\|`.
    equiangular : float
        Mean over pairs of classes of :math:`|\cos(\mu_c-\mu_G,\mu_{c'}-\mu_G)+1/(K-1)|`, at most K/(K - 1). Both are 0
        for a simplex, and for any two classes.

    Raises
    ------
    ValueError
        As :func:`nc1`, and if a class mean lies at the centre.

    Examples
    --------
    >>> nc2([[0.0], [2.0], [10.0], [12.0]], [0, 0, 1, 1])
    (0.0, 0.0)
    """
    features, labels = labelled(features, labels)
    means, centred = _centred_means(of_ordinary_size(near_origin(features)), labels)
    norms = np.linalg.norm(centred, axis=1)
    if (norms <= _rounding(means)).any():
        raise ValueError(f"features must have class means off their centre, got class {norms.argmin()} at it")
    directions = centred / norms[:, None]
    n_classes = len(means)
    off_diagonal = ~np.eye(n_classes, dtype=bool)
    deviation = abs(directions @ directions.T + 1 / (n_classes - 1))[off_diagonal]
    return float(norms.std() / norms.mean()), float(deviation.mean())


def nc3(features: ArrayLike, labels: ArrayLike, weight: ArrayLike) -> float:
    r"""Distance of the classifier from its class means,
    :math:`\big\|W/\|W\|_F-\dot M/\|\dot M\|_F\big\|_F`.

    The rows of :math:`\dot M` are :math:`\mu_c-\mu_G`. The mean row of the weight is taken off first: it moves all
    logits alike, and a classifier trained without bias on raw one-hot labels carries one.

    Parameters
    ----------
    features : (n, d) array
        One sample per row.
    labels : (n,) array
        Integers 0..K-1, each class present, K >= 2.
    weight : (K, d) array
        One row per class.

    Returns
    -------
    float
        0 when classifier and class means agree up to a scale, sqrt(2) when they are orthogonal, 2 when opposite.

    Raises
    ------
    ValueError
        As :func:`nc1`, for a weight of the wrong shape, or one whose rows are all equal.

    Examples
    --------
    >>> nc3([[-2.0], [2.0]], [0, 1], [[-0.5], [0.5]])
    0.0
    """
    features, labels = labelled(features, labels)
    _, centred = _centred_means(of_ordinary_size(near_origin(features)), labels)
    weight = of_ordinary_size(_classifier(weight, centred.shape))
    centred_weight = weight - weight.mean(axis=0)
    norm = np.linalg.norm(centred_weight)
    if norm <= _rounding(weight):
        raise ValueError("weight must have rows that differ, got the same row for every class")
    return float(np.linalg.norm(centred_weight / norm - centred / np.linalg.norm(centred)))


def nc4(features: ArrayLike, labels: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> float:
    r"""Fraction of samples that the classifier and the nearest class mean put into different classes.

    Parameters
    ----------
    features : (n, d) array
        One sample per row.
    labels : (n,) array
        Integers 0..K-1, each class present, K >= 2.
    weight : (K, d) array
        One row per class.
    bias : (K,) array, optional
        Added to the logits; zero by default.

    Returns
    -------
    float
        0 when the two rules agree on every sample, 1 when on none. Ties go to the first class in either rule.

    Raises
    ------
    ValueError
        As :func:`nc1`, or for a weight or bias of the wrong shape.

    Examples
    --------
    >>> nc4([[-2.0], [2.0]], [0, 1], [[-0.5], [0.5]], bias=[3.0, 0.0])
    0.5
    """
    features, labels = labelled(features, labels)
    ordinary = of_ordinary_size(near_origin(features))  # distances have no unit, logits have that of the bias
    means, _ = _centred_means(ordinary, labels)
    weight = _classifier(weight, means.shape)
    require_room(features=features, weight=weight)
    bias = np.zeros(len(means)) if bias is None else finite("bias", bias, ndim=1)
    if bias.shape != (len(means),):
        raise ValueError(f"bias must have one entry per class, got shape {bias.shape} for {len(means)} classes")
    logits = features @ weight.T + bias
    centre = means.mean(axis=0)
    # |h - mu|^2 without its common part, taken about the centre so that a large offset costs no digits
    distances = ((means - centre) ** 2).sum(axis=1) - 2 * (ordinary - centre) @ (means - centre).T
    return float((logits.argmax(axis=1) != distances.argmin(axis=1)).mean())


def _centred_means(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    means = class_means(features, labels)
    centred = means - means.mean(axis=0)
    if np.linalg.norm(centred) <= _rounding(means):
        raise ValueError("features must have class means that differ, got the same mean for every class")
    return means, centred


def _rounding(rows: np.ndarray) -> float:
    return float(max(rows.shape) * np.finfo(float).eps * np.linalg.norm(rows))


def _classifier(weight: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    weight = finite("weight", weight, ndim=2)
    if weight.shape != shape:
        raise ValueError(f"weight must have shape (classes, features) = {shape}, got {weight.shape}")
    return weight
