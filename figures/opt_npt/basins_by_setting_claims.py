"""What Figure 4 and the first version's Figures 5 and 6 say of basins of attraction: trends and sensitivities."""

from __future__ import annotations

from figures.opt_npt.basins_by_setting_measures import (
    DROP,
    FITTED,
    PRINTED_RATES,
    both_spaces,
    distance_of_peaks,
    fall_with_basin,
    late_change,
    sample_left,
    sensitivity,
    trend,
    tuned_trend,
)
from figures.opt_npt.digit_networks import ENOUGH_DIGITS, PAPER_WIDTH, PUBLISHED
from figures.opt_npt.trends import kendall, unless_untold
from toymodels.claims import AFTER, READING, Claim, Quantity, median, median_of_each

TREND = 0.6  # Kendall's tau from which on a curve counts as rising


def by_depth(space: str) -> Quantity:
    """How the basin in `space` grows with depth."""
    words = f"Kendall's tau of depth and radius in {space} space, over widths from {PAPER_WIDTH} on and runs"
    return Quantity(words, lambda data: trend(data, "size", space, 0))


def by_width(space: str) -> Quantity:
    """How the basin in `space` grows with width, from PyTorch's initial weights."""
    words = (
        f"Kendall's tau of width, from {PAPER_WIDTH} on, and radius in {space} space from PyTorch's initial weights, "
        "over depths and runs"
    )
    return Quantity(words, lambda data: trend(data, "size", space, 1))


def by_rate(space: str) -> Quantity:
    """How the basin in `space` grows with the learning rate."""
    words = f"Kendall's tau of SGD's learning rate and radius in {space} space, over runs"
    return Quantity(words, lambda data: tuned_trend(data, "rate", space))


def by_batch(space: str) -> Quantity:
    """How the basin in `space` grows with the batch size."""
    words = f"Kendall's tau of Adam's batch size and radius in {space} space, over runs"
    return Quantity(words, lambda data: tuned_trend(data, "batch", space))


def saturation(space: str) -> Quantity:
    """How much the basin in `space` still changes between the last two depths."""
    words = (
        f"relative change of the radius in {space} space from the last depth but one to the last, at the largest "
        "width, over runs"
    )
    return Quantity(words, lambda data: late_change(data, space))


def weights_over_samples(sweep: str, words: str) -> Quantity:
    """How much more the basin in weight space changes over a sweep."""
    words = f"largest over smallest radius in weight space, divided by the same in sample space, of all {words}"
    return Quantity(words, lambda data: sensitivity(data, sweep))


SHORT = (
    "150 or 200 steps on 1,000 or 10,000 digits may leave deep networks less trained than the paper's on 60,000, and "
    "basins smaller"
)
LARGE_BATCHES = (
    "four or five batch sizes on 1,000 or 10,000 digits, the largest left with 40 or 60 steps, do not show the paper's "
    "plateau and drop"
)
FEW_RUNS = "three runs on 1,000 or 10,000 digits, whose accuracies and radii scatter from run to run"
UNFITTED = f"a network has a training accuracy below {FITTED}"
SHARP = f"no step of the batch size leaves {DROP} of the weight basin or less"
RISING, FALLING = (unless_untold(criterion, UNFITTED) for criterion in (median > TREND, median < -TREND))
SENSITIVE = "how much is much more is ours; the paper's networks have 12 layers of 1,024 neurons"
CLAIMS = (
    Claim(
        "basins_by_setting.deeper-wider-in-samples",
        "Figure 4a, 4c",
        "Deeper networks have wider basins in sample space.",
        by_depth("sample"),
        RISING,
        fixed=AFTER,
        decisive=PUBLISHED,
        why="with 10,000 digits basins widen with depth at width 256 (from about 0.68 to 0.77), not at width 128 (0.69 "
        "at 4 layers, 0.67 at 16); with 1,000 they shrink at both, as accuracy falls",
        defence=f"{SHORT}; at the larger width, still far from the paper's, it holds",
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
        why="the radius rises at every depth; it rises less if all widths start from U(-0.1, 0.1)",
        defence="the authors' own 2025 version says the opposite, and that the initial weights decide",
    ),
    Claim(
        "basins_by_setting.same-start-by-width",
        "Section IV.B",
        "Without initial weights that shrink with width, wider networks could have narrower basins in weight space.",
        Quantity(
            f"Kendall's tau of width, from {PAPER_WIDTH} on, and radius in weight space from initial weights "
            "U(-0.1, 0.1), over runs",
            lambda data: trend(data, "fixed", "weight", 1),
        ),
        FALLING,
        fixed=AFTER,
        source=READING,
        decisive=PUBLISHED,
        why="it flattens the growth (with 1,000 digits 0.74 to 0.9 over widths 32 to 256 instead of 0.7 to 1.2, with "
        "10,000 0.8 to 0.9 over 64 to 256 instead of 0.8 to 1.15) but does not turn it in every run",
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
        unless_untold(median.equals(0), "both are at one end of the grid, or a network has not fitted"),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="both are largest at the largest rate that is tried, and may peak beyond it, together or apart",
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
        unless_untold(median > 0, SHARP),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="there is no sharp drop: the weight basin shrinks little by little as batches grow",
        defence=LARGE_BATCHES,
    ),
    Claim(
        "basins_by_setting.sample-basin-stays",
        "Figure 4f",
        "Where the basin in weight space drops sharply the one in sample space stays relatively large.",
        Quantity("basin in sample space at the largest batches over its largest at any batch size", sample_left),
        unless_untold(median > 0.5, SHARP),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="there is no sharp drop: the weight basin shrinks little by little as batches grow",
        defence=LARGE_BATCHES,
    ),
    Claim(
        "basins_by_setting.small-batch-accuracy",
        "First version, Figure 5a, 5b",
        "Smaller batches of Adam raise the test accuracy.",
        Quantity(
            "Kendall's tau of Adam's batch size and test accuracy, over runs",
            lambda data: kendall(data["batch_accuracy"].T),
        ),
        median < -TREND,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        defence=FEW_RUNS,
    ),
    Claim(
        "basins_by_setting.small-rate-widens-old",
        "First version, Figure 5c, 5d",
        "Smaller learning rates widen both basins (2024 version): a reading of one sentence, which the next ones take "
        "back.",
        Quantity(
            "Kendall's tau of SGD's learning rate and radius in sample space and in weight space, over runs",
            lambda data: both_spaces(data, "rate"),
        ),
        unless_untold(median_of_each("space", 2) < -TREND, UNFITTED),
        source=READING,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="both basins widen with the rate",
        defence="a misprint: the next sentences let accuracy rise 'when the rate increases from 0.1 to 0.5', 'while "
        "the attraction basin expands', and attribute it 'to the expansion of the attraction basin size in the weight "
        "space'",
    ),
    Claim(
        "basins_by_setting.batch-moves-weights-more",
        "First version, Figure 5a, 5b",
        "The batch size changes the basin in weight space much more than the one in sample space.",
        weights_over_samples("batch", "batch sizes"),
        unless_untold(median > 1, UNFITTED),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="with 1,000 digits the sample basin changes as much, 1.7- to 2.1-fold against 1.5- to 2.1-fold",
        defence=SENSITIVE,
    ),
    Claim(
        "basins_by_setting.rate-moves-weights-more",
        "First version, Figure 5c, 5d",
        "The learning rate changes the basin in weight space much more than the one in sample space.",
        weights_over_samples("rate", "rates from {:g} to {:g}".format(*PRINTED_RATES)),
        unless_untold(median > 1, UNFITTED),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="with 10,000 digits, from rate 0.1 to 0.37, the sample basin grows to 1.7 to 1.8 times itself, the weight "
        "basin to 1.2 to 1.4 times",
        defence="the paper's networks have 12 layers of 1,024 neurons, in batches of 300 of 60,000 digits, and rates "
        "go up to 0.5",
    ),
    Claim(
        "basins_by_setting.sample-basin-saturates",
        "First version, Figure 6a",
        "The basin in sample space grows with depth at first and no longer changes beyond about 8 layers.",
        saturation("sample"),
        unless_untold(median < 0.1, "a basin does not first grow by a tenth, or a network has not fitted"),
        fixed=AFTER,
        decisive=PUBLISHED,
        why="it hardly grows from 4 to 10 layers in some runs, or shrinks, and so there is nothing that could saturate",
        defence=f"{SHORT}; the paper shows it of networks 1,024 wide",
    ),
    Claim(
        "basins_by_setting.weight-basin-saturates",
        "First version, Figure 6b",
        "The basin in weight space shrinks with depth at first and no longer changes beyond about 8 layers.",
        saturation("weight"),
        unless_untold(median < 0.1, "a basin does not first shrink by a tenth, or a network has not fitted"),
        fixed=AFTER,
        decisive=PUBLISHED,
        why="it still shrinks, by about a fifth from 10 to 16 layers",
        defence=f"{SHORT}; the bound of a tenth is ours, and the paper shows it of networks 1,024 wide",
    ),
)
