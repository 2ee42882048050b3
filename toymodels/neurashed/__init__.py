"""Neurashed: a graph model of deep learning whose features fire, strengthen and compete (Su, 2024)."""

from toymodels.neurashed.delayed import DelayedGeneralisation

__all__ = ["DelayedGeneralisation"]
