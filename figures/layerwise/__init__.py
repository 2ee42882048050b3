"""Figures and claims of Nam et al. (2025), Solve layerwise linear models first."""
