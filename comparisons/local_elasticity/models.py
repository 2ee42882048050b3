"""Each family's model of local elasticity, with its settings: what one update moves, before training and along it.

Every model is (settings, rng) -> Trajectory with `contrast` along training, `start_contrast`, that of the same model
before training on the same bases, and `train`, a training score in [0, 1]. Its meta hold `inputs`, the contrast of the
centred inputs' inner products alone, and, where there is a closed form, `predicted`, what training adds in the end.
All contrasts are in decades, between other samples of the base's class and samples of other classes.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from comparisons.harness.model import Model
from comparisons.harness.settings import Settings
from comparisons.local_elasticity.question import pooled_contrast
from comparisons.parity import Parity, train_parity
from toymodels.trajectory import Trajectory
from toymodels.validation import positive_int

BASES = 20  # samples that are updated on, one at a time
Q = 1.022  # the rate in the appendix of Su (2024)


def kernel_change(kernel: np.ndarray) -> np.ndarray:
    """Relative changes (n_base, n) of a model with one kernel for all outputs, from its (n, n) kernel."""
    return np.abs(kernel[:BASES]) / np.abs(np.diag(kernel))[:BASES, None]


def centred_contrast(x: np.ndarray, labels: np.ndarray) -> float:
    """Contrast, in decades, of the inner products of the centred inputs (n, d): what does not hang on an origin."""
    centred = x.astype(float) - x.mean(axis=0, dtype=float)
    return pooled_contrast(kernel_change(centred @ centred.T), labels)


@dataclass(frozen=True)
class Classes(Settings):
    """White inputs whose first coordinates code the class and the rest are noise.

    Parameters
    ----------
    classes, dim : int
        Number of classes, and of coordinates.
    """

    classes: int = 6
    dim: int = 24


def class_inputs(s: Classes, rng: np.random.Generator, n: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, d) and labels (n,)."""
    labels = np.arange(n) % s.classes
    code = np.sqrt(s.classes) * np.eye(s.classes)[labels]
    return np.hstack([code, rng.standard_normal((n, s.dim - s.classes))]), labels


def linear(s: Classes, rng: np.random.Generator) -> Trajectory:
    """Control: a linear model moves others by the inputs' inner products, at every time, and by nothing else."""
    from toymodels.layerwise import LinearModel

    x, labels = class_inputs(s, rng)
    target = np.zeros(s.dim)
    target[0] = 1.0
    times = np.geomspace(1e-2, 10, 20)
    loss = LinearModel(target).solve(np.append(0.0, times))["loss"]
    contrast = pooled_contrast(kernel_change(x @ x.T), labels)  # the tangent kernel at any weights
    series = np.full(times.size, contrast)
    return _run(times, series, contrast, 1 - loss[1:] / loss[0], "flow time", inputs=centred_contrast(x, labels))


@dataclass(frozen=True)
class Layerwise(Classes):
    """A two-layer linear network on these inputs.

    Parameters
    ----------
    imbalance : float
        Of the layers; with a heavy readout the first layer learns alone, lazily, and the kernel stays white.
    """

    imbalance: float = 0.0


START = 1e-3  # singular values of the layerwise network's map before training


def layerwise(s: Layerwise, rng: np.random.Generator) -> Trajectory:
    """Linear network through training: closed-form gram matrices give the tangent kernel.

    The training score is the share of the initial loss that is gone.
    """
    from toymodels.layerwise import LinearNetwork

    x, labels = class_inputs(s, rng)
    n_classes = s.classes
    correlation = np.eye(n_classes, s.dim) / np.sqrt(n_classes)  # E[one-hot x'] for these inputs
    net = LinearNetwork.balanced(correlation, n_classes, s.imbalance, START, rng)
    times = np.geomspace(1e-2, 100, 40)
    run = net.solve(np.append(0.0, times))
    direction = np.eye(n_classes)[labels[:BASES]] - 1 / n_classes
    inner = x[:BASES] @ x.T
    series = []
    for first, last in zip(run["gram_in"], run["gram_out"], strict=True):
        through_first = (x[:BASES] @ first @ x.T)[:, :, None] * direction[:, None, :]
        through_last = inner[:, :, None] * (direction @ last)[:, None, :]
        size = np.linalg.norm(through_first + through_last, axis=2)
        series.append(pooled_contrast(size / size[np.arange(BASES), np.arange(BASES)][:, None], labels))
    meta = {"inputs": centred_contrast(x, labels)}
    if s.imbalance == 0:
        meta |= {"predicted": predicted_rise(n_classes, s.dim), "ceiling": largest_rise(n_classes, s.dim)}
    return _run(times, series[1:], series[0], 1 - run["loss"][1:] / run["loss"][0], "flow time", **meta)


def predicted_rise(classes: int, dim: int) -> float:
    r"""What training adds to the contrast of a balanced two-layer linear network from a small start; our derivation.

    Two inputs have the inner product :math:`z`, plus K for the same class, where :math:`z \sim N(0, r)` for a base
    whose noise has the squared length :math:`r \sim \chi^2_{D-K}`. In the end :math:`W_1^\top W_1` is
    :math:`1/\sqrt K` times the projector on the K coordinates of the code and :math:`W_2 W_2^\top = 1/\sqrt K`, so that
    the kernel is proportional to :math:`2K + z` in the class and :math:`z` outside. At the start it is
    :math:`x'(1 + R)x` with a random projection R onto K of the D dimensions. It keeps a share
    :math:`\beta \sim \mathrm{Beta}(K/2, (D-K)/2)` of the base's squared length K + r, and turns the base into another
    direction: relative to the base's own change the kernel is :math:`K + z` in the class and :math:`z` outside, with
    :math:`z` of variance :math:`r + (K+r)\beta(1-\beta)/(1+\beta)^2`, to leading order in 1/D. With
    :math:`\langle\cdot\rangle` the mean of the sizes relative to that at the base,

    .. math:: \log_{10}\frac{\langle|2K+z|\rangle}{\langle|z|\rangle}\Big|_\mathrm{end}
              - \log_{10}\frac{\langle|K+z|\rangle}{\langle|z|\rangle}\Big|_\mathrm{start} .

    With a white kernel at the start and r = D - K it would be :math:`\log_{10}(E|2K+z|/E|K+z|)`.

    Parameters
    ----------
    classes, dim : int
        K and D > K.

    Returns
    -------
    float
        Decades.
    """
    from scipy.stats import beta, chi2

    levels = (np.arange(100) + 0.5) / 100
    squared = chi2.ppf(levels, dim - classes)[:, None]
    kept = beta.ppf(levels, classes / 2, (dim - classes) / 2)
    at_start = squared + (classes + squared) * kept * (1 - kept) / (1 + kept) ** 2
    return _gaussian_contrast(2 * classes, squared, squared) - _gaussian_contrast(classes, squared, at_start)


def largest_rise(classes: int, dim: int) -> float:
    r"""Limit of :func:`predicted_rise` for many classes at :math:`\kappa = K/D`, in decades.

    :math:`\log_{10} 2 + \frac12\log_{10}(1+\kappa/(1+\kappa)^2)`: within a class the kernel grows from K to 2K, and
    between classes the scatter of the random start goes.

    Parameters
    ----------
    classes, dim : int
        K and D.
    """
    ratio = classes / dim
    return float(np.log10(2) + np.log10(1 + ratio / (1 + ratio) ** 2) / 2)


def _gaussian_contrast(shift: float, squared: np.ndarray, variance: np.ndarray) -> float:
    """Decades between the mean sizes of `shift` + z and of z, relative to `shift` + `squared`; z of `variance`."""
    from scipy.special import erf

    spread = np.sqrt(2 * variance)
    other = spread / np.sqrt(np.pi)
    same = other * np.exp(-((shift / spread) ** 2)) + shift * erf(shift / spread)
    return float(np.log10(np.mean(same / (shift + squared)) / np.mean(other / (shift + squared))))


@dataclass(frozen=True)
class Updates(Settings):
    """How a neurashed model is trained: the multiplicative rule, start and rates of the appendix of Su (2024).

    Parameters
    ----------
    rounds : int
        How often every sample is counted; a round has as many updates as there are samples, whatever the batch.
    batch : int
        Samples per update, at most all of them; when all are shown at once everything that fires for any of them grows
        alike, and the relative strength of the features, on which local elasticity hangs, stays as it starts.
    growth, shrink : float
        Of the natural log of an amplification, or of an edge's weight, in an update in which it fires and does not.
    initial : float
        Largest initial value; they are uniform from 0.
    """

    rounds: int = 200
    batch: int = 1
    growth: float = 2.75 * float(np.log(Q))
    shrink: float = 0.25 * float(np.log(Q))
    initial: float = 0.01


@dataclass(frozen=True)
class Neurashed(Updates):
    """Classes that share features below, as in section 2 of Su (2024), on the project's random hierarchical graph.

    Parameters
    ----------
    classes, types, depth : int
        Number of classes, of types of input in each (1a, 1b, ...; at least two), and of levels.
    """

    classes: int = 4
    types: int = 6
    depth: int = 3

    def __post_init__(self):
        positive_int("types", self.types, minimum=2)  # an own class without the base itself


def neurashed(s: Neurashed, rng: np.random.Generator) -> Trajectory:
    """Updates on types of input, and what they move of other types; trained by the same rule, edges too.

    What is built into the graph moves types of a class together before any training: that is the contrast of the
    start, and counts nothing. Features that all classes share fire always and grow fastest, so that training makes
    an update less local. The training score is the mean probability of the true class; its logit is the largest
    nearly everywhere before training, so that accuracy would call the start a fit.
    """
    from toymodels.neurashed import HierarchicalTask

    task = HierarchicalTask(n_classes=s.classes, depth=s.depth)
    model = task.build(rng)
    inputs, labels = task.sample(s.classes * s.types, rng)
    run, _ = _trained_graph(s, model, inputs, labels, rng)
    return run


@dataclass(frozen=True)
class Disjoint(Updates):
    """Classes without a common feature: the graph on which the study of neural collapse trains, two types a class.

    Parameters
    ----------
    classes, shared, own : int
        Number of classes, of features that both types of a class share, and of features of each type.
    """

    classes: int = 3
    shared: int = 4
    own: int = 4


def neurashed_disjoint(s: Disjoint, rng: np.random.Generator) -> Trajectory:
    """The same where no feature is common to two classes: what single types own fades, and the class moves as one.

    Other classes move only since everything that does not fire shrinks; a rule without shrinking does not move them at
    all, before or after training, and leaves no contrast to speak of.
    """
    from toymodels.neurashed.collapse import disjoint_classes
    from toymodels.neurashed.elasticity import disjoint_contrast

    task = disjoint_classes(s.classes, s.shared, s.own)
    run, (nodes, edges) = _trained_graph(s, task.model, task.inputs, task.labels, rng)
    if s.batch > 1:
        return run
    of_class = np.exp(nodes + edges).reshape(s.classes, -1)  # each node has the edge into its class, in its order
    predicted = disjoint_contrast(of_class[:, : s.shared].sum(axis=1), _rule(s)) - run["start_contrast"][0]
    return Trajectory(run.t, run.data, clock=run.clock, meta={**run.meta, "predicted": float(predicted)})


def _rule(s: Updates):
    from toymodels.neurashed import Multiplicative

    return Multiplicative(float(np.exp(s.growth)), float(np.exp(-s.shrink)))


def _trained_graph(s: Updates, model, inputs, labels, rng) -> tuple[Trajectory, tuple[np.ndarray, np.ndarray]]:
    """Contrast and training score at log-spaced rounds, and the logs of the initial state; in logs throughout."""
    from toymodels.neurashed import local_elasticity

    n = len(inputs)
    run = model.train(
        inputs,
        labels,
        _rule(s),
        n_steps=s.rounds * n,
        rng=rng,
        initial=(0.0, s.initial),
        batch_size=min(s.batch, n),
        sampling="epoch",
        every=n,  # whole rounds, in which every type was shown equally often
        scale="log",
    )
    states = list(zip(run["log_amplification"], run["log_edge_weights"], strict=True))
    firing = model.fire(inputs)

    def contrast(state) -> float:
        change = local_elasticity(model, state, inputs, inputs, rule=_rule(s), labels=labels, scale="log")
        return pooled_contrast(change, labels)

    rounds = np.unique(np.rint(np.geomspace(1, s.rounds, 30)).astype(int))
    series = [contrast(states[k]) for k in rounds]
    train = [model.predict_from_logs(*states[k], firing)[np.arange(n), labels].mean() for k in rounds]
    return _run(rounds, series, contrast(states[0]), train, "round", inputs=centred_contrast(inputs, labels)), states[0]


@dataclass(frozen=True)
class Condensation(Parity):
    """The parity task of :class:`comparisons.parity.Parity`, small enough for its whole kernel; it has two classes.

    Parameters
    ----------
    dim, samples : int
        Of the inputs.
    """

    dim: int = 10
    samples: int = 100


MOMENT = 1e-9  # horizon of a run that is over before anything moves


def condensation(s: Condensation, rng: np.random.Generator) -> Trajectory:
    """Tangent kernel of the two-layer ReLU net, condensing under weight decay; without decay lazy for ever."""
    inputs = []

    def observe(x, y, x_test, y_test, a, w):
        fields = x @ w.T
        firing = fields > 0
        kernel = np.maximum(fields, 0) @ np.maximum(fields, 0).T + ((firing * a) @ (firing * a).T) * (x @ x.T)
        labels = (y > 0).astype(int)
        inputs.append(centred_contrast(x, labels))
        return {"contrast": pooled_contrast(kernel_change(kernel.astype(float)), labels)}

    task = {"dim": s.dim, "n_samples": s.samples}
    untrained = train_parity(replace(s, horizon=MOMENT), deepcopy(rng), observe, n_records=2, **task)
    run = train_parity(s, rng, observe, **task)
    return _run(run.t, run["contrast"], untrained["contrast"][0], run["train"], run.clock, inputs=inputs[0])


@dataclass(frozen=True)
class Digits(Settings):
    """A 784-200-200-10 ReLU network on digits.

    Parameters
    ----------
    steps : int
        Updates.
    scale : float
        Factor on PyTorch's initial parameters; from one 4 times too large it fits and hardly moves its features.
    loss : {"mse", "cross_entropy"}
    optimiser, lr, momentum : str, float, float
        Of :class:`dnn.TrainConfig`.
    batch : int
        Samples an update.
    """

    steps: int = 800
    scale: float = 1.0
    loss: str = "mse"
    optimiser: str = "adam"
    lr: float = 1e-3
    momentum: float = 0.0
    batch: int = 200


def digits(s: Digits, rng: np.random.Generator) -> Trajectory:
    """Updates on digits; the histograms for 4, 9 and 0 are kept for the figure."""
    from comparisons.digits import train_mlp
    from dnn.data import load

    split = load("mnist-mini")
    samples, targets = split.x_train[:300], split.y_train[:300]
    labels = targets.numpy()
    kept: dict = {}

    def probes(network):
        kept["start"] = pooled_contrast(network_change(network, samples, targets, s.loss, BASES), labels)

        def probe(net, data):
            x, y = data.x_train[:300], data.y_train[:300]
            kept["last"] = lambda: (network_change(net, x, y, s.loss), _fuzziness(net, x, labels))
            return {"contrast": pooled_contrast(network_change(net, x, y, s.loss, BASES), labels)}

        return {"elasticity": probe}

    run = train_mlp(
        s,
        rng,
        n_steps=s.steps,
        records=16,
        scale=s.scale,
        batch_size=s.batch,
        loss=s.loss,
        optimiser=s.optimiser,
        lr=s.lr,
        momentum=s.momentum,
        weight_decay=1e-4,
        make_probes=probes,
    )
    change, fuzziness = kept["last"]()  # of the trained network
    fours = np.flatnonzero(labels == 4)
    moved = {f"four_to_{k}": _others(change, fours, np.flatnonzero(labels == k)) for k in (4, 9, 0)}
    meta = {"inputs": centred_contrast(samples.numpy(), labels), "fuzziness": fuzziness, **moved}
    return _run(run.t, run["elasticity.contrast"], kept["start"], run["train"], run.clock, **meta)


def _fuzziness(network, x, labels: np.ndarray) -> list[float]:
    """Separation fuzziness of the inputs and of every hidden layer: how far from separated the classes are."""
    import torch

    from dnn.reading.unfolding import unfold
    from toymodels.metrics.separation import fuzziness

    with torch.no_grad():
        *hidden, _ = (outputs for _, outputs in unfold(network).layers(x))
    return [fuzziness(layer.double().cpu().numpy(), labels) for layer in (x, *hidden)]


def network_change(network, x, y, loss: str, bases: int | None = None) -> np.ndarray:
    """Relative changes (n_base, n) of the logits at all samples after a vanishing SGD step on each base.

    Parameters
    ----------
    network : torch Module
        A chain of Linear layers and activations.
    x, y : (n, d) and (n,) tensors
    loss : {"mse", "cross_entropy"}
        Whose gradient the step follows.
    bases : int, optional
        How many of the samples, from the first on, are bases; all of them if None.
    """
    import torch

    from dnn.reading.kernels import tangent_kernel

    n_base = len(x) if bases is None else bases
    with torch.no_grad():
        logits = network(x[:n_base])
        n_outputs = logits.shape[1]
        predicted = torch.softmax(logits, dim=1) if loss == "cross_entropy" else logits
        direction = predicted - torch.nn.functional.one_hot(y[:n_base], n_outputs)
        direction = direction / direction.norm(dim=1, keepdim=True).clamp_min(1e-30)
        kernel = tangent_kernel(network, x, x[:n_base]).reshape(n_outputs, len(x), n_outputs, n_base)
        size = torch.einsum("knlb,bl->bnk", kernel, direction).norm(dim=2).double().cpu().numpy()
    return size / np.diag(size)[:, None]


def _others(change: np.ndarray, bases: np.ndarray, tests: np.ndarray) -> list[float]:
    return [float(change[b, t]) for b in bases for t in tests if b != t]


def _run(t, series, start: float, train, clock: str, **meta) -> Trajectory:
    """Contrast along training, that of the untrained model as a constant, and the training score."""
    values = np.asarray(series, dtype=float)
    data = {"contrast": values, "start_contrast": np.full(values.shape, float(start)), "train": np.asarray(train)}
    return Trajectory(t, data, clock=clock, meta=meta)


# What decides under cross-entropy is how far the features move by the end: descent with momentum and a large step.
MOMENTUM = Digits(loss="cross_entropy", optimiser="sgd", lr=0.1, momentum=0.9, steps=1500, batch=50)
MODELS = {
    "linear": Model(linear, Classes(), control=True),
    "layerwise": Model(layerwise, Layerwise(), off={"imbalance": 20.0}),
    "neurashed": Model(neurashed, Neurashed(), off={"batch": 1000}),
    "neurashed disjoint": Model(neurashed_disjoint, Disjoint(), off={"batch": 1000}),
    "condensation": Model(condensation, Condensation(), off={"decay": 1e-6}),
    "dnn cross-entropy": Model(digits, Digits(loss="cross_entropy")),
    "dnn cross-entropy momentum": Model(digits, MOMENTUM, off={"momentum": 0.0}, on_request=True),
    "dnn": Model(digits, Digits(), off={"scale": 4.0}),
}
