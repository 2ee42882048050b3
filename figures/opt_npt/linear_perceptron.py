"""First version, Figure 2a, b: the linear perceptron that is fitted to a shallow network, beside its linear map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.opt_npt.digit_networks import digits
from figures.opt_npt.trends import UNTOLD, unless_untold
from toymodels.claims import AFTER, CONTROL, Claim, Decisive, Quantity, median

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dnn.data import Split
    from dnn.networks.mlp import MLP

CURVES = (  # the first four from top to bottom in the paper
    "tanh network",
    "linear network",
    "linear perceptron",
    "linear map",
    "least squares",
)
ONE_POINT = 0.01
LEARNT = 0.5  # test accuracy below which curves meet because none has learnt


@dataclass(frozen=True)
class LinearPerceptron(Settings):
    """Training sets of several sizes, each learnt in the same number of steps.

    Parameters
    ----------
    samples : tuple of int
        Sizes of the training sets, ascending.
    width : int
        Hidden neurons.
    n_steps : int
        Updates for every training set.
    batch_size : int
        Digits in a batch.
    records : int
        How many times to look.
    n_test : int
        Test digits.
    replicates : int
        Networks of every training set.
    early : int
        Step up to which training counts as its early stage.
    """

    samples: tuple[int, ...] = (600, 10_000)
    width: int = 512
    n_steps: int = 700
    batch_size: int = 100
    records: int = 5
    n_test: int = 2000
    replicates: int = 3
    early: int = 50


def compute(settings: LinearPerceptron, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Test accuracies (sizes, replicates, n_t, curves)."""
    seed = int(rng.integers(2**31))
    runs = grid(partial(one_pair, settings), {"samples": settings.samples}, replicates=settings.replicates, seed=seed)
    sizes = {"samples": np.array(settings.samples), "early": np.array(settings.early)}
    return {**sizes, "step": runs["step"].values[0, 0], "accuracy": runs["accuracy"].values}


def one_pair(settings: LinearPerceptron, rng: np.random.Generator, samples: int) -> dict[str, Any]:
    """The tanh network with both its linear versions, and a linear network from the same start."""
    from dnn.networks.mlp import MLP
    from dnn.probes import linear_map_accuracy
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    split = digits(settings, samples, settings.n_test, standardised=False)
    config = TrainConfig(
        settings.n_steps, batch_size=settings.batch_size, records=settings.records, device=settings.device
    )
    seed = int(rng.integers(2**32))
    versions = {
        "perceptron": partial(perceptron_accuracy, settings, seed),
        "map": linear_map_accuracy,
        "squares": partial(linear_map_accuracy, method="perceptron"),
    }
    runs = []
    for activation, probes in (("tanh", versions), ("linear", {})):
        same = np.random.default_rng(seed)
        network = MLP([784, settings.width, 10], activation, rng=same)
        runs.append(train(network, split, config, same, probes=probes))
    tanh, linear = runs
    starts = (tanh["map"][:, 0], tanh["squares"][:, 0])
    curves = [tanh["test_accuracy"], linear["test_accuracy"], tanh["perceptron"], *starts]
    return {"step": tanh.t, "accuracy": np.stack(curves, axis=1)}


def perceptron_accuracy(settings: LinearPerceptron, seed: int, network: MLP, split: Split) -> float:
    """Probe: test accuracy of a linear perceptron that is trained, as long as a network is, on a network's logits."""
    import torch

    from dnn.networks.mlp import MLP
    from dnn.probes import accuracy
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train

    with torch.no_grad():
        taught = split._replace(y_train=network(split.x_train), y_test=network(split.x_test))
    rng = np.random.default_rng(seed)
    perceptron = MLP([784, 10], "linear", rng=rng)
    n_steps = settings.n_steps
    config = TrainConfig(
        n_steps, loss="mse", batch_size=settings.batch_size, records=(n_steps,), device=settings.device
    )
    train(perceptron, taught, config, rng)
    return accuracy(perceptron, split.x_test, split.y_test)


def at_end(data: Data, size: int) -> np.ndarray:
    """Test accuracies (replicates, curves) after training on the set of this index."""
    return data["accuracy"][size, :, -1]


def less(upper: str, lower: str, size: int = -1):
    """By how much one curve is above another at the end, one value a run."""
    return lambda data: at_end(data, size)[:, CURVES.index(upper)] - at_end(data, size)[:, CURVES.index(lower)]


def few_samples(data: Data) -> np.ndarray:
    """Largest difference of the four accuracies after the smallest set; UNTOLD where one of them has not learnt."""
    accuracy = at_end(data, 0)[:, :4]
    return np.where(accuracy.min(-1) >= LEARNT, np.ptp(accuracy, axis=-1), UNTOLD)


def early_distance(data: Data) -> np.ndarray:
    """Largest distance of the perceptron from the tanh network at records of the early stage after step 1."""
    early = (data["step"] > 1) & (data["step"] <= data["early"])
    curves = data["accuracy"][-1][:, early]
    return np.abs(curves[..., CURVES.index("linear perceptron")] - curves[..., 0]).max(1)


def draw(data: Data, settings: LinearPerceptron) -> Figure:
    """Panels a and b of the first version's figure."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import DASHES, ORDER, log_time, tidy

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    for k, name in enumerate(CURVES):
        style: dict[str, Any] = {"color": ORDER[k], "ls": DASHES[k % len(DASHES)], "label": name}
        axes[0].plot(data["samples"], np.median(data["accuracy"][:, :, -1, k], axis=1), marker="o", **style)
        axes[1].plot(data["step"][1:], np.median(data["accuracy"][-1, :, 1:, k], axis=0), marker=".", **style)
    axes[0].set(
        xscale="log", xlabel="training samples", ylabel="test accuracy", title=f"(a) {data['step'][-1]:g} steps"
    )
    log_time(axes[1], "step")
    axes[1].set(ylabel="test accuracy", title=f"(b) {data['samples'][-1]:,} samples")
    for ax in axes:
        ax.legend(fontsize=8)
        tidy(ax)
    return figure


FULL = Decisive("a largest set of 60,000 digits", lambda data: int(data["samples"][-1]) >= 60_000)


def _above(key: str, upper: str, lower: str, why: str) -> Claim:
    return Claim(
        f"linear_perceptron.{key}",
        "First version, Figure 2a",
        f"With many samples the {upper} is above the {lower}.",
        Quantity(f"test accuracy of the {upper} less that of the {lower}, largest set", less(upper, lower)),
        median > 0,
        decisive=FULL,
        fixed=AFTER,
        why=why,
        defence="the paper's set has 60,000 digits and its network 2,048 neurons",
    )


CLAIMS = (
    Claim(
        "linear_perceptron.few-samples",
        "First version, Figure 2a",
        "With few samples all four accuracies are the same, the linear perceptron's among them: with least squares "
        "that are trained by descent as networks are (0.80 with 600 digits, the network 0.81; solved exactly, 0.73).",
        Quantity(
            "largest difference of the four test accuracies after training on the smallest set",
            few_samples,
        ),
        unless_untold(median < ONE_POINT, f"a network is below a test accuracy of {LEARNT}"),
        fixed=AFTER,
        why="the perceptron falls behind the network by 0.009 to 0.013",
        defence="least squares are printed, neither their solver nor a regularisation is",
    ),
    Claim(
        "linear_perceptron.least-squares",
        "First version, Figure 2a",
        "With few samples that rests on how it is fitted: exact least squares overfit the logits of 600 digits.",
        Quantity(
            "test accuracy of the trained perceptron less that of least squares, smallest set",
            less("linear perceptron", "least squares", 0),
        ),
        median > ONE_POINT,
        source=CONTROL,
        fixed=AFTER,
        why="least squares classify as well",
    ),
    _above("tanh-over-linear", "tanh network", "linear network", "the linear network classifies as well"),
    _above(
        "linear-over-perceptron",
        "linear network",
        "linear perceptron",
        "the perceptron is a linear network too, fitted to a better teacher",
    ),
    _above(
        "perceptron-over-map",
        "linear perceptron",
        "linear map",
        "the linear map classifies better than the fitted perceptron",
    ),
    Claim(
        "linear_perceptron.early-overlap",
        "First version, Figure 2b",
        "In the early stage of training the linear perceptron is as good as the network.",
        Quantity(
            "largest difference of the perceptron's accuracy from that of the tanh network at records after step 1 up "
            "to step 50, largest set",
            early_distance,
        ),
        median < ONE_POINT,
        fixed=AFTER,
        why="the accuracies differ by more than a point",
        defence="the paper draws epochs of 60,000 digits, where single steps do not show",
    ),
)
FIGURE = PaperFigure(
    name="opt_npt/linear_perceptron",
    caption=(
        "First version, Figure 2a, b. The four curves of a shallow network against the size of the training set and "
        "against time: the tanh network, a linear network from the same start, the linear perceptron that is fitted "
        "from the pixels to the tanh network's logits on the training digits, and its linear map. The paper fits it by "
        "least squares and prints neither solver nor regularisation: here squared error is trained as the networks "
        "are, and beside it are the exact least squares, which 600 digits of 784 pixels do not determine. Steps, "
        "optimiser and pixels as in the figure of the second version. Quick: 512 instead of 2,048 neurons, at most "
        "10,000 digits of MNIST."
    ),
    presets={
        "quick": LinearPerceptron(),
        "large": LinearPerceptron(samples=(600, 2000, 6000, 20_000, 60_000), width=1024, n_steps=3000, n_test=5000),
        "paper": LinearPerceptron(
            samples=(600, 2000, 6000, 20_000, 60_000), width=2048, n_steps=6000, records=25, n_test=10_000
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=60,
    large_seconds=680,
    cost="about 1.5 CPU-hours on one core, estimated from 25 ms a step",
    aliases=("old-fig-2",),
)
