"""One multilayer perceptron on the embedded digits, for every study that asks a real network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    from comparisons.harness.settings import Settings


def train_mlp(
    s: Settings,
    rng: np.random.Generator,
    *,
    n_steps: int,
    records: int,
    widths: tuple[int, ...] = (784, 200, 200, 10),
    activation: str = "relu",
    scale: float = 1.0,
    frozen: bool = False,
    make_probes: Callable[[Any], dict] | None = None,
    **settings: Any,
) -> Trajectory:
    """Train on the first 1,000 digits of MNIST, test on 2,000.

    Parameters
    ----------
    s : Settings
        Device and scratch folder, where a checkpoint is kept while the run lasts.
    rng : numpy Generator
        Draws the weights and the batches.
    n_steps, records : int
        Updates, and how many times to look: half of the records log-spaced, half evenly.
    widths, activation : tuple of int, str
        Of :class:`dnn.networks.mlp.MLP`.
    scale : float
        Factor on all initial parameters.
    frozen : bool
        Train the readout only.
    make_probes : callable (network) -> dict, optional
        Probes of :func:`dnn.training.loop.train`.
    **settings
        More of :class:`dnn.training.config.TrainConfig`.

    Returns
    -------
    Trajectory
        Clock "step", from step 1 on; `train`, `test` (accuracy), losses and the probes.
    """
    from dnn.data import load
    from dnn.networks.mlp import MLP, scale_parameters_
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    network = MLP(widths, activation=activation, rng=rng)
    scale_parameters_(network, scale)
    if frozen:
        for parameter in (w for layer in list(network.linears)[:-1] for w in layer.parameters()):
            parameter.requires_grad_(False)
    config = TrainConfig(n_steps=n_steps, records=record_steps(n_steps, records), device=s.device, **settings)
    checkpoint = s.scratch / "checkpoint.pt" if s.scratch else None
    probes = make_probes(network) if make_probes else {}
    run = train(network, load("mnist-mini"), config, rng, probes=probes, checkpoint=checkpoint)
    data = {**run.data, "train": run["train_accuracy"], "test": run["test_accuracy"]}
    return Trajectory(run.t, data, clock=run.clock)


def record_steps(n_steps: int, n_records: int) -> tuple[int, ...]:
    """Half of the records log-spaced, half evenly, so that both the fit and the late rise are resolved."""
    half = n_records // 2
    steps = np.concatenate([np.geomspace(1, n_steps, half), np.linspace(1, n_steps, n_records - half)])
    return tuple(sorted({int(step) for step in np.rint(steps)}))
