"""What the family must reproduce. The thresholds are regression criteria: they were chosen after exploratory runs, well
clear of the spread over seeds.
"""

from __future__ import annotations

from operator import itemgetter

from toymodels.claims import AFTER, CONTROL, PAPER, READING, Claim, Criterion, Quantity, Statistic, every_run, mean
from toymodels.experiments import Experiment
from toymodels.neurashed.experiments import (
    batches,
    delayed_generalisation,
    information,
    neural_collapse,
    similarity,
    theorem_1,
    theorem_2,
    worked_example,
)


def _claim(
    key: str, place: str, statement: str, words: str, entry: str, criterion: Criterion, source: str = PAPER
) -> Claim:
    """A claim on one entry of what its experiment returns."""
    return Claim(key, place, statement, Quantity(words, itemgetter(entry)), criterion, source=source, fixed=AFTER)


every_depth = Statistic("every L", every_run.of)
every_speed = Statistic("every s", every_run.of)
every_size = Statistic("every B", every_run.of)
every_logit = Statistic("every logit", every_run.of)
every_polynomial = Statistic("every polynomial", every_run.of)
every_pathway = Statistic("every pathway", every_run.of)
DEPTHS = "L = 1, 2 and 5 at t = 2000"
EXTENSION = "An extension of ours"

THEOREM_1 = (
    _claim(
        "elasticity.theorem-1",
        "Theorem 1",
        "The ratio of logit changes tends to (b1 + b2) / b1.",
        f"relative error of the ratio, each class at its own input, against 5/3, {DEPTHS}",
        "own_input",
        every_depth < 5e-3,
    ),
    _claim(
        "elasticity.theorem-1-increments",
        "Appendix, sketch of the proof",
        "The logits of the updated class and of another change by the printed powers.",
        f"relative error of the two changes against the powers, {DEPTHS}",
        "increments",
        every_depth < 1e-9,
    ),
    _claim(
        "elasticity.theorem-1-same-input",
        "Theorem 1, read at one input",
        "With both logits at the same input the ratio tends to a limit that falls with L.",
        f"relative error of the ratio against the limit derived for this reading, {DEPTHS}",
        "same_input",
        every_depth < 3e-3,
        READING,
    ),
    _claim(
        "elasticity.theorem-1-trained-edges",
        "Theorem 1 with trained edges",
        "With edges trained by the same rule the ratio tends to a larger limit.",
        f"relative error of the ratio against the limit derived for this reading, {DEPTHS}",
        "trained_edges",
        every_depth < 3e-3,
        READING,
    ),
)

THEOREM_2 = (
    _claim(
        "elasticity.theorem-2-limit",
        "Theorem 2, read for L = s t",
        "With depth in proportion to training the ratio tends to a limit that grows with s.",
        "relative error of the ratio at t = 1000 against the limit, s = 0.5, 1, 5 and 12.5",
        "limit",
        every_speed < 3e-3,
        READING,
    ),
    _claim(
        "elasticity.theorem-2-growth",
        "Theorem 2",
        "The ratio grows with depth.",
        "smallest change of the ratio from L to L + 1, all L < 4999 at t = 1000",
        "step",
        every_run > 0,
        READING,
    ),
)

WORKED_EXAMPLE = (
    _claim(
        "worked_example.polynomials",
        "Appendix, worked example",
        "Three logits and three increments are the printed polynomials.",
        "whether each of the six, in symbols on the graph, differs from the print (1 = yes)",
        "differs",
        every_polynomial.equals(0),
    ),
    _claim(
        "worked_example.simulation",
        "Appendix, worked example",
        "A simulation in whole numbers gives the printed logits.",
        "simulated less printed logit of each class, a = 3 and N = 5, 4, 2",
        "simulated",
        every_logit.equals(0),
    ),
)

SIMILARITY = (
    _claim(
        "elasticity.same-class",
        "Section 3, figure 2",
        "An update at class 1a acts most on 1b.",
        "local elasticity from 1a to 1b, additive rule after 30 rounds over the types",
        "near",
        every_run > 0.5,
    ),
    _claim(
        "elasticity.next-class",
        "Section 3, figure 2",
        "An update at class 1a acts less on class 2, but does act on it.",
        "local elasticity from 1a to 2, additive rule after 30 rounds over the types",
        "next_class",
        (every_run > 0) & (every_run < 0.5),
    ),
    _claim(
        "elasticity.far-class",
        "Section 3, figure 2",
        "An update at class 1a does not act on class 3.",
        "local elasticity from 1a to 3, additive rule after 30 rounds over the types",
        "far",
        every_run.equals(0),
    ),
    _claim(
        "graphs.consistent-pathways",
        "Section 2",
        "Feature pathways are consistent with the firing rules, and exactly one class fires.",
        "whether the pathway of each type of figure 2 is consistent and leads to its class (1 = yes)",
        "consistent",
        every_pathway.equals(1),
    ),
)

BATCHES = (
    _claim(
        "sparsity.law",
        "Section 3, figures 3 and 4",
        "Features that fire less often diminish by how often they are absent.",
        "relative error of the mean of ln(own / shared amplification) against -T 2^-B ln(a/b), B = 1, 2, 4 and 8",
        "law",
        every_size < 0.15,
        READING,
    ),
    _claim(
        "sparsity.small-batches",
        "Figure 3c",
        "Small batches learn a sparse pathway: only the shared nodes remain.",
        "effective number of nodes of a level of 9, multiplicative rule, batches of 1",
        "nodes_of_1",
        mean < 3.05,
    ),
    _claim(
        "sparsity.large-batches",
        "Figure 4b",
        "Large batches learn a dense pathway: all nodes remain.",
        "effective number of nodes of a level of 9, multiplicative rule, batches of 8",
        "nodes_of_8",
        mean > 8.9,
    ),
)

INFORMATION = (
    _claim(
        "bottleneck.start",
        "Figure 5",
        "At the start the second level does not tell the types of input apart.",
        "information of the second level on the input before training, bits",
        "start",
        mean < 1.2,
        READING,
    ),
    _claim(
        "bottleneck.fit",
        "Figure 5, appendix",
        "Early on its information on the input rises to 2 bits.",
        "largest mean over 10 runs of the second level's information on the input, bits",
        "peak",
        every_run > 1.85,
    ),
    _claim(
        "bottleneck.compress",
        "Figure 5, appendix",
        "Late in training it falls to 1 bit, the class alone.",
        "information of the second level on the input at step 600, bits",
        "end",
        mean.within(0.03, of=1),
    ),
    _claim(
        "bottleneck.label",
        "Figure 5",
        "Its information on the label rises to 1 bit.",
        "information of the second level on the label at step 600, bits",
        "label",
        every_run > 0.99,
    ),
    _claim(
        "bottleneck.constant-noise",
        "Figure 5, noise",
        "Noise that does not grow with the signal forgets nothing.",
        "information of the second level on the input at step 600 without the relative part of the noise, bits",
        "constant_noise",
        every_run > 1.95,
        CONTROL,
    ),
    _claim(
        "bottleneck.large-batches",
        "Section 3, implicit regularisation",
        "Large batches forget nothing.",
        "information of the second level on the input at step 600 with batches of 32, bits",
        "large_batch",
        every_run > 1.9,
        CONTROL,
    ),
)

DELAYED = (
    _claim(
        "delayed.late",
        EXTENSION,
        "The class route generalises long after the memorising route has fitted.",
        "step of 95% test accuracy over that of 95% training accuracy, epsilon = 1e-4",
        "late",
        every_run > 5,
        READING,
    ),
    _claim(
        "delayed.predicted-time",
        EXTENSION,
        "It generalises when the formula says.",
        "relative error of the step of 95% test accuracy against the formula, epsilon = 1e-4",
        "time",
        every_run < 0.25,
        READING,
    ),
    _claim(
        "delayed.slope",
        EXTENSION,
        "The delay grows with ln(1/epsilon) at the inverse of the growth rate r.",
        "relative error of the slope of the step in ln(1/epsilon) against 1/r, epsilon = 1e-2 to 1e-5",
        "slope",
        every_run < 0.15,
        READING,
    ),
    _claim(
        "delayed.no-handicap",
        EXTENSION,
        "Without a handicap, epsilon = 1, there is no delay.",
        "delay from 95% training to 95% test accuracy, decades, epsilon = 1",
        "control",
        every_run <= 0,
        CONTROL,
    ),
)

COLLAPSE = (
    _claim(
        "collapse.law",
        "Section 3, neural collapse",
        "In balanced epochs the variability within a class vanishes geometrically under multiplicative rules.",
        "largest relative error of tr(within)/tr(between) against its law over 100 epochs",
        "law",
        every_run < 1e-6,
        READING,
    ),
    _claim(
        "collapse.simplex",
        "Section 3, neural collapse",
        "In balanced epochs the class means form a simplex.",
        "largest mean deviation of their cosines from -1/2 over 100 epochs",
        "angle",
        every_run < 1e-9,
        READING,
    ),
    _claim(
        "collapse.additive-plateau",
        "Section 3 with g+ = x + c",
        "Under additive rules the variability stays on a plateau of 1/6.",
        "tr(within)/tr(between) after 300 epochs",
        "additive",
        every_run.within(0.01, of=1 / 6),
        READING,
    ),
)

EXPERIMENTS = (
    Experiment("theorem-1", theorem_1, THEOREM_1),
    Experiment("theorem-2", theorem_2, THEOREM_2),
    Experiment("worked-example", worked_example, WORKED_EXAMPLE),
    Experiment("similarity", similarity, SIMILARITY),
    Experiment("batch-size", batches, BATCHES),
    Experiment("information-bottleneck", information, INFORMATION),
    Experiment("delayed-generalisation", delayed_generalisation, DELAYED),
    Experiment("neural-collapse", neural_collapse, COLLAPSE),
)
