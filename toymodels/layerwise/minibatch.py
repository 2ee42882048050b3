r"""Mini-batch descent of a linear model on fresh Gaussian inputs: its mean squared error at every step.

For inputs of covariance diag(l), labels :math:`w^* \cdot x + \sigma \epsilon` and batches of B new examples, the mean
squared error of each weight, :math:`c_k = E (w_k - w^*_k)^2`, obeys a closed recursion,

.. math:: c \leftarrow (1 - \eta l)^2 c + \frac{\eta^2}{B} \left[ l^2 c + l\, (l \cdot c) + \sigma^2 l \right] ,

the bracket being the variance of the gradient of one example: fourth moments of a Gaussian. Nothing is approximated.
As B grows it becomes gradient descent on the population; for small B it blows up at learning rates that descent would
bear. Not modelled: other than Gaussian inputs, and batches drawn again from one finite training set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import variances
from toymodels.layerwise.held import held, held_number
from toymodels.trajectory import Trajectory
from toymodels.validation import non_negative, positive, positive_int, require_room


def minibatch_descent(
    squared_error: ArrayLike, variance: ArrayLike, n_steps: int, lr: float, batch_size: int, noise: float = 0.0
) -> Trajectory:
    r"""The mean squared error of a linear model under mini-batch descent on fresh Gaussian inputs.

    Parameters
    ----------
    squared_error : (d,) array
        :math:`(w_k - w^*_k)^2` at the start, or its mean over starts.
    variance : float or (d,) array
        l >= 0, of the independent inputs.
    n_steps : int
        Number of updates, >= 1.
    lr : float
        :math:`\eta > 0`.
    batch_size : int
        B, new examples at every step.
    noise : float
        Standard deviation :math:`\sigma \ge 0` of the labels' noise.

    Returns
    -------
    Trajectory
        `squared_error` (n_steps + 1, d) and `loss` :math:`\tfrac12\, l \cdot c` (n_steps + 1,), both means over the
        batches, on the clock "step"; the loss is without what noise in the labels adds, :math:`\sigma^2/2`. `meta` has
        the `growth` per step of the slowest direction: >= 1 means that the error does not settle.

    Raises
    ------
    ValueError
        If a shape or sign is wrong, a value is not finite, masked or carries a gradient.
    SimulationError
        If the error overflows.

    Examples
    --------
    >>> run = minibatch_descent([1.0, 1.0], variance=[1.0, 0.5], n_steps=40, lr=0.1, batch_size=4)
    >>> run["loss"][[0, 20, 40]].round(4).tolist(), round(run.meta["growth"], 3)
    ([0.75, 0.0426, 0.0047], 0.904)
    """
    error = non_negative("squared_error", held("squared_error", squared_error, ndim=1))
    l = variances("variance", held("variance", variance), error.size)
    n_steps, batch_size = positive_int("n_steps", n_steps), positive_int("batch_size", batch_size)
    lr = float(positive("lr", held_number("lr", lr)))
    noise = float(non_negative("noise", held_number("noise", noise)))
    require_room(lr=np.asarray(lr), variance=l)
    kept, share = (1 - lr * l) ** 2 + lr**2 * l**2 / batch_size, lr**2 / batch_size
    errors = np.empty((n_steps + 1, error.size))
    errors[0] = error
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is named by the trajectory
        for k in range(n_steps):
            errors[k + 1] = kept * errors[k] + share * l * (l @ errors[k] + noise**2)
        loss = 0.5 * errors @ l
    growth = float(np.linalg.eigvalsh(np.diag(kept) + share * np.outer(l, l)).max())
    data = {"squared_error": errors, "loss": loss}
    return Trajectory(np.arange(n_steps + 1.0), data, clock="step", meta={"growth": growth})
