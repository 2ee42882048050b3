"""Figure 3i and 3j of the 2025 paper: test accuracy and first-layer gradient against depth and width."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import ENOUGH, digits, enough_digits, kendall, perceptron
from figures.harness.figure import Claim, PaperFigure, all_above, all_below, median_below

FEW = f"if not, open with fewer than {ENOUGH} digits"
SHARE = 0.75  # of the widths that must agree
DEVIATIONS = 2.0  # standard errors beyond which one depth is better than another


@dataclass(frozen=True)
class Params(Settings):
    """Depths, widths and length of the sweep."""

    depths: tuple[int, ...] = (3, 4, 6, 8, 12, 20)
    widths: tuple[int, ...] = (32, 64, 128, 256)
    samples: int = 1000
    batch_size: int = 100
    n_steps: int = 100
    records: int = 8
    n_test: int = 2000
    replicates: int = 3


def best_of(p: Params, depth: int, width: int, rng: np.random.Generator) -> dict[str, float]:
    """Best test accuracy of one run, and the first hidden layer's gradient there."""
    from dnn.training.config import TrainConfig, log_spaced_steps
    from dnn.probes import rank_gradients
    from dnn.training.loop import train

    network, split = perceptron(depth, width, rng), digits(p, p.samples, p.n_test)
    steps = log_spaced_steps(p.n_steps, np.linspace(p.n_steps / 4, p.n_steps, p.records).astype(int))
    config = TrainConfig(
        p.n_steps, batch_size=p.batch_size, records=steps, patience=p.records + 1, device=p.device
    )  # patience never runs out, but brings the best weights back
    run = train(network, split, config, rng)
    return {"accuracy": run["test_accuracy"].max(), "gradient": rank_gradients(network, split)[0]}


def compute(p: Params, rng: np.random.Generator, grid) -> dict[str, np.ndarray]:
    """Every depth, width and run."""
    axes = {"depth": p.depths, "width": p.widths}
    runs = grid(partial(best_of, p), axes, replicates=p.replicates, seed=int(rng.integers(2**31)))
    found = {name: runs[name].values for name in ("accuracy", "gradient")}  # (depths, widths, replicates)
    return {"depths": np.array(p.depths), "widths": np.array(p.widths), "samples": np.array(p.samples), **found}


def draw(data, p: Params):
    """Panels i and j as in the paper."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import ORDER, tidy

    figure = Figure(figsize=(11, 4), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, name, label in zip(panels, ("accuracy", "gradient"), "ij", strict=True):
        mean, deviation = data[name].mean(-1), data[name].std(-1)
        for k, width in enumerate(data["widths"]):
            axes.errorbar(
                data["depths"],
                mean[:, k],
                deviation[:, k],
                color=ORDER[k % len(ORDER)],
                marker="o",
                capsize=2,
                label=f"width {width}",
            )
        axes.set(xscale="log", xticks=data["depths"], xlabel="depth (layers)")
        axes.set_xticks([], minor=True)
        axes.set_xticklabels(data["depths"])
        axes.set_ylabel("best test accuracy" if label == "i" else "rank gradient of the first hidden layer")
        axes.set_title(f"({label}) mean and deviation of {data[name].shape[-1]} runs", loc="left")
        tidy(axes)
    panels[0].legend(fontsize="small")
    return figure


def peak_excess(data, low: int, high: int) -> np.ndarray:
    """Per width: best depth in [low, high] above the best other one, in standard errors of their difference."""
    accuracy = data["accuracy"]
    mean = accuracy.mean(-1)
    variance = accuracy.var(-1, ddof=1) / accuracy.shape[-1]
    inside = (data["depths"] >= low) & (data["depths"] <= high)
    columns = np.arange(mean.shape[1])
    best, other = (np.where(part[:, None], mean, -1.0).argmax(0) for part in (inside, ~inside))
    error = np.sqrt(variance[best, columns] + variance[other, columns])
    return (mean[best, columns] - mean[other, columns]) / error


def resolved(values: np.ndarray) -> bool | None:
    """More than 2 standard errors at three quarters of the widths; open unless a quarter is as far below."""
    if (values > DEVIATIONS).mean() >= SHARE:
        return True
    return False if (values < -DEVIATIONS).mean() > 1 - SHARE else None


def widest_minus_narrowest(data, name: str) -> np.ndarray:
    """Per depth, mean over replicates."""
    mean = data[name].mean(-1)
    return mean[:, -1] - mean[:, 0]


def depth_of_least_gradient(data) -> np.ndarray:
    """Depth at which the mean rank gradient of the first layer is least, one value a width."""
    return data["depths"][data["gradient"].mean(-1).argmin(0)]


def lost_with_depth(data) -> np.ndarray:
    """Kendall's tau of width and accuracy lost from the best depth to the deepest network, one value a run."""
    return kendall((data["accuracy"].max(0) - data["accuracy"][-1]).T)


def least_between(low: int, high: int):
    """The criterion "depths in [low, high] at three quarters of the widths"."""
    return lambda values: bool(((values >= low) & (values <= high)).mean() >= SHARE)


LEAST_DEEP = "with 1,000 digits and 100 steps it falls all the way to 20 layers, which learn least"
CLAIMS = (
    Claim(
        "dnn-3i-peak",
        "Figure 3i",
        "The best depth is 6 to 8 layers, whatever the width.",
        "the best of 5 to 9 layers beats all other depths by > 2 standard errors at 3/4 of the widths; contradicted "
        "if beaten by as much at over 1/4",
        lambda data: peak_excess(data, 5, 9),
        resolved,
        "with 1,000 digits and a few runs the differences between 4, 6 and 8 layers are of the size of the spread",
    ),
    Claim(
        "dnn-3i-width",
        "Figure 3i",
        "At a given depth wider networks classify better.",
        "mean accuracy of the widest above that of the narrowest network at every depth",
        lambda data: widest_minus_narrowest(data, "accuracy"),
        all_above(0.0),
    ),
    Claim(
        "dnn-3i-decline",
        "Figure 3i",
        "The decline of accuracy in deep networks is the more pronounced the narrower they are.",
        "Kendall's tau of width and accuracy lost from the best to the largest depth, median over runs < -0.6",
        lost_with_depth,
        median_below(-0.6),
    ),
    Claim(
        "dnn-3j-width",
        "Figure 3j",
        "At a given depth wider networks have a smaller gradient in the first hidden layer.",
        f"mean gradient of the widest below that of the narrowest network at every depth; {FEW}",
        lambda data: widest_minus_narrowest(data, "gradient"),
        all_below(0.0),
        "true at all depths but 20, where the narrowest network learns little from 1,000 digits (test accuracy about a "
        "third) and its gradient stays low",
        enough_digits,
    ),
    Claim(
        "dnn-3j-depth",
        "Figure 3j",
        "The first layer's gradient is smallest near 6 layers.",
        f"depth of the smallest mean gradient in [5, 8] at 3/4 of the widths; {FEW}",
        depth_of_least_gradient,
        least_between(5, 8),
        LEAST_DEEP,
        enough_digits,
    ),
    Claim(
        "dnn-o4b-depth",
        "First version, Figure 4b",
        "The first hidden layer holds most non-order-preserving neurons in networks of about 8 layers.",
        f"depth of the smallest mean gradient at most one layer from 8 at 3/4 of the widths (value: distance); {FEW}",
        lambda data: np.abs(depth_of_least_gradient(data) - 8.0),
        least_between(0, 1),
        LEAST_DEEP,
        enough_digits,
    ),
)

FIGURE = PaperFigure(
    name="dnn_n3_depth",
    paper="dnn",
    caption=(
        "Test accuracy and the rank gradient of the first hidden layer change with depth and width. (i) best test "
        "accuracy of a run, (j) gradient at that record. The paper prints neither batch size nor optimiser nor number "
        "of steps for these panels: Adam at 0.001 and batches of a tenth of the digits are our choice. Quick: widths "
        "of 32 to 256 instead of 128 to 1,280 and the 1,000 embedded digits."
    ),
    presets={
        "quick": Params(),
        "paper": Params(
            depths=(3, 4, 5, 6, 7, 8, 10, 12, 16, 20),
            widths=(128, 256, 512, 1280),
            samples=60000,
            batch_size=6000,
            n_steps=1000,
            records=50,
            n_test=10000,
        ),
    },
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=81,
    cost="70 CPU-hours on one core, estimated from 11.2 s per 60,000 digits at depth 10, width 512; meant for a GPU",
)
