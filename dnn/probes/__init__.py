"""Numbers to record while a network trains: each is `probe(network, split)` and returns a float, an array or a dict.

They take every torch module that takes a single tensor: convolutions, attention, recurrent layers, norms, residuals,
activations in place or called as functions, outputs that are dicts or tuples, `torch.compile`. Chains of Linear,
BatchNorm1d and activations (an `MLP`, an `nn.Sequential`) are read by exact formulas, all else by what
:func:`dnn.observe` sees; each probe says where the two differ. A probe changes nothing: weights, buffers, gradients,
random states and training flags are as before. It works inside a user's own loop as well as in
`train(..., probes={"gradient": probes.rank_gradients})`. Options are set with `functools.partial`. Values are finite,
as a `Trajectory` wants them.

What a module cannot have raises a `ValueError` with the reason and the way out, in the words of `observe(...).refused`;
so do weights that are not finite, samples that the module does not take, and unknown options.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dnn.probes.learning import elasticity, kernel_distance
    from dnn.probes.neurons import condensation, information
    from dnn.probes.robustness import accuracy, basins, linear_map_accuracy
    from dnn.probes.separation import collapse, layer_gradients, rank_gradients

_EXPORTS = {
    "accuracy": "robustness",
    "basins": "robustness",
    "collapse": "separation",
    "condensation": "neurons",
    "elasticity": "learning",
    "information": "neurons",
    "kernel_distance": "learning",
    "layer_gradients": "separation",
    "linear_map_accuracy": "robustness",
    "rank_gradients": "separation",
}
__all__ = [
    "accuracy",
    "basins",
    "collapse",
    "condensation",
    "elasticity",
    "information",
    "kernel_distance",
    "layer_gradients",
    "linear_map_accuracy",
    "rank_gradients",
]


def __dir__():
    return __all__


def __getattr__(name: str):
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
