"""The open question of Su (2024), section 4: units that fire together as nodes, and what their graph predicts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Grid, PaperFigure
from figures.neurashed.extraction_claims import CLAIMS
from figures.neurashed.extraction_drawing import draw

if TYPE_CHECKING:
    from dnn.data import Split
    from dnn.extraction.extracting import Extracted

CONTROLS = ("shuffled", "shuffled in class")


@dataclass(frozen=True)
class Extraction(Settings):
    """Networks, the extraction, and how its three predictions are measured; all fixed before any run.

    Parameters
    ----------
    architectures : tuple of str
        Widths, inputs and classes included; the first is drawn.
    samples : int
        Training digits from which the graph is extracted.
    n_steps, batch_size : int
        Training of the networks with Adam at 1e-3.
    similarity : float
        phi of firing from which units are one node.
    rare : float
        Share of samples up to which firing, or silence, is too rare to count.
    bases, tests : int
        Digits of each class that are updated on, and watched.
    share : float
        Part of the units of each hidden layer that is kept.
    draws : int
        Random parts of that size.
    early_steps, early_batch : int
        SGD before the graph of a young network is extracted, and its batches.
    batch_sizes : tuple of int
        With which young networks, and their graphs, are trained further.
    more_steps, epochs : int
        Further training: equal numbers of updates, and of epochs.
    early_lr, lr : float
        Rates of SGD, before and further.
    replicates : int
        Networks of each architecture.
    """

    architectures: tuple[str, ...] = ("784-200-200-10", "784-100-100-100-100-10", "784-400-10")
    samples: int = 1000
    n_steps: int = 400
    batch_size: int = 100
    similarity: float = 0.5
    rare: float = 0.01
    bases: int = 10
    tests: int = 20
    share: float = 1 / 3
    draws: int = 20
    early_steps: int = 200
    early_batch: int = 64
    batch_sizes: tuple[int, ...] = (1, 8, 64)
    more_steps: int = 1000
    epochs: int = 3
    early_lr: float = 0.05
    lr: float = 0.02
    replicates: int = 3


def judged(settings: Extraction, rng: np.random.Generator, architecture: str) -> dict[str, Any]:
    """One network: what its graph and the controls predict, and what it does."""
    from dnn.extraction.extracting import extract_fields
    from dnn.extraction.fields import fields_of, shuffled
    from dnn.extraction.measurements import measure_elasticity

    network, split, run = trained(settings, rng, architecture)
    x, y = split.x_train[: settings.samples], split.y_train[: settings.samples]
    labels = y.cpu().numpy()
    fields = fields_of(network, x)
    read = partial(extract_fields, labels=labels, similarity=settings.similarity, rare=settings.rare, rng=rng)
    graph = read(fields)
    others = {
        name: read(shuffled(fields, rng, classes)) for name, classes in zip(CONTROLS, (None, labels), strict=True)
    }
    bases = of_each_class(labels, 0, settings.bases)
    tests = of_each_class(labels, settings.bases, settings.tests)
    predicted = {name: elasticity(found, bases, tests) for name, found in {"graph": graph, **others}.items()}
    predicted["inputs"] = inner_products(x.cpu().numpy(), labels, bases, tests)
    measured = in_classes(measure_elasticity(network, x, y, bases, tests), labels, bases, tests)
    return {
        "test": run["test_accuracy"][-1],
        "train": run["train_accuracy"][-1],
        **agreements(predicted, measured),
        "measured": measured,
        "predicted": np.zeros_like(measured) if predicted["graph"] is None else predicted["graph"],
        **cut(settings, network, split, graph, rng),
        **described(graph),
        "grouped_shuffled": grouped(others["shuffled"]),
        "grouped_in_class": grouped(others["shuffled in class"]),
    }


def trained(settings: Extraction, rng: np.random.Generator, architecture: str, **changes: Any):
    """A perceptron of these widths trained on the digits, with the digits and the record of the training."""
    from dnn.data import load
    from dnn.networks.mlp import MLP
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train
    from dnn.training.objectives import prepare

    network = MLP([int(width) for width in architecture.split("-")], rng=rng)
    usual = {"n_steps": settings.n_steps, "batch_size": settings.batch_size}
    options = {**usual, **changes, "device": settings.device}
    config = TrainConfig(**options, records=(options["n_steps"],))
    split = prepare(load("mnist-mini"), config)
    return network, split, train(network, split, config, rng)


def of_each_class(labels: np.ndarray, first: int, n: int) -> np.ndarray:
    """Rows of `n` samples of each class, beginning with number `first` of it."""
    return np.concatenate([np.flatnonzero(labels == k)[first : first + n] for k in range(labels.max() + 1)])


def in_classes(change: np.ndarray, labels: np.ndarray, bases: np.ndarray, tests: np.ndarray) -> np.ndarray:
    """Changes (n_bases, n_tests) as elasticity from class to class, (K, K)."""
    from dnn.extraction.measurements import between_classes

    return between_classes(change, labels[bases], labels[tests])


def elasticity(graph: Extracted, bases: np.ndarray, tests: np.ndarray) -> np.ndarray | None:
    """What a graph says of the elasticity from class to class, (K, K); None if it says nothing."""
    from dnn.extraction.predictions import predict_elasticity

    change = predict_elasticity(graph, bases, tests)
    silent = change is None or not set(graph.labels[tests]) <= set(graph.labels[bases[~np.isnan(change).all(axis=1)]])
    return None if change is None or silent else in_classes(change, graph.labels, bases, tests)


def inner_products(x: np.ndarray, labels: np.ndarray, bases: np.ndarray, tests: np.ndarray) -> np.ndarray:
    """What the inputs alone say: the elasticity of a linear classifier, (K, K)."""
    change = np.abs(x[bases] @ x[tests].T) / (x[bases] ** 2).sum(axis=1)[:, None]
    return in_classes(change, labels, bases, tests)


def agreements(predicted: dict[str, np.ndarray | None], measured: np.ndarray) -> dict[str, float]:
    """Rank correlations of predicted elasticities with the measured one, as they are and in the effect of the pair."""
    from dnn.extraction.measurements import agreement, pair_effect

    found, apart = {}, ~np.eye(len(measured), dtype=bool)
    for name, values in predicted.items():
        key, pairs = name.replace(" ", "_"), None
        if values is not None and (values[apart] > 0).all():
            pairs = pair_effect(values)
        found[f"agreement_{key}"] = agreement(values, measured)
        found[f"paired_{key}"] = agreement(pairs, pair_effect(measured))
    return found


def cut(settings: Extraction, network, split: Split, graph: Extracted, rng: np.random.Generator) -> dict[str, Any]:
    """Test accuracy with a part of the units of each hidden layer: dominant, most active, and random ones."""
    from dnn.extraction.measurements import measure_kept
    from dnn.extraction.predictions import predict_active, predict_dominant, random_units

    def accuracy(kept) -> float:
        return measure_kept(network, split.x_test, split.y_test, kept)

    return {
        "dominant": accuracy(predict_dominant(graph, settings.share)),
        "active": accuracy(predict_active(graph, settings.share)),
        "random": np.array([accuracy(random_units(graph, rng, settings.share)) for _ in range(settings.draws)]),
    }


def described(graph: Extracted) -> dict[str, float]:
    """The graph in numbers."""
    units = sum(len(nodes.activity) for nodes in graph.layers)
    always = sum(len(nodes.units[nodes.always]) for nodes in graph.layers if nodes.always is not None)
    possible = sum(strengths.size for strengths in graph.paths)
    return {
        "units": units,
        "nodes": sum(len(nodes) for nodes in graph.layers),
        "largest": max(len(group) for nodes in graph.layers for group in nodes.units),
        "dead": sum(len(nodes.dead) for nodes in graph.layers),
        "always": always,
        "grouped": grouped(graph),
        "null": max(nodes.null for nodes in graph.layers),
        "density": len(graph.edges) / possible,
        "explained": -1.0 if graph.explained is None else graph.explained,  # there is nothing to explain
        "agreement_model": -1.0 if graph.model is None else graph.agreement,
    }


def grouped(graph: Extracted) -> float:
    """Share of the units that fire now and then whose node has another unit, mean over the layers."""
    return float(np.mean([nodes.grouped for nodes in graph.layers]))


def batches(settings: Extraction, rng: np.random.Generator, architecture: str) -> dict[str, Any]:
    """Participation ratios by batch size, of a young network trained further and of its graph, and the start.

    Arrays are (2, n_sizes): equal numbers of updates, and of epochs; the geometric mean over the hidden layers.
    """
    from dnn.extraction.extracting import extract
    from dnn.extraction.measurements import measure_participation
    from dnn.extraction.predictions import predict_participation

    early = {"n_steps": settings.early_steps, "batch_size": settings.early_batch, "optimiser": "sgd"}
    network, split, run = trained(settings, rng, architecture, **early, lr=settings.early_lr)
    x, y = split.x_train[: settings.samples], split.y_train[: settings.samples]
    graph = extract(network, x, y, similarity=settings.similarity, rare=settings.rare, rng=rng)
    steps = np.array([lengths(settings, len(split.x_train), size) for size in settings.batch_sizes]).T
    predicted, measured, tests = (np.empty(steps.shape) for _ in range(3))
    for place, n_steps in np.ndenumerate(steps):
        size = settings.batch_sizes[place[1]]
        predicted[place] = middle(predict_participation(graph, size, int(n_steps), rng))
        later, accuracy = further(settings, network, split, rng, size, int(n_steps))
        measured[place], tests[place] = middle(measure_participation(later, x)), accuracy
    return {
        "predicted_ratio": predicted,
        "measured_ratio": measured,
        "start_ratio": middle(measure_participation(network, x)),
        "later_test": tests,
        "early_test": run["test_accuracy"][-1],
    }


def lengths(settings: Extraction, n: int, batch_size: int) -> tuple[int, int]:
    """Updates of further training when their number is equal, and when that of epochs over `n` digits is."""
    return settings.more_steps, settings.epochs * -(-n // batch_size)


def further(settings: Extraction, network, split: Split, rng: np.random.Generator, batch_size: int, n_steps: int):
    """A copy of the network trained further with SGD, and its test accuracy."""
    from copy import deepcopy

    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    options = {"optimiser": "sgd", "lr": settings.lr, "batch_size": batch_size, "device": settings.device}
    later = deepcopy(network)
    run = train(later, split, TrainConfig(n_steps, records=(n_steps,), **options), rng)
    return later, run["test_accuracy"][-1]


def middle(ratios: np.ndarray) -> float:
    """Geometric mean over the layers."""
    return float(np.exp(np.log(ratios).mean()))


def example(settings: Extraction, rng: np.random.Generator, architecture: str) -> dict[str, Any]:
    """The graph of one network for the picture: what its nodes are, the class each fires most for, and all paths."""
    from dnn.extraction.extracting import extract

    network, split, _ = trained(settings, rng, architecture)
    x, y = split.x_train[: settings.samples], split.y_train[: settings.samples]
    graph = extract(network, x, y, similarity=settings.similarity, rare=settings.rare, rng=rng)
    labels, data = graph.labels, {}
    for k, (nodes, strengths) in enumerate(zip(graph.layers, graph.paths, strict=True)):
        rates = np.stack([nodes.firing[labels == label].mean(axis=0) for label in range(graph.n_classes)])
        data |= {f"graph_class_{k}": rates.argmax(axis=0), f"graph_paths_{k}": strengths}
        data |= {f"graph_size_{k}": np.array([len(group) for group in nodes.units])}
        data |= {f"graph_amplification_{k}": nodes.amplification}
    return data


def compute(settings: Extraction, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Everything by architecture and replicate, and the graph of one network."""
    axes, seeds = {"architecture": settings.architectures}, rng.integers(2**31, size=3).tolist()
    data: dict[str, np.ndarray] = {}
    for worker, seed in ((judged, seeds[0]), (batches, seeds[1])):
        runs = grid(partial(worker, settings), axes, replicates=settings.replicates, seed=seed)
        data |= {str(name): values.values for name, values in runs.data_vars.items()}
    shown = grid(partial(example, settings), {"architecture": settings.architectures[:1]}, seed=seeds[2])
    return data | {str(name): values.values[0, 0] for name, values in shown.data_vars.items()}


FIGURE = PaperFigure(
    name="neurashed/extraction",
    caption=(
        "Section 4, the open question: which units of a network correspond to a node of neurashed? Our answer, put to "
        "the test: units of a layer that fire together on the data (average linkage of phi, cut at 0.5 or at the "
        "largest phi of shuffled firing) are a node; it fires when most of them do; paths lead to nodes that fire more "
        "often when it does, beyond chance. (a) such a graph: circles are nodes, area their units, colour the class "
        "for which they fire most; the two strongest paths into every node. (b) to (d): what the graph predicts before "
        "the network is asked, and what it does; + in (b): of ln LE what is left after the best effects of base and "
        "test class, looked at afterwards. Three networks each of three architectures on 1,000 digits. All settings "
        "are ours and were fixed before any run."
    ),
    presets={"quick": Extraction(), "paper": Extraction(replicates=10, n_steps=1000, more_steps=3000, epochs=10)},
    compute=compute,
    draw=draw,
    seconds=110,
    cost="about 15 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("neurashed_nodes",),
)
