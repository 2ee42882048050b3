"""Figure 5 of the 2025 paper: basins and rank densities by class, and the basins of twenty digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Grid, PaperFigure
from figures.opt_npt.basins_by_class_claims import CLAIMS, most_unlike_pair
from figures.opt_npt.basins_by_class_drawing import draw
from figures.opt_npt.digit_networks import first_samples, perceptron, replicates_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from dnn.reading.basin_picture import BasinPicture

BINS = 20
COPIES = 50  # noisy copies of a digit of which one is shown
MEASURED = 5000  # at most so many training samples are looked at


@dataclass(frozen=True)
class BasinsByClass(Settings):
    """Size of the network and the data, steps, and noisy copies of each digit.

    Parameters
    ----------
    data_set : str
        Name for :func:`dnn.data.load`.
    samples : int
        Training digits.
    n_hidden : int
        Hidden layers.
    width : int
        Neurons of each.
    batch_size : int
        Digits in a batch.
    n_steps : int
        Updates.
    draws : int
        Noisy copies of each digit in the accuracy under noise.
    copies : int
        Noisy copies of each of the twenty digits in the picture.
    replicates : int
        Runs.
    """

    data_set: str = "mnist-mini"
    samples: int = 1000
    n_hidden: int = 8
    width: int = 128
    batch_size: int = 1000
    n_steps: int = 80
    draws: int = 4
    copies: int = 20
    replicates: int = 5


def basins_of_classes(settings: BasinsByClass, rng: np.random.Generator, n_hidden: int) -> dict[str, Any]:
    """One network: accuracy under noise (n, 10), radii, noise shares and densities by class, and the picture."""
    from dnn.reading.basin_picture import basin_picture
    from dnn.reading.basins import sample_basin
    from dnn.reading.linear_maps import linear_map
    from dnn.reading.rank_densities import rank_gradient, rank_probability
    from dnn.training.config import TrainConfig
    from dnn.training.loop import train
    from dnn.training.objectives import prepare

    split = first_samples(settings.data_set, settings.samples, settings.data)
    network = perceptron(n_hidden + 2, settings.width, rng)
    n_steps = settings.n_steps
    config = TrainConfig(n_steps, batch_size=settings.batch_size, records=(n_steps,), device=settings.device)
    run, split = train(network, split, config, rng), prepare(split, config)
    x, y = split.x_train[:MEASURED], split.y_train[:MEASURED]
    basin = sample_basin(network, x, y, rng, by="class", method="grid", draws=settings.draws)
    picture = basin_picture(network, x, y, rng, draws=settings.copies)
    field, sign = network.fields(x)[0].detach(), linear_map(network, 2)[0]
    return {
        "amplitudes": basin.amplitudes if basin.amplitudes.ndim == 1 else basin.amplitudes[:, 0],
        "curve": basin.curve,
        "radius": basin.radius,
        "noise_share": basin.noise_share,
        "density": rank_probability(field, sign, y, bins=BINS),
        "gradient": rank_gradient(field, sign, y).mean(axis=1),
        "test": run["test_accuracy"][-1],
        "picture_labels": picture.labels,
        "picture_apex": picture.apex,
        "picture_points": picture.points,
        "picture_predicted": picture.predicted,
        "picture_radius": picture.radius,
        "foreign": picture.foreign_share,
        **inset(network, x, y, picture, rng),
    }


def inset(network: Module, x: Tensor, y: Tensor, picture: BasinPicture, rng: np.random.Generator) -> dict[str, Any]:
    """The two digits of one class whose radii differ most, each clean and with noise of the size of its radius.

    Of COPIES noisy copies the one is shown that tells: of the smaller basin one that is put into another class, of the
    larger one that keeps its own, if there is any. Images (2, 2, 784), sizes of the noise (2,), predicted classes
    (2,), and the digits' label; all zero where no class has two digits with finite radii.
    """
    import torch

    pair = most_unlike_pair(picture.labels, picture.radius)
    images, noise, predicted = np.zeros((2, 2, x.shape[1]), np.float32), np.zeros(2), np.zeros(2)
    arrays = {"inset_images": images, "inset_noise": noise, "inset_predicted": predicted, "inset_label": np.array(0.0)}
    if pair is None:
        return arrays
    label, span = int(picture.labels[pair[0]]), float(x.max() - x.min())
    of_class = (y == label).nonzero().ravel()
    first = int((picture.labels == label).argmax())
    for k, digit in enumerate(pair):
        clean, noise[k] = x[of_class[digit - first]], picture.radius[digit]
        drawn = torch.from_numpy(rng.standard_normal((COPIES, len(clean)), dtype=np.float32))
        copies = clean + noise[k] * span * drawn.to(clean)
        with torch.no_grad():
            classes = network.eval()(copies).argmax(1)
        telling = int(((classes != label) if k == 0 else (classes == label)).int().argmax())
        images[k], predicted[k] = np.stack([clean.cpu(), copies[telling].cpu()]), int(classes[telling])
    return arrays | {"inset_label": np.array(float(label))}


def compute(settings: BasinsByClass, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Class-wise accuracy under noise, noise shares, rank densities and the picture of each run."""
    axes, seed = {"n_hidden": [settings.n_hidden]}, int(rng.integers(2**32))
    runs = grid(partial(basins_of_classes, settings), axes, replicates=settings.replicates, seed=seed)
    sizes = {name: np.array(getattr(settings, name)) for name in ("n_hidden", "samples")}
    return replicates_of(runs) | sizes


FIGURE = PaperFigure(
    name="opt_npt/basins_by_class",
    caption=(
        "Figure 5. Basins of attraction and rank densities differ between the digit classes, and with them the share "
        "of pure noise that each class takes. "
        "Not printed: noise draws, rate and steps of the 23-layer network. The quick preset has 8 hidden layers of 128 "
        "with batch norm, 1,000 embedded digits and 80 full-batch steps of Adam 1e-3; the paper preset 21 hidden "
        "layers, batch 30,000 and 400 steps. Lines are means over runs; (c) shows the first run: "
        "clean digits as numerals, copies that keep their class as dots (0 to 4) or crosses (5 to 9) in its colour, "
        "beside them the two digits of one class whose radii differ most, with noise of the size of the radius, and "
        "what the network says."
    ),
    presets={
        "quick": BasinsByClass(),
        "large": BasinsByClass(data_set="mnist", samples=6000, n_hidden=21, batch_size=6000, n_steps=200, draws=8),
        "paper": BasinsByClass(
            data_set="mnist",
            samples=60_000,
            n_hidden=21,
            width=128,
            batch_size=30_000,
            n_steps=400,
            draws=8,
            copies=40,
            replicates=5,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=22,
    large_seconds=381,
    cost="about 10 CPU-minutes a run (estimated from 1.34 CPU-s per step)",
    aliases=("dnn_n5", "fig-5"),
    stream="dnn_n5",
)
