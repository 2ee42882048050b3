r"""The two-layer flow integrated, for the starts and inputs that have no closed form.

.. math:: \dot W_1 = \eta_1 [W_2^\top (\Sigma_{yx} - W_2 W_1 \Sigma_{xx}) - \mu W_1], \qquad
   \dot W_2 = \eta_2 [(\Sigma_{yx} - W_2 W_1 \Sigma_{xx}) W_1^\top - \mu W_2]

The limit of infinite time is that of the linear flow about a minimum, entered once the flow is so close that what is
neglected is below rounding. A flow that comes to rest anywhere else, or does not within reason, has no limit here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toymodels.trajectory import SimulationError

_PARAMETERS = 1500  # the most for which the flow is linearised
_STEPS = 5000  # of the integrator, before it is said to come to no rest
_MANY = 1000  # steps to one time, from which on it is looked whether the flow is at rest
_MOST = 1_000_000  # steps to one time


@dataclass(frozen=True, eq=False)
class WeightFlow:
    """The flow of the layers (h, d) and (c, h) to a correlation (c, d) under a covariance (d, d)."""

    w1: np.ndarray
    w2: np.ndarray
    correlation: np.ndarray
    covariance: np.ndarray
    decay: float
    rates: tuple[float, float]

    def layers(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W1 (n_t, h, d) and W2 (n_t, c, h) at increasing times, `inf` allowed.

        Raises
        ------
        ValueError
            If a time is infinite and the flow comes to no rest at a minimum, or has more than 1500 weights.
        SimulationError
            If the integrator gives up.
        """
        if np.isinf(t[-1]) and self.w1.size + self.w2.size > _PARAMETERS:
            raise ValueError(
                f"t must be finite with more than {_PARAMETERS} weights and no closed form, got inf with "
                f"{self.w1.size + self.w2.size}"
            )
        states, step = [], None
        state, last = np.concatenate([self.w1.ravel(), self.w2.ravel()]), 0.0
        for now in t:
            if np.isinf(now):
                state = self._conserving(self._limit(state), now)
            elif now > last:
                state, step = self._advance(state, now - last, step)
                state, last = self._conserving(state, now), now
            states.append(state)
        return self._split(np.array(states))

    def _advance(self, state: np.ndarray, duration: float, step: float | None) -> tuple[np.ndarray, float]:
        """The weights after `duration`, and the length of the last step, which the first one may take over."""
        solver = self._solver(state, duration, None if step is None else min(step, duration))
        for count in range(_MOST):
            if message := solver.step():
                raise SimulationError(f"weights could not be integrated: {message}")
            if solver.status != "running":
                return solver.y, solver.h_abs
            if count >= _MANY and count % 200 == 0 and state.size <= _PARAMETERS:
                end = self._rest(solver.y, duration - solver.t)
                if end is not None:
                    return end, solver.h_abs
        raise SimulationError(f"weights need more than {_MOST} steps over a flow time of {duration:g}")

    def _conserving(self, state: np.ndarray, now: float) -> np.ndarray:
        r"""The nearest weights, to first order, whose imbalance is what the start and the weight decay have left.

        :math:`C = W_2^\top W_2 / \eta_2 - W_1 W_1^\top / \eta_1` is conserved, and falls as :math:`e^{-2 \mu \eta t}`
        with weight decay and one rate. The integrator keeps it to its tolerance times the squared weights, which is
        much against what small starts leave; and what is left decides when a later task can turn the sign of a mode.
        """
        if self.decay > 0 and self.rates[0] != self.rates[1]:
            return state
        w1, w2 = self._split(state / np.sqrt(np.repeat(self.rates, [self.w1.size, self.w2.size])))
        first, second = self.w1 / np.sqrt(self.rates[0]), self.w2 / np.sqrt(self.rates[1])
        left = np.exp(-2 * self.decay * self.rates[0] * now) if self.decay > 0 else 1.0
        for _ in range(2):
            missing = left * (second.T @ second - first @ first.T) - (w2.T @ w2 - w1 @ w1.T)
            sizes, basis = np.linalg.eigh(w2.T @ w2 + w1 @ w1.T)
            pairs = sizes[:, None] + sizes
            turned = basis.T @ missing @ basis
            seen = pairs > 1e-14 * sizes.max(initial=0)
            change = basis @ np.divide(turned, pairs, out=np.zeros_like(turned), where=seen) @ basis.T
            w1, w2 = w1 - change @ w1, w2 + w2 @ change
        return np.concatenate([np.sqrt(self.rates[0]) * w1.ravel(), np.sqrt(self.rates[1]) * w2.ravel()])

    def _solver(self, state: np.ndarray, duration: float, step: float | None = None):
        from scipy.integrate import DOP853

        scale = max(np.abs(state).max(), 1e-300)
        options = {"rtol": 1e-13, "atol": 1e-15 * scale, "first_step": step}
        return DOP853(lambda _, y: self._velocity(y), 0.0, state, duration, **options)

    def _split(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        size, lead = self.w1.size, state.shape[:-1]
        return state[..., :size].reshape(*lead, *self.w1.shape), state[..., size:].reshape(*lead, *self.w2.shape)

    def _velocity(self, state: np.ndarray) -> np.ndarray:
        w1, w2 = self._split(state)
        error = self.correlation - w2 @ w1 @ self.covariance
        slope1, slope2 = w2.T @ error - self.decay * w1, error @ w1.T - self.decay * w2
        return np.concatenate([self.rates[0] * slope1.ravel(), self.rates[1] * slope2.ravel()])

    def _limit(self, state: np.ndarray) -> np.ndarray:
        solver = self._solver(state, np.inf)
        for step in range(_STEPS):
            norm = np.linalg.norm(solver.y)
            if norm == 0:
                return solver.y
            # the linear flow is exact up to the square of the distance; the look is as costly as a hundred steps
            if step % 100 == 0 and (end := self._rest(solver.y)) is not None:
                return end
            solver.step()
            if solver.status != "running":
                break
        raise ValueError("t must be finite for a start that comes to no rest at a minimum, got inf")

    def _rest(self, state: np.ndarray, duration: float = np.inf) -> np.ndarray | None:
        """The flow from `state` after `duration` if it is so near to a minimum that the linear flow tells."""
        curvatures, basis, speed = self._linearised(state)
        largest = np.abs(curvatures).max()
        falling = curvatures > 1e-9 * largest
        root = np.sqrt(np.repeat(self.rates, [self.w1.size, self.w2.size]))
        along = basis.T @ (speed / root)
        way = np.divide(along, curvatures, out=np.zeros_like(along), where=falling)
        near = np.linalg.norm(root * (basis @ way)) <= 1e-8 * np.linalg.norm(state)
        still = np.linalg.norm(along[~falling]) <= 1e-13 * largest * np.linalg.norm(state)
        if not (near and still):
            return None
        if curvatures.min() < -1e-6 * largest:
            if np.isfinite(duration):
                return None
            raise ValueError("t must be finite for a start that is led to a saddle, got inf")
        with np.errstate(over="ignore"):
            done = -np.expm1(-np.where(falling, curvatures, 0.0) * min(duration, 1e280))
        return state + root * (basis @ (way * done))

    def _linearised(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors of the curvature, weights over the roots of their rates, and the velocity."""
        w1, w2 = self._split(state)
        root1, root2 = np.sqrt(self.rates)
        error = self.correlation - w2 @ w1 @ self.covariance
        first, second = self._split(np.eye(state.size))
        first, second = root1 * first, root2 * second
        change = -(second @ w1 + w2 @ first) @ self.covariance
        slope1 = root1 * (second.swapaxes(1, 2) @ error + w2.T @ change - self.decay * first)
        slope2 = root2 * (error @ first.swapaxes(1, 2) + change @ w1.T - self.decay * second)
        count = state.size
        jacobian = np.concatenate([slope1.reshape(count, -1), slope2.reshape(count, -1)], axis=1)
        curvatures, basis = np.linalg.eigh(-(jacobian + jacobian.T) / 2)
        return curvatures, basis, self._velocity(state)
