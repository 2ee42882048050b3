"""What of the papers the ledger judges: every section, figure and theorem with its rows, or why it has none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from figures.harness.figure import PAPERS
from figures.harness.ledger import Ledger, Row, rows

FIRST_VERSION = "First version"
_KINDS = "Figure|Section|Appendix|Theorem|Remark|Definition|Equation"
_ID = r"(?:[IVX]+\.[A-Z]|[A-Z]\.\d+|\d+(?:\.\d+)?|[IVX]+|[A-Z])"
_NAMED = re.compile(rf"({_KINDS})s?((?: |,|-|and|{_ID}[a-z]?\b)*)")


@dataclass(frozen=True)
class Part:
    """A section, figure or theorem of a paper.

    Parameters
    ----------
    name : str
        As the paper calls it: "Section 4.1", "Figure 3", "Theorem G.2".
    subject : str
    without : str
        Why nothing of it is judged; empty where rows are.
    also : tuple of str
        Other names under which rows lie: equations, or a figure that is all that a section shows.
    """

    name: str
    subject: str
    without: str = ""
    also: tuple[str, ...] = ()


INTRODUCTION = "introduces; what it announces is judged where it is shown"
DEFINES = "defines what the other parts measure"
DISCUSSES = "discusses; states no result of its own"
LIST = "a list, no statement"
OPENS = "opens; what it says is judged in the parts below"
SKETCH = "a drawing that illustrates definitions"
PARTS = {
    "condensation": (
        Part("Abstract", "what makes neurons condense"),
        Part("Section 1", "introduction", INTRODUCTION),
        Part("Section 2", "concept of condensation"),
        Part("Section 3", "condensation in training"),
        Part("Figure 1", "orientations along training"),
        Part("Section 4, opening", "more experiments", OPENS),
        Part("Section 4.1", "synthetic data"),
        Part("Figure 2", "initialisations"),
        Part("Section 4.2", "convolutional networks"),
        Part("Figure 3", "kernels before and after training"),
        Part("Section 4.3", "residual convolutional networks", also=("Figure 4",)),
        Part("Figure 4", "first and last convolution of ResNet18"),
        Part("Section 5", "phase diagram", also=("Theorem 1", "Theorem 2")),
        Part("Figure 5", "phase diagram of two-layer networks"),
        Part("Theorem 1", "linear regime"),
        Part("Theorem 2", "condensed regime"),
        Part("Section 6, opening", "mechanisms", OPENS),
        Part("Section 6.1", "initial condensation"),
        Part("Definition 1", "multiplicity of an activation", DEFINES),
        Part("Figure 6", "directions by activation"),
        Part("Section 6.2", "embedding principle"),
        Part("Figure 7", "losses by width"),
        Part("Section 6.3", "dropout"),
        Part("Figure 8", "condensation by dropout"),
        Part("Figure 9", "plateau and dropout"),
        Part("Section 7, opening", "subsequent works", "a heading without a sentence"),
        Part("Section 7.1", "optimistic estimate"),
        Part("Section 7.2", "reasoning of transformers"),
        Part("Figure 10", "first query matrices"),
        Part("Section 7.3", "reduction of width"),
        Part("Section 8", "discussion: a tendency, not extreme in every case"),
    ),
    "layerwise": (
        Part("Abstract", "the position", INTRODUCTION),
        Part("Section 1", "introduction", INTRODUCTION),
        Part("Section 1.1", "contributions", INTRODUCTION),
        Part("Section 1.2", "outline", INTRODUCTION),
        Part("Section 2", "setup", DEFINES),
        Part("Figure 1", "outline", SKETCH),
        Part("Figure 2", "models", SKETCH),
        Part("Section 3", "dynamical feedback principle", also=("Equation 8",)),
        Part("Section 4, opening", "rich get richer", OPENS),
        Part("Section 4.1", "sigmoidal dynamics", also=("Equation 9",)),
        Part("Figure 3", "modes in time"),
        Part("Section 4.2", "saddle-to-saddle learning"),
        Part("Section 4.3", "emergence", also=("Equation 11", "Figure 4")),
        Part("Figure 4", "skills in time, data and parameters"),
        Part("Section 4.4", "scaling laws"),
        Part("Section 5, opening", "low rank", OPENS),
        Part("Section 5.1", "greedy dynamics", also=("Equation 12",)),
        Part("Section 5.2", "neural collapse"),
        Part("Figure 5", "features of a trained network", "a picture; its conditions are those of Appendix F"),
        Part("Section 6", "opening: the heavier layer remains nearly fixed"),
        Part("Section 6.1", "layer imbalance"),
        Part("Section 6.2", "target learning", also=("Figure 6",)),
        Part("Figure 6", "kernel distance by imbalance"),
        Part(
            "Section 6.2, interpretability",
            "convolutional networks from upstream starts",
            "not judged: needs a measure of interpretability, which the paper does not name, on deeper networks",
        ),
        Part("Section 6.3", "grokking by layer imbalance"),
        Part("Section 7, opening", "two ways out of feedback", OPENS),
        Part("Section 7.1", "toy model", also=("Equation 16", "Equation 17", "Equation 18", "Equation 19")),
        Part("Figure 7", "aligned modes"),
        Part("Section 7.2", "grokking by the ratio of weight to target", also=("Figure 8",)),
        Part("Figure 8", "four ways out of grokking"),
        Part("Section 8", "discussion", DISCUSSES),
        Part("Section 8.1", "alternative view", DISCUSSES),
        Part("Section 9", "conclusion", DISCUSSES),
        Part("Section 9.1", "research directions: depth, perturbation", "questions that the paper asks"),
        Part("Section 10", "acknowledgement", "thanks"),
        Part("Appendix A", "impact statement", DISCUSSES),
        Part("Appendix B", "glossary", LIST),
        Part("Appendix C", "definitions", DEFINES),
        Part("Appendix C.1", "linear models", DEFINES),
        Part("Appendix C.2", "layerwise linear models", DEFINES),
        Part("Appendix C.3", "modes", DEFINES),
        Part("Appendix C.4", "features", DEFINES),
        Part("Appendix C.5", "function space", "explains Figure 9, where it is judged"),
        Part("Figure 9", "function space"),
        Part("Appendix D.1", "derivation of the linear model", "a derivation; its result is judged in Section 4.1"),
        Part("Appendix D.2", "derivation of the diagonal network", "a derivation; its result is judged in Section 4.1"),
        Part("Appendix D.3", "conserved difference"),
        Part("Appendix D.4", "derivation of Equation 12", "a derivation; its result is judged in Section 5.1"),
        Part("Appendix E.1", "scaling laws, review", "a review; the exponents are judged in Section 4.4"),
        Part("Appendix E.2", "emergence, review", "a review; the model is judged in Section 4.3"),
        Part("Appendix E.3", "scaling laws from emergence", "a derivation; the exponents are judged in Section 4.4"),
        Part("Appendix E.4", "emergence from dynamics"),
        Part("Appendix F", "neural collapse", also=("Equation 65",)),
        Part("Appendix F.1", "setup", DEFINES),
        Part("Appendix F.2", "four conditions", also=("Appendix F", "Equation 65")),
        Part("Appendix G.1", "balanced condition", also=("Equation 69", "Equation 70")),
        Part("Definition G.1", "lambda-balanced", DEFINES),
        Part("Theorem G.2", "modes from a balanced start"),
        Part("Appendix G.2", "dynamics by imbalance"),
        Part("Appendix G.3", "grokking by imbalance"),
        Part(
            "Appendix G.3, nonlinear",
            "delayed entry into the rich phase from upstream starts",
            "judged on linear networks; the nonlinear ones the paper has from Kunin et al. (2024), as small embeddings "
            "of a transformer (Section 6.3)",
        ),
        Part("Figure 10", "funnel networks"),
        Part("Appendix G.4", "settings of Figure 6", "settings, used by the rows of Figure 6"),
        Part("Appendix H.1", "approaches to grokking"),
        Part("Appendix H.2", "acceleration of grokking"),
        Part(
            "Appendix H.2, momentum",
            "momentum of the optimiser shortens the time",
            "not judged: the network of this figure is trained by Adam; needs a late network under descent, at several "
            "momenta and the same effective rate",
        ),
        Part(
            "Appendix H.2, pretraining",
            "features transferred from similar tasks shorten the time",
            "not judged: needs a second task that shares features, and networks trained on it before",
        ),
        Part("Appendix H.3", "perceptrons", also=("Figure 11",)),
        Part("Appendix H.3, table", "settings of Figure 11", "settings, used by the rows of Figure 11"),
        Part("Figure 11", "four ways out of grokking, in full"),
        Part("Appendix I", "explicit solution", also=("Theorem I.1", "Remark I.2", "Remark I.3")),
        Part("Theorem I.1", "one factor", also=("Equation 73", "Equation 77")),
        Part("Remark I.2", "inflection point"),
        Part("Remark I.3", "bound on the growth"),
        Part("Appendix J.1", "generalisation and greedy dynamics"),
        Part("Appendix J.2", "batch normalisation", "a question that the paper asks"),
        Part("Appendix J.3", "biases and skip connections"),
        Part("Appendix J.4", "encouraging greedy dynamics", "a question that the paper asks"),
    ),
    "neurashed": (
        Part("Abstract", "three characteristics", INTRODUCTION),
        Part("Section 1", "introduction", INTRODUCTION),
        Part("Section 2", "neurashed"),
        Part("Algorithm 1", "training dynamics", DEFINES),
        Part("Figure 1", "a graph", SKETCH),
        Part("Figure 2", "pathways"),
        Part("Section 3", "insights into puzzles"),
        Part("Figure 3", "pathways learnt with small batches"),
        Part("Figure 4", "pathways learnt with large batches"),
        Part("Figure 5", "information bottleneck"),
        Part("Figure 6", "local elasticity"),
        Part("Section 4", "outlook"),
        Part("Appendix", "proofs and a worked example"),
        Part("Appendix, feature pathways", "of Figure 5", "a drawing, repeated in the picture of Figure 5"),
        Part("Appendix, experimental details", "of Figure 5", "settings, used by the rows of Figure 5"),
        Part("Appendix, analyses for local elasticity", "two theorems", "its theorems are judged under their names"),
        Part(
            "Appendix, contrastive learning",
            "related inputs tend to be grouped together",
            "not judged: one sentence that announces a revision; needs a rule for pairs of inputs without labels",
        ),
        Part("Theorem 1", "ratio of logit changes"),
        Part("Theorem 2", "growing depth"),
    ),
    "opt_npt": (
        Part("Abstract", "a framework", INTRODUCTION),
        Part("Section I", "introduction; dropout among what widens the basins"),
        Part("Figure 1", "transformation modes"),
        Part("Section II.A", "model", DEFINES),
        Part("Section II.B", "transformation units"),
        Part("Section II.C", "rank densities and linear maps"),
        Part("Section II.D", "attraction basins", DEFINES),
        Part("Section III", "shallow networks", also=("Figure 2",)),
        Part("Figure 2", "a shallow network"),
        Part("Section IV.A", "rank densities", also=("Figure 3",)),
        Part("Figure 3", "dynamics of deep networks"),
        Part("Section IV.B", "attraction basins"),
        Part("Figure 4", "basins by setting"),
        Part("Figure 5", "basins by class"),
        Part(
            "Section V, opening",
            "a sharp shift of phase is a key prerequisite of grokking",
            "not judged by itself: needs networks that learn without a shift and are late nevertheless; what the shift "
            "does is judged in Sections V.A and V.B",
        ),
        Part("Section V.A", "grokking in deep networks"),
        Part("Figure 6", "mechanism in deep networks"),
        Part("Section V.B", "grokking in shallow networks"),
        Part("Figure 7", "mechanism in shallow networks"),
        Part("Section VI", "conclusion", DISCUSSES),
        Part(f"{FIRST_VERSION}, Abstract", "networks of up to 100 layers"),
        Part(f"{FIRST_VERSION}, Basic concepts and methods", "two modes of neurons", DEFINES),
        Part(f"{FIRST_VERSION}, Quantities for analyzing", "rank densities, prunings, basins", DEFINES),
        Part(f"{FIRST_VERSION}, Applications to shallow networks", "text of Figure 2", "judged as Figure 2"),
        Part(f"{FIRST_VERSION}, Applications to DNNs", "text of Figures 3 to 10", "judged as Figures 3 to 10"),
        Part(f"{FIRST_VERSION}, Figure 1", "weight vectors", SKETCH),
        Part(f"{FIRST_VERSION}, Figure 2", "a shallow network and its linear perceptron (a, b)"),
        Part(f"{FIRST_VERSION}, Figure 3", "deep networks, with double descent by epochs (g, h)"),
        Part(f"{FIRST_VERSION}, Figure 4", "depth and width"),
        Part(f"{FIRST_VERSION}, Figure 5", "basins by batch and rate; flat minima (e, f)"),
        Part(f"{FIRST_VERSION}, Figure 6", "basins by depth and width"),
        Part(f"{FIRST_VERSION}, Figure 7", "grokking and double descent of the loss in deep networks"),
        Part(f"{FIRST_VERSION}, Figure 8", "grokking in shallow networks", "as Figure 7 of the second version"),
        Part(f"{FIRST_VERSION}, Figure 9", "residual connections"),
        Part(f"{FIRST_VERSION}, Figure 10", "late linearity"),
        Part(
            f"{FIRST_VERSION}, point 1", "conclusions: two modes", "judged in Sections II and III of the second version"
        ),
        Part(f"{FIRST_VERSION}, point 2", "conclusions: two basins", DEFINES),
        Part(f"{FIRST_VERSION}, point 3", "conclusions: standard structure", "judged as Figures 3 and 4"),
        Part(f"{FIRST_VERSION}, point 5", "conclusions: basins and grokking", "judged as Figures 7 and 8"),
        Part(f"{FIRST_VERSION}, point 6", "conclusions: residual connections", "judged as Figure 9"),
        Part(f"{FIRST_VERSION}, point 4", "conclusions: regularisation and the basins"),
        Part(f"{FIRST_VERSION}, point 7", "conclusions: noise of the weights"),
    ),
}


def named_in(place: str) -> set[str]:
    """The parts and equations that a place names.

    >>> sorted(named_in("Figures 8a and 11a")), sorted(named_in("Section 6.3, Appendix G.3"))
    (['Figure 11', 'Figure 8'], ['Appendix G.3', 'Section 6.3'])
    >>> sorted(named_in("First version, Figure 5a, 5b")), sorted(named_in("Appendix F, condition 1"))
    (['First version, Figure 5'], ['Appendix F'])
    """
    if place.startswith(FIRST_VERSION):
        rest = place.removeprefix(f"{FIRST_VERSION}, ")
        return {f"{FIRST_VERSION}, {name}" for name in named_in(rest) or {rest}}
    names = {place.partition(",")[0]} if place.startswith("Abstract") else set()
    for kind, numbers in _NAMED.findall(place):
        found = re.findall(rf"({_ID})[a-z]?\b", numbers)
        names |= {f"{kind} {number}" for number in found} or {kind}
    return names


def covering(part: Part, claims: Iterable[Row]) -> list[Row]:
    """The rows of a paper that judge a part of it."""
    names = {part.name, *part.also}
    return [row for row in claims if names & named_in(row.claim.place)]


def coverage_page(ledger: Ledger) -> str:
    """The table as Markdown."""
    lines = [
        "# What of the papers is judged",
        "",
        "Every section, figure and theorem of the papers with the rows of the "
        "[ledger](../figures/gallery/CLAIMS.md) that judge it, or why there are none. Generated from the ledger.",
    ]
    for paper, parts in PARTS.items():
        own = rows(ledger, [name for name in ledger["figures"] if name.startswith(f"{paper}/")])
        judged = sum(1 for part in parts if covering(part, own))
        lines += ["", f"## {PAPERS[paper]}", "", f"{judged} of {len(parts)} parts are judged.", ""]
        lines += ["| part | subject | rows |", "|---|---|---|"]
        for part in parts:
            keys = ", ".join(f"`{row.claim.key}`" for row in covering(part, own))
            lines.append(f"| {part.name} | {part.subject} | {keys or f'none: {part.without}'} |")
    return "\n".join(lines) + "\n"
