"""Real data as torch tensors: `load` finds, checks and reads a data set by name. Loads torch on the first `load`."""

from dnn.data.loading import NAMES, Split, load

__all__ = ["NAMES", "Split", "load"]
