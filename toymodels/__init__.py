"""Solvable minimal models of deep learning. numpy, scipy, sympy, networkx; never torch, never matplotlib."""

from toymodels.run.sweep import sweep
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.version import __version__

__all__ = ["SimulationError", "Trajectory", "__version__", "sweep"]
