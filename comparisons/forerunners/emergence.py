"""Ensembles in which a second skill emerges: how long before it does what has moved?

The event is the half of the second skill; what is looked into begins where the first one is learned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from comparisons.emergence import models as emergence
from comparisons.order_parameters.models import spread_out, with_order
from comparisons.order_parameters.probes import SAMPLES
from toymodels.trajectory import Trajectory
from toymodels.validation import positive_int

LEARNED, HALF = 0.9, 0.5


@dataclass(frozen=True)
class Layerwise(emergence.Layerwise):
    """Two skills of the diagonal network.

    Parameters
    ----------
    start_spread, ratio_spread : float
        Largest over smallest start and ratio of the ensemble.
    records : int
        How many times to look.
    """

    skills: int = 2
    start: float = 1e-5
    ratio: float = 6.0
    start_spread: float = 100.0
    ratio_spread: float = 6.0
    records: int = 100

    def __post_init__(self):
        super().__post_init__()
        positive_int("records", self.records, minimum=2)


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """One run from a start and with a ratio of its own, on inputs of which the second varies less."""
    from toymodels.layerwise import DiagonalNetwork
    from toymodels.layerwise.snapshots import diagonal_snapshot

    start, ratio = spread_out(rng, s.start, s.start_spread), spread_out(rng, s.ratio, s.ratio_spread)
    a, b = emergence.drawn_weights(s, start, rng)
    variance = ratio ** -np.arange(s.skills)
    model = DiagonalNetwork(np.ones(s.skills), a, b, variance)
    times = model.time_to(HALF)
    t = np.geomspace(times[0] / 2, 2 * times[1], s.records)
    run = model.solve(t)
    x = rng.standard_normal((2 * SAMPLES, s.skills)) * np.sqrt(variance)
    labels = (x.sum(axis=1) > 0).astype(int)
    pairs = [(a, b), *zip(run["a"], run["b"], strict=True)]
    snapshots = (diagonal_snapshot(first, second, x) for first, second in pairs)
    made = Trajectory(t, {**_skills(run["product"]), "loss": run["loss"]}, clock=run.clock, meta=LEVELS)
    return with_order(made, snapshots, labels, SAMPLES, ["loss"])


@dataclass(frozen=True)
class Condensation(emergence.Parities):
    """Two products of signs, learned by the two-layer network.

    Parameters
    ----------
    start_spread, ratio_spread : float
        Largest over smallest start and ratio of the ensemble.
    records : int
        How many times to look.
    """

    skills: int = 2
    width: int = 100
    ratio: float = 5.0
    start: float = 0.01
    steps: int = 3000
    start_spread: float = 4.0
    ratio_spread: float = 6.0
    records: int = 120

    def __post_init__(self):
        for name in ("skills", "records"):
            positive_int(name, getattr(self, name), minimum=2)


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """One run; `steps` are those of a ratio of 1, and a run is longer as its second skill is weaker."""
    from toymodels.condensation.network import TwoLayerNetwork
    from toymodels.condensation.parity_skills import ParitySkills
    from toymodels.condensation.snapshots import two_layer_snapshot

    start, ratio = spread_out(rng, s.start, s.start_spread), spread_out(rng, s.ratio, s.ratio_spread)
    model = ParitySkills(s.skills, ratio, s.width, start)
    x, y = model.inputs, model.targets
    steps = np.unique(np.rint(np.geomspace(30, s.steps * ratio, s.records)).astype(int))
    first = model.network(rng)
    lr = emergence.stable_rate(s.lr, start)
    run = first.train(x, y, int(steps[-1]), lr, steps.tolist(), record=("a", "w", "loss"))
    networks = TwoLayerNetwork(run["a"], run["w"], model.activation)
    made = Trajectory(run.t, {**_skills(model.progress(networks(x))), "loss": run["loss"]}, clock="step", meta=LEVELS)
    made = replace(made, t=run.t[1:], data={name: values[1:] for name, values in made.data.items()})
    pairs = [(first.a, first.w), *zip(run["a"][1:], run["w"][1:], strict=True)]
    snapshots = (two_layer_snapshot(a, w, x, model.activation) for a, w in pairs)
    return with_order(made, snapshots, (y > 0).astype(int), len(x), ["loss"])


LEVELS = {"train_level": LEARNED, "test_level": HALF}


def _skills(skills: np.ndarray) -> dict[str, np.ndarray]:
    """The first skill stands for the training score, the second, of which the event is, for the test score."""
    return {"train": skills[:, 0], "test": skills[:, 1]}
