"""Running models: worker processes, grids of parameters, and the store of what was computed."""
