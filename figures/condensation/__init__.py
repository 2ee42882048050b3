"""Figures and claims of the overview of condensation (2025)."""
