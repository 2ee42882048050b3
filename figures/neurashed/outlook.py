"""Statements of Su (2024), section 4, that a run can judge: sub-networks, cropping, batch size, shared classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Claim, Data, Grid, PaperFigure, all_above, all_between, median_above, median_below
from toymodels.neurashed import Additive, Frozen, HierarchicalTask, Multiplicative
from toymodels.neurashed.cropping import train_with_crops
from toymodels.neurashed.graphs import build, random_classes
from toymodels.neurashed.pruning import accuracy, dominant_nodes

RULE = Multiplicative(1.05, 0.98)
N_CLASSES = 4
TICKET = 1 / 3  # share of each level that is kept


@dataclass(frozen=True)
class Params(Settings):
    """Sizes of the four experiments."""

    shares: tuple = (0.1, 0.2, 0.3333333333333333, 0.5, 0.75, 1.0)
    random_draws: int = 10
    crops: tuple = (0, 1, 4)
    batch_sizes: tuple = (1, 2, 4, 10, 20, 40)
    few_samples: int = 40  # in training for the batch sizes, so that the last one is the full batch
    many_samples: int = 1000  # in test for them
    n_samples: int = 200
    n_steps: int = 800
    replicas: int = 5
    shared_classes: tuple = (2, 4, 8, 16)


def pruned(n_steps: int, rng: np.random.Generator, p: Params) -> dict[str, np.ndarray | float]:
    """Test accuracy of one trained model by share of nodes kept: the dominant, or random ones; and of the ticket."""
    task = HierarchicalTask()
    model = task.build(rng)
    train, test = task.sample(p.n_samples, rng), task.sample(p.n_samples, rng)
    order = rng.integers(p.n_samples, size=(n_steps, 1))
    settings = {"n_steps": n_steps, "rng": rng, "initial": 0.1, "order": order, "every": n_steps}
    run = model.train(*train, RULE, **settings)
    state = run["amplification"][-1], run["edge_weights"][-1]
    chosen = {share: dominant_nodes(model, state[0], share) for share in p.shares}
    strengths = rng.random((p.random_draws, len(state[0])))  # a random order of the nodes each
    kept = dominant_nodes(model, state[0], TICKET)
    frozen = {node: Frozen() for node, keep in zip(model.nodes, kept, strict=True) if not keep}
    alone = model.train(*train, {"default": RULE} | frozen, **settings)
    ticket = accuracy(model, alone["amplification"][-1], alone["edge_weights"][-1], *test, kept=kept)
    return {
        "dominant": np.array([accuracy(model, *state, *test, kept=chosen[share]) for share in p.shares]),
        "random": np.array(
            [
                [accuracy(model, *state, *test, kept=dominant_nodes(model, strength, share)) for strength in strengths]
                for share in p.shares
            ]
        ).mean(axis=1),
        "whole": accuracy(model, *state, *test),
        "ticket": ticket,
    }


def cropped(crops: int, rng: np.random.Generator, p: Params) -> dict[str, np.ndarray]:
    """Accuracy on parts before the wrong background along training (n_t, models)."""
    run = train_with_crops(crops, RULE, rng, replicas=4 * p.replicas)
    return {"t": run.t, "part_accuracy": run["part_accuracy"]}


def generalise(batch_size: int, rng: np.random.Generator, p: Params) -> dict[str, float]:
    """Test accuracy where class features compete with features that every training sample has for itself.

    A sample fires 2 of the 4 features of its class and 1 of another class. A training sample also fires 3 features of
    its own, which lead to its class: memory. A test sample fires 12 of those of all training samples instead.
    """
    size = 4 * N_CLASSES
    memory = size + np.arange(3 * p.few_samples).reshape(-1, 3)
    owners = np.arange(p.few_samples) % N_CLASSES
    parents = [[*range(4 * k, 4 * k + 4), *memory[owners == k].ravel().tolist()] for k in range(N_CLASSES)]
    model = build(size + memory.size, [], parents)
    inputs = _class_features(owners, size + memory.size, rng)
    np.put_along_axis(inputs, memory, True, axis=1)
    labels = np.arange(p.many_samples) % N_CLASSES
    tests = _class_features(labels, size + memory.size, rng)
    np.put_along_axis(tests, size + rng.random((p.many_samples, memory.size)).argsort(axis=1)[:, :12], True, axis=1)
    settings = {"n_steps": p.n_steps, "initial": 0.1, "every": p.n_steps, "scale": "log", "sampling": "epoch"}
    run = model.train(inputs, owners, RULE, rng=rng, batch_size=batch_size, **settings)
    logits = model.log_logits(run["log_amplification"][-1], run["log_edge_weights"][-1], model.fire(tests))
    own = labels[:, None] == np.arange(N_CLASSES)
    return {"accuracy": (logits[own] > np.where(own, -np.inf, logits).max(axis=1)).mean()}


def _class_features(labels: np.ndarray, n_nodes: int, rng: np.random.Generator) -> np.ndarray:
    """Inputs (n, n_nodes) that fire 2 of the 4 nodes of their class and 1 node of another."""
    inputs, rows = np.zeros((len(labels), n_nodes), dtype=bool), np.arange(len(labels))
    for node in rng.random((len(labels), 4)).argsort(axis=1)[:, :2].T:
        inputs[rows, 4 * labels + node] = True
    other = (labels + rng.integers(1, N_CLASSES, len(labels))) % N_CLASSES
    inputs[rows, 4 * other + rng.integers(4, size=len(labels))] = True
    return inputs


def reuse(n_classes: int, rng: np.random.Generator) -> dict[str, float]:
    """Mean amplification of nodes shared by all classes over that of own nodes, after 50 random examples per class."""
    task = random_classes(1_000_000, 3, 2, n_classes, 2, rng)
    n_steps = 50 * n_classes
    run = task.model.train(
        task.inputs, task.labels, Additive(1.0), n_steps=n_steps, rng=rng, initial=0, edge_training=False, every=n_steps
    )
    shared = task.model.firing_table(task.inputs).all(axis=0)
    final = run["amplification"][-1]
    return {"ratio": final[shared].mean() / final[~shared].mean()}


def compute(p: Params, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Accuracy by share kept and by batch size, accuracy on parts by crops, strength of shared features."""
    seeds = rng.integers(2**31, size=4).tolist()
    runs = grid(partial(pruned, p=p), {"n_steps": [p.n_steps]}, replicates=p.replicas, seed=seeds[0])
    batches = grid(partial(generalise, p=p), {"batch_size": p.batch_sizes}, replicates=4 * p.replicas, seed=seeds[2])
    reused = grid(reuse, {"n_classes": p.shared_classes}, replicates=p.replicas, seed=seeds[1])
    parts = grid(partial(cropped, p=p), {"crops": p.crops}, seed=seeds[3])
    return {
        "shares": np.array(p.shares),
        "dominant": runs["dominant"].values[0],  # (replicas, shares)
        "random": runs["random"].values[0],
        "ticket": runs["ticket"].values[0],
        "batch_sizes": np.array(p.batch_sizes),
        "whole": runs["whole"].values[0],
        "by_batch": batches["accuracy"].values,  # (batch sizes, replicas)
        "crops": np.array(p.crops),
        "crop_t": parts["t"].values[0, 0],
        "part_accuracy": parts["part_accuracy"].values[:, 0],  # (crops, n_t, replicas)
        "shared_classes": np.array(p.shared_classes),
        "reuse": reused["ratio"].values,
    }


def draw(data: Data, p: Params):
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
    axes[3].set_title("50 examples per class")
    for ax in axes:
        style.tidy(ax)
    for ax in (axes[0], axes[1], axes[3]):
        ax.legend(fontsize=8)
    return figure


FIGURE = PaperFigure(
    name="neurashed_claims",
    paper="neurashed",
    caption=(
        "What the outlook says in words: dominant sub-networks suffice, crops teach parts apart, small batches "
        "generalise, classes share what they learn. All tasks are ours: random hierarchical graphs with shared, class "
        "and sample features (4 classes, 200 training and 200 test samples, multiplicative 1.05 / 0.98, 800 updates); "
        "for the batch sizes, class features that are not reliable against features that only one of 40 training "
        "samples has and that distract in test; and two animals on a background that agrees with the class in training "
        "only."
    ),
    presets={"quick": Params(), "paper": Params(replicas=30, n_steps=2000)},
    compute=compute,
    draw=draw,
    seconds=6,
    cost="about 3 min on one core (estimated from the quick preset).",
    claims=(
        Claim(
            key="neurashed-claims-ticket",
            place="Section 4, first outlook",
            statement="A sub-network performs as well as the whole.",
            criterion="third of the nodes of each level with largest amplification: test accuracy at most 0.02 below "
            "the whole's, every run",
            measure=lambda data: _at_third(data, "dominant") - data["whole"],
            holds=all_above(-0.02),
        ),
        Claim(
            key="neurashed-claims-ticket-alone",
            place="Section 4, lottery tickets",
            statement="The sub-network trained alone from its start performs as well too.",
            criterion="trained on the same batches without the others: test accuracy at most 0.02 below the whole's, "
            "every run",
            measure=lambda data: data["ticket"] - data["whole"],
            holds=all_above(-0.02),
        ),
        Claim(
            key="neurashed-claims-ticket-special",
            place="Section 4, lottery tickets",
            statement="Such sub-networks are special: random ones of the same size do worse.",
            criterion="dominant less random third (mean of 10): test accuracy > 0.2 apart, every run",
            measure=lambda data: _at_third(data, "dominant") - _at_third(data, "random"),
            holds=all_above(0.2),
        ),
        Claim(
            key="neurashed-claims-crops",
            place="Section 4, data augmentation",
            statement="Cropping makes the model learn the parts separately, each sufficient for the class.",
            criterion="one crop per part: a part on the wrong background is recognised in > 95% of cases, median",
            measure=lambda data: data["part_accuracy"][list(data["crops"]).index(1), -1],
            holds=median_above(0.95),
        ),
        Claim(
            key="neurashed-claims-no-crops",
            place="Section 4, data augmentation",
            statement="Without crops it does not.",
            criterion="no crops: recognised in < 75% of cases, median",
            measure=lambda data: data["part_accuracy"][0, -1],
            holds=median_below(0.75),
        ),
        Claim(
            key="neurashed-claims-batch",
            place="Section 3, implicit regularisation",
            statement="Small batches generalise better than large ones.",
            criterion="test accuracy of batches of 1 less that of the full batch > 0.02, median over runs; open "
            "if not and the full batch leaves no room",
            measure=lambda data: data["by_batch"][0] - data["by_batch"][-1],
            holds=median_above(0.02),
            why="the features that single samples have do not fade",
            decisive=lambda data: np.median(data["by_batch"][-1]) < 0.98,
        ),
        Claim(
            key="neurashed-claims-batch-smaller",
            place="Section 3, implicit regularisation",
            statement="Batches of one generalise at least as well as any larger ones.",
            criterion="test accuracy of batches of 1 less the best of the others >= -0.02, median over runs",
            measure=lambda data: data["by_batch"][0] - data["by_batch"][1:].max(axis=0),
            holds=median_above(-0.02),
            why="batches of half the samples do slightly better: features of single samples still fade, while those of "
            "a class, which nearly all fire in each, stay about equally strong",
        ),
        Claim(
            key="neurashed-claims-reuse",
            place="Section 4, second outlook",
            statement="Features shared by K classes learn from K times the examples of one class.",
            criterion="additive rule: shared over own amplification within 10% of K on average, every K (value: ratio)",
            measure=lambda data: data["reuse"].mean(axis=1) / data["shared_classes"],
            holds=all_between(0.9, 1.1),
        ),
    ),
)


def _at_third(data: Data, name: str) -> np.ndarray:
    return data[name][:, int(np.argmin(np.abs(data["shares"] - TICKET)))]
