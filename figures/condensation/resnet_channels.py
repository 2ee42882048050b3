"""Figure 4 of the overview of condensation: does the last convolution of ResNet18 condense more than the first?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.channel_similarity import above_chance, channel_measures
from figures.condensation.grids import arrays_of
from figures.condensation.similarity_maps import compared_images, draw_map
from figures.condensation.training_to_fit import train_to_fit
from figures.harness.figure import Data, Grid, PaperFigure
from figures.harness.fitted_runs import unless_unfitted, when_fitted
from toymodels.claims import AFTER, Claim, Quantity, median

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYERS = ("first", "last")
FULL_COLOUR = 4  # times the mean |cos| of unrelated channels
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
    gamma : float, optional
        Exponent of the initial scale d_in^-gamma; None is PyTorch's default start.
    """

    size: str = "quick"
    images: int = 256
    replicates: int = 3
    gamma: float | None = None


def trained(settings: ResnetChannels, rng: np.random.Generator, run: int) -> dict[str, Any]:
    """What channels of first and last convolution have in common before and after training network `run` to its fit."""
    from dnn.data import load
    from dnn.networks.convolutional import RESNET18_PRESETS, ResNet18

    preset = RESNET18_PRESETS[settings.size]
    split = load(preset.data, settings.data)
    config = replace(preset.config, device=settings.device)
    network = ResNet18(preset.n_channels, gamma=settings.gamma, rng=rng).to(config.torch_device)
    x = compared_images(split, settings.images).to(config.torch_device)
    chance = rng.spawn(1)[0]  # a stream of its own, so that training keeps its draws

    def measured(when: str) -> dict[str, Any]:
        pairs = zip(LAYERS, (network.first_convolution, network.last_convolution), strict=True)
        found = {layer: channel_measures(network, module, x, chance) for layer, module in pairs}
        return {f"{name}_{layer}_{when}": value for layer, of in found.items() for name, value in of.items()}

    before = {name: value for name, value in measured("start").items() if not name.startswith("map")}
    steps, accuracy = train_to_fit(network, split, config, rng)
    return {"accuracy": accuracy, "steps": steps, **before, **measured("end")}


def compute(settings: ResnetChannels, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """The same network from several starts."""
    runs = grid(partial(trained, settings), {"run": range(settings.replicates)}, seed=int(rng.integers(2**31)))
    return {name: values[:, 0] for name, values in arrays_of(runs).items()}


def draw(data: Data, settings: ResnetChannels) -> Figure:
    """The paper's panels, cosines over chance: weights above, outputs below; first layer left, last layer right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 7), layout="constrained")
    axes = figure.subplots(2, 2)
    for row, name, letters in zip(axes, ("weights", "outputs"), ("ab", "cd"), strict=True):
        for panel, layer, letter in zip(row, LAYERS, letters, strict=True):
            mean, excess, share = (data[f"{of}_{name}_{layer}_end"][0] for of in ("mean", "excess", "share"))
            chance = mean / (1 + excess)
            similarity = data[f"map_{name}_{layer}_end"][0] / (FULL_COLOUR * chance)
            image = draw_map(panel, similarity, f"({letter}) {name}, {layer} convolution")
            words = (
                f"mean |cos| {mean:.2f}, chance {chance:.2f}\n{1 + excess:.2f} times chance; largest block {share:.0%}"
            )
            panel.set_xlabel(f"channel, sorted; {words}", fontsize=8)
    bar = figure.colorbar(image, ax=axes, label="cosine over mean |cos| of unrelated channels", shrink=0.7)
    bar.set_ticks([-1, -0.5, 0, 0.5, 1], labels=[f"{FULL_COLOUR * part:g}" for part in (-1, -0.5, 0, 0.5, 1)])
    return figure


def condensed(data: Data, name: str, layer: str) -> np.ndarray:
    """Way of the mean |cos| after training from chance (0) to parallel channels (1), every run."""
    return above_chance(data[f"mean_{name}_{layer}_end"], data[f"excess_{name}_{layer}_end"])


def more(name: str) -> Callable[[Data], np.ndarray]:
    """How much more condensed "weights" or "outputs" of the last layer are than of the first, every fitted run."""
    return lambda data: fitted(condensed(data, name, "last") - condensed(data, name, "first"), data)


def fitted(values: np.ndarray, data: Data) -> np.ndarray:
    """`values` of the runs that have learnt their training data, -1 for the others."""
    return when_fitted(values, data["accuracy"], FITTED)


def gain(data: Data, name: str, layer: str) -> np.ndarray:
    """What training adds to the excess of the mean |cos| over chance, "weights" or "outputs" of a layer, every run."""
    return data[f"excess_{name}_{layer}_end"] - data[f"excess_{name}_{layer}_start"]


UNFITTED = f"-1 where training accuracy is below {FITTED}"
TOY = "quick networks have an eighth of ResNet18's channels and are trained on 1,000 digits, the authors' on all"
CLAIMS = (
    Claim(
        "resnet_channels.weights",
        "Figure 4a, b",
        "Weights of the last convolution condense more than those of the first.",
        Quantity(
            "way of the mean |cos| from chance (0) to parallel channels (1) after training, kernels of the last layer "
            f"minus those of the first; {UNFITTED}",
            more("weights"),
        ),
        unless_unfitted(median > 0),
        fixed=AFTER,
        defence=TOY,
    ),
    Claim(
        "resnet_channels.outputs",
        "Figure 4c, d",
        "Outputs of the last convolution condense more than those of the first.",
        Quantity(
            "way of the mean |cos| from that of unrelated kernels on the same inputs (0) to parallel channels (1) "
            f"after training, outputs of the last layer minus those of the first; {UNFITTED}",
            more("outputs"),
        ),
        unless_unfitted(median > 0),
        fixed=AFTER,
        defence=TOY,
    ),
    Claim(
        "resnet_channels.outputs-rise",
        "Figure 4d",
        "Outputs of the last convolution exhibit condensation after training.",
        Quantity(
            "rise by training of the excess of the mean |cos| over that of unrelated kernels on the same inputs, "
            f"outputs of the last layer; {UNFITTED}",
            lambda data: fitted(gain(data, "outputs", "last"), data),
        ),
        unless_unfitted(median > 0),
        fixed=AFTER,
        defence=TOY,
    ),
    Claim(
        "resnet_channels.blocks",
        "Figure 4b",
        "Kernels of the last convolution form groups.",
        Quantity(
            "largest share of the channels beyond chance |cos| with any one of them, itself included, kernels of the "
            f"last layer after training; {UNFITTED}",
            lambda data: fitted(data["share_weights_last_end"], data),
        ),
        unless_unfitted(median > 0.25),
        fixed=AFTER,
        defence=TOY,
    ),
)

FIGURE = PaperFigure(
    name="condensation/resnet_channels",
    caption=(
        "Figure 4. Cosine similarity of channels in the first and the last convolution of ResNet18 after training on "
        "digits. The paper's numbers of images are missing from our copy of it. Ours: quick has 8 channels in the "
        "first stage, 1,000 digits and Adam at 3e-3 from PyTorch's default start until all are classified rightly (at "
        "most 600 steps). Chance gives mean |cos| .27 for the 9 weights of a first kernel and .03 for the 576 of a "
        "last one; therefore colours are cosines over this chance, and layers are compared by how far the mean has "
        "gone from chance to 1, which both can reach. Outputs are compared with those of normal kernels on the same "
        "inputs. Channels form a block beyond the |cos| that some pair of that many unrelated ones reaches once in a "
        "thousand layers."
    ),
    presets={"quick": ResnetChannels(), "paper": ResnetChannels(size="paper", images=2000)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=85,
    cost="estimated 20 GPU minutes",
    aliases=("condensation_04", "fig-4", "section-4.3"),
    stream="condensation_04",
)
