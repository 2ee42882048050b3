r"""Layerwise linear models of any wiring: which inputs reach which hidden unit.

.. math:: f(x) = \sum_{(j, i) \in C} a_j W_{ji}\, x_i

is Eq. 22 of Nam et al. (2025), arXiv:2502.21009; x may be any features of the data that are independent of one another.
All connections make the linear network, one input to a unit the diagonal network, one unit to an input the scalar
network. A unit's feature is :math:`a_j \sum_i W_{ji} x_i`, a vector in the space of functions that the inputs span, and
the function is the sum of the features (Eq. 23-25).

Parts of the wiring that share neither inputs nor units do not know of each other. A part of one input is a
:class:`toymodels.layerwise.ScalarNetwork`, a part of one unit a balanced :class:`toymodels.layerwise.LinearNetwork`:
both are exact from any start. Other parts are integrated. Every unit conserves :math:`a_j^2 - |W_j|^2`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import variances
from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.held import held, plain
from toymodels.layerwise.matrix import LinearNetwork
from toymodels.layerwise.scalar import ScalarNetwork
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import times

MOST_EVALUATIONS = 300_000  # of the velocity
_TOLERANCE = 1e-12  # of the integrator, relative


@dataclass(frozen=True)
class _Part:
    """Units and inputs that are connected with one another, by their indices, and how they are solved."""

    units: np.ndarray
    inputs: np.ndarray
    network: ScalarNetwork | LinearNetwork | None


@dataclass(frozen=True, eq=False)
class ConnectedNetwork(GradientDescent):
    r"""Two layers, one output, and the connections that there are between inputs and hidden units.

    Parameters
    ----------
    target : (d,) array
        S, of any signs.
    w1 : (h, d) array
        First layer; 0 where there is no connection.
    w2 : (h,) array
        Second layer.
    connections : (h, d) array of bool
        Whether the input reaches the unit.
    variance : float or (d,) array
        Variances >= 0 of the inputs, which are independent.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite, or a weight is not 0 where there is no connection.

    Examples
    --------
    Two units, the first of which sees both inputs and the second only the last one:

    >>> wiring = np.array([[True, True], [False, True]])
    >>> network = ConnectedNetwork([1.0, 2.0], 0.1 * wiring, [0.1, 0.1], wiring)
    >>> run = network.solve([0, 1, 20])
    >>> run["map"].round(3).tolist()
    [[0.01, 0.02], [0.348, 0.903], [1.0, 2.0]]
    >>> run["features"][-1].round(3).tolist()
    [[1.0, 1.372], [0.0, 0.628]]
    >>> run.meta["method"]
    'integrated'
    """

    target: np.ndarray
    w1: np.ndarray
    w2: np.ndarray
    connections: np.ndarray
    variance: np.ndarray | float = 1.0

    def __post_init__(self):
        for name, ndim in (("target", 1), ("w1", 2), ("w2", 1)):
            object.__setattr__(self, name, held(name, getattr(self, name), ndim=ndim))
        h, d = self.w1.shape
        if self.target.shape != (d,) or self.w2.shape != (h,):
            raise ValueError(
                f"w1 must have shape (entries of w2, entries of target) = ({self.w2.size}, {self.target.size}), "
                f"got {self.w1.shape}"
            )
        wiring = np.array(plain("connections", self.connections))
        if wiring.dtype != bool or wiring.shape != (h, d):
            raise ValueError(f"connections must be bool of shape ({h}, {d}), got {wiring.dtype} of {wiring.shape}")
        if np.any(self.w1[~wiring]):
            largest = np.abs(self.w1[~wiring]).max()
            raise ValueError(f"w1 must be 0 where there is no connection, got up to {largest:g}")
        wiring.flags.writeable = False
        object.__setattr__(self, "connections", wiring)
        object.__setattr__(self, "variance", held("variance", variances("variance", self.variance, d)))

    @property
    def method(self) -> str:
        """How `solve` works: "closed form", or "integrated" if any part is."""
        open_parts = any(part.network is None or _method(part.network) == "integrated" for part in self._parts)
        return "integrated" if open_parts else "closed form"

    def solve(self, t: ArrayLike) -> Trajectory:
        r"""The flow at the times `t`.

        Returns
        -------
        Trajectory
            `map` (n_t, d), the weight of every input; `features` :math:`a_j W_{ji}` (n_t, h, d), whose sum over the
            units is the map; `w1` (n_t, h, d), `w2` (n_t, h); `loss`
            :math:`\tfrac12 \sum_i \sigma_i^2 (S_i - \beta_i)^2` (n_t,). `meta["method"]` is "closed form" or
            "integrated".

        Raises
        ------
        ValueError
            If a time is infinite and a part is integrated.
        SimulationError
            If the integrator gives up, or needs more than `MOST_EVALUATIONS`.
        """
        t = times(plain("t", t))
        w1, w2 = np.zeros((t.size, *self.w1.shape)), np.tile(self.w2, (t.size, 1))
        for part in self._parts:
            block = np.ix_(np.arange(t.size), part.units, part.inputs)
            w1[block], w2[:, part.units] = self._part_at(part, t)
        return Trajectory(t, self._observed(w1, w2), clock="flow time", meta={"method": self.method})

    @cached_property
    def _parts(self) -> list[_Part]:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        h, d = self.w1.shape
        units, inputs = np.nonzero(self.connections)
        edges = coo_array((np.ones(units.size), (units, h + inputs)), shape=(h + d, h + d))
        _, labels = connected_components(edges, directed=False)
        parts = []
        for label in np.unique(labels[units]):
            members = np.flatnonzero(labels == label)
            own, reached = members[members < h], members[members >= h] - h
            parts.append(_Part(own, reached, self._closed(own, reached)))
        return parts

    def _closed(self, units: np.ndarray, inputs: np.ndarray) -> ScalarNetwork | LinearNetwork | None:
        w1, w2 = self.w1[np.ix_(units, inputs)], self.w2[units]
        target, variance = self.target[inputs], np.asarray(self.variance)[inputs]
        if inputs.size == 1:
            return ScalarNetwork(w2, w1[:, 0], float(target[0]), variance=float(variance[0]))
        if units.size == 1:
            return LinearNetwork(w1, w2[None], (target * variance)[None], covariance=variance)
        return None

    def _part_at(self, part: _Part, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (n_t, units, inputs) and (n_t, units) of a part."""
        if part.network is None:
            return self._integrated(part, t)
        run = part.network.solve(t)
        return (run["b"][:, :, None], run["a"]) if "a" in run.data else (run["w1"], run["w2"][:, 0])

    def _integrated(self, part: _Part, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.integrate import solve_ivp

        if np.isinf(t[-1]):
            raise ValueError("t must be finite with units that share some of their inputs, got inf")
        block = np.ix_(part.units, part.inputs)
        wiring, shape, size = self.connections[block], self.w1[block].shape, self.w1[block].size
        target, variance = self.target[part.inputs], np.asarray(self.variance)[part.inputs]

        evaluations = itertools.count()

        def velocity(_, state):
            if next(evaluations) == MOST_EVALUATIONS:
                raise SimulationError(f"weights need more than {MOST_EVALUATIONS} evaluations to flow time {t[-1]:g}")
            w1, w2 = state[:size].reshape(shape), state[size:]
            pull = variance * (target - w2 @ w1)
            return np.append((wiring * np.outer(w2, pull)).ravel(), w1 @ pull)

        def missed(_, state):
            w1, w2 = state[:size].reshape(shape), state[size:]
            return np.abs((target - w2 @ w1)[variance > 0]).max(initial=0.0) - _TOLERANCE * np.abs(target).max()

        missed.terminal = True  # pyright: ignore[reportFunctionMemberAccess]
        options = {"rtol": _TOLERANCE, "atol": 1e-3 * _TOLERANCE, "events": missed}
        state, states = np.append(self.w1[block].ravel(), self.w2[part.units]), []
        for span in np.diff(t, prepend=0.0):
            if span and missed(0.0, state) > 0:  # a function that has learnt its target is at rest
                run = solve_ivp(velocity, (0, span), state, "DOP853", **options)
                if not run.success:
                    raise SimulationError(f"weights could not be integrated: {run.message}")
                state = run.y[:, -1]
            states.append(state)
        course = np.array(states)
        return course[:, :size].reshape(-1, *shape), course[:, size:]

    def _observed(self, w1: np.ndarray, w2: np.ndarray) -> dict[str, np.ndarray]:
        features = w2[:, :, None] * w1
        product = features.sum(axis=1)
        loss = 0.5 * (self.target - product) ** 2 @ np.asarray(self.variance)
        return {"map": product, "features": features, "w1": w1, "w2": w2, "loss": loss}

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        w1, w2 = np.empty((n_steps + 1, *self.w1.shape)), np.empty((n_steps + 1, self.w2.size))
        w1[0], w2[0] = self.w1, self.w2
        for k in range(n_steps):
            pull = lr * np.asarray(self.variance) * (self.target - w2[k] @ w1[k])
            w1[k + 1] = w1[k] + self.connections * np.outer(w2[k], pull)
            w2[k + 1] = w2[k] + w1[k] @ pull
        return self._observed(w1, w2)


def _method(network: ScalarNetwork | LinearNetwork) -> str:
    return network.method if isinstance(network, LinearNetwork) else "closed form"
