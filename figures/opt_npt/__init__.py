"""Figures and claims of Lin et al. (2024, 2025): order-preserving transformation and network phase transitions."""
