r"""The two-layer linear network, of any shape, start and inputs.

For :math:`f(x) = W_2 W_1 x`, :math:`E\,x x^\top = \Sigma_{xx}`, :math:`E\,y x^\top = \Sigma_{yx}` and loss
:math:`\tfrac12 E |y - f|^2` the flow

.. math:: \dot W_1 = W_2^\top (\Sigma_{yx} - W_2 W_1 \Sigma_{xx}), \qquad
   \dot W_2 = (\Sigma_{yx} - W_2 W_1 \Sigma_{xx}) W_1^\top

conserves :math:`W_2^\top W_2 - W_1 W_1^\top` (Eq. 40-48 of Nam et al. (2025), arXiv:2502.21009; Eq. 14 for its value
:math:`\lambda I`, with their row convention transposed). Positive lambda means a heavy later layer.

White inputs and a lambda-balanced start have a closed form (:mod:`toymodels.layerwise.gram_flow`): not for the weights
beyond one hidden unit, but for everything that does not depend on the basis of the hidden layer, the map
:math:`W_2 W_1`, :math:`W_1^\top W_1` and :math:`W_2 W_2^\top`. A network whose matrices share their singular vectors
has one too, under any covariance (:mod:`toymodels.layerwise.aligned_modes`). All others are integrated
(:mod:`toymodels.layerwise.weight_flow`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.balanced_weights import from_modes, orthogonal, random_orthogonal, rounding
from toymodels.layerwise.checks import covariance as checked_covariance
from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.gram_spectrum import ROUNDING
from toymodels.layerwise.held import held, held_number
from toymodels.layerwise.inputs import WHITE, Inputs
from toymodels.layerwise.two_layer_flow import TwoLayerFlow
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, fraction, non_negative, positive, positive_int, times

_BALANCE_KEPT = 1e-13  # what a flow keeps of the balance of its start


@dataclass(frozen=True, eq=False)
class LinearNetwork(GradientDescent):
    r"""Two-layer linear network under gradient flow.

    Parameters
    ----------
    w1 : (h, d) array
        First layer.
    w2 : (c, h) array
        Second layer.
    correlation : (c, d) array
        :math:`\Sigma_{yx}`.
    weight_decay : float
        :math:`\mu \ge 0`, added to the flow as :math:`-\mu W`.
    covariance : float, (d,) or (d, d) array, optional
        :math:`\Sigma_{xx}` of the inputs, or its diagonal; white if None.
    rates : (float, float)
        Learning rates > 0 of the two layers, which multiply all that moves them, the weight decay included.
    precision : float, optional
        Relative error of the weights >= 0; the rounding of their types if None. Growth that only such an error would
        start is no growth.
    balanced_within : float
        Weights that deviate from a balanced start by less than this share of their squares count as balanced.

    Raises
    ------
    ValueError
        If shapes or signs are wrong, or inputs without variance have a correlation; if an array is masked or carries a
        gradient.

    Notes
    -----
    `solve` is exact for white inputs (covariance a multiple of the identity) and a balanced start,
    :math:`W_2^\top W_2 / \eta_2 - W_1 W_1^\top / \eta_1 = \lambda I`, with weight decay if lambda = 0 and the rates are
    equal; and for a covariance, correlation and layers that share their singular vectors, in so far as
    :class:`DiagonalNetwork` is exact. Else it integrates to about 1e-11. `meta["method"]` of its result says which.

    A start whose limit is a saddle (for instance a square balanced one whose determinant has not the sign of the
    target's) goes there and stays: what only rounding would make grow does not.

    Examples
    --------
    >>> network = LinearNetwork.aligned(np.diag([3.0, 1.0]), initial=[0.01, 0.01], hidden=2)
    >>> run = network.solve([0, 1, np.inf])
    >>> np.diagonal(run["map"], axis1=1, axis2=2).round(3).tolist()
    [[0.01, 0.01], [1.723, 0.069], [3.0, 1.0]]
    >>> run.meta["method"]
    'closed form'
    """

    w1: np.ndarray
    w2: np.ndarray
    correlation: np.ndarray
    weight_decay: float = 0.0
    covariance: np.ndarray | float | None = None
    rates: tuple[float, float] = (1.0, 1.0)
    precision: float | None = field(default=None, kw_only=True)
    balanced_within: float = field(default=1e-10, kw_only=True)

    def __post_init__(self):
        precision = max(rounding(self.w1), rounding(self.w2)) if self.precision is None else self.precision
        self._set("precision", max(float(non_negative("precision", held_number("precision", precision))), ROUNDING))
        within = non_negative("balanced_within", held_number("balanced_within", self.balanced_within))
        self._set("balanced_within", float(within))
        for name in ("w1", "w2", "correlation"):
            self._set(name, held(name, getattr(self, name), ndim=2))
        (h, d), c = self.w1.shape, len(self.w2)
        if self.w2.shape[1] != h:
            raise ValueError(f"w2 must have {h} columns, one per row of w1, got shape {self.w2.shape}")
        if self.correlation.shape != (c, d):
            raise ValueError(f"correlation must have shape ({c}, {d}), got {self.correlation.shape}")
        self._set("weight_decay", float(non_negative("weight_decay", held_number("weight_decay", self.weight_decay))))
        rates = positive("rates", held("rates", self.rates, ndim=1))
        if rates.size != 2:
            raise ValueError(f"rates must have 2 entries, one per layer, got {rates.size}")
        self._set("rates", (float(rates[0]), float(rates[1])))
        if self.covariance is not None:
            matrix = held("covariance", checked_covariance("covariance", held("covariance", self.covariance), d))
            self._set("covariance", matrix)
            if (lost := self._inputs.unexplained()) > 1e-8:
                raise ValueError(f"correlation must be 0 for inputs without variance, got a share of {lost:g} there")

    def _set(self, name: str, value) -> None:
        object.__setattr__(self, name, value)

    @property
    def imbalance(self) -> float:
        r""":math:`\lambda`, the mean of the diagonal of :math:`W_2^\top W_2 / \eta_2 - W_1 W_1^\top / \eta_1`.

        Up to the precision of the weights 0 is 0.
        """
        return self._flow.imbalance

    @property
    def method(self) -> str:
        """How `solve` works: "closed form" or "integrated"."""
        return self._flow.method

    @cached_property
    def _inputs(self) -> Inputs:
        return Inputs(self.correlation, None if self.covariance is None else np.asarray(self.covariance))

    @cached_property
    def _flow(self) -> TwoLayerFlow:
        precision = float(self.precision or ROUNDING)
        within = self.balanced_within
        return TwoLayerFlow(self.w1, self.w2, self._inputs, self.weight_decay, self.rates, precision, within)

    def solve(self, t: ArrayLike) -> Trajectory:
        r"""The flow at the times `t`.

        Returns
        -------
        Trajectory
            `map` :math:`W_2 W_1` (n_t, c, d), `gram_in` :math:`W_1^\top W_1` (n_t, d, d), `gram_out`
            :math:`W_2 W_2^\top` (n_t, c, c), and `loss`
            :math:`\tfrac12 |(\Sigma_{yx} \Sigma_{xx}^{-1} - W_2 W_1) \Sigma_{xx}^{1/2}|^2` (n_t,), the part above
            the best linear map. With one hidden unit its own weights too, `w1` (n_t, 1, d) and `w2` (n_t, c, 1).
            `meta["method"]` is "closed form" or "integrated".

        Raises
        ------
        ValueError
            If a time is infinite and an integrated flow comes to no rest at a minimum.
        SimulationError
            If the integrator gives up.
        """
        t = times(t)
        (c, d), n = self.correlation.shape, t.size
        product, gram_in, gram_out, loss = np.empty((n, c, d)), np.empty((n, d, d)), np.empty((n, c, c)), np.empty(n)
        own = {"w1": np.zeros((n, 1, d)), "w2": np.zeros((n, c, 1))} if len(self.w1) == 1 else {}
        for k, (w1, w2) in enumerate(self._flow.layers(t)):  # one time at once stays in the processor's cache
            np.matmul(w2, w1, out=product[k])
            np.matmul(w1.T, w1, out=gram_in[k])
            np.matmul(w2, w2.T, out=gram_out[k])
            loss[k] = self._inputs.loss(product[k])
            for name, weights in zip(own, (w1, w2), strict=False):
                own[name][k] = weights
        data = {"map": product, "gram_in": gram_in, "gram_out": gram_out, "loss": loss, **own}
        return Trajectory(t, data, clock="flow time", meta={"method": self.method})

    def continued(self, t: float, correlation: ArrayLike, covariance: ArrayLike | None = None) -> LinearNetwork:
        """The next task: the network as it is at time `t`, with another target.

        The product of the two layers with themselves decides the future, so a closed form goes on from weights that
        are those of the flow up to a rotation of the hidden layer. A mode that must change its sign waits for the
        imbalance that the start has left, which counts down to 1e-13 of the squared weights: what is smaller is lost in
        them, and the next task stays at the saddle.

        Parameters
        ----------
        t : float
            Flow time >= 0, `inf` allowed as in `solve`.
        correlation : (c, d) array
            Of the next task.
        covariance : float, (d,) or (d, d) array, optional
            Of its inputs; as before if None.

        Returns
        -------
        LinearNetwork
            With the same weight decay, rates and precision.

        Examples
        --------
        >>> first = LinearNetwork.aligned(np.diag([2.0, 1.0]), initial=[0.1, 0.1], hidden=2)
        >>> second = first.continued(np.inf, correlation=np.diag([1.0, 2.0]))
        >>> second.solve([0, np.inf])["map"].round(3).tolist()
        [[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]]
        """
        moment = times(t)
        if moment.size > 1:
            raise ValueError(f"t must be one time, got {moment.size}")
        ((first, second),) = self._flow.layers(moment)
        w1, w2 = np.zeros_like(self.w1), np.zeros_like(self.w2)
        w1[: len(first)], w2[:, : len(first)] = first, second
        target = held("correlation", correlation, ndim=2)
        inputs = self.covariance if covariance is None else held("covariance", covariance)
        precision, within = self.precision, min(self.balanced_within, _BALANCE_KEPT)
        return LinearNetwork(
            w1, w2, target, self.weight_decay, inputs, self.rates, precision=precision, balanced_within=within
        )

    def simulate(self, n_steps: int, lr: float, momentum: float = 0.0) -> Trajectory:
        r"""Gradient descent, with a heavy ball if there is momentum.

        Each step is :math:`v \leftarrow \beta v - \eta \nabla L` and :math:`W \leftarrow W + v`. For small steps this
        is the flow at the rate :math:`\eta / (1 - \beta)`: step k is flow time :math:`k \eta / (1 - \beta)` to O(lr).

        Parameters
        ----------
        n_steps : int
            Number of updates, >= 1.
        lr : float
            Learning rate > 0; the rates of the layers come on top.
        momentum : float
            :math:`\beta` in [0, 1).

        Returns
        -------
        Trajectory
            The names of `solve` and `w1`, `w2`; n_steps + 1 rows each, the start first, on the clock "step".
            `meta["flow_time"]` is the flow time of a step.

        Raises
        ------
        ValueError
            If `n_steps` is not a positive integer, `lr` not positive, or `momentum` not in [0, 1).
        SimulationError
            If the run diverges.
        """
        n_steps, lr = positive_int("n_steps", n_steps), float(positive("lr", finite("lr", lr, ndim=0)))
        momentum = fraction("momentum", momentum, closed=True)
        if momentum == 1:
            raise ValueError("momentum must be < 1, got 1")
        with np.errstate(over="ignore", invalid="ignore"):  # Trajectory reports a diverged run
            data = self._descend(n_steps, lr, momentum)
        meta = {"lr": lr, "momentum": momentum, "flow_time": lr / (1 - momentum)}
        return Trajectory(np.arange(n_steps + 1), data, clock="step", meta=meta)

    def _descend(self, n_steps: int, lr: float, momentum: float = 0.0) -> dict[str, np.ndarray]:
        w1, w2 = np.empty((n_steps + 1, *self.w1.shape)), np.empty((n_steps + 1, *self.w2.shape))
        w1[0], w2[0] = self.w1, self.w2
        speed1, speed2 = np.zeros_like(self.w1), np.zeros_like(self.w2)
        rate1, rate2 = lr * self.rates[0], lr * self.rates[1]
        for k in range(n_steps):
            error = self.correlation - self._inputs.times(w2[k] @ w1[k])
            speed1 = momentum * speed1 + rate1 * (w2[k].T @ error - self.weight_decay * w1[k])
            speed2 = momentum * speed2 + rate2 * (error @ w1[k].T - self.weight_decay * w2[k])
            w1[k + 1], w2[k + 1] = w1[k] + speed1, w2[k] + speed2
        product = w2 @ w1
        grams = {"gram_in": w1.swapaxes(1, 2) @ w1, "gram_out": w2 @ w2.swapaxes(1, 2)}
        return {"w1": w1, "w2": w2, "map": product, **grams, "loss": self._inputs.loss(product)}

    @staticmethod
    def from_data(w1: ArrayLike, w2: ArrayLike, x: ArrayLike, y: ArrayLike, weight_decay: float = 0.0) -> LinearNetwork:
        """The network on a batch of data: correlation y'x/n, covariance x'x/n, loss half the mean squared error.

        Parameters
        ----------
        w1, w2, weight_decay
            As for the class.
        x : (n, d) array
            Inputs.
        y : (n, c) array
            Labels.

        Raises
        ------
        ValueError
            If `y` does not have a row for each of `x`, and as for the class.

        Examples
        --------
        >>> x, y = np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[3.0], [1.0]])
        >>> network = LinearNetwork.from_data([[1.0, 0.0]], [[1.0]], x, y)
        >>> network.solve([np.inf])["map"].round(6).tolist(), network.method
        ([[[2.0, 1.0]]], 'closed form')
        """
        x, y = held("x", x, ndim=2), held("y", y, ndim=2)
        if len(y) != len(x):
            raise ValueError(f"y must have {len(x)} rows, one per row of x, got {len(y)}")
        covariance = x.T @ x / len(x)
        white = np.abs(covariance - np.eye(x.shape[1])).max() <= WHITE
        inputs = None if white else covariance
        precision = max(rounding(w1), rounding(w2))
        w1, w2 = held("w1", w1, ndim=2), held("w2", w2, ndim=2)
        return LinearNetwork(w1, w2, y.T @ x / len(x), weight_decay, inputs, precision=precision)

    @staticmethod
    def balanced(
        correlation: ArrayLike, hidden: int, imbalance: float, scale: float, rng: np.random.Generator
    ) -> LinearNetwork:
        """A lambda-balanced network with random singular vectors.

        Parameters
        ----------
        correlation : (c, d) array
        hidden : int
            h; at most c if `imbalance` > 0 and at most d if it is < 0, else no such weights exist.
        imbalance : float
            lambda.
        scale : float
            Every one of the min(h, c, d) singular values of the initial map, >= 0.
        rng : numpy.random.Generator
            Draws the singular vectors and the basis of the hidden layer, all uniformly.

        Raises
        ------
        ValueError
            If the shape does not allow the imbalance.
        """
        correlation = finite("correlation", correlation, ndim=2)
        c, d = correlation.shape
        hidden = positive_int("hidden", hidden)
        scale = float(non_negative("scale", finite("scale", scale, ndim=0)))
        values = np.full(min(hidden, c, d), scale)
        left, middle, right = (random_orthogonal(size, rng) for size in (c, hidden, d))
        return LinearNetwork(*from_modes(left, middle, right, values, imbalance), correlation)

    @staticmethod
    def aligned(
        correlation: ArrayLike,
        initial: ArrayLike,
        hidden: int,
        imbalance: float = 0.0,
        rotation: ArrayLike | None = None,
    ) -> LinearNetwork:
        """A lambda-balanced network whose singular vectors are those of the correlation (Eq. 12, Theorem G.2).

        Its modes are independent, each following :func:`toymodels.layerwise.transition`.

        Parameters
        ----------
        correlation : (c, d) array
        initial : (k,) array
            Initial product of each mode, largest singular value of the correlation first; any sign; the others are 0.
        hidden : int
            h >= k, bounded as in :meth:`balanced`.
        imbalance : float
            lambda.
        rotation : (h, h) array, optional
            Orthogonal basis of the hidden layer; the identity if left out.

        Raises
        ------
        ValueError
            If there are too many modes, the shape does not allow the imbalance, or `rotation` is not orthogonal.
        """
        correlation = finite("correlation", correlation, ndim=2)
        hidden, initial = positive_int("hidden", hidden), finite("initial", np.atleast_1d(initial), ndim=1)
        most = min(hidden, *correlation.shape)
        if initial.size > most:
            raise ValueError(f"initial must have at most {most} entries, got {initial.size}")
        rotation = np.eye(hidden) if rotation is None else orthogonal("rotation", rotation, hidden)
        left, _, right = np.linalg.svd(correlation)
        values = np.append(initial, np.zeros(most - initial.size))
        return LinearNetwork(*from_modes(left, rotation, right.T, values, imbalance), correlation)
