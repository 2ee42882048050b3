"""Gradient descent: the iteration whose limit for small steps is the flow that the models solve."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from toymodels.trajectory import Trajectory
from toymodels.validation import finite, positive, positive_int


class GradientDescent(ABC):
    """A model that can be trained step by step as well as solved."""

    def simulate(self, n_steps: int, lr: float) -> Trajectory:
        """Gradient descent; step k is flow time k lr up to O(lr).

        Parameters
        ----------
        n_steps : int
            Number of updates, >= 1.
        lr : float
            Learning rate > 0, in units of flow time per step.

        Returns
        -------
        Trajectory
            The names of `solve`, and the weights of a network whose `solve` knows only their products; n_steps + 1
            rows each, the start first, on the clock "step".

        Raises
        ------
        ValueError
            If `n_steps` is not a positive integer, `lr` not positive, or the model infinitely deep.
        SimulationError
            If the run diverges.
        """
        n_steps, lr = positive_int("n_steps", n_steps), float(positive("lr", finite("lr", lr, ndim=0)))
        with np.errstate(over="ignore", invalid="ignore"):  # Trajectory reports a diverged run
            data = self._descend(n_steps, lr)
        return Trajectory(np.arange(n_steps + 1), data, clock="step", meta={"lr": lr})

    @abstractmethod
    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        """Every quantity at the start and after each step, (n_steps + 1, ...)."""
