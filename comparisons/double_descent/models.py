"""Each family's test and training errors over sizes: (settings, rng) -> Trajectory with `test` and `train`.

Both are (n_sizes, n_sets): every replicate is a mean over data sets. The clock is the size. `predicted` (n_sizes,) is a
closed form's test error; `meta` may have the `threshold` that a theory predicts for the peak. The size at which the
data are just fitted stays out of the grids: there the error has no mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comparisons.double_descent.trained import TrainedDigits, TrainedNeurons, trained_digits, trained_neurons
from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from toymodels.trajectory import Trajectory
from toymodels.validation import choice, non_negative, positive_int


@dataclass(frozen=True)
class Layerwise(Settings):
    """Linear regression with noisy labels over the number of samples.

    Parameters
    ----------
    dim : int
        Inputs d.
    noise : float
        Standard deviation of the labels' noise; the teacher has norm 1.
    ridge : float
        In units of noise^2 d, where it is optimal; 0 is the converged flow from zero, of least norm.
    sets : int
        Data sets a size.
    ratios : tuple of float
        Samples per input.
    """

    dim: int = 200
    noise: float = 0.5
    ridge: float = 0.0
    sets: int = 5
    ratios: tuple = (0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.85, 0.95, 1.05, 1.15, 1.3, 1.6, 2.0, 2.5, 3.5, 5.0)

    def __post_init__(self):
        non_negative("ridge", self.ridge)
        positive_int("sets", self.sets, minimum=4)


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """The peak at n = d, and its height, are those of the Marchenko-Pastur law."""
    from toymodels.condensation.random_features import ridge_weights
    from toymodels.layerwise import TeacherStudent

    ridge = s.ridge * s.noise**2 * s.dim
    errors = np.empty((2, len(s.ratios), s.sets))
    predicted = np.empty(len(s.ratios))
    for j, ratio in enumerate(s.ratios):
        model = TeacherStudent(s.dim, max(1, round(ratio * s.dim)), s.noise)
        predicted[j] = 2 * model.solve([np.inf])["test_loss"][0]
        for k in range(s.sets):
            data = model.draw(rng)
            weights = ridge_weights(data.x, data.y, ridge)
            errors[:, j, k] = ((weights - data.teacher) ** 2).sum(), ((data.x @ weights - data.y) ** 2).mean()
    found = {"test": errors[0], "train": errors[1]} | ({"predicted": predicted} if ridge == 0 else {})
    return Trajectory(np.array(s.ratios), found, clock="samples per input", meta={"threshold": 1.0})


@dataclass(frozen=True)
class TwoLayers(Settings):
    """Two linear layers from a small start, on the noisy labels of a teacher of rank 1, over the number of samples.

    Parameters
    ----------
    dim, outputs : int
        Inputs, as many as hidden neurons, and outputs.
    noise : float
        Norm of the noise of a label; the teacher has norm 1.
    start : float
        Standard deviation of all weights.
    steps : int
        Updates.
    lr : float
        Learning rate.
    stop : {"end", "best"}
        Whether the map is taken at the end, or when its test error is lowest.
    sets : int
        Data sets a size.
    samples : tuple of int
    """

    dim: int = 40
    outputs: int = 5
    noise: float = 0.5
    start: float = 0.01
    steps: int = 15_000
    lr: float = 0.1
    stop: str = "end"
    sets: int = 4
    samples: tuple = (8, 16, 24, 30, 36, 38, 42, 44, 50, 60, 80, 120)

    def __post_init__(self):
        choice("stop", self.stop, ("end", "best"))
        positive_int("sets", self.sets, minimum=4)


def two_layers(s: TwoLayers, rng: np.random.Generator) -> Trajectory:
    """Modes are learned one by one, but what they converge to is the map of least norm: its error is recorded beside.

    Learning the strong modes first does not spare the network the noise in the weak ones, unless it stops in time.
    """
    from toymodels.condensation.random_features import ridge_weights
    from toymodels.layerwise.matrix_batches import descend_together

    k, d, c = len(s.samples) * s.sets, s.dim, s.outputs
    left, right = rng.standard_normal((k, c, 1)), rng.standard_normal((k, 1, d))
    teachers = left @ right / np.linalg.norm(left @ right, axis=(1, 2), keepdims=True)
    x = [rng.standard_normal((n, d)) for n in np.repeat(s.samples, s.sets)]
    noise = s.noise / np.sqrt(c)
    y = [a @ b.T + noise * rng.standard_normal((len(a), c)) for a, b in zip(x, teachers, strict=True)]
    correlation = np.array([b.T @ a / len(a) for a, b in zip(x, y, strict=True)])
    covariance = np.array([a.T @ a / len(a) for a in x])
    w1, w2 = s.start * rng.standard_normal((k, d, d)), s.start * rng.standard_normal((k, c, d))
    run = descend_together(w1, w2, correlation, covariance, s.steps, s.lr, every=max(1, s.steps // 300))
    test = ((run["map"] - teachers) ** 2).sum(axis=(2, 3))  # (n_t, k)
    rows = test.argmin(axis=0) if s.stop == "best" else np.full(k, len(test) - 1)
    maps = run["map"][rows, np.arange(k)]
    train = [((a @ m.T - b) ** 2).sum(axis=1).mean() for a, b, m in zip(x, y, maps, strict=True)]
    least = [((ridge_weights(a, b).T - m) ** 2).sum() for a, b, m in zip(x, y, teachers, strict=True)]
    shape = (len(s.samples), s.sets)
    found = {"test": test[rows, np.arange(k)].reshape(shape), "train": np.reshape(train, shape)}
    if s.stop == "end":
        found["predicted"] = 10 ** np.log10(np.reshape(least, shape)).mean(axis=1)
    return Trajectory(np.array(s.samples), found, clock="samples", meta={"threshold": float(d)})


FEATURES = (5, 10, 20, 30, 40, 48, 54, 57, 63, 66, 75, 90, 120, 200, 400, 1000)


@dataclass(frozen=True)
class Features(Settings):
    """Random ReLU features with a readout of least norm, over the number of features.

    Parameters
    ----------
    samples, dim : int
        Training samples n, and inputs.
    noise : float
        Standard deviation of the labels' noise; the teacher, a single ReLU neuron, has mean square 1.
    ridge : float
        Of the readout.
    sets : int
        Data sets, each with features of its own.
    widths : tuple of int
    """

    samples: int = 60
    dim: int = 10
    noise: float = 0.5
    ridge: float = 0.0
    sets: int = 8
    widths: tuple = FEATURES

    def __post_init__(self):
        non_negative("ridge", self.ridge)
        positive_int("sets", self.sets, minimum=4)


def random_features(s: Features, rng: np.random.Generator) -> Trajectory:
    """The lazy end of the two-layer network, without any condensation."""
    from comparisons.double_descent.trained import one_neuron

    errors = [_over_features(one_neuron(s.samples, s.dim, s.noise, rng), s.widths, s.ridge, rng) for _ in range(s.sets)]
    return _stacked(errors, s.widths, "features", s.samples)


@dataclass(frozen=True)
class DigitFeatures(Settings):
    """Random ReLU features of digits, a share of them labelled wrongly, over the number of features.

    Parameters
    ----------
    samples : int
        Digits n, drawn from the 1,000.
    wrong : float
        Share of the labels that are drawn anew among the other classes.
    ridge : float
        Of the readout.
    sets : int
        Draws of digits, labels and features.
    widths : tuple of int
    """

    samples: int = 300
    wrong: float = 0.2
    ridge: float = 0.0
    sets: int = 4
    widths: tuple = (10, 20, 40, 70, 110, 160, 210, 250, 285, 315, 350, 420, 600, 1000, 2000, 4000)

    def __post_init__(self):
        non_negative("ridge", self.ridge)
        positive_int("sets", self.sets, minimum=4)


def digit_features(s: DigitFeatures, rng: np.random.Generator) -> Trajectory:
    """A hidden layer of a network on real data, not trained; squared error against the true classes."""
    from comparisons.double_descent.trained import mislabelled_digits

    errors = [
        _over_features(mislabelled_digits(s, s.samples, s.wrong, rng), s.widths, s.ridge, rng) for _ in range(s.sets)
    ]
    return _stacked(errors, s.widths, "features", s.samples)


def _over_features(task: tuple, widths: tuple, ridge: float, rng: np.random.Generator) -> np.ndarray:
    """Test and training error of one data set at every width, (n_widths, 2)."""
    from toymodels.condensation.random_features import RandomFeatures, ridge_weights

    x, y, x_test, y_test = task
    rows = []
    for width in widths:
        features = RandomFeatures.draw(width, x.shape[1], rng)
        seen = features(x)
        readout = ridge_weights(seen, y, ridge)
        rows.append([np.mean((a @ readout - b) ** 2) for a, b in ((features(x_test), y_test), (seen, y))])
    return np.array(rows)


def _stacked(errors: list[np.ndarray], sizes: tuple, clock: str, threshold: float) -> Trajectory:
    """Errors (n_sizes, 2) of every data set as a run over sizes."""
    test, train = np.array(errors).transpose(2, 1, 0)
    return Trajectory(np.array(sizes), {"test": test, "train": train}, clock=clock, meta={"threshold": threshold})


@dataclass(frozen=True)
class Neurashed(Settings):
    """Memorising votes beside a class route, over the number of votes.

    The steps end while the votes still outweigh the class route: much later every test sample is known.

    Parameters
    ----------
    steps : int
        Samples shown, one at a time.
    sets : int
        Draws of votes and order.
    votes : tuple of int
    """

    steps: int = 2000
    sets: int = 6
    votes: tuple = (10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240)

    def __post_init__(self):
        positive_int("sets", self.sets, minimum=4)


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """Share of errors: no knob brings a peak, since edges count what they have seen, and nothing is inverted."""
    from toymodels.neurashed.delayed import DelayedGeneralisation

    errors = np.empty((2, len(s.votes), s.sets))
    for j, votes in enumerate(s.votes):
        model = DelayedGeneralisation(n_votes=votes)
        for k in range(s.sets):
            run = model.simulate(s.steps, rng)
            errors[:, j, k] = 1 - run["test"][-1], 1 - run["train"][-1]
    errors[0] = np.maximum(errors[0], 0.5 / model.n_test)  # none of so many
    return Trajectory(np.array(s.votes), {"test": errors[0], "train": errors[1]}, clock="votes")


MODELS = {
    "layerwise": Model(layerwise, Layerwise(), off={"ridge": 1.0}),
    "layerwise two layers": Model(two_layers, TwoLayers(), off={"stop": "best"}),
    "neurashed": Model(neurashed, Neurashed()),
    "condensation": Model(random_features, Features(), off={"ridge": 0.5}),
    "condensation trained": Model(trained_neurons, TrainedNeurons(), off={"decay": 0.03}, on_request=True),
    "condensation trained lazily": Model(
        trained_neurons, TrainedNeurons(scale=4.0), off={"decay": 0.03}, on_request=True
    ),
    "dnn": Model(digit_features, DigitFeatures(), off={"ridge": 0.3}),
    "dnn trained": Model(trained_digits, TrainedDigits(), off={"decay": 3.0}, on_request=True),
}
