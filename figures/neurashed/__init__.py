"""Figures and claims of Su (2024), Envisioning future deep learning theories."""
