"""Where theory and measurement part: the most telling rows, each with the control that shows why, and what fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from figures.harness.ledger import LARGE, Ledger, Row, rows
from toymodels.claims import CONTRADICTED, CONTROL, PAPER, READING

SOURCES = {PAPER: "said by the paper", READING: "a reading of ours", CONTROL: "a control of ours"}


@dataclass(frozen=True)
class Parting:
    """A contradicted row, and the row beside it that tells what does hold.

    Parameters
    ----------
    title : str
    key, control : str
        Claims of one figure or of two.
    """

    title: str
    key: str
    control: str


PARTINGS = (
    Parting(
        "The lag of batch norm follows its momentum, not the phase of training",
        "batch_norm_lag.phase-sets-time",
        "batch_norm_lag.momentum-one",
    ),
    Parting(
        "In evaluation mode training digits are as late as test digits",
        "batch_norm_lag.test-only",
        "batch_norm_lag.estimated-anew",
    ),
    Parting(
        "Small rank gradients before the transition are those of untrained weights",
        "delayed_generalisation.gradients-by-training",
        "delayed_generalisation.random-features",
    ),
    Parting(
        "The order of the classes' basins is not there beyond where pure noise is put",
        "basins_by_class.corrected-for-noise",
        "basins_by_class.sizes-of-digits",
    ),
    Parting(
        "Variability within classes stays where the classifier does not look, unless weights decay",
        "unconstrained_features.variance-from-a-tenth",
        "unconstrained_features.variance-with-decay",
    ),
    Parting(
        "Late feature learning of funnels comes with the fit, not after it",
        "funnel_networks.grokking",
        "funnel_networks.lazy-to-rich",
    ),
    Parting(
        "Only the best aligned neurons reach the few directions",
        "initial_directions.plain-descent-every-neuron",
        "initial_directions.plain-descent",
    ),
    Parting(
        "With decay a class that is seen seldom fades",
        "pathways.probability-with-decay",
        "pathways.probability",
    ),
    Parting(
        "The ratio of logit changes holds at own inputs, not at one and the same",
        "theorems.theorem-1-same-input",
        "theorems.theorem-1-ratio",
    ),
    Parting(
        "Compression needs noise that grows with the signal",
        "information_bottleneck.constant-noise",
        "information_bottleneck.compress",
    ),
)

# Contradicted or open as a claim of the paper before its strongest defence was written down and tried, not so any more
FELL = {
    "anchor_task.rises": "told of transformers of width 400, and three small ones fall on both sides of the bound",
    "basins_by_setting.same-start-by-width": "the paper says could and names no start: a reading",
    "delayed_generalisation.gradients-by-training": "the paper does not say that training made the modes: a reading",
    "delayed_generalisation.norm-shrinks": "the bound of 0.3 is ours: a reading",
    "dropout_plateau.as-condensed": "the overview does not say as few directions: a reading",
    "funnel_networks.finished": "the times of Figure 10 are not printed: a reading",
    "funnel_networks.grokking": "the appendix calls the change from lazy to rich itself grokking: a reading",
    "initial_directions.extrema": "holds in the median run; the overview does not say in every one",
    "initial_scale.pair-from-larger-starts": "the largest start is ours: a reading",
    "local_elasticity.order-cross-entropy": "digits in a small network are not ImageNet in VGG-19: a reading",
    "loss_plateaus.wider-is-lower": "a tie of two widths that never get there is no fall",
    "optimistic_sample_size.merge-tanh": "holds of the median pair; one of sixty is nearly linear",
    "orientations.merged-output": "holds in the median run; the overview does not say in every one",
    "pathways.order-with-decay": "the paper names no rates: a reading",
    "pathways.probability-with-decay": "the paper names no rates: a reading",
    "skill_emergence.order-in-width": "holds in the median network; the paper does not say in every one",
    "unconstrained_features.variance": "holds as starts become small, which the paper assumes; 0.1 is ours",
}
# Contradicted rows of the papers that survived, with the test of the defence
SURVIVED = {
    "batch_norm_lag.phase-sets-time": (
        "tested with the weights held the same, so that every phase is, at two momenta: the lag follows the momentum"
    ),
    "basins_by_setting.small-rate-widens-samples-old": (
        "tested at 1,000 and 10,000 digits: it widens with the rate; in the same paragraph accuracy does, too"
    ),
    "basins_by_setting.small-rate-widens-weights-old": (
        "tested at 1,000 and 10,000 digits: it widens with the rate, as the authors' own second version says"
    ),
    "linearised_tail.noise-of-weights": (
        "tested with the same weights and the statistics of the batch, 10,000 digits: late layers act linearly from a "
        "third to a half of the steps to the jump on"
    ),
    "basins_by_setting.weights-more-sensitive": (
        "tested with the paper's ratios of batches to digits, 30 epochs of 10,000: true of the batch size (1.3 times "
        "as much), not of the rate (0.6 times)"
    ),
}

NOT_TRIED = "not tried yet"


def standing(rows: Sequence[Row]) -> list[Row]:
    """The rows of the papers that are contradicted."""
    return [row for row in rows if row.claim.source == PAPER and row.verdict[0] == CONTRADICTED]


def parting_page(ledger: Ledger) -> str:
    """The ten rows, and the adversary's reading."""
    all_rows = rows(ledger)
    by_key = {row.claim.key: row for row in all_rows}
    lines = [
        "# Where theory and measurement part",
        "",
        "Ten rows of the [ledger](../figures/gallery/CLAIMS.md) that say most about where a theory ends, each beside "
        "the row that tells what does hold. Many are readings: statements that suggest themselves and that the paper "
        "does not make. Generated from the ledger.",
    ]
    for number, parting in enumerate(PARTINGS, 1):
        row, control = by_key[parting.key], by_key[parting.control]
        lines += ["", f"## {number}. {parting.title}", ""]
        picture = f"{row.figure}-{LARGE}" if row.preset == LARGE else row.figure
        lines += [f"![{picture}](../figures/gallery/{picture}.png)", ""]
        lines += [_told(row), ""]
        missed = next(judged for judged in row.deciding if judged.verdict == CONTRADICTED)
        lines += [f"- Why: {missed.why}."] if missed.why else []
        lines += [f"- The authors could answer: {missed.defence}."]
        lines += [f"- Beside it. {_told(control)}"]
    lines += ["", "## The adversary's reading", ""]
    lines += [
        "The strongest defence of the papers was written beside every contradicted or open row and tried where a "
        f"short run could. {len(FELL)} rows fell; {len(standing(all_rows))} contradicted rows of the papers stand.",
        "",
        "| row | why it fell |",
        "|---|---|",
    ]
    lines += [f"| `{key}` | {why} |" for key, why in FELL.items()]
    lines += ["", "| row that stands | how its defence was tested |", "|---|---|"]
    lines += [f"| `{row.claim.key}` | {SURVIVED.get(row.claim.key, NOT_TRIED)} |" for row in standing(all_rows)]
    return "\n".join(lines) + "\n"


def _told(row: Row) -> str:
    claim = row.claim
    return (
        f"{claim.place}, {SOURCES[claim.source]}: *{claim.statement}* **{row.verdict[0]}** at `{row.preset}`: "
        f"{claim.measured}; asked: {claim.criterion}."
    )
