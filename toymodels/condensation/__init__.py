"""Condensation: neurons of a layer fall into a few groups that say the same thing."""

from toymodels.condensation.delayed import DelayedTask

__all__ = ["DelayedTask"]
