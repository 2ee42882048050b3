"""Overview of condensation, figure 4: does the last convolution of ResNet18 condense more than the first?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from comparisons.harness.settings import Settings
from figures.condensation.neuron_features import NOT_FITTED, companions, draw_map, off_diagonal, sorted_map, when_fitted
from figures.harness.figure import Claim, PaperFigure, all_above

LAYERS = ("first", "last")
FITTED = 0.99  # training accuracy below which a network is no trained ResNet18


@dataclass(frozen=True)
class Params(Settings):
    """Which size of `dnn.networks.convolutional`, images for the outputs, and runs."""

    size: str = "quick"
    images: int = 256
    replicates: int = 3


def trained(run, rng, p):
    """Similarities of first and last convolution before and after training one network, and its accuracy."""
    import torch

    from dnn.networks.convolutional import RESNET18_PRESETS, ResNet18, layer_similarity
    from dnn.data import load
    from dnn.training.loop import train

    preset = RESNET18_PRESETS[p.size]
    split = load(preset.data, p.data)
    config = replace(preset.config, device=p.device, records=(preset.config.n_steps,), record_samples=500)
    network = ResNet18(preset.n_channels, rng=rng).to(config.torch_device)
    x = torch.cat([split.x_train[: p.images // 2], split.x_test[: p.images // 2]]).to(config.torch_device)

    def similarities(when):
        pairs = zip(LAYERS, (network.first_convolution, network.last_convolution), strict=True)
        found = {layer: layer_similarity(network, module, x) for layer, module in pairs}
        return {f"{name}_{layer}_{when}": one for layer, both in found.items() for name, one in both.items()}

    before = similarities("start")
    accuracy = train(network, split, config, rng)["train_accuracy"][-1]
    maps = {**before, **similarities("end")}
    means = {f"mean_{name}": off_diagonal(one).mean() for name, one in maps.items()}
    shares = {f"share_{name}": companions(one)[0] for name, one in maps.items()}
    ends = {name: sorted_map(one) for name, one in maps.items() if name.endswith("end")}
    return {"accuracy": accuracy, **means, **shares, **ends}


def compute(p, rng, grid):
    """The same network from several starts."""
    found = grid(partial(trained, p=p), {"run": range(p.replicates)}, seed=int(rng.integers(2**31)))
    return {name: values.values[:, 0] for name, values in found.data_vars.items()}


def draw(data, p):
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


def _gain(name, layer):
    return lambda data: data[f"mean_{name}_{layer}_end"] - data[f"mean_{name}_{layer}_start"]


def _fitted(data):
    return bool((data["accuracy"] >= FITTED).all())


FIGURE = PaperFigure(
    name="condensation_04",
    paper="condensation",
    caption=(
        "Cosine similarity of channels in the first and the last convolution of ResNet18 after training on digits. "
        "The paper's numbers of images are missing from our copy of it. Ours: quick has 8 channels in the first stage, "
        "1,000 digits and 120 Adam steps at 3e-3, PyTorch's default start. Chance gives mean |cos| .27 for the 9 "
        "weights of a first kernel and .03 for the 576 of a last one, therefore kernels are compared by what training "
        "adds; outputs as they are."
    ),
    presets={"quick": Params(), "paper": Params(size="paper", images=2000)},
    compute=compute,
    draw=draw,
    claims=(
        Claim(
            "condensation-4-weights",
            "Figure 4a, b",
            "Weights of the last convolution condense more than those of the first.",
            "mean |cos| rises more by training in the last layer's kernels than in the first's, every run (> 0)",
            lambda data: _gain("weights", "last")(data) - _gain("weights", "first")(data),
            all_above(0),
        ),
        Claim(
            "condensation-4-outputs",
            "Figure 4c, d",
            "Outputs of the last convolution condense more than those of the first.",
            "mean |cos| of the last layer's outputs minus that of the first's > 0 after training, in every run",
            lambda data: data["mean_outputs_last_end"] - data["mean_outputs_first_end"],
            all_above(0),
            "the first layer's are the more alike in every run, of networks that have not fitted (training accuracies "
            "from .83)",
            _fitted,
        ),
        Claim(
            "condensation-4-rise",
            "Figure 4d",
            "Outputs of the last convolution exhibit condensation after training.",
            "mean |cos| of the last layer's outputs rises by training, in every run (gain > 0)",
            _gain("outputs", "last"),
            all_above(0),
            "in networks that have not fitted they hardly change (.26 to .36 before, .29 to .34 after)",
            _fitted,
        ),
        Claim(
            "condensation-4-blocks",
            "Figure 4b",
            "Kernels of the last convolution form groups.",
            "some kernel has |cos| > .9 with at least a quarter of the channels, in every run (share); -1 where "
            "training accuracy is below .99",
            lambda data: when_fitted(data["share_weights_last_end"], data["accuracy"], FITTED),
            lambda values: None if (values == NOT_FITTED).any() else bool((values > 0.25).all()),
            "quick stops at training accuracies from .83 on, with mean |cos| .14 and no two kernels alike",
        ),
    ),
    seconds=70,
    cost="estimated 20 GPU minutes",
)
