"""Overview of condensation, figure 3: kernels of one convolution on digits, before and after training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import COLOUR, companions, draw_map, off_diagonal, sorted_map
from figures.harness.figure import Claim, PaperFigure, all_above, all_below, median_above

GAMMAS = (2.0, 0.5)  # small start, usual start


@dataclass(frozen=True)
class Params(Settings):
    """Which size of `dnn.networks.convolutional`, images for the outputs, and runs."""

    size: str = "quick"
    images: int = 400
    replicates: int = 3


def trained(gamma, rng, p):
    """Curves of one network, and its similarities before and after training."""
    import torch

    from dnn.networks.convolutional import ONE_CONVOLUTION_PRESETS, OneConvolution, layer_similarity
    from dnn.data import load
    from dnn.training.loop import train

    preset = ONE_CONVOLUTION_PRESETS[p.size]
    split = load(preset.data, p.data)
    network = OneConvolution(preset.n_channels, gamma=gamma, rng=rng)
    config = replace(preset.config, device=p.device, records=5, record_samples=500)
    x = torch.cat([split.x_train[: p.images // 2], split.x_test[: p.images // 2]]).to(config.torch_device)
    network.to(config.torch_device)
    before = layer_similarity(network, network.convolution, x)
    run = train(network, split, config, rng)
    after = layer_similarity(network, network.convolution, x)
    maps = {f"{name}_{when}": found[name] for when, found in (("start", before), ("end", after)) for name in found}
    curves = {name: run[name] for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")}
    return {"step": run.t, **curves, **{name: sorted_map(one) for name, one in maps.items()}}


def compute(p, rng, grid):
    """Networks from a small and from a usual start."""
    seed = int(rng.integers(2**31))
    found = grid(partial(trained, p=p), {"gamma": GAMMAS}, replicates=p.replicates, seed=seed)
    data = {name: values.values for name, values in found.data_vars.items()}
    for name in ("weights_start", "weights_end", "outputs_start", "outputs_end"):
        maps = data[name].reshape(-1, *data[name].shape[-2:])
        shape = (len(GAMMAS), p.replicates)
        data[f"{name}_mean"] = np.array([off_diagonal(one).mean() for one in maps]).reshape(shape)
        share, minority = np.array([companions(one) for one in maps]).T
        data[f"{name}_share"], data[f"{name}_minority"] = share.reshape(shape), minority.reshape(shape)
    return data


def draw(data, p):
    """The paper's panels a to f, for the first network from a small start."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(9.5, 5.6), layout="constrained")
    axes = figure.subplots(2, 3)
    for panel, name, letter in zip(axes[:, 0], ("loss", "accuracy"), "ad", strict=True):
        for part, dash in (("train", "-"), ("test", "--")):
            panel.plot(data["step"][0, 0], data[f"{part}_{name}"][0, 0], dash, color=COLOUR, label=part)
        panel.set(xlabel="step", ylabel=name, title=f"({letter}) {name}")
        panel.legend(fontsize=8)
        tidy(panel)
    for row, when, letters in zip(axes, ("start", "end"), ("bc", "ef"), strict=True):
        for panel, name, letter in zip(row[1:], ("weights", "outputs"), letters, strict=True):
            image = draw_map(panel, data[f"{name}_{when}"][0, 0], f"({letter}) {name}, {when}")
            panel.set_xlabel("channel, sorted")
    figure.colorbar(image, ax=axes[:, 1:], label="cosine similarity", shrink=0.7)
    return figure


FIGURE = PaperFigure(
    name="condensation_03",
    paper="condensation",
    caption=(
        "Kernels of a single convolution, unrelated before training on digits, line up in two opposite directions. "
        "The paper's channels, kernel size and images are missing from our copy of it. Ours: 32 channels of 3 x 3, "
        "tanh, small start with std d_in^-2, Adam at 1e-3, batches of 100; quick: 1,000 digits and 100 steps, to 93 % "
        "on them. A usual start (std d_in^-0.5) is the control."
    ),
    presets={"quick": Params(), "paper": Params(size="paper", images=10_000)},
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-3-start-weights",
            "Figure 3b",
            "At initialisation the kernels form no clusters.",
            "no channel has |cos| > .9 with 30 % of the channels, in every run (largest share)",
            lambda data: data["weights_start_share"][0],
            all_below(0.3),
        ),
        Claim(
            "condensation-3-start-outputs",
            "Figure 3c",
            "At initialisation the outputs of the channels form no clusters.",
            "no channel has |cos| > .9 with 30 % of the channels, in every run (largest share)",
            lambda data: data["outputs_start_share"][0],
            all_below(0.3),
            "random kernels can give similar outputs by chance: in one run a third of the channels or more do",
        ),
        Claim(
            "condensation-3-end",
            "Figure 3e",
            "After training the kernels show blocks.",
            "some channel has |cos| > .9 with at least half of the channels, in every run (largest share)",
            lambda data: data["weights_end_share"][0],
            all_above(0.5),
        ),
        Claim(
            "condensation-3-opposite",
            "Section 4.2",
            "The vectors converge to two opposite directions.",
            "at least 10 % of that block point the other way (median over runs)",
            lambda data: data["weights_end_minority"][0],
            median_above(0.1),
        ),
        Claim(
            "condensation-3-outputs",
            "Figure 3f",
            "Outputs of the convolution condense more than its weights.",
            "mean |cos| of outputs minus that of weights > 0 after training, in every run",
            lambda data: data["outputs_end_mean"][0] - data["weights_end_mean"][0],
            all_above(0),
        ),
        Claim(
            "condensation-3-scale",
            "Abstract",
            "Small weight initialisation facilitates condensation.",
            "mean |cos| of weights after training from the small start minus that from the usual one > 0, in every run",
            lambda data: data["weights_end_mean"][0] - data["weights_end_mean"][1],
            all_above(0),
        ),
    ),
    seconds=51,
    cost="estimated 3 GPU minutes, or 2 CPU hours",
)
