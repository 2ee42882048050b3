"""The papers' figures, redrawn, and their claims, judged: one folder a paper, one module a figure."""
