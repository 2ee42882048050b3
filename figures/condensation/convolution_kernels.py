"""Figure 3 of the overview of condensation: kernels of one convolution on digits, before and after training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from comparisons.harness.style import FAMILY
from figures.condensation.grids import arrays_of
from figures.condensation.similarity_maps import companions, compared_images, draw_map, off_diagonal, sorted_map
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import Claim, Quantity, every_run, median

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAMMAS = (2.0, 0.5)  # rates of the initialisation
SMALL, USUAL = range(2)  # starts, in the order of their rates


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


def trained(settings: ConvolutionKernels, rng: np.random.Generator, gamma: float) -> dict[str, np.ndarray]:
    """Curves of one network, and its similarities before and after training."""
    from dnn.data import load
    from dnn.networks.convolutional import ONE_CONVOLUTION_PRESETS, OneConvolution, layer_similarity
    from dnn.training.loop import train

    preset = ONE_CONVOLUTION_PRESETS[settings.size]
    split = load(preset.data, settings.data)
    network = OneConvolution(preset.n_channels, gamma=gamma, rng=rng)
    config = replace(preset.config, device=settings.device, records=5, record_samples=500)
    x = compared_images(split, settings.images).to(config.torch_device)
    network.to(config.torch_device)
    before = layer_similarity(network, network.convolution, x)
    run = train(network, split, config, rng)
    after = layer_similarity(network, network.convolution, x)
    maps = {f"{name}_{when}": values[name] for when, values in (("start", before), ("end", after)) for name in values}
    curves = {name: run[name] for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")}
    return {"step": run.t, **curves, **{name: sorted_map(similarity) for name, similarity in maps.items()}}


def compute(settings: ConvolutionKernels, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Networks from a small and from a usual start."""
    seed = int(rng.integers(2**31))
    data = arrays_of(grid(partial(trained, settings), {"gamma": GAMMAS}, replicates=settings.replicates, seed=seed))
    for name in ("weights_start", "weights_end", "outputs_start", "outputs_end"):
        maps = data[name].reshape(-1, *data[name].shape[-2:])
        shape = (len(GAMMAS), settings.replicates)
        data[f"{name}_mean"] = np.array([off_diagonal(similarity).mean() for similarity in maps]).reshape(shape)
        share, minority = np.array([companions(similarity) for similarity in maps]).T
        data[f"{name}_share"], data[f"{name}_minority"] = share.reshape(shape), minority.reshape(shape)
    return data


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
            image = draw_map(panel, data[f"{name}_{when}"][SMALL, 0], f"({letter}) {name}, {when}")
            panel.set_xlabel("channel, sorted")
    figure.colorbar(image, ax=axes[:, 1:], label="cosine similarity", shrink=0.7)
    return figure


def block(name: str, whose: str) -> Quantity:
    """The largest block of `name` from the small start; `whose` says of what and when."""
    words = f"largest share of the channels at |cos| > 0.9 with any one of them, itself included, {whose}"
    return Quantity(words, lambda data: data[f"{name}_share"][SMALL])


CLAIMS = (
    Claim(
        "convolution_kernels.no-blocks-at-start",
        "Figure 3b",
        "At initialisation the kernels form no clusters.",
        block("weights_start", "kernels before training"),
        every_run < 0.3,
    ),
    Claim(
        "convolution_kernels.no-output-blocks-at-start",
        "Figure 3c",
        "At initialisation the outputs of the channels form no clusters.",
        block("outputs_start", "outputs before training"),
        every_run < 0.3,
        why="random kernels can give similar outputs by chance: in one run a third of the channels or more do",
        defence="channels, kernel size and images of figure 3 are missing from our copy, and the bounds are ours",
    ),
    Claim(
        "convolution_kernels.blocks-after-training",
        "Figure 3e",
        "After training the kernels show blocks.",
        block("weights_end", "kernels after training"),
        every_run > 0.5,
    ),
    Claim(
        "convolution_kernels.opposite-directions",
        "Section 4.2",
        "The vectors converge to two opposite directions.",
        Quantity(
            "share of the largest block of kernels (|cos| > 0.9 with one of them) that points the other way than most, "
            "after training",
            lambda data: data["weights_end_minority"][SMALL],
        ),
        median > 0.1,
    ),
    Claim(
        "convolution_kernels.outputs-condense-more",
        "Figure 3f",
        "Outputs of the convolution condense more than its weights.",
        Quantity(
            "mean |cos| of outputs minus that of weights after training",
            lambda data: data["outputs_end_mean"][SMALL] - data["weights_end_mean"][SMALL],
        ),
        every_run > 0,
    ),
    Claim(
        "convolution_kernels.small-start",
        "Abstract",
        "Small weight initialisation facilitates condensation.",
        Quantity(
            "mean |cos| of weights after training from the small start minus that from the usual one",
            lambda data: data["weights_end_mean"][SMALL] - data["weights_end_mean"][USUAL],
        ),
        every_run > 0,
    ),
)

FIGURE = PaperFigure(
    name="condensation/convolution_kernels",
    caption=(
        "Figure 3. Kernels of a single convolution, unrelated before training on digits, line up in two opposite "
        "directions. The paper's channels, kernel size and images are missing from our copy of it. Ours: 32 channels "
        "of 3 x 3, tanh, small start with std d_in^-2, Adam at 1e-3, batches of 100; quick: 1,000 digits and 100 "
        "steps, to 93 % on them. A usual start (std d_in^-0.5) is the control."
    ),
    presets={"quick": ConvolutionKernels(), "paper": ConvolutionKernels(size="paper", images=10_000)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=51,
    cost="estimated 3 GPU minutes, or 2 CPU hours",
    aliases=("condensation_03", "fig-3", "section-4.2"),
    stream="condensation_03",
)
