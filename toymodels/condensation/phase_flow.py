"""Gradient flow of wide two-layer ReLU networks until three points are fitted, for any place in the phase diagram."""

from __future__ import annotations

import numpy as np

from toymodels.trajectory import SimulationError

INPUTS, TARGETS = np.array([-0.5, 0.0, 0.5]), np.array([-0.5, 0.0, 1.0])  # three points, one dimension
STABLE, MOVE = 0.4, 0.1  # step: a fraction of the kernel's time scale, and at most a relative move of 10 %
FITTED = 1e-3  # stop when the loss has fallen to this part of its start
MAX_STEPS = 100_000


def fitted_distance(cells: np.ndarray, width: int, rng: np.random.Generator, max_steps: int = MAX_STEPS) -> np.ndarray:
    """Relative distance (n_cells,) of the input weights at the fit, one independent network per row of `cells`.

    Parameters
    ----------
    cells : (n_cells, 2) array
        Coordinates (gamma, gamma').
    width : int
        Neurons, an even number.
    rng : numpy Generator
    max_steps : int
        What a fit may take.

    Raises
    ------
    SimulationError
        If a run is not fitted after `max_steps`.
    """
    flow = _Flow(cells, width, rng)
    distance = np.zeros(len(cells))
    for _ in range(max_steps):
        error = flow.step()
        done = (error**2).sum(axis=1) < FITTED * (TARGETS**2).sum()
        if done.any():
            moved = np.linalg.norm(flow.moved, axis=(1, 2)) / flow.size
            distance[flow.index[done]] = moved[done]
            flow.keep(~done)
        if not flow.index.size:
            return distance
    raise SimulationError(f"loss of {flow.index.size} of {len(cells)} runs not fitted after {max_steps} steps")


class _Flow:
    """The runs still going: a (T, m), w (T, 2, m) with the bias as second row, scale (T, 1).

    The way of w from its start, `moved`, is kept apart: in the linear regime it is lost in the rounding of w. All steps
    work in the same buffers, since at these widths fresh memory costs more than arithmetic.
    """

    def __init__(self, cells: np.ndarray, width: int, rng: np.random.Generator):
        gamma, gamma_prime = cells.T
        std_a = width**-gamma_prime
        self.scale = (std_a * width**gamma)[:, None]
        a = std_a[:, None] * rng.standard_normal((len(cells), width // 2))
        w = rng.standard_normal((len(cells), 2, width // 2))
        self.a = np.concatenate([a, -a], axis=1)
        self.w = np.concatenate([w, w], axis=2)
        self.moved, self.size = np.zeros_like(self.w), np.linalg.norm(self.w, axis=(1, 2))
        self.index = np.arange(len(cells))
        self.x1 = np.stack([INPUTS, np.ones_like(INPUTS)], axis=1)
        self._make_buffers()

    def _make_buffers(self) -> None:
        runs, width = self.a.shape
        shape = (runs, len(TARGETS), width)
        self.value, self.slope, self.active = np.empty(shape), np.empty(shape), np.empty(shape, dtype=bool)
        self.move_a, self.move_w = np.empty((runs, 1, width)), np.empty_like(self.w)
        self.square_a, self.square_w = np.empty_like(self.a), np.empty_like(self.w)

    def keep(self, mask: np.ndarray) -> None:
        """Go on with these runs only."""
        for name in ("a", "w", "moved", "size", "scale", "index"):
            setattr(self, name, getattr(self, name)[mask])
        self._make_buffers()

    def step(self) -> np.ndarray:
        """One step; returns the error (T, 3) before it."""
        n = len(TARGETS)
        value, slope, move_w = self.value, self.slope, self.move_w  # (T, n, m), (T, n, m), (T, 2, m)
        np.matmul(self.x1, self.w, out=value)
        np.maximum(value, 0, out=value)
        np.greater(value, 0, out=self.active)
        np.multiply(self.active, self.a[:, None, :], out=slope)
        error = (value @ self.a[..., None])[..., 0] / self.scale - TARGETS
        force = (-error / (n * self.scale))[:, None, :]
        np.matmul(force, value, out=self.move_a)
        np.matmul(force * self.x1.T, slope, out=move_w)
        move_a = self.move_a[:, 0]
        kernel = value @ value.swapaxes(1, 2) + (slope @ slope.swapaxes(1, 2)) * (self.x1 @ self.x1.T)
        top = np.linalg.eigvalsh(kernel)[:, -1] / (n * self.scale[:, 0] ** 2)
        relative = np.maximum(
            _norm(move_a, self.square_a) / _norm(self.a, self.square_a),
            _norm(move_w, self.square_w) / _norm(self.w, self.square_w),
        )
        h = np.minimum(STABLE / top, MOVE / relative)
        move_a *= h[:, None]
        move_w *= h[:, None, None]
        self.a += move_a
        self.w += move_w
        self.moved += move_w
        return error


def _norm(values: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Norm (T,) over all axes but the first; `squares` is overwritten."""
    np.multiply(values, values, out=squares)
    return np.sqrt(squares.sum(axis=tuple(range(1, values.ndim))))
