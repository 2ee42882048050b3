"""What the sweeps of figure 4 say about basins of attraction: trends, sensitivities, and the claims about them."""

from __future__ import annotations

import numpy as np

from figures.opt_npt.digit_networks import ENOUGH, enough_digits, kendall
from figures.harness.figure import Claim, all_above, median_above, median_below

SPACES = ("sample", "weight")
TREND = 0.6  # Kendall's tau from which on a curve counts as rising
FEW = f"if not, open with fewer than {ENOUGH} digits"


def trend(data, name: str, axis: int) -> np.ndarray:
    """Kendall's tau along one axis, at every point of the other in every replicate."""
    return kendall(np.moveaxis(data[name], axis, -1)).ravel()


def tuned_trend(data, name: str) -> np.ndarray:
    """Kendall's tau along the tuned parameter in every replicate."""
    return kendall(data[name].T)


def distance_of_peaks(data) -> np.ndarray:
    """Steps of the grid of learning rates between best accuracy and widest sample basin, in every replicate."""
    return np.abs(data["rate_accuracy"].argmax(0) - data["rate_sample_radius"].argmax(0)).astype(float)


def fall_with_basin(data) -> np.ndarray:
    """Points lost where the weight basin shrinks most from one batch size to the next, less the most lost elsewhere."""
    shrunk = -np.diff(np.log(data["batch_weight_radius"]), axis=0)
    lost = -100 * np.diff(data["batch_accuracy"], axis=0)
    there = shrunk == shrunk.max(0)
    return np.where(there, lost, -np.inf).max(0) - np.where(there, -np.inf, lost).max(0)


def sample_left(data) -> np.ndarray:
    """Sample basin of the largest batches over the largest of all batch sizes."""
    return data["batch_sample_radius"][-1] / data["batch_sample_radius"].max(0)


def sensitivity(data) -> np.ndarray:
    """Largest over smallest weight basin, over the same of the sample basin: runs of both tuned parameters."""

    def change(name: str, space: str) -> np.ndarray:
        radius = data[f"{name}_{space}_radius"]
        return radius.max(0) / radius.min(0)

    return np.concatenate([change(name, "weight") / change(name, "sample") for name in ("rate", "batch")])


def late_change(data, space: str) -> np.ndarray:
    """Relative change of the basin over the last step of depth, at every width in every run."""
    radius = data[f"size_{space}_radius"]
    return np.abs(radius[-1] / radius[-2] - 1).ravel()


RATES = "both basins widen with the rate; the same paragraph lets accuracy rise with it from 0.1 to 0.5"
RISING, FALLING = median_above(TREND), median_below(-TREND)
CLAIMS = (
    Claim(
        "dnn-4a-depth",
        "Figure 4a, 4c",
        "Deeper networks have wider basins in sample space.",
        f"Kendall's tau of depth and radius, median over widths and runs > 0.6; {FEW}",
        lambda data: trend(data, "size_sample_radius", 0),
        RISING,
        "with 1,000 digits and 150 steps accuracy falls with depth (width 128: 0.86 at 4 layers, 0.78 to 0.80 at 16) "
        "and so do the basins",
        enough_digits,
    ),
    Claim(
        "dnn-4b-depth",
        "Figure 4b, 4d",
        "Deeper networks have narrower basins in weight space.",
        "Kendall's tau of depth and radius, median over widths and runs < -0.6",
        lambda data: trend(data, "size_weight_radius", 0),
        FALLING,
    ),
    Claim(
        "dnn-4c-width",
        "Figure 4c",
        "Wider networks have wider basins in sample space (both versions of the paper).",
        "Kendall's tau of width and radius, median over depths and runs > 0.6",
        lambda data: trend(data, "size_sample_radius", 1),
        RISING,
    ),
    Claim(
        "dnn-4d-width",
        "Figure 4d",
        "Wider networks have wider basins in weight space (2025 version).",
        "PyTorch's initial weights: Kendall's tau of width and radius, median over depths and runs > 0.6",
        lambda data: trend(data, "size_weight_radius", 1),
        RISING,
    ),
    Claim(
        "dnn-4d-width-first-version",
        "First version, Figure 6d",
        "Wider networks have narrower basins in weight space (2024 version, the opposite of the 2025 one).",
        "PyTorch's initial weights: Kendall's tau of width and radius, median over depths and runs < -0.6",
        lambda data: trend(data, "size_weight_radius", 1),
        FALLING,
        "the radius rises at every depth; it rises less (from 0.74 to 0.87) if all widths start from U(-0.1, 0.1)",
    ),
    Claim(
        "dnn-4d-fixed-start",
        "Section IV.B",
        "Without initial weights that shrink with width, wider networks could have narrower basins in weight space.",
        "initial weights U(-0.1, 0.1): Kendall's tau of width and radius, median over runs < -0.6",
        lambda data: trend(data, "fixed_weight_radius", 1),
        FALLING,
        "it flattens the growth (0.74 to 0.87 over widths 32 to 256, instead of about 0.7 to 1.2) but does not turn it",
    ),
    Claim(
        "dnn-4e-rate",
        "Figure 4e",
        "Larger learning rates of SGD widen the basin in weight space.",
        "Kendall's tau of rate and radius, median over runs > 0.6",
        lambda data: tuned_trend(data, "rate_weight_radius"),
        RISING,
    ),
    Claim(
        "dnn-4e-peak",
        "Figure 4e",
        "The learning rate with the best test accuracy is the one with the widest basin in sample space.",
        "same rate of the grid in the median run",
        distance_of_peaks,
        median_below(0.5),
    ),
    Claim(
        "dnn-4f-weight",
        "Figure 4f",
        "Smaller batches of Adam widen the basin in weight space.",
        "Kendall's tau of batch size and radius, median over runs < -0.6",
        lambda data: tuned_trend(data, "batch_weight_radius"),
        FALLING,
    ),
    Claim(
        "dnn-4f-sample",
        "First version, Figure 5a",
        "Smaller batches of Adam widen the basin in sample space too.",
        "Kendall's tau of batch size and radius, median over runs < -0.6",
        lambda data: tuned_trend(data, "batch_sample_radius"),
        FALLING,
    ),
    Claim(
        "dnn-4f-drop",
        "Figure 4f",
        "Test accuracy falls rapidly where the basin in weight space drops sharply.",
        "accuracy lost over the step of batch size that shrinks the weight basin most, less the most lost over another "
        f"step, in points > 0 in every run; {FEW}",
        fall_with_basin,
        all_above(0.0),
        "the weight basin shrinks with every step of the batch size and accuracy falls at the last one, full batches "
        "and 40 steps in all",
        enough_digits,
    ),
    Claim(
        "dnn-4f-sample-large",
        "Figure 4f",
        "There the basin in sample space stays relatively large.",
        f"sample basin at the largest batches above half of its largest in every run; {FEW}",
        sample_left,
        all_above(0.5),
        "it shrinks to about half, as the weight basin does, in the 40 steps that full batches leave",
        enough_digits,
    ),
    Claim(
        "dnn-o5-accuracy",
        "First version, Figure 5a, 5b",
        "Smaller batches of Adam raise the test accuracy.",
        "Kendall's tau of batch size and accuracy, median over runs < -0.6",
        lambda data: tuned_trend(data, "batch_accuracy"),
        FALLING,
    ),
    Claim(
        "dnn-o5-rate-sample",
        "First version, Figure 5c",
        "Smaller learning rates widen the basin in sample space (2024 version).",
        "SGD: Kendall's tau of rate and radius, median over runs < -0.6",
        lambda data: tuned_trend(data, "rate_sample_radius"),
        FALLING,
        RATES,
    ),
    Claim(
        "dnn-o5-rate-weight",
        "First version, Figure 5d",
        "Smaller learning rates widen the basin in weight space (2024 version, the opposite of the 2025 one).",
        "SGD: Kendall's tau of rate and radius, median over runs < -0.6",
        lambda data: tuned_trend(data, "rate_weight_radius"),
        FALLING,
        RATES,
    ),
    Claim(
        "dnn-o5-sensitive",
        "First version, Figure 5a-d",
        "Batch size and learning rate change the basin in weight space much more than the one in sample space.",
        "largest over smallest radius: that of the weight basin above that of the sample basin in every run of both",
        sensitivity,
        all_above(1.0),
        "the sample basin changes as much or more: about 2-fold with the batch size, 3- to 4-fold with the rate",
    ),
    Claim(
        "dnn-o6-saturation-sample",
        "First version, Figure 6a",
        "Beyond about 8 layers the basin in sample space no longer changes with depth.",
        f"radius at the largest depth within 10 % of that at the last but one, median over widths and runs; {FEW}",
        lambda data: late_change(data, "sample"),
        median_below(0.1),
        "it still falls, by about a tenth from 10 to 16 layers, as accuracy does",
        enough_digits,
    ),
    Claim(
        "dnn-o6-saturation-weight",
        "First version, Figure 6b",
        "Beyond about 8 layers the basin in weight space no longer changes with depth.",
        f"radius at the largest depth within 10 % of that at the last but one, median over widths and runs; {FEW}",
        lambda data: late_change(data, "weight"),
        median_below(0.1),
        "it still falls, by about 0.3 of itself from 10 to 16 layers, as accuracy does",
        enough_digits,
    ),
)
