"""The grokking models, with every theory's order parameter read off the runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from comparisons.grokking import models as grokking
from comparisons.harness.model import Model
from comparisons.order_parameters.probes import THEORY, order_parameters
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Condensation(grokking.Condensation):
    """The two-layer network of the grokking study.

    Parameters
    ----------
    records : int
        How many times to look.
    """

    records: int = 60


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """The two-layer net on 2-parity, wrapped as a torch network so that every probe can read it."""
    from toymodels.condensation.delayed import DelayedTask

    model = DelayedTask(init_scale=s.scale, weight_decay=s.decay)
    return _with_theories(model.train([rng], n_records=s.records, observe=_parity_probe())[0])


def _parity_probe():
    import torch
    from torch import nn

    from dnn.data import Split

    first: list[nn.Module] = []

    def wrapped(a, w) -> nn.Module:
        hidden, readout = nn.Linear(w.shape[1], len(w), bias=False), nn.Linear(len(w), 2, bias=False)
        with torch.no_grad():
            hidden.weight.copy_(torch.from_numpy(w))
            readout.weight.copy_(torch.from_numpy(np.stack([-a, a])))  # class 1 where the output is positive
        return nn.Sequential(hidden, nn.ReLU(), readout)

    def observe(x, y, x_test, y_test, a, w) -> dict[str, float]:
        network = wrapped(a, w)
        if not first:
            first.append(network)
        inputs = (torch.from_numpy(values.astype(np.float32)) for values in (x, x_test))
        labels = (torch.from_numpy((values > 0).astype(np.int64)) for values in (y, y_test))
        x_train, x_late = inputs
        y_train, y_late = labels
        return order_parameters(network, Split(x_train, y_train, x_late, y_late), first[0])

    return observe


def digits(s: grokking.Digits, rng: np.random.Generator) -> Trajectory:
    """The digits network of the grokking study with every probe."""
    run = grokking.train_digits(s, rng, _digits_probes)
    data = {name.removeprefix("order."): values for name, values in run.data.items()}
    return _with_theories(Trajectory(run.t, data, clock=run.clock), test_level=s.level)


def _digits_probes(network) -> dict:
    from copy import deepcopy
    from functools import partial

    return {"order": partial(order_parameters, reference=deepcopy(network))}


def _with_theories(run: Trajectory, **meta: float) -> Trajectory:
    order = [name for name in THEORY if name in run.data]
    return replace(run, meta={**run.meta, **meta, "order": order})


MODELS = {
    "layerwise": Model(grokking.layerwise, grokking.Layerwise()),
    "neurashed": Model(grokking.neurashed, grokking.Neurashed()),
    "condensation": Model(condensation, Condensation()),
    "dnn": Model(digits, grokking.Digits(steps=14_000)),
}
