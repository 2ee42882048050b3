r"""Sequences of tasks on one two-layer linear network: forgetting, reversal and transfer.

What the flow makes of a new target depends on the layers only through their products with themselves and each other,
so that a closed form goes on from task to task (Braun et al. (2022), NeurIPS 35; Domine et al. (2024),
arXiv:2409.14623). Rich networks (small :math:`|\lambda|`) forget and relearn in steps, lazy ones at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.inputs import Inputs
from toymodels.layerwise.matrix import LinearNetwork
from toymodels.trajectory import Trajectory
from toymodels.validation import described, finite, numeric, positive, positive_int, require_room


def task_sequence(network: LinearNetwork, correlations: ArrayLike, duration: ArrayLike, n_times: int) -> Trajectory:
    """Train on one task after another, and measure all of them all the time.

    Parameters
    ----------
    network : LinearNetwork
        At the start of the first task; its own correlation is replaced.
    correlations : (n_tasks, c, d) array
        Target of each task, in order; tasks may repeat.
    duration : float or (n_tasks,) array
        Flow time > 0 spent on each task.
    n_times : int
        Equally spaced records of each task, its end included, >= 1.

    Returns
    -------
    Trajectory
        n_t = n_tasks n_times + 1 rows, the start first: `map` (n_t, c, d), `gram_in` (n_t, d, d) and `gram_out`
        (n_t, c, c) as of `LinearNetwork.solve`, `losses` (n_t, n_tasks) on every task, and `task` (n_t,), the index of
        the one trained up to then. `meta["method"]` is "closed form" if every task was.

    Raises
    ------
    ValueError
        If a shape does not match, a duration is not positive, or a correlation does not suit the network's inputs.

    Examples
    --------
    >>> start = LinearNetwork.aligned(np.eye(2), initial=[0.1, 0.1], hidden=2)
    >>> run = task_sequence(start, [np.diag([2.0, 1.0]), np.diag([1.0, 2.0])], duration=20.0, n_times=1)
    >>> run["losses"].round(3).tolist()  # each task is learned, and the first forgotten with the second
    [[2.21, 2.21], [0.0, 1.0], [1.0, 0.0]]
    """
    if not isinstance(network, LinearNetwork):
        raise ValueError(f"network must be a LinearNetwork, got {described(network)}")
    shape = network.correlation.shape
    targets, n_times = finite("correlations", correlations, ndim=3), positive_int("n_times", n_times)
    if targets.shape[1:] != shape:
        raise ValueError(f"correlations must be matrices of shape {shape}, got {targets.shape[1:]}")
    require_room(correlations=targets)
    spans = positive("duration", duration)
    require_room(duration=spans)
    if spans.ndim > 1 or (spans.ndim == 1 and spans.size != len(targets)):
        raise ValueError(f"duration must be a number or have shape ({len(targets)},), got shape {spans.shape}")
    spans = np.broadcast_to(spans, len(targets))
    parts = {name: [] for name in ("map", "gram_in", "gram_out")}
    methods, times, net = set(), [np.zeros(1)], network.continued(0.0, targets[0])
    for k, span in enumerate(spans):
        run = net.solve(np.linspace(0, span, n_times + 1))
        for name, rows in parts.items():
            rows.append(run[name][min(k, 1) :])
        times.append(times[-1][-1] + run.t[1:])
        methods.add(run.meta["method"])
        if k + 1 < len(targets):
            net = net.continued(span, targets[k + 1])
    data = {name: np.concatenate(rows) for name, rows in parts.items()}
    data["losses"] = _losses(network, targets, data["map"])
    data["task"] = np.append(0, np.repeat(np.arange(len(targets)), n_times))
    method = "closed form" if methods == {"closed form"} else "integrated"
    return Trajectory(np.concatenate(times), data, clock="flow time", meta={"method": method})


def _losses(network: LinearNetwork, targets: np.ndarray, product: np.ndarray) -> np.ndarray:
    covariance = None if network.covariance is None else np.asarray(network.covariance)
    return np.stack([Inputs(target, covariance).loss(product) for target in targets], axis=1)


def output_bias(t: ArrayLike, *, mean: ArrayLike, initial: ArrayLike = 0.0) -> np.ndarray:
    r"""A bias of the last layer under the flow, for inputs of mean zero: :math:`\dot c = m - c`.

    With :math:`f = W_2 W_1 x + c` and :math:`E\,x = 0` neither the weights see the bias nor it them, whatever the depth
    (App. J.3 of Nam et al. (2025), arXiv:2502.21009): it goes to the mean of the labels at the rate 1.

    Parameters
    ----------
    t : (n_t,) array
        Flow times >= 0, `inf` allowed, in any order.
    mean : float or (c,) array
        :math:`m = E\,y`.
    initial : float or (c,) array
        c(0).

    Returns
    -------
    (n_t,) or (n_t, c) array

    Raises
    ------
    ValueError
        If a time is negative or NaN, or shapes do not match.

    Examples
    --------
    >>> output_bias([0, 1, np.inf], mean=[1.0, -2.0]).round(3).tolist()
    [[0.0, 0.0], [0.632, -1.264], [1.0, -2.0]]
    """
    moments = np.atleast_1d(numeric("t", t))
    if not (moments >= 0).all():
        raise ValueError(f"t must be >= 0 and not NaN, got {moments[~(moments >= 0)].flat[0]}")
    mean, initial = finite("mean", mean), finite("initial", initial)
    try:
        mean, initial = np.broadcast_arrays(mean, initial)
    except ValueError:
        raise ValueError(f"initial must have the shape of mean, got {initial.shape} and {mean.shape}") from None
    return initial - np.multiply.outer(np.expm1(-moments), mean - initial)
