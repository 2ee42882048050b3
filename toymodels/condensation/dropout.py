r"""Dropout as a penalty that favours condensation.

With keep probability q and inverted scaling on the hidden layer, the expected training loss is exactly

.. math:: E\,L_{drop} = L + \frac{1-q}{2nq}\sum_i\sum_k (a_k h_k(x_i))^2 .

k copies of a neuron with output weight a/k divide its term by k, so for a fixed output the penalty is smallest when
all :math:`a_k h_k` are equal: condensed. With several outputs :math:`|a_k|^2` stands for :math:`a_k^2`. An output bias
is never dropped and adds nothing.

References
----------
Zhang, Xu (2024). Implicit regularization of dropout. IEEE TPAMI; overview, section 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.grouping import count_active_clusters
from toymodels.condensation.network import TwoLayerNetwork, n_outputs_of
from toymodels.validation import finite, fraction


def dropout_penalty(network: TwoLayerNetwork, x: ArrayLike, keep: float) -> np.ndarray:
    """What dropout adds to the expected loss, exactly.

    Parameters
    ----------
    network : TwoLayerNetwork
    x : (n, d) array
    keep : float
        Probability in (0, 1] that a neuron is kept.

    Returns
    -------
    (...) array
        One value per replicate; 0 at keep = 1.

    Raises
    ------
    ValueError
        If `keep` is outside (0, 1] or `x` does not fit.

    Examples
    --------
    One neuron says 2 at x = 1, and keep = 1/2 adds (1 - keep)/(2 keep) 2^2 = 2; two copies with half the output weight
    each say the same, and add half of that:

    >>> whole = TwoLayerNetwork([2.0], [[1.0, 0.0]])
    >>> halves = TwoLayerNetwork([1.0, 1.0], [[1.0, 0.0], [1.0, 0.0]])
    >>> [float(dropout_penalty(network, [[1.0]], 0.5)) for network in (whole, halves)]
    [2.0, 1.0]
    """
    keep = 1.0 if keep == 1 else fraction("keep", keep)
    parts = network.strength[..., None, :] * network.hidden(x)
    with np.errstate(over="ignore"):
        penalty = np.float64(1 - keep) / (2 * keep) * (parts**2).sum(axis=-1).mean(axis=-1)
    if not np.isfinite(penalty).all():
        raise ValueError(f"keep must not be so small beside the outputs that the penalty overflows, got {keep:g}")
    return penalty


@dataclass(frozen=True, eq=False)
class DropoutComparison:
    """The same starts trained without and with dropout; each array is (2, replicates), without first.

    Parameters
    ----------
    clusters : integer array
        Leader clusters at cosine 0.99 among the neurons that are active on some input and have at least 0.2 % of
        their mass |a||w|.
    penalty : array
        :func:`dropout_penalty` at the keep probability of the second row, for both rows.
    loss : array
        Training loss without dropout noise.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 6)[:, None]
    >>> runs = compare_dropout(x, x[:, 0], np.random.default_rng(0), width=20, n_steps=500)
    >>> runs.clusters.shape  # without and with dropout, for two replicates
    (2, 2)
    """

    clusters: np.ndarray
    penalty: np.ndarray
    loss: np.ndarray


def compare_dropout(
    x: ArrayLike,
    y: ArrayLike,
    rng: np.random.Generator,
    *,
    keep: float = 0.9,
    width: int = 100,
    std: float = 0.1,
    lr: float = 0.05,
    n_steps: int = 60_000,
    replicates: int = 2,
    output_bias: bool = False,
) -> DropoutComparison:
    """Train ReLU networks from the same starts without and with dropout (overview, figures 8 and 9).

    Parameters
    ----------
    x : (n, d) array
    y : (n,) or (n, K) array
    rng : numpy Generator
    keep : float
        Keep probability in (0, 1).
    width, std, lr, n_steps, replicates
        Neurons, initial standard deviation, learning rate, steps, networks.
    output_bias : bool
        Whether the networks have one.

    Raises
    ------
    ValueError
        If an argument is out of range.
    SimulationError
        If training diverges.

    Examples
    --------
    Dropout keeps the penalty down, at a price in loss:

    >>> x = np.linspace(-1, 1, 6)[:, None]
    >>> runs = compare_dropout(x, np.sin(3 * x[:, 0]), np.random.default_rng(0), width=20, n_steps=5000, lr=0.2)
    >>> without, with_dropout = runs.penalty
    >>> (with_dropout < without / 3).tolist(), (runs.loss[1] > runs.loss[0]).tolist()
    ([True, True], [True, True])
    """
    keep = fraction("keep", keep)
    dim, n_outputs = finite("x", x, ndim=2).shape[1], n_outputs_of(y)
    kind = {"n_outputs": n_outputs, "output_bias": output_bias}
    start = TwoLayerNetwork.random(width, dim, std, "relu", rng, replicates=replicates, **kind)
    counts, penalties, losses = [], [], []
    for rate in (0.0, 1 - keep):
        run = start.train(x, y, n_steps, lr, n_steps, rate, rng)
        end = TwoLayerNetwork(run["a"][-1], run["w"][-1], output_bias=run["output_bias"][-1] if output_bias else None)
        counts.append([count_active_clusters(a, w, x) for a, w in zip(end.strength, end.w, strict=True)])
        penalties.append(dropout_penalty(end, x, keep))
        losses.append(run["loss"][-1])
    return DropoutComparison(np.array(counts), np.array(penalties), np.array(losses))
