r"""The interpolator that a diagonal network's flow selects: the one of least hyperbolic entropy, seen from its start.

Along the flow of :math:`w = u^2 - v^2` on any loss of :math:`X w`, the products :math:`|u_j v_j| = \beta_j^2` stay and
:math:`\operatorname{arcsinh}(w_j/2\beta_j^2)` moves by a combination of the inputs alone. What it converges to is hence

.. math:: w_j = 2\beta_j^2 \sinh\Bigl(\operatorname{arcsinh}\frac{w_j(0)}{2\beta_j^2} + (X^\top \nu)_j\Bigr),
    \qquad X w = y ,

the interpolator of least Bregman distance from w(0) in the hyperbolic entropy: for large :math:`\beta` the nearest one,
for small :math:`\beta` that of least L1 norm (Woodworth et al. 2020, arXiv:2002.09277). Its convex dual is solved here
by Newton's method. Not modelled: labels that no w fits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import per_coordinate
from toymodels.trajectory import SimulationError
from toymodels.validation import finite, positive, require_room

STEPS = 2000  # of Newton's method, most of them while the start is far away
ACCURACY = 1e-11  # of the logs of the factors
SMALLEST = 1e-150  # beta
ROUNDING = 1e-6  # of a step, below which one that is not smaller than the last is rounding


def entropy_interpolator(x: ArrayLike, y: ArrayLike, beta: ArrayLike, start: ArrayLike = 0.0) -> np.ndarray:
    r"""The interpolator to which the flow of a diagonal network converges.

    Parameters
    ----------
    x : (n, d) array
        Inputs, of rank n.
    y : (n,) array
        Labels.
    beta : float or (d,) array
        :math:`\beta_j = |u_j v_j|^{1/2} > 0`, conserved by the flow.
    start : float or (d,) array
        :math:`w_j(0) = u_j^2 - v_j^2`; 0 for equal weights.

    Returns
    -------
    (d,) array
        w with x w = y.

    Raises
    ------
    ValueError
        If shapes do not fit, `beta` is not positive, or the rows of `x` depend on each other.
    SimulationError
        If Newton's method does not converge.

    Examples
    --------
    Of all w with w1 + 2 w2 = 1, from the least L2 norm to the least L1 norm:

    >>> for beta in (10.0, 0.5, 1e-3):
    ...     print(entropy_interpolator([[1.0, 2.0]], [1.0], beta).round(3).tolist())
    [0.2, 0.4]
    [0.189, 0.405]
    [0.001, 0.5]
    """
    x, y = finite("x", x, ndim=2), finite("y", y, ndim=1)
    if len(x) != len(y):
        raise ValueError(f"y must have one label per row of x, got {len(y)} and {len(x)}")
    if np.linalg.matrix_rank(x) < len(x):
        raise ValueError(f"x must have rows that do not depend on each other, got rank {np.linalg.matrix_rank(x)}")
    beta, start = (per_coordinate(name, value, x.shape[1]) for name, value in (("beta", beta), ("start", start)))
    require_room(x=x, y=y, beta=positive("beta", beta), start=start)
    if beta.min() < SMALLEST:
        raise ValueError(f"beta must be >= {SMALLEST:g}, whose square is a float, got {beta.min():g}")
    scale = 2 * beta**2
    angle = np.arcsinh(start / scale)
    last = np.inf
    for _ in range(STEPS):
        missing = x @ (scale * np.sinh(angle)) - y
        try:
            step = x.T @ np.linalg.solve((x * (scale * np.cosh(angle))) @ x.T, missing)
        except np.linalg.LinAlgError:
            raise SimulationError("Newton's method met a singular system: x is too small beside y") from None
        largest = np.abs(step).max()
        # steps of at most 1 keep cosh within a factor e of its quadratic model
        angle = angle - step / max(1.0, largest)
        if largest < ACCURACY or last <= largest < ROUNDING:
            return scale * np.sinh(angle)
        last = largest
    raise SimulationError(f"Newton's method did not find the interpolator in {STEPS} steps, last step {largest:g}")
