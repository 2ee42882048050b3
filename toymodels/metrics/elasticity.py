r"""Local elasticity: how far an update on one sample moves the predictions on others.

With the logits :math:`z` before and :math:`z^+` after one update on the base sample :math:`x`,

.. math:: \mathrm{LE}(x,x')=\frac{\|z^+(x')-z(x')\|_2}{\|z^+(x)-z(x)\|_2}\qquad\text{(eq. 3.1 of [1]_)}.

References
----------
.. [1] Su (2024). Envisioning future deep learning theories: some basic concepts and characteristics.
   arXiv:2112.09741.
.. [2] He and Su (2020). The local elasticity of neural networks. arXiv:1910.06943.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics._samples import integer_labels
from toymodels.metrics.curves import despiked
from toymodels.validation import finite, of_ordinary_size, positive_int, require_room, row_norms


def relative_change(before: ArrayLike, after: ArrayLike, base: int) -> np.ndarray:
    r"""Change of each sample's logits relative to that of the base sample, LE(x, x').

    Parameters
    ----------
    before, after : (n, K) arrays
        Logits of all samples before and after one update on the base sample.
    base : int
        Row of the base sample, 0..n-1.

    Returns
    -------
    (n,) array
        0 where the update changed nothing, 1 at the base; may exceed 1.

    Raises
    ------
    ValueError
        If shapes differ, an entry is not finite, `base` is not a row, or its logits did not change.

    Examples
    --------
    >>> relative_change([[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]], base=0).tolist()
    [1.0, 0.2]
    """
    before = finite("before", before, ndim=2)
    after = finite("after", after, ndim=2)
    if before.shape != after.shape:
        raise ValueError(f"after must have the shape of before, got {after.shape} and {before.shape}")
    base = positive_int("base", base, minimum=0)
    if base >= len(before):
        raise ValueError(f"base must be a row of the logits, got {base} for {len(before)} rows")
    require_room(before=before, after=after)
    change = row_norms(of_ordinary_size(after - before))
    if change[base] == 0:
        raise ValueError(f"after must differ from before at the base, got equal logits in row {base}")
    with np.errstate(over="ignore"):
        relative = change / change[base]
    if not np.isfinite(relative).all():
        raise ValueError(
            f"after must not move others 1e308 times as far as the base, got {change[base]:g} in row {base}"
        )
    return relative


def contrast(before: ArrayLike, after: ArrayLike, base: int, labels: ArrayLike) -> float:
    r"""Decades by which an update moves the base's own class more than the other classes.

    :math:`\log_{10}` of the mean change over the other samples of the base's class (the base itself left out) over the
    mean change over the samples of other classes.

    Parameters
    ----------
    before, after : (n, K) arrays
        Logits of all samples before and after one update on the base sample.
    base : int
        Row of the base sample, 0..n-1.
    labels : (n,) array
        Integer class >= 0 of each sample.

    Returns
    -------
    float
        0 without elasticity, 1 when the own class moves ten times more; `inf` when no other class moves at all, `-inf`
        when the own class does not.

    Raises
    ------
    ValueError
        As :func:`relative_change`; if either group is empty, or if neither moves.

    Examples
    --------
    >>> contrast([[0.0]] * 3, [[1.0], [0.5], [0.05]], base=0, labels=[0, 0, 1])
    1.0
    """
    change = relative_change(before, after, base)
    labels = integer_labels(labels, len(change))
    own = labels == labels[base]
    other = ~own
    own[base] = False
    if not own.any() or not other.any():
        kind = "the base's class" if other.any() else "another class"
        raise ValueError(f"labels must hold another sample of {kind}, got none for base {base}")
    near, far = float(change[own].mean()), float(change[other].mean())
    if near == 0 and far == 0:
        raise ValueError("after must differ from before in a sample other than the base, got none")
    if near == 0 or far == 0:
        return float("inf") if far == 0 else float("-inf")
    return float(np.log10(near) - np.log10(far))


def learned_contrast(contrast: ArrayLike, start_contrast: ArrayLike, fit: int) -> tuple[float, float]:
    """What training added to a contrast, at the fit and at the end.

    The contrast of the untrained model, on the same updates, is what its inputs and its architecture give without
    learning: a kernel that never moves adds nothing, however elastic it is.

    Parameters
    ----------
    contrast : (n_t,) array
        Decades along training, as :func:`contrast` or pooled over updates, finite.
    start_contrast : (n_t,) array or float
        The same of the untrained model.
    fit : int
        Record of the fit, 0..n_t-1.

    Returns
    -------
    at_fit, at_end : float
        Decades; 0 when nothing is added. What a single record says against its neighbours does not count.

    Raises
    ------
    ValueError
        For shapes that do not fit, non-finite entries, or a `fit` that is no record.

    Examples
    --------
    >>> learned_contrast([0.25, 0.5, 0.75, 0.75, 0.75], 0.25, fit=1)
    (0.25, 0.5)
    """
    values = finite("contrast", contrast, ndim=1)
    start = finite("start_contrast", start_contrast)
    if start.ndim and start.shape != values.shape:
        raise ValueError(f"start_contrast must have the shape of contrast, got {start.shape} and {values.shape}")
    fit = positive_int("fit", fit, minimum=0)
    if fit >= len(values):
        raise ValueError(f"fit must be a record, got {fit} for {len(values)} records")
    require_room(contrast=values, start_contrast=start)
    added = despiked(values - start)
    return float(added[fit]), float(added[-1])
