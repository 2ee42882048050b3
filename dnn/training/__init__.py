"""Training: one loop for everything, its settings, ensembles, objectives, checkpoints."""
