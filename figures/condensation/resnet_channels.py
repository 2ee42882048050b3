"""Figure 4 of the overview of condensation: does the last convolution of ResNet18 condense more than the first?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.fitted_runs import unless_unfitted, when_fitted
from figures.condensation.grids import arrays_of
from figures.condensation.similarity_maps import companions, compared_images, draw_map, off_diagonal, sorted_map
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, Claim, Decisive, Quantity, every_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYERS = ("first", "last")
FITTED = 0.99  # training accuracy below which a network is no trained ResNet18


@dataclass(frozen=True)
class ResnetChannels(Settings):
    """Size of the networks, and how many.

    Parameters
    ----------
    size : str
        Of :data:`dnn.networks.convolutional.RESNET18_PRESETS`.
    images : int
        Images on which outputs are compared.
    replicates : int
        Networks.
    """

    size: str = "quick"
    images: int = 256
    replicates: int = 3


def trained(settings: ResnetChannels, rng: np.random.Generator, run: int) -> dict[str, Any]:
    """Similarities of first and last convolution before and after training network `run`, and its accuracy."""
    from dnn.data import load
    from dnn.networks.convolutional import RESNET18_PRESETS, ResNet18, layer_similarity
    from dnn.training.loop import train

    preset = RESNET18_PRESETS[settings.size]
    split = load(preset.data, settings.data)
    config = replace(preset.config, device=settings.device, records=(preset.config.n_steps,), record_samples=500)
    network = ResNet18(preset.n_channels, rng=rng).to(config.torch_device)
    x = compared_images(split, settings.images).to(config.torch_device)

    def similarities(when):
        pairs = zip(LAYERS, (network.first_convolution, network.last_convolution), strict=True)
        similarity = {layer: layer_similarity(network, module, x) for layer, module in pairs}
        return {f"{name}_{layer}_{when}": values for layer, both in similarity.items() for name, values in both.items()}

    before = similarities("start")
    accuracy = train(network, split, config, rng)["train_accuracy"][-1]
    maps = {**before, **similarities("end")}
    means = {f"mean_{name}": off_diagonal(similarity).mean() for name, similarity in maps.items()}
    shares = {f"share_{name}": companions(similarity)[0] for name, similarity in maps.items()}
    ends = {name: sorted_map(similarity) for name, similarity in maps.items() if name.endswith("end")}
    return {"accuracy": accuracy, **means, **shares, **ends}


def compute(settings: ResnetChannels, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """The same network from several starts."""
    runs = grid(partial(trained, settings), {"run": range(settings.replicates)}, seed=int(rng.integers(2**31)))
    return {name: values[:, 0] for name, values in arrays_of(runs).items()}


def draw(data: Data, settings: ResnetChannels) -> Figure:
    """The paper's panels: weights above, outputs below; first layer left, last layer right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 6.6), layout="constrained")
    axes = figure.subplots(2, 2)
    for row, name, letters in zip(axes, ("weights", "outputs"), ("ab", "cd"), strict=True):
        for panel, layer, letter in zip(row, LAYERS, letters, strict=True):
            mean = data[f"mean_{name}_{layer}_end"][0]
            title = f"({letter}) {name}, {layer} convolution"
            image = draw_map(panel, data[f"{name}_{layer}_end"][0], title)
            panel.set_xlabel(f"channel, sorted; mean |cos| {mean:.2f}")
    figure.colorbar(image, ax=axes, label="cosine similarity", shrink=0.7)
    return figure


def gain(data: Data, name: str, layer: str) -> np.ndarray:
    """What training adds to the mean |cos| of the "weights" or "outputs" of a layer, every run."""
    return data[f"mean_{name}_{layer}_end"] - data[f"mean_{name}_{layer}_start"]


TRAINED = Decisive(f"a training accuracy of {FITTED} in every run", lambda data: bool(data["accuracy"].min() >= FITTED))
TOY = (
    "quick networks have an eighth of ResNet18's channels and stop short of fitting 1,000 digits, the authors' are "
    "trained in full"
)
CLAIMS = (
    Claim(
        "resnet_channels.weights",
        "Figure 4a, b",
        "Weights of the last convolution condense more than those of the first.",
        Quantity(
            "rise of mean |cos| by training in the kernels of the last layer minus that in those of the first",
            lambda data: gain(data, "weights", "last") - gain(data, "weights", "first"),
        ),
        every_run > 0,
    ),
    Claim(
        "resnet_channels.outputs",
        "Figure 4c, d",
        "Outputs of the last convolution condense more than those of the first.",
        Quantity(
            "mean |cos| of the outputs of the last layer minus that of the first after training",
            lambda data: data["mean_outputs_last_end"] - data["mean_outputs_first_end"],
        ),
        every_run > 0,
        fixed=AFTER,
        decisive=TRAINED,
        why="the first layer's are the more alike in every run, of networks that have not fitted (training accuracies "
        "from 0.83)",
        defence=TOY,
    ),
    Claim(
        "resnet_channels.outputs-rise",
        "Figure 4d",
        "Outputs of the last convolution exhibit condensation after training.",
        Quantity(
            "rise of mean |cos| of the outputs of the last layer by training",
            lambda data: gain(data, "outputs", "last"),
        ),
        every_run > 0,
        fixed=AFTER,
        decisive=TRAINED,
        why="in networks that have not fitted they hardly change (0.26 to 0.36 before, 0.29 to 0.34 after)",
        defence=TOY,
    ),
    Claim(
        "resnet_channels.blocks",
        "Figure 4b",
        "Kernels of the last convolution form groups.",
        Quantity(
            "largest share of the channels at |cos| > 0.9 with any one of them, itself included, kernels of the last "
            f"layer after training; -1 where training accuracy is below {FITTED}",
            lambda data: when_fitted(data["share_weights_last_end"], data["accuracy"], FITTED),
        ),
        unless_unfitted(every_run > 0.25),
        fixed=AFTER,
        why="quick stops at training accuracies from 0.83 on, with mean |cos| 0.14 and no two kernels alike",
        defence=TOY,
    ),
)

FIGURE = PaperFigure(
    name="condensation/resnet_channels",
    caption=(
        "Figure 4. Cosine similarity of channels in the first and the last convolution of ResNet18 after training on "
        "digits. The paper's numbers of images are missing from our copy of it. Ours: quick has 8 channels in the "
        "first stage, 1,000 digits and 120 Adam steps at 3e-3, PyTorch's default start. Chance gives mean |cos| .27 "
        "for the 9 weights of a first kernel and .03 for the 576 of a last one, therefore kernels are compared by what "
        "training adds; outputs as they are."
    ),
    presets={"quick": ResnetChannels(), "paper": ResnetChannels(size="paper", images=2000)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=70,
    cost="estimated 20 GPU minutes",
    aliases=("condensation_04", "fig-4", "section-4.3"),
    stream="condensation_04",
)
