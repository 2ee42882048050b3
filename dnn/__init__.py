"""PyTorch networks on real digits: training, and looking inside.

Names are imported when first used, so `import dnn` does not load torch.
"""

import sys
from importlib import import_module
from types import ModuleType

_EXPORTS = {
    "MLP": "networks",
    "train": "training",
    "TrainConfig": "config",
    "train_ensemble": "ensembles",
    "rank_probability": "rank_probability",
    "rank_gradient": "rank_probability",
    "linear_map": "linear_map",
    "pruned_accuracy": "linear_map",
    "sample_basin": "attraction_basins",
    "weight_basin": "attraction_basins",
    "project": "projection",
}
_MODULES = ("data", "probes")


def __dir__():
    return [*_EXPORTS, *_MODULES]


def __getattr__(name: str):
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Package(ModuleType):
    """Two functions share their name with the file they live in; the function is what `dnn.<name>` means."""

    def __setattr__(self, name, value):
        if not (name in _EXPORTS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
