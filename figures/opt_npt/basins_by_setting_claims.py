"""What Figure 4 and the first version's Figures 5 and 6 say of basins of attraction: trends and sensitivities."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from figures.opt_npt.digit_networks import ENOUGH_DIGITS, PUBLISHED, bounded_radius
from figures.opt_npt.trends import kendall
from toymodels.claims import AFTER, READING, Claim, Decisive, Quantity, median, median_of_each

TREND = 0.6  # Kendall's tau from which on a curve counts as rising


def trend(data: Data, name: str, axis: int) -> np.ndarray:
    """Kendall's tau along one axis, at every point of the other in every replicate."""
    return kendall(np.moveaxis(data[name], axis, -1)).ravel()


def tuned_trend(data: Data, name: str) -> np.ndarray:
    """Kendall's tau along the tuned parameter in every replicate."""
    return kendall(data[name].T)


def distance_of_peaks(data: Data) -> np.ndarray:
    """Steps of the grid of learning rates between best accuracy and widest sample basin, in every replicate."""
    return np.abs(data["rate_accuracy"].argmax(0) - data["rate_sample_radius"].argmax(0)).astype(float)


def fall_with_basin(data: Data) -> np.ndarray:
    """Points lost where the weight basin shrinks most from one batch size to the next, less the most lost elsewhere."""
    shrunk = -np.diff(np.log(bounded_radius(data, "batch_weight")), axis=0)
    lost = -100 * np.diff(data["batch_accuracy"], axis=0)
    there = shrunk == shrunk.max(0)
    return np.where(there, lost, -np.inf).max(0) - np.where(there, -np.inf, lost).max(0)


def drops_sharply(data: Data) -> bool:
    """Whether the weight basin shrinks to a half or less from one batch size to the next in every run."""
    basin = bounded_radius(data, "batch_weight")
    return bool(((basin[1:] / basin[:-1]).min(axis=0) <= 0.5).all())


def sample_left(data: Data) -> np.ndarray:
    """Sample basin of the largest batches over the largest of all batch sizes."""
    sample = bounded_radius(data, "batch_sample")
    return sample[-1] / sample.max(0)


def sensitivity(data: Data) -> np.ndarray:
    """Largest over smallest weight basin, over the same of the sample basin: runs of both tuned parameters."""

    def change(name: str, space: str) -> np.ndarray:
        of_all = bounded_radius(data, f"{name}_{space}")
        return of_all.max(0) / of_all.min(0)

    return np.concatenate([change(name, "weight") / change(name, "sample") for name in ("rate", "batch")])


def late_change(data: Data, space: str) -> np.ndarray:
    """Relative change of the basin over the last step of depth, at every width in every run."""
    of_all = bounded_radius(data, f"size_{space}")
    return np.abs(of_all[-1] / of_all[-2] - 1).ravel()


def by_depth(space: str) -> Quantity:
    """How the basin in `space` grows with depth."""
    words = f"Kendall's tau of depth and radius in {space} space, over widths and runs"
    return Quantity(words, lambda data: trend(data, f"size_{space}_radius", 0))


def by_width(space: str) -> Quantity:
    """How the basin in `space` grows with width, from PyTorch's initial weights."""
    words = f"Kendall's tau of width and radius in {space} space from PyTorch's initial weights, over depths and runs"
    return Quantity(words, lambda data: trend(data, f"size_{space}_radius", 1))


def by_rate(space: str) -> Quantity:
    """How the basin in `space` grows with the learning rate."""
    words = f"Kendall's tau of SGD's learning rate and radius in {space} space, over runs"
    return Quantity(words, lambda data: tuned_trend(data, f"rate_{space}_radius"))


def by_batch(space: str) -> Quantity:
    """How the basin in `space` grows with the batch size."""
    words = f"Kendall's tau of Adam's batch size and radius in {space} space, over runs"
    return Quantity(words, lambda data: tuned_trend(data, f"batch_{space}_radius"))


def saturation(space: str) -> Quantity:
    """How much the basin in `space` still changes between the last two depths."""
    words = (
        f"relative change of the radius in {space} space from the last depth but one to the last, over widths and runs"
    )
    return Quantity(words, lambda data: late_change(data, space))


RATES = "both basins widen with the rate; the same paragraph lets accuracy rise with it from 0.1 to 0.5"
SLIP = (
    "a slip of the pen perhaps: in the same paragraph accuracy rises with the rate, and the 2025 version widens the "
    "basin in weight space with it"
)
SHORT = "150 steps on 1,000 digits may leave deep networks less trained than the paper's on 60,000, and basins smaller"
LARGE_BATCHES = (
    "four or five batch sizes on 1,000 or 10,000 digits, the largest left with 40 or 60 steps, do not show the paper's "
    "plateau and drop"
)
FEW_RUNS = "three runs on 1,000 digits, whose accuracies and radii scatter from run to run"
SHARP = Decisive("a step of the batch size that halves the weight basin in every run", drops_sharply)
RISING, FALLING = median > TREND, median < -TREND
CLAIMS = (
    Claim(
        "basins_by_setting.deeper-wider-in-samples",
        "Figure 4a, 4c",
        "Deeper networks have wider basins in sample space.",
        by_depth("sample"),
        RISING,
        fixed=AFTER,
        decisive=PUBLISHED,
        why="with 1,000 digits and 150 steps accuracy falls with depth (width 128: 0.86 at 4 layers, 0.78 to 0.80 at "
        "16) and so do the basins",
        defence=SHORT,
    ),
    Claim(
        "basins_by_setting.deeper-narrower-in-weights",
        "Figure 4b, 4d",
        "Deeper networks have narrower basins in weight space.",
        by_depth("weight"),
        FALLING,
        fixed=AFTER,
        decisive=PUBLISHED,
    ),
    Claim(
        "basins_by_setting.broader-wider-in-samples",
        "Figure 4c",
        "Wider networks have wider basins in sample space (both versions of the paper).",
        by_width("sample"),
        RISING,
        fixed=AFTER,
        decisive=PUBLISHED,
    ),
    Claim(
        "basins_by_setting.broader-wider-in-weights",
        "Figure 4d",
        "Wider networks have wider basins in weight space (2025 version).",
        by_width("weight"),
        RISING,
        fixed=AFTER,
        decisive=PUBLISHED,
    ),
    Claim(
        "basins_by_setting.broader-narrower-in-weights-old",
        "First version, Figure 6d",
        "Wider networks have narrower basins in weight space (2024 version, the opposite of the 2025 one).",
        by_width("weight"),
        FALLING,
        fixed=AFTER,
        decisive=PUBLISHED,
        why="the radius rises at every depth; it rises less (from 0.74 to 0.87) if all widths start from U(-0.1, 0.1)",
        defence="the authors' own 2025 version says the opposite, and that the initial weights decide",
    ),
    Claim(
        "basins_by_setting.same-start-by-width",
        "Section IV.B",
        "Without initial weights that shrink with width, wider networks could have narrower basins in weight space.",
        Quantity(
            "Kendall's tau of width and radius in weight space from initial weights U(-0.1, 0.1), over runs",
            lambda data: trend(data, "fixed_weight_radius", 1),
        ),
        FALLING,
        fixed=AFTER,
        source=READING,
        decisive=PUBLISHED,
        why="it flattens the growth (0.74 to 0.87 over widths 32 to 256, instead of about 0.7 to 1.2) but does not "
        "turn it",
        defence="the paper says could and names no other start; larger weights, depths or widths may turn the growth",
    ),
    Claim(
        "basins_by_setting.rate-widens-weights",
        "Figure 4e",
        "Larger learning rates of SGD widen the basin in weight space.",
        by_rate("weight"),
        RISING,
        decisive=ENOUGH_DIGITS,
    ),
    Claim(
        "basins_by_setting.best-rate",
        "Figure 4e",
        "The learning rate with the best test accuracy is the one with the widest basin in sample space.",
        Quantity(
            "steps of the grid of rates between the best test accuracy and the widest basin in sample space",
            distance_of_peaks,
        ),
        median < 0.5,
        decisive=ENOUGH_DIGITS,
        defence=FEW_RUNS,
    ),
    Claim(
        "basins_by_setting.small-batch-widens-weights",
        "Figure 4f",
        "Smaller batches of Adam widen the basin in weight space.",
        by_batch("weight"),
        FALLING,
        decisive=ENOUGH_DIGITS,
    ),
    Claim(
        "basins_by_setting.small-batch-widens-samples",
        "First version, Figure 5a",
        "Smaller batches of Adam widen the basin in sample space too.",
        by_batch("sample"),
        FALLING,
        decisive=ENOUGH_DIGITS,
        defence="five batch sizes of which two neighbours may change places by chance; the bound on the trend is ours",
    ),
    Claim(
        "basins_by_setting.accuracy-falls-with-basin",
        "Figure 4f",
        "Test accuracy falls rapidly where the basin in weight space drops sharply.",
        Quantity(
            "accuracy lost over the step of batch size that shrinks the weight basin most, less the most lost over "
            "another step, in points",
            fall_with_basin,
        ),
        median > 0,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS & SHARP,
        why="the weight basin shrinks with every step of the batch size, and accuracy falls at another one than the "
        "basin most",
        defence=LARGE_BATCHES,
    ),
    Claim(
        "basins_by_setting.sample-basin-stays",
        "Figure 4f",
        "Where the basin in weight space drops sharply the one in sample space stays relatively large.",
        Quantity("basin in sample space at the largest batches over its largest at any batch size", sample_left),
        median > 0.5,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="it shrinks to about half, as the weight basin does, in the 40 steps that full batches leave",
        defence=LARGE_BATCHES,
    ),
    Claim(
        "basins_by_setting.small-batch-accuracy",
        "First version, Figure 5a, 5b",
        "Smaller batches of Adam raise the test accuracy.",
        Quantity(
            "Kendall's tau of Adam's batch size and test accuracy, over runs",
            lambda data: tuned_trend(data, "batch_accuracy"),
        ),
        FALLING,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        defence=FEW_RUNS,
    ),
    Claim(
        "basins_by_setting.small-rate-widens-samples-old",
        "First version, Figure 5c",
        "Smaller learning rates widen the basin in sample space (2024 version).",
        by_rate("sample"),
        FALLING,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why=RATES,
        defence=SLIP,
    ),
    Claim(
        "basins_by_setting.small-rate-widens-weights-old",
        "First version, Figure 5d",
        "Smaller learning rates widen the basin in weight space (2024 version, the opposite of the 2025 one).",
        by_rate("weight"),
        FALLING,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why=RATES,
        defence=SLIP,
    ),
    Claim(
        "basins_by_setting.weights-more-sensitive",
        "First version, Figure 5a-d",
        "Batch size and learning rate change the basin in weight space much more than the one in sample space.",
        Quantity(
            "largest over smallest radius in weight space, divided by the same in sample space, of all batch sizes and "
            "of all rates",
            sensitivity,
        ),
        median_of_each("sweep", 2) > 1,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="the sample basin changes as much or more: about 2-fold with the batch size, 3- to 4-fold with the rate",
        defence="the paper's networks have 12 layers of 1,024 neurons and batches of 300 to 30,000, a wider range",
    ),
    Claim(
        "basins_by_setting.sample-basin-saturates",
        "First version, Figure 6a",
        "Beyond about 8 layers the basin in sample space no longer changes with depth.",
        saturation("sample"),
        median < 0.1,
        fixed=AFTER,
        decisive=PUBLISHED,
        why="it still falls, by about a tenth from 10 to 16 layers, as accuracy does",
        defence=SHORT,
    ),
    Claim(
        "basins_by_setting.weight-basin-saturates",
        "First version, Figure 6b",
        "Beyond about 8 layers the basin in weight space no longer changes with depth.",
        saturation("weight"),
        median < 0.1,
        fixed=AFTER,
        decisive=PUBLISHED,
        why="it still falls, by about 0.3 of itself from 10 to 16 layers, as accuracy does",
        defence=SHORT,
    ),
)
