"""Each family's model of neural collapse, with its settings: within-class variability and its kin along training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from comparisons.parity import Parity, train_parity
from toymodels.metrics import collapse
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Layerwise(Settings):
    """Unconstrained features and readout, trained together.

    Parameters
    ----------
    scale : float
        Of the start; from a large one features hardly move.
    classes : int
    """

    scale: float = 0.03
    classes: int = 5


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """From a small start the spread within classes fades; what is left of it is known in closed form."""
    from toymodels.layerwise import UnconstrainedFeatures

    model = UnconstrainedFeatures(s.classes, 10, 32, s.scale)
    rate = np.sqrt(model.n_per_class) + model.init_scale**2 * model.width  # of the slowest and fastest modes
    run = model.solve(np.geomspace(1e-2, 500, 60) / rate, rng)
    rows = [_measure(h.T, model.labels, w) for h, w in zip(run["features"], run["weights"], strict=True)]
    run = _run(run.t, rows, run.clock)
    if s.scale > LARGE_START:  # the prediction is that of a vanishing start
        return run
    predicted = np.full(run.t.size, model.final_within_between())
    return Trajectory(run.t, {**run.data, "predicted": predicted}, clock=run.clock)


LARGE_START = 0.3


@dataclass(frozen=True)
class Neurashed(Settings):
    """Disjoint classes in balanced epochs.

    Parameters
    ----------
    epochs : int
    rule : {"multiplicative", "additive"}
        An additive rule stops on the plateau at one half of the shared amplification.
    """

    epochs: int = 200
    rule: str = "multiplicative"


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """The closed form is recorded beside the simulation."""
    from toymodels.neurashed import Additive, Multiplicative
    from toymodels.neurashed.collapse import multiplicative_ratio, predicted_within_between, train_to_collapse
    from toymodels.validation import choice

    if choice("rule", s.rule, ("multiplicative", "additive")) == "additive":
        run = train_to_collapse(Additive(0.1), s.epochs, rng, initial=1e-6)
        return _neurashed(run, predicted_within_between(np.full(run.t.size, 0.5)))
    up, down, n_classes = 1.05, 0.98, 3
    run = train_to_collapse(Multiplicative(up, down), s.epochs, rng, n_classes=n_classes)
    predicted = predicted_within_between(multiplicative_ratio(run.t * 2 * n_classes, up, down, n_classes))
    return _neurashed(run, predicted)


def _neurashed(run: Trajectory, predicted: np.ndarray) -> Trajectory:
    data = {
        "train": np.ones(run.t.size),  # the class node fires with its pathway from the first step
        "within_between": run["within_between"],
        "nc2_angle": run["equiangular"],
        "predicted": predicted,
    }
    return Trajectory(run.t, data, clock=run.clock)


def condensation(s: Parity, rng: np.random.Generator) -> Trajectory:
    """Hidden features of the two-layer ReLU net on 2-parity, condensing under weight decay."""

    def observe(x, y, x_test, y_test, a, w):
        return _measure(np.maximum(x @ w.T, 0).astype(float), (y > 0).astype(int), np.stack([-a, a]).astype(float))

    return train_parity(s, rng, observe, n_records=50)


@dataclass(frozen=True)
class Digits(Settings):
    """A deep ReLU network on 1,000 digits with squared loss, trained far beyond zero error.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers.
    steps : int
        Updates.
    decay, lr : float
        Weight decay and learning rate.
    frozen : bool
        Whether only the readout is trained: 1,500 random features are enough of them to fit every digit.
    """

    hidden: tuple = (200, 200, 200, 200, 200)
    steps: int = 2500
    decay: float = 1e-4
    lr: float = 1e-3
    frozen: bool = False


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """All measures of neural collapse along training."""
    from comparisons.digits import train_mlp

    def probes(network):
        from dnn import probes

        return {"collapse": probes.collapse}

    run = train_mlp(
        s,
        rng,
        n_steps=s.steps,
        records=30,
        widths=(784, *s.hidden, 10),
        frozen=s.frozen,
        make_probes=probes,
        batch_size=200,
        weight_decay=s.decay,
        loss="mse",
        schedule="cosine",
        lr=s.lr,
    )
    data = {name.removeprefix("collapse."): values for name, values in run.data.items()}
    return Trajectory(run.t, data, clock=run.clock)


def _measure(features: np.ndarray, labels: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """The six measures of neural collapse, and training accuracy."""
    equinorm, equiangular = collapse.nc2(features, labels)
    return {
        "train": float(((features @ weight.T).argmax(axis=1) == labels).mean()),
        "nc1": collapse.nc1(features, labels),
        "within_between": collapse.within_between(features, labels),
        "nc2_norm": equinorm,
        "nc2_angle": equiangular,
        "nc3": collapse.nc3(features, labels, weight),
        "nc4": collapse.nc4(features, labels, weight),
    }


def _run(t: np.ndarray, rows: list[dict[str, float]], clock: str) -> Trajectory:
    return Trajectory(t, {name: np.array([row[name] for row in rows]) for name in rows[0]}, clock=clock)


MODELS = {
    "layerwise": Model(layerwise, Layerwise(), off={"scale": 3.0}),
    "neurashed": Model(neurashed, Neurashed(), off={"rule": "additive"}),
    "condensation": Model(condensation, Parity(), off={"decay": 1e-6}),
    "dnn": Model(digits, Digits(), off={"frozen": True, "hidden": (1500,), "decay": 0.0, "lr": 1e-2}),
}
