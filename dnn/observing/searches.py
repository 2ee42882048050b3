"""Quantities that search: how far samples or weights can be moved, and the curvature of the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from dnn.observing.batches import logits_of
from dnn.observing.fitting import accuracy
from dnn.observing.passes import Refused, View
from dnn.observing.resting import undisturbed
from dnn.observing.tangents import plain_kernels

MOST = 200  # samples that are looked at


class _Classifier(nn.Module):
    """A module that returns its logits and nothing else."""

    def __init__(self, module: nn.Module, output: Callable | None):
        super().__init__()
        self.module, self.output = module, output

    def forward(self, *args: Tensor, **kwargs: Tensor) -> Tensor:
        return logits_of(self.module(*args, **kwargs), self.output)


def basin_of(kind: str) -> Callable[[View], float]:
    """Radius of the basin of samples or of weights, at most the largest amplitude; 0 if half of them are missed.

    Parameters
    ----------
    kind : {"sample", "weight"}
    """

    def measured(view: View) -> float:
        from dnn.reading.basins import AMPLITUDES, sample_basin, weight_basin

        labels = torch.as_tensor(view.labels[:MOST]).to(view.batch.labels.device)
        try:
            x = view.batch.part(slice(0, MOST)).x
        except ValueError as error:
            raise Refused(str(error)) from None
        if kind == "sample" and not x.is_floating_point():
            raise Refused("needs real inputs, to which noise can be added, got integers: embed them first")
        if accuracy(view) <= 0.5:
            return 0.0
        basin = sample_basin if kind == "sample" else weight_basin
        network = _Classifier(view.module, view.output)
        try:
            with undisturbed(network):
                radius = basin(network, x, labels, np.random.default_rng(0), draws=1).radius
        except ValueError as error:
            raise Refused(str(error)) from None
        return float(min(radius, AMPLITUDES[-1]))

    return measured


def curvature_of(kind: str) -> Callable[[View], float]:
    """Largest eigenvalue or trace of the Hessian of the cross-entropy of the first MOST samples.

    Parameters
    ----------
    kind : {"sharpness", "trace"}
    """

    def measured(view: View) -> float:
        from dnn.reading.curvature import hessian_trace, sharpness

        part = view.batch.part(slice(0, MOST))
        if part.labels.is_floating_point():
            raise Refused("needs integer class labels; dnn.sharpness takes any loss")
        network = _Classifier(view.module, view.output)
        inputs = dict(part.inputs) if isinstance(part.inputs, Mapping) else tuple(part.inputs)
        x = inputs[0] if isinstance(inputs, tuple) and len(inputs) == 1 else inputs
        try:
            with undisturbed(network), plain_kernels():
                if kind == "sharpness":
                    return sharpness(network, x, part.labels, "cross_entropy")
                return hessian_trace(network, x, part.labels, "cross_entropy", np.random.default_rng(0)).trace
        except (ValueError, NotImplementedError) as error:
            raise Refused(str(error)) from None

    return measured
