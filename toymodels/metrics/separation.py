r"""Separation of the classes layer by layer, and the law it follows in trained networks.

With :math:`n_c` of :math:`n` samples in class :math:`c`,

.. math:: SS_w=\frac1n\sum_{c,i}(h_{ci}-\mu_c)(h_{ci}-\mu_c)^\top,\quad
          SS_b=\frac1n\sum_cn_c(\mu_c-\bar\mu)(\mu_c-\bar\mu)^\top,\quad
          D=\mathrm{Tr}(SS_w\,SS_b^\dagger),

the law says that :math:`D_l=\rho^l D_0` over the layers of a trained network [1]_. For balanced classes :math:`D` is K
times the first measure of neural collapse.

References
----------
.. [1] He and Su (2023). A law of data separation in deep learning. PNAS 120. arXiv:2210.17020.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import integer_labels, labelled, scatter_trace
from toymodels.validation import finite, positive

LARGEST_LOG = 1022  # to base 2, of a float with all its digits


class Law(NamedTuple):
    r"""The geometric law fitted to the separation of successive layers.

    Parameters
    ----------
    rate : float
        :math:`\rho`: each layer multiplies the fuzziness by it.
    correlation : float
        Pearson correlation of :math:`\log D_l` with :math:`l`: -1 when the law holds exactly with a rate below 1; 0
        when no layer differs.

    Examples
    --------
    >>> law = law_of_separation([9.0, 3.0, 1.0])
    >>> round(law.rate, 3), round(law.correlation, 3)
    (0.333, -1.0)
    """

    rate: float
    correlation: float


def fuzziness(features: ArrayLike, labels: ArrayLike) -> float:
    r"""Spread within classes against that between them, :math:`D=\mathrm{Tr}(SS_w\,SS_b^\dagger)`.

    Parameters
    ----------
    features : (n, d) array
        One sample per row.
    labels : (n,) array
        Integers 0..K-1, each class present, K >= 2.

    Returns
    -------
    float
        0 when the classes are separated to points (in the space of the centred class means).

    Raises
    ------
    ValueError
        For non-finite features, a missing class, K < 2, or class means that all coincide.

    Examples
    --------
    >>> round(fuzziness([[0.0], [2.0], [10.0], [12.0]], [0, 0, 1, 1]), 12)
    0.04
    """
    features, labels = labelled(features, labels)
    return scatter_trace(features, labels, np.bincount(labels) / len(labels))


def law_of_separation(by_layer: ArrayLike) -> Law:
    r"""Least-squares fit of :math:`\log D_l` against the layer.

    Parameters
    ----------
    by_layer : (n_layers,) array
        Fuzziness of successive layers, > 0, at least two.

    Returns
    -------
    Law
        `rate` and `correlation`.

    Raises
    ------
    ValueError
        If an entry is not > 0, fewer than two are given, or the rate is no float.

    Examples
    --------
    >>> law_of_separation([8.0, 4.0, 2.0, 1.0])
    Law(rate=0.5, correlation=-1.0)
    """
    log_fuzziness = np.log2(positive("by_layer", by_layer))
    if log_fuzziness.ndim != 1 or len(log_fuzziness) < 2:
        raise ValueError(f"by_layer must hold at least 2 layers, got shape {log_fuzziness.shape}")
    layer = np.arange(len(log_fuzziness)) - (len(log_fuzziness) - 1) / 2
    deviation = log_fuzziness - log_fuzziness.mean()
    slope = layer @ deviation / (layer @ layer)
    if np.ptp(log_fuzziness) == 0:
        return Law(rate=1.0, correlation=0.0)
    correlation = layer @ deviation / np.sqrt((layer @ layer) * (deviation @ deviation))
    if abs(slope) >= LARGEST_LOG:
        raise ValueError(f"by_layer must change by less than 2^{LARGEST_LOG} a layer, got 2^{slope:.6g}")
    return Law(rate=float(2.0**slope), correlation=float(correlation))


def activation_overlap(firing: ArrayLike, labels: ArrayLike) -> float:
    """How much more the sets of units that fire overlap within a class than between classes.

    Parameters
    ----------
    firing : (n, N) bool array
        Which units fire for which sample.
    labels : (n,) array
        Integers >= 0, the class of each sample.

    Returns
    -------
    float
        Mean cosine of firing patterns over pairs of one class minus that over pairs of two classes; 0 when patterns
        ignore the class, 1 when classes share no unit and samples of a class fire the same ones.

    Raises
    ------
    ValueError
        If shapes do not fit, or there are not two samples of a class and another class.

    Examples
    --------
    >>> activation_overlap([[1, 0], [1, 0], [0, 1]], [0, 0, 1])
    1.0
    """
    patterns = finite("firing", firing, ndim=2)
    if not np.isin(patterns, (0, 1)).all():
        raise ValueError(f"firing must hold 0 and 1 only, got {patterns[~np.isin(patterns, (0, 1))][0]:g}")
    classes = integer_labels(labels, len(patterns))
    same = classes[:, None] == classes[None, :]
    pairs = ~np.eye(len(classes), dtype=bool)
    if same.all() or not (same & pairs).any():
        raise ValueError(f"labels must hold two samples of a class and another class, got {classes.tolist()[:8]}")
    rows = patterns / np.sqrt(np.maximum(patterns.sum(axis=1, keepdims=True), 1))
    cosine = rows @ rows.T
    return float(cosine[same & pairs].mean() - cosine[~same].mean())
