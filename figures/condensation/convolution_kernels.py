"""Figure 3 of the overview of condensation: kernels of one convolution on digits, before and after training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from comparisons.harness.style import FAMILY
from figures.condensation.channel_similarity import above_chance, channel_measures
from figures.condensation.grids import arrays_of
from figures.condensation.similarity_maps import compared_images, draw_map
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, Claim, Quantity, median

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAMMAS = (2.0, 0.5)  # rates of the initialisation
SMALL, USUAL = range(2)  # starts, in the order of their rates
BLOCK = 0.3  # share of the channels from which near ones are a block


@dataclass(frozen=True)
class ConvolutionKernels(Settings):
    """Size of the networks, and how many.

    Parameters
    ----------
    size : str
        Of :data:`dnn.networks.convolutional.ONE_CONVOLUTION_PRESETS`.
    images : int
        Images on which outputs are compared.
    replicates : int
        Networks from each start.
    """

    size: str = "quick"
    images: int = 400
    replicates: int = 3


def trained(settings: ConvolutionKernels, rng: np.random.Generator, gamma: float) -> dict[str, Any]:
    """Curves of one network, and what its channels have in common before and after training."""
    from dnn.data import load
    from dnn.networks.convolutional import ONE_CONVOLUTION_PRESETS, OneConvolution
    from dnn.training.loop import train

    preset = ONE_CONVOLUTION_PRESETS[settings.size]
    split = load(preset.data, settings.data)
    network = OneConvolution(preset.n_channels, gamma=gamma, rng=rng)
    config = replace(preset.config, device=settings.device, records=5, record_samples=500)
    x = compared_images(split, settings.images).to(config.torch_device)
    network.to(config.torch_device)
    chance = rng.spawn(1)[0]  # a stream of its own, so that training keeps its draws
    before = channel_measures(network, network.convolution, x, chance)
    run = train(network, split, config, rng)
    after = channel_measures(network, network.convolution, x, chance)
    found = {f"{name}_{when}": value for when, of in (("start", before), ("end", after)) for name, value in of.items()}
    curves = {name: run[name] for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")}
    return {"step": run.t, **curves, **found}


def compute(settings: ConvolutionKernels, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Networks from a small and from a usual start."""
    seed = int(rng.integers(2**31))
    return arrays_of(grid(partial(trained, settings), {"gamma": GAMMAS}, replicates=settings.replicates, seed=seed))


def draw(data: Data, settings: ConvolutionKernels) -> Figure:
    """The paper's panels a to f, for the first network from a small start."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(9.5, 5.6), layout="constrained")
    axes = figure.subplots(2, 3)
    for panel, name, letter in zip(axes[:, 0], ("loss", "accuracy"), "ad", strict=True):
        for part, dash in (("train", "-"), ("test", "--")):
            curve = data[f"{part}_{name}"][SMALL, 0]
            panel.plot(data["step"][SMALL, 0], curve, dash, color=FAMILY["condensation"], label=part)
        panel.set(xlabel="step", ylabel=name, title=f"({letter}) {name}")
        panel.legend(fontsize=8)
        tidy(panel)
    for row, when, letters in zip(axes, ("start", "end"), ("bc", "ef"), strict=True):
        for panel, name, letter in zip(row[1:], ("weights", "outputs"), letters, strict=True):
            image = draw_map(panel, data[f"map_{name}_{when}"][SMALL, 0], f"({letter}) {name}, {when}")
            excess, share = (data[f"{what}_{name}_{when}"][SMALL, 0] for what in ("excess", "share"))
            panel.set_xlabel(
                f"channel, sorted; |cos| {1 + excess:.2g} times\nchance; largest block {share:.0%}", fontsize=8
            )
    figure.colorbar(image, ax=axes[:, 1:], label="cosine similarity", shrink=0.7)
    return figure


def block(name: str, whose: str) -> Quantity:
    """The largest block of `name` from the small start; `whose` says of what and when."""
    words = f"largest share of the channels beyond chance |cos| with any one of them, itself included, {whose}"
    return Quantity(words, lambda data: data[f"share_{name}"][SMALL])


def from_the_small_start(data: Data) -> np.ndarray:
    """Excess of the weights' mean |cos| after training from the small start minus the median from the usual one."""
    return data["excess_weights_end"][SMALL] - np.median(data["excess_weights_end"][USUAL])


def condensed(data: Data, name: str) -> np.ndarray:
    """Way of the mean |cos| after training from chance (0) to parallel channels (1); (start, run)."""
    return above_chance(data[f"mean_{name}_end"], data[f"excess_{name}_end"])


CLAIMS = (
    Claim(
        "convolution_kernels.no-blocks-at-start",
        "Figure 3b",
        "At initialisation the kernels form no clusters.",
        block("weights_start", "kernels before training"),
        median < BLOCK,
        fixed=AFTER,
    ),
    Claim(
        "convolution_kernels.no-output-blocks-at-start",
        "Figure 3c",
        "At initialisation the outputs of the channels form no clusters.",
        block("outputs_start", "outputs (without the bias) before training"),
        median < BLOCK,
        fixed=AFTER,
        defence="channels, kernel size and images of figure 3 are missing from our copy, and the bounds are ours",
    ),
    Claim(
        "convolution_kernels.blocks-after-training",
        "Figure 3e",
        "After training the kernels show blocks.",
        block("weights_end", "kernels after training"),
        median > BLOCK,
        fixed=AFTER,
        why="for 32 kernels of 9 weights chance reaches |cos| 0.97; so near are half of the kernels or more in every "
        "run, and at |cos| > 0.9 four fifths",
        defence="the overview names no cosine from which kernels form a block, and the bound, that of no blocks at the "
        "start, is ours",
    ),
    Claim(
        "convolution_kernels.opposite-directions",
        "Section 4.2",
        "The vectors converge to two opposite directions.",
        Quantity(
            "share of the largest block of kernels (beyond chance |cos| with one of them) that points the other way "
            "than most, after training",
            lambda data: data["minority_weights_end"][SMALL],
        ),
        median > 0.1,
        fixed=AFTER,
    ),
    Claim(
        "convolution_kernels.outputs-condense-more",
        "Figure 3f",
        "Outputs of the convolution condense more than its weights.",
        Quantity(
            "way of the mean |cos| from chance (0) to parallel channels (1) after training, outputs without the bias "
            "minus weights",
            lambda data: (condensed(data, "outputs") - condensed(data, "weights"))[SMALL],
        ),
        median > 0,
        fixed=AFTER,
        defence="the overview compares heat maps and names no measure; chance alone makes outputs more alike than "
        "weights",
    ),
    Claim(
        "convolution_kernels.small-start",
        "Abstract",
        "Small weight initialisation facilitates condensation.",
        Quantity(
            "excess of the mean |cos| of weights over chance after training from the small start minus the median from "
            "the usual one",
            from_the_small_start,
        ),
        median > 0,
        fixed=AFTER,
    ),
)

FIGURE = PaperFigure(
    name="condensation/convolution_kernels",
    caption=(
        "Figure 3. Kernels of a single convolution, unrelated before training on digits, line up in two opposite "
        "directions. The paper's channels, kernel size and images are missing from our copy of it. Ours: 32 channels "
        "of 3 x 3, tanh, small start with std d_in^-2, Adam at 1e-3, batches of 100; quick: 1,000 digits and 100 "
        "steps, to 93 % on them. A usual start (std d_in^-0.5) is the control. Outputs are taken without the "
        "bias. Chance: kernels of 9 normal weights, and their outputs on the same images; a |cos| is beyond it that "
        "some pair of 32 channels reaches once in a thousand layers."
    ),
    presets={"quick": ConvolutionKernels(), "paper": ConvolutionKernels(size="paper", images=10_000)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=40,
    cost="estimated 3 GPU minutes, or 2 CPU hours",
    aliases=("condensation_03", "fig-3", "section-4.2"),
    stream="condensation_03",
)
