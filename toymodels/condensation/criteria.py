"""What the family must reproduce, or was found to contradict. The thresholds are regression criteria: they were chosen
after exploratory runs.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from toymodels.claims import AFTER, PAPER, READING, Claim, Criterion, Quantity, Statistic, every_run
from toymodels.condensation.experiments import (
    adam_directions,
    dropout,
    embedding_principle,
    initial_directions,
    initial_scale,
    linear_flow,
    loss_plateaus,
    orientations,
    phase_diagram,
    plain_descent,
    recovery,
    tangent_ranks,
    three_layers,
)
from toymodels.experiments import Experiment

value = Statistic("value", lambda values: values)  # of a quantity that an experiment measures once


def every(what: str) -> Statistic:
    """All values, one for each `what`: "every cell"."""
    return Statistic(f"every {what}", lambda values: values)


def _claim(
    key: str,
    place: str,
    statement: str,
    words: str,
    measure: str | Callable[[Any], Any],
    criterion: Criterion,
    source: str = PAPER,
    why: str = "",
    defence: str = "",
) -> Claim:
    """A claim on one entry of what its experiment returns, or on a function of that."""
    entry = itemgetter(measure) if isinstance(measure, str) else measure
    quantity = Quantity(words, entry)
    return Claim(key, place, statement, quantity, criterion, source, AFTER, defence=defence, why=why)


SHOWN = "isolated orientations (gaps of 0.2 rad, 2 % of the mass each)"
TWO_PERCENT = "whether an orientation counts hangs on the bound of 2 % of the mass, which is ours"

ORIENTATIONS = (
    _claim(
        "grouping.early-orientations",
        "Figure 1",
        "Early in training all neurons lie in one orientation.",
        f"{SHOWN} at epochs 100 and 1,000",
        "early",
        every_run.equals(1),
        READING,
    ),
    _claim(
        "grouping.middle-orientations",
        "Figure 1",
        "Then there are two or three.",
        f"{SHOWN} at epochs 5,000, 10,000 and 12,000",
        "middle",
        every_run.between(2, 3),
        READING,
        why="some runs have four as early as epoch 10,000",
        defence=f"the overview shows one run; {TWO_PERCENT}",
    ),
    _claim(
        "grouping.late-orientations",
        "Figure 1",
        "In the end there are a few.",
        f"{SHOWN} at epoch 100,000",
        "late",
        every_run.between(4, 7),
        READING,
    ),
    _claim(
        "grouping.never-falls",
        "Section 3, read strictly",
        "The number of clusters increases monotonically.",
        "records at which the number of orientations is below that of the record before",
        "falls",
        every_run.equals(0),
        READING,
        why="an early orientation shrinks below 2 % of the mass while others grow",
        defence=f"the overview says typically, not always; {TWO_PERCENT}",
    ),
    _claim(
        "presets.figure-one-loss",
        "Figure 1",
        "The network fits its data.",
        "loss at epoch 100,000",
        "loss",
        every_run < 1e-4,
        READING,
        why="some runs end at 2e-4",
        defence="the number of samples of figure 1 is not known, and the overview prints no loss",
    ),
    _claim(
        "similarity.static-neurons",
        "Section 3",
        "There are neurons that are silent on all inputs.",
        "static neurons of 100 at the end",
        "static",
        every_run >= 30,
        why="there are some in every run; how many is decided by the draw of the start",
        defence="the overview names no number, and the bound of 30 is ours",
    ),
    _claim(
        "reduction.merged-width",
        "Section 7.3",
        "A condensed network reduces to a much narrower one.",
        "neurons left of 100 after merging at cos > 0.99",
        "merged_width",
        every_run <= 8,
    ),
    _claim(
        "reduction.merged-output",
        "Section 7.3",
        "The reduced network says the same.",
        "change of the output by merging at cos > 0.99, relative to its norm",
        "merged_error",
        every_run < 1e-2,
        why="cos > 0.99 merges two kinks of some runs that differ",
        defence="the overview says so of extremely condensed networks, and warns of harm to others",
    ),
)

INITIAL_SCALE = (
    _claim(
        "similarity.rank-falls",
        "Section 4.1",
        "The smaller the start, the more condensed the neurons.",
        "change of the effective rank from each start to the next smaller one, std m^-0.5, m^-1 and m^-2",
        lambda data: np.diff(data["rank"], axis=0),
        every_run < 0,
    ),
    _claim(
        "similarity.rank-one",
        "Figure 2",
        "From a small start the neurons share one axis.",
        "effective rank, std m^-2",
        lambda data: data["rank"][-1],
        every_run < 1.05,
        why="the effective rank counts neurons of any size, also one that points elsewhere and contributes nothing",
        defence="target and number of steps of figure 2 are lost, and the bound is ours",
    ),
    _claim(
        "grouping.two-directions",
        "Figure 2",
        "From a small start they lie in two directions.",
        "clusters, std m^-2",
        "directions",
        every_run.equals(2),
        why="in some runs only one of the two is left",
        defence="a tanh neuron and its opposite with the opposite output weight are the same function",
    ),
    _claim(
        "grouping.opposite-directions",
        "Figure 2",
        "These two are opposite.",
        "clusters when signs are ignored, std m^-2",
        "axes",
        every_run.equals(1),
    ),
)

SLOPE = "exponent of the relative distance in the width, m = 200 to 5,000"

PHASE_DIAGRAM = (
    _claim(
        "phase_diagram.linear-slopes",
        "Theorem 1",
        "In the linear phase the input weights hardly move as the width grows.",
        f"{SLOPE}, linear cells",
        "linear",
        every("cell") < 0,
    ),
    _claim(
        "phase_diagram.condensed-slopes",
        "Theorem 2",
        "In the condensed phase their relative movement diverges with the width.",
        f"{SLOPE}, condensed cells",
        "condensed",
        every("cell") > 0,
    ),
    _claim(
        "phase_diagram.critical-slopes",
        "Figure 5",
        "On the critical line it neither vanishes nor diverges.",
        f"{SLOPE}, critical cells",
        "critical",
        every("cell").within(0.08, of=0),
        READING,
    ),
    _claim(
        "phase_diagram.derived-slopes",
        "Section 5, exponents of ours",
        "The exponents are those derived here.",
        f"distance of the measured from the derived {SLOPE}, cells with gamma <= 1",
        "gap",
        every("cell") < 0.08,
        READING,
    ),
)

THREE_LAYERS = (
    _claim(
        "three_layer.linear-slopes",
        "Section 5, exponents of ours",
        "In the linear regime the exponents of the three layers are those derived here.",
        "distance of the measured from the derived exponent of the relative distance, scale m",
        "gap",
        every("layer") < 0.15,
        READING,
        why="eight runs at widths up to 400 leave the exponents uncertain",
    ),
    _claim(
        "three_layer.outer-slopes",
        "Section 5",
        "With a larger scale layers leave the linear regime, here the outer ones.",
        "exponent of the relative distance of a and w, scale m^1.75",
        "outer",
        every("layer") > 0,
        READING,
    ),
)

INITIAL_DIRECTIONS = (
    _claim(
        "directions.bound",
        "Section 6.1",
        "There are at most 2p directions for multiplicity p.",
        "attracting extrema of T over 2p, p = 1, 2 and 3",
        "extrema",
        every_run <= 1,
    ),
    _claim(
        "directions.reached",
        "Section 6.1",
        "Neurons that descend at their own pace reach all of these, and no other.",
        "clusters at cos > cos 0.1 less attracting extrema of T, p = 1, 2 and 3",
        "reached",
        every_run.equals(0),
        READING,
    ),
    _claim(
        "directions.aligned",
        "Section 6.1",
        "Nearly all neurons end at one of them.",
        "share of the neurons within 0.05 rad of an attracting extremum of T, p = 1, 2 and 3",
        "near",
        every_run > 0.95,
        READING,
    ),
)

LINEAR_FLOW = (
    _claim(
        "initial.closed-form",
        "Section 6.1, p = 1",
        "A small tanh network follows the closed form of the leading order.",
        "largest relative error of the weights while they grow by less than a factor of 1,000",
        "gap",
        value < 1e-4,
        READING,
    ),
    _claim(
        "initial.aligned",
        "Section 6.1, p = 1",
        "All neurons turn to one pair of opposite directions.",
        "mean |cos| of tanh neurons with the direction of the closed form after 200 steps",
        "cosine",
        value > 0.99,
    ),
)

ADAM_DIRECTIONS = (
    _claim(
        "initial.adam-tanh",
        "Figure 6",
        "With tanh x there is one pair of directions.",
        "share of ten networks with 2 directions at cos > 0.8 and 2 % of the mass, in the authors' setting",
        lambda data: np.equal(data["tanh"], 2).mean(),
        value > 0.5,
    ),
    _claim(
        "initial.adam-xtanh",
        "Figure 6",
        "With x tanh x there are two pairs of directions.",
        "share of ten networks with 4 directions at cos > 0.8 and 2 % of the mass, in the authors' setting",
        lambda data: np.equal(data["xtanh"], 4).mean(),
        value > 0.5,
        why="Adam moves along the signs of the gradient, and most networks end in more directions",
        defence="the overview shows one network, and names no cosine from which two directions count as one",
    ),
)

PLAIN_DESCENT = (
    _claim(
        "initial.plain-descent",
        "Section 6.1",
        "Plain gradient descent condenses all neurons into at most 2p directions, here p = 2.",
        "directions of all neurons, however small, at cos > 0.9 of x tanh x when 1 % of the loss is gone",
        "directions",
        value <= 4,
        why="for p >= 2 the leading-order flow blows up: the best aligned neurons escape, the others stay",
        defence="the theory is about the limit of a vanishing start, before any loss is gone",
    ),
)

LOSS_PLATEAUS = (
    _claim(
        "embedding.common-plateau",
        "Figure 7",
        "Networks of different widths dwell at the same loss.",
        "part of the time at log10 of the squared error -1.65 to -1.45, widths 1, 2, 3 and 5",
        "shared",
        every("width") > 0.3,
    ),
    _claim(
        "embedding.wider-is-lower",
        "Figure 7",
        "The wider the network, the likelier its loss is at lower values.",
        "increase of the part of the time at a squared error below 1e-2 from width to width, 1, 2, 3, 5 and 20",
        lambda data: np.diff(data["low"]),
        every("step") > 0,
        why="one or two neurons never get there: a tie",
        defence="a tie at zero between the narrowest widths does not speak against what the overview says",
    ),
    _claim(
        "embedding.wide-leaves",
        "Figure 7",
        "A wide network leaves the common plateaus.",
        "part of the time at a squared error below 1e-2, width 20",
        lambda data: data["low"][-1],
        value > 0.5,
    ),
)

EMBEDDING_PRINCIPLE = (
    _claim(
        "embedding.critical",
        "Section 6.2",
        "Critical points of a narrow network stay critical in a wider one.",
        "largest entry of the gradient after splitting a neuron or adding a null one",
        "gradient",
        value < 1e-9,
    ),
    _claim(
        "embedding.inertia-grows",
        "Section 6.2",
        "The numbers of positive, zero and negative eigenvalues do not fall.",
        "smallest gain of the three by splitting a neuron or adding a null one",
        "gain",
        every("embedding") >= 0,
    ),
    _claim(
        "embedding.split-law",
        "Section 6.2, law of ours",
        "A split adds to them exactly what the narrow network predicts.",
        "largest difference of the three numbers from their prediction",
        "law",
        every("split").equals(0),
        READING,
    ),
)

DROPOUT = (
    _claim(
        "dropout.fewer-clusters",
        "Figure 8",
        "Dropout condenses without a small start.",
        "clusters at cos > 0.99 with dropout less those without, from the same start",
        "clusters",
        every_run < 0,
    ),
    _claim(
        "dropout.smaller-penalty",
        "Section 6.3",
        "Surviving neurons come to play the part of the silenced ones.",
        "dropout penalty at the end, with dropout over without",
        "penalty",
        every_run < 0.5,
        READING,
    ),
)

TANGENT_RANKS = (
    _claim(
        "reduction.condensed-rank",
        "Section 7.1, formula of its source",
        "At condensed parameters the tangent rank counts the neurons that the target needs.",
        "tangent rank of the condensed network less m*(d + 2), three targets",
        "condensed",
        every("target").equals(0),
        READING,
    ),
    _claim(
        "reduction.loose-rank",
        "Section 7.1, formula of its source",
        "At other parameters of the same function it is larger.",
        "tangent rank with two idle neurons of other directions less m*(d + 2), three targets",
        "loose",
        every("target") > 0,
        READING,
    ),
)

RECOVERY = (
    _claim(
        "reduction.recovery",
        "Section 7.1, formula of its source",
        "One tanh neuron is recovered from m*(d + 2) = 3 samples.",
        "share of 20 networks of width 30, fitted to 3 samples of a target each, with a relative test error below 0.01",
        lambda data: np.less(data["error"], 1e-2).mean(),
        value > 0.5,
        READING,
        why="few targets are recovered from 3 samples; it takes 8 until most are",
        defence="the estimate is optimistic: that so few samples can recover the target, not that they mostly do",
    ),
)

EXPERIMENTS = (
    Experiment("orientations", orientations, ORIENTATIONS),
    Experiment("initial-scale", initial_scale, INITIAL_SCALE),
    Experiment("phase-diagram", phase_diagram, PHASE_DIAGRAM),
    Experiment("three-layers", three_layers, THREE_LAYERS),
    Experiment("initial-directions", initial_directions, INITIAL_DIRECTIONS),
    Experiment("linear-flow", linear_flow, LINEAR_FLOW),
    Experiment("adam-directions", adam_directions, ADAM_DIRECTIONS),
    Experiment("plain-descent", plain_descent, PLAIN_DESCENT),
    Experiment("loss-plateaus", loss_plateaus, LOSS_PLATEAUS),
    Experiment("embedding-principle", embedding_principle, EMBEDDING_PRINCIPLE),
    Experiment("dropout", dropout, DROPOUT),
    Experiment("tangent-ranks", tangent_ranks, TANGENT_RANKS),
    Experiment("recovery", recovery, RECOVERY),
)
