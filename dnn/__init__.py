"""PyTorch networks on real digits: training, and looking inside.

Names are imported when first used, so `import dnn` does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dnn import data, probes
    from dnn.embedding.merging import merge_units
    from dnn.embedding.splitting import split_unit
    from dnn.extraction.extracting import extract
    from dnn.networks.mlp import MLP
    from dnn.observing.looking import observe, quantities
    from dnn.observing.recorder import Recorder
    from dnn.observing.taps import tap
    from dnn.reading.basins import sample_basin, weight_basin
    from dnn.reading.curvature import hessian_trace, sharpness
    from dnn.reading.linear_maps import linear_map, pruned_accuracy
    from dnn.reading.projection import project
    from dnn.reading.rank_densities import rank_gradient, rank_probability
    from dnn.training.config import TrainConfig
    from dnn.training.ensembles import train_ensemble
    from dnn.training.loop import train

_EXPORTS = {
    "MLP": "networks.mlp",
    "train": "training.loop",
    "TrainConfig": "training.config",
    "train_ensemble": "training.ensembles",
    "rank_probability": "reading.rank_densities",
    "rank_gradient": "reading.rank_densities",
    "linear_map": "reading.linear_maps",
    "pruned_accuracy": "reading.linear_maps",
    "sample_basin": "reading.basins",
    "weight_basin": "reading.basins",
    "project": "reading.projection",
    "observe": "observing.looking",
    "quantities": "observing.looking",
    "Recorder": "observing.recorder",
    "tap": "observing.taps",
    "sharpness": "reading.curvature",
    "hessian_trace": "reading.curvature",
    "merge_units": "embedding.merging",
    "split_unit": "embedding.splitting",
    "extract": "extraction.extracting",
}
_MODULES = ("data", "probes")
__all__ = [
    "MLP",
    "Recorder",
    "TrainConfig",
    "data",
    "extract",
    "hessian_trace",
    "linear_map",
    "merge_units",
    "observe",
    "probes",
    "project",
    "pruned_accuracy",
    "quantities",
    "rank_gradient",
    "rank_probability",
    "sample_basin",
    "sharpness",
    "split_unit",
    "tap",
    "train",
    "train_ensemble",
    "weight_basin",
]


def __dir__():
    return __all__


def __getattr__(name: str):
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
