"""Statements of Su (2024), section 4, that a run can judge: sub-networks, cropping, batch size, shared classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, READING, Claim, Decisive, Quantity, Statistic, every_run, median
from toymodels.neurashed import Additive, Frozen, HierarchicalTask, Multiplicative
from toymodels.neurashed.cropping import train_with_crops
from toymodels.neurashed.graphs import build, random_classes
from toymodels.neurashed.pruning import accuracy, dominant_nodes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULE = Multiplicative(1.05, 0.98)
N_CLASSES = 4
TICKET = 1 / 3  # share of each level that is kept
EXAMPLES = 50  # of each class that shares features


@dataclass(frozen=True)
class Outlook(Settings):
    """Sizes of the four experiments.

    Parameters
    ----------
    shares : tuple of float
        Shares of the nodes of each level that are kept, a third among them.
    random_draws : int
        Random sub-networks per model and share.
    crops : tuple of int
        Crops per part and image, 0 first and 1 among them.
    batch_sizes : tuple of int
        Samples per update, 1 first, the full batch last.
    few_samples : int
        Training samples for the batch sizes, so that the last of them is the full batch.
    many_samples : int
        Test samples for the batch sizes.
    n_samples : int
        Training samples, and test samples, for the sub-networks.
    n_steps : int
        Updates, for sub-networks and batch sizes.
    replicates : int
        Models with sub-networks and graphs with shared classes; four times as many for crops and batch sizes.
    shared_classes : tuple of int
        Numbers of classes that share features.
    """

    shares: tuple[float, ...] = (0.1, 0.2, 0.3333333333333333, 0.5, 0.75, 1.0)
    random_draws: int = 10
    crops: tuple[int, ...] = (0, 1, 4)
    batch_sizes: tuple[int, ...] = (1, 2, 4, 10, 20, 40)
    few_samples: int = 40
    many_samples: int = 1000
    n_samples: int = 200
    n_steps: int = 800
    replicates: int = 5
    shared_classes: tuple[int, ...] = (2, 4, 8, 16)


def pruned(settings: Outlook, rng: np.random.Generator, n_steps: int) -> dict[str, np.ndarray | float]:
    """Test accuracy of one trained model by share of nodes kept: the dominant, or random ones; and of the ticket."""
    task = HierarchicalTask()
    model = task.build(rng)
    train, test = task.sample(settings.n_samples, rng), task.sample(settings.n_samples, rng)
    order = rng.integers(settings.n_samples, size=(n_steps, 1))
    options = {"n_steps": n_steps, "rng": rng, "initial": 0.1, "order": order, "every": n_steps}
    run = model.train(*train, RULE, **options)
    state = run["amplification"][-1], run["edge_weights"][-1]
    chosen = {share: dominant_nodes(model, state[0], share) for share in settings.shares}
    strengths = rng.random((settings.random_draws, len(state[0])))  # a random order of the nodes each
    kept = dominant_nodes(model, state[0], TICKET)
    frozen = {node: Frozen() for node, keep in zip(model.nodes, kept, strict=True) if not keep}
    alone = model.train(*train, {"default": RULE} | frozen, **options)
    ticket = accuracy(model, alone["amplification"][-1], alone["edge_weights"][-1], *test, kept=kept)
    return {
        "dominant": np.array([accuracy(model, *state, *test, kept=chosen[share]) for share in settings.shares]),
        "random": np.array(
            [
                [accuracy(model, *state, *test, kept=dominant_nodes(model, strength, share)) for strength in strengths]
                for share in settings.shares
            ]
        ).mean(axis=1),
        "whole": accuracy(model, *state, *test),
        "ticket": ticket,
    }


def cropped(settings: Outlook, rng: np.random.Generator, crops: int) -> dict[str, np.ndarray]:
    """Accuracy on parts before the wrong background along training (n_t, models)."""
    run = train_with_crops(crops, RULE, rng, replicates=4 * settings.replicates)
    return {"t": run.t, "part_accuracy": run["part_accuracy"]}


def generalise(settings: Outlook, rng: np.random.Generator, batch_size: int) -> dict[str, float]:
    """Test accuracy where class features compete with features that every training sample has for itself.

    A sample fires 2 of the 4 features of its class and 1 of another class. A training sample also fires 3 features of
    its own, which lead to its class: memory. A test sample fires 12 of those of all training samples instead.
    """
    size = 4 * N_CLASSES
    memory = size + np.arange(3 * settings.few_samples).reshape(-1, 3)
    owners = np.arange(settings.few_samples) % N_CLASSES
    parents = [[*range(4 * k, 4 * k + 4), *memory[owners == k].ravel().tolist()] for k in range(N_CLASSES)]
    model = build(size + memory.size, [], parents)
    inputs = class_features(owners, size + memory.size, rng)
    np.put_along_axis(inputs, memory, True, axis=1)
    labels = np.arange(settings.many_samples) % N_CLASSES
    tests = class_features(labels, size + memory.size, rng)
    distracting = rng.random((settings.many_samples, memory.size)).argsort(axis=1)[:, :12]
    np.put_along_axis(tests, size + distracting, True, axis=1)
    n_steps, options = settings.n_steps, {"initial": 0.1, "scale": "log", "sampling": "epoch"}
    run = model.train(inputs, owners, RULE, n_steps=n_steps, every=n_steps, rng=rng, batch_size=batch_size, **options)
    logits = model.log_logits(run["log_amplification"][-1], run["log_edge_weights"][-1], model.fire(tests))
    own = labels[:, None] == np.arange(N_CLASSES)
    return {"accuracy": (logits[own] > np.where(own, -np.inf, logits).max(axis=1)).mean()}


def class_features(labels: np.ndarray, n_nodes: int, rng: np.random.Generator) -> np.ndarray:
    """Inputs (n, n_nodes) that fire 2 of the 4 nodes of their class and 1 node of another."""
    inputs, rows = np.zeros((len(labels), n_nodes), dtype=bool), np.arange(len(labels))
    for node in rng.random((len(labels), 4)).argsort(axis=1)[:, :2].T:
        inputs[rows, 4 * labels + node] = True
    other = (labels + rng.integers(1, N_CLASSES, len(labels))) % N_CLASSES
    inputs[rows, 4 * other + rng.integers(4, size=len(labels))] = True
    return inputs


def reuse(rng: np.random.Generator, n_classes: int) -> dict[str, float]:
    """Mean amplification of nodes that all classes share over that of own nodes, after EXAMPLES steps per class."""
    task = random_classes(1_000_000, 3, 2, n_classes, 2, rng)
    n_steps = EXAMPLES * n_classes
    run = task.model.train(
        task.inputs, task.labels, Additive(1.0), n_steps=n_steps, rng=rng, initial=0, edge_training=False, every=n_steps
    )
    shared = task.model.firing_table(task.inputs).all(axis=0)
    final = run["amplification"][-1]
    return {"ratio": final[shared].mean() / final[~shared].mean()}


def compute(settings: Outlook, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Accuracy by share kept and by batch size, accuracy on parts by crops, strength of shared features."""
    seeds, few = rng.integers(2**31, size=4).tolist(), settings.replicates
    runs = grid(partial(pruned, settings), {"n_steps": [settings.n_steps]}, replicates=few, seed=seeds[0])
    points = {"batch_size": settings.batch_sizes}
    batches = grid(partial(generalise, settings), points, replicates=4 * few, seed=seeds[2])
    reused = grid(reuse, {"n_classes": settings.shared_classes}, replicates=few, seed=seeds[1])
    parts = grid(partial(cropped, settings), {"crops": settings.crops}, seed=seeds[3])
    return {
        "shares": np.array(settings.shares),
        "dominant": runs["dominant"].values[0],  # (replicates, shares)
        "random": runs["random"].values[0],
        "ticket": runs["ticket"].values[0],
        "batch_sizes": np.array(settings.batch_sizes),
        "whole": runs["whole"].values[0],
        "by_batch": batches["accuracy"].values,  # (batch sizes, replicates)
        "crops": np.array(settings.crops),
        "crop_t": parts["t"].values[0, 0],
        "part_accuracy": parts["part_accuracy"].values[:, 0],  # (crops, n_t, replicates)
        "shared_classes": np.array(settings.shared_classes),
        "reuse": reused["ratio"].values,
    }


def draw(data: Data, settings: Outlook) -> Figure:
    """Sub-networks, crops, batch sizes and shared features."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(14, 3.6), layout="constrained")
    axes = figure.subplots(1, 4)
    for k, (name, label) in enumerate((("dominant", "dominant nodes"), ("random", "random nodes"))):
        axes[0].plot(data["shares"], data[name].T, ".", color=style.ORDER[k])
        axes[0].plot(data["shares"], np.median(data[name], axis=0), color=style.ORDER[k], label=label)
    axes[0].plot(np.full(len(data["ticket"]), TICKET), data["ticket"], "k+", ms=10, label="trained alone")
    axes[0].set(xlabel="share of nodes kept", ylabel="test accuracy", ylim=(-0.03, 1.05), title="sub-networks")
    for k, crops in enumerate(data["crops"]):
        label = f"{crops} crop{'s' if crops > 1 else ''} per part and image" if crops else "no crops"
        axes[1].plot(data["crop_t"], data["part_accuracy"][k].mean(axis=1), color=style.ORDER[k], label=label)
    axes[1].set(xlabel="step", ylabel="accuracy, part on wrong background", ylim=(-0.03, 1.05), title="cropping")
    axes[2].semilogx(data["batch_sizes"], data["by_batch"], ".", color="0.6")
    axes[2].semilogx(data["batch_sizes"], np.median(data["by_batch"], axis=1), color=style.FAMILY["neurashed"])
    axes[2].set(xlabel="batch size", ylabel="test accuracy", ylim=(-0.03, 1.05), title="batch size")
    axes[3].plot(data["shared_classes"], data["reuse"], ".", color="0.6")
    axes[3].plot(data["shared_classes"], data["reuse"].mean(axis=1), color=style.FAMILY["neurashed"], label="mean")
    axes[3].plot(data["shared_classes"], data["shared_classes"], "k:", label="number of classes")
    axes[3].set(xlabel="classes that share the features", ylabel="shared over own amplification")
    axes[3].set_title(f"{EXAMPLES} examples per class")
    for ax in axes:
        style.tidy(ax)
    for ax in (axes[0], axes[1], axes[3]):
        ax.legend(fontsize=8)
    return figure


def at_third(data: Data, name: str) -> np.ndarray:
    """Test accuracy with a third of the nodes kept, every replicate."""
    return data[name][:, int(np.argmin(np.abs(data["shares"] - TICKET)))]


def above_full_batch(data: Data) -> np.ndarray:
    """Test accuracy of every run with batches of 1 less the median with the full batch; runs are not paired."""
    return data["by_batch"][0] - np.median(data["by_batch"][-1])


def above_larger_batches(data: Data) -> np.ndarray:
    """Test accuracy of every run with batches of 1 less the largest median of the larger sizes."""
    return data["by_batch"][0] - np.median(data["by_batch"][1:], axis=1).max()


every_number = Statistic("every K", every_run.of)

FIGURE = PaperFigure(
    name="neurashed/outlook",
    caption=(
        "Section 4. What the outlook says in words: dominant sub-networks suffice, crops teach parts apart, small "
        "batches generalise, classes share what they learn. All tasks are ours: random hierarchical graphs with "
        "shared, class and sample features (4 classes, 200 training and 200 test samples, multiplicative 1.05 / 0.98, "
        "800 updates); for the batch sizes, class features that are not reliable against features that only one of 40 "
        "training samples has and that distract in test (batches of half the samples do best there, by two points over "
        "batches of one); and two animals on a background that agrees with the class "
        "in training only."
    ),
    presets={"quick": Outlook(), "paper": Outlook(replicates=30, n_steps=2000)},
    compute=compute,
    draw=draw,
    seconds=6,
    cost="about 3 min on one core (estimated from the quick preset).",
    claims=(
        Claim(
            "outlook.sub-network",
            "Section 4, first outlook",
            "A sub-network performs as well as the whole.",
            Quantity(
                "test accuracy of the third of the nodes of each level with largest amplification, less the whole's",
                lambda data: at_third(data, "dominant") - data["whole"],
            ),
            median > -0.02,
        ),
        Claim(
            "outlook.sub-network-alone",
            "Section 4, lottery tickets",
            "The sub-network trained alone from its start performs as well too.",
            Quantity(
                "test accuracy of that third trained on the same batches without the others, less the whole's",
                lambda data: data["ticket"] - data["whole"],
            ),
            every_run > -0.02,
            source=READING,
        ),
        Claim(
            "outlook.sub-network-special",
            "Section 4, lottery tickets",
            "Such sub-networks are special: random ones of the same size do worse.",
            Quantity(
                "test accuracy of the dominant third less that of a random third (mean of the draws)",
                lambda data: at_third(data, "dominant") - at_third(data, "random"),
            ),
            every_run > 0.2,
            source=READING,
        ),
        Claim(
            "outlook.crops",
            "Section 4, data augmentation",
            "Cropping makes the model learn the parts separately, each sufficient for the class.",
            Quantity(
                "one crop per part: share of the parts on the wrong background that are recognised",
                lambda data: data["part_accuracy"][list(data["crops"]).index(1), -1],
            ),
            median > 0.95,
        ),
        Claim(
            "outlook.no-crops",
            "Section 4, data augmentation",
            "Without crops it does not.",
            Quantity(
                "no crops: share of the parts on the wrong background that are recognised",
                lambda data: data["part_accuracy"][0, -1],
            ),
            median < 0.75,
            source=READING,
        ),
        Claim(
            "outlook.small-batches",
            "Section 3, implicit regularisation",
            "In the graph, too, batches of one generalise better than the full batch; the paper reports it of "
            "networks.",
            Quantity(
                "test accuracy of batches of 1 less the median of the full batch",
                above_full_batch,
            ),
            median > 0.02,
            source=READING,
            fixed=AFTER,
            decisive=Decisive(
                "a full batch that leaves room, with a median test accuracy < 0.98",
                lambda data: bool(np.median(data["by_batch"][-1]) < 0.98),
            ),
            why="the features that single samples have do not fade",
        ),
        Claim(
            "outlook.smallest-batches",
            "Section 3, implicit regularisation",
            "Batches of one generalise within two points as well as any larger ones.",
            Quantity(
                "test accuracy of batches of 1 less the best median of the larger ones",
                above_larger_batches,
            ),
            median > -0.02,
            source=READING,
            fixed=AFTER,
            defence="the paper compares small batches with large ones, not the smallest with small ones",
            why="batches of half the samples do slightly better: features of single samples still fade, while those of "
            "a class, which nearly all fire in each, stay about equally strong",
        ),
        Claim(
            "outlook.shared-features",
            "Section 4, second outlook",
            "Features shared by K classes learn from K times the examples of one class.",
            Quantity(
                "additive rule: mean ratio of shared to own amplification over K",
                lambda data: data["reuse"].mean(axis=1) / data["shared_classes"],
            ),
            every_number.between(0.9, 1.1),
        ),
    ),
    aliases=("neurashed_claims", "section-4"),
    stream="neurashed_claims",
)
