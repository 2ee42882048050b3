"""Where theory and measurement part: the most telling contradicted rows, each beside another, and what fell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from figures.harness.ledger import LARGE, Ledger, Row, rows
from toymodels.claims import CONTRADICTED, CONTROL, PAPER, READING

SOURCES = {PAPER: "said by the paper", READING: "a reading of ours", CONTROL: "a control of ours"}


@dataclass(frozen=True)
class Parting:
    """A contradicted row, and the row that is read beside it.

    Parameters
    ----------
    title : str
    key, control : str
        Claims of one figure or of two; the second is decided, best reproduced.
    """

    title: str
    key: str
    control: str


PARTINGS = (
    Parting(
        "The learning rate moves the basin in sample space more than the one in weight space",
        "basins_by_setting.rate-moves-weights-more",
        "basins_by_setting.batch-moves-weights-more",
    ),
    Parting(
        "The gradients rise on after the jump and have no peak at it",
        "delayed_generalisation.peak-at-transition",
        "delayed_generalisation.gradients-rise",
    ),
    Parting(
        "The gradient grows on beyond the layer from which a linear map suffices",
        "sorting_and_linear_layers.largest-where-linear",
        "sorting_and_linear_layers.gradient-grows",
    ),
    Parting(
        "The lag of batch norm follows its momentum",
        "batch_norm_lag.phase-sets-time",
        "batch_norm_lag.momentum-one",
    ),
    Parting(
        "Variability within classes stays where the classifier does not look, unless weights decay",
        "unconstrained_features.variance-from-a-tenth",
        "unconstrained_features.variance-with-decay",
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
        "A larger learning rate lets time run faster and shortens no delay",
        "grokking_approaches.rate",
        "grokking_approaches.decay",
    ),
    Parting(
        "A linear model, too, moves the relatives of a digit most, for their pixels are related",
        "local_elasticity.linear",
        "local_elasticity.order-of-inputs",
    ),
    Parting(
        "Compression needs noise that grows with the signal",
        "information_bottleneck.constant-noise",
        "information_bottleneck.compress",
    ),
)

# Contradicted or open as a claim of the paper before its strongest defence was written down and tried; not so any more,
# or open for the reason that is told
FELL = {
    "anchor_task.rises": "told of transformers of width 400, and three small ones fall on both sides of the bound",
    "basins_by_setting.broader-narrower-in-weights-old": (
        "wider at every depth, but only widths of 128 and 256 were tried of up to 1,280: open"
    ),
    "basins_by_setting.deeper-wider-in-samples": (
        "holds at width 256 and not at 128, and the paper's networks have up to 1,280: open"
    ),
    "basins_by_setting.same-start-by-width": "the paper says could and names no start: a reading",
    "basins_by_setting.small-rate-widens-old": (
        "the next two sentences let accuracy and basins grow with the rate: a misprint, and a reading"
    ),
    "batch_norm_lag.phase-sets-time": "the paper itself lets the momentum remove the lag: a reading",
    "batch_norm_lag.warm-start": "the paper says that a change of phase can; the warm start and the bound are ours",
    "delayed_generalisation.gradients-by-training": "the paper does not say that training made the modes: a reading",
    "delayed_generalisation.noisy-decline": "it may decline with amplitude; no stronger noise was tried: a reading",
    "delayed_generalisation.norm-shrinks": "the bound of 0.3 is ours: a reading",
    "dropout_plateau.as-condensed": "the overview does not say as few directions: a reading",
    "flat_minima.decay-widens-samples": "the paper says that suitable regularisation can, and names none: a reading",
    "flat_minima.decay-widens-weights": "the paper says that suitable regularisation can, and names none: a reading",
    "funnel_networks.finished": "the times of Figure 10 are not printed: a reading",
    "funnel_networks.grokking": "the appendix calls the change from lazy to rich itself grokking: a reading",
    "gradient_phases.no-delay": "the paper names the panels that grok and is silent on the others: a reading",
    "initial_directions.extrema": "holds in the median run; the overview does not say in every one",
    "initial_scale.pair-from-larger-starts": "the largest start is ours: a reading",
    "lazy_scalings.output": "what is gained slowly after the fit is no delay, which falls from 2.3 decades to none",
    "lazy_scalings.target": "what is gained slowly after the fit is no delay, which falls from 2.3 decades to none",
    "linearised_tail.noise-of-weights": (
        "the paper says that weight noise is removed before the jump, which any time before it is: a reading"
    ),
    "local_elasticity.order-cross-entropy": "digits in a small network are not ImageNet in VGG-19: a reading",
    "loss_plateaus.wider-is-lower": "a tie of two widths that never get there is no fall",
    "optimistic_sample_size.merge-tanh": "holds of the median pair; one of sixty is nearly linear",
    "orientations.merged-output": "holds in the median run; the overview does not say in every one",
    "pathways.order-with-decay": "the paper names no rates: a reading",
    "pathways.probability-with-decay": "the paper names no rates: a reading",
    "skill_emergence.order-in-width": "holds in the median network; the paper does not say in every one",
    "very_deep_structure.plain-less-sorted": "the paper shows no plain network of 83 layers: a reading",
    "unconstrained_features.variance": "holds from a balanced start, which the paper assumes; 0.1 was ours",
}
# Contradicted rows of the papers that survived, with the test of the defence
SURVIVED = {
    "basins_by_setting.rate-moves-weights-more": (
        "tested on networks that have fitted, within the printed range of rates, 30 epochs of 10,000 digits: the "
        "sample basin grows to 1.7 to 1.8 times itself, the weight basin to 1.2 to 1.4 times"
    ),
    "delayed_generalisation.peak-at-transition": (
        "tested with two optimisers: with Adam and coupled L2 as with AdamW over 100,000 steps the gradients of both "
        "layers rise until the end of the run, long after test accuracy has"
    ),
    "sorting_and_linear_layers.largest-where-linear": (
        "tested layer by layer, with and without residual connections, at 1,000 and 10,000 digits: where the linear "
        "map becomes effective the gradient is 0.3 to 0.8 of what it is in the last layers"
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
        "Ten contradicted rows of the [ledger](../figures/gallery/CLAIMS.md) that say most about where a "
        f"theory ends, each beside another row that helps to read it. {_kinds(by_key)} A reading is a statement that "
        "suggests itself and that the paper does not make; where one is contradicted, the paper is not. Generated from "
        "the ledger.",
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


def _kinds(by_key: Mapping[str, Row]) -> str:
    """`2 are said by the paper, 7 are readings of ours, 1 is a control of ours.`"""
    counts = Counter(by_key[one.key].claim.source for one in PARTINGS if one.key in by_key)
    plural = {PAPER: "said by the paper", READING: "readings of ours", CONTROL: "controls of ours"}
    parts = [f"{n} are {plural[kind]}" if n > 1 else f"1 is {SOURCES[kind]}" for kind in SOURCES if (n := counts[kind])]
    return ", ".join(parts) + "."


def _told(row: Row) -> str:
    claim = row.claim
    return (
        f"{claim.place}, {SOURCES[claim.source]}: *{claim.statement}* **{row.verdict[0]}**: "
        f"{row.measured}; asked: {claim.criterion}."
    )
