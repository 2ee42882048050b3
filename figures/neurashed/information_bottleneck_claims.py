"""What Section 3, Figure 5 and the appendix say of the information that hidden levels hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data
from figures.harness.pooled_runs import each_left_out
from toymodels.claims import AFTER, READING, Claim, Quantity, every, every_run, mean, median

RELATIVE_NOISE = (0.003, 0.01, 0.03, 0.1)  # over the largest amplification; the first is that of "paper"
NOISY = ("paper", *(f"noise_{noise:g}" for noise in RELATIVE_NOISE[1:]))  # variants of these


def at_end(name: str) -> Callable[[Data], np.ndarray]:
    """The last record of this entry, every replicate."""
    return lambda data: data[name][-1]


def peak(data: Data) -> float:
    """Largest mean over replicates of I(level 2; input), bits; 0 if it does not start below 1.2."""
    means = data["paper_level2_input"].mean(axis=1)
    return float(means.max()) if means[0] < 1.2 else 0.0


CLAIMS = (
    Claim(
        "information_bottleneck.fit",
        "Figure 5, appendix",
        "Early on the second level's information on the input rises to 2 bits, with noise of a size found by a "
        "scan, the only one of four at which it does.",
        Quantity(
            "largest mean over the runs but each in turn of I(level 2; input), bits, 0 if that mean starts at 1.2 or "
            "more",
            each_left_out(peak, "paper_level2_input", axis=1),
        ),
        median > 1.85,
        fixed=AFTER,
    ),
    Claim(
        "information_bottleneck.compress",
        "Figure 5, appendix",
        "Late in training it falls to 1 bit, the class alone.",
        Quantity("I(level 2; input) at step 600, bits", at_end("paper_level2_input")),
        mean.between(0.97, 1.03),
        fixed=AFTER,
    ),
    Claim(
        "information_bottleneck.label",
        "Figure 5",
        "The second level's information on the label rises to 1 bit and stays.",
        Quantity("I(level 2; label) at step 600, bits", at_end("paper_level2_label")),
        every_run > 0.99,
        fixed=AFTER,
    ),
    Claim(
        "information_bottleneck.first-level",
        "Figure 5, appendix",
        "The first level too learns and then forgets about the input.",
        Quantity(
            "largest I(level 1; input) less that at step 600, bits",
            lambda data: data["paper_level1_input"].max(axis=0) - data["paper_level1_input"][-1],
        ),
        median > 0.3,
    ),
    Claim(
        "information_bottleneck.first-level-label",
        "Section 3, information bottleneck",
        "What the first level forgets is irrelevant: it keeps the label.",
        Quantity("I(level 1; label) at step 2400, bits", at_end("long_level1_label")),
        every_run > 0.99,
        source=READING,
        defence="the graph is inferred from a drawing, which does not decide whether both classes share the 7th node; "
        "with one each the label is kept",
        why="the 7th node, shared by both classes, has the largest growth rate of the level and drowns the others "
        "in its noise; with a 7th node per class all or most of the label is kept",
    ),
    Claim(
        "information_bottleneck.first-level-label-own-seventh",
        "Section 3, information bottleneck",
        "The same when each class has a 7th node of its own.",
        Quantity("14 nodes: I(level 1; label) at step 2400, bits", at_end("long_own7_level1_label")),
        every_run > 0.99,
        source=READING,
        why="single runs keep only most of it",
    ),
    Claim(
        "information_bottleneck.constant-noise",
        "Figure 5",
        "Noise of constant size, the simplest that can be added, shows the compression.",
        Quantity(
            "without the relative part of the noise: I(level 2; input) at step 600, bits",
            at_end("constant_noise_level2_input"),
        ),
        median < 1.1,
        source=READING,
        fixed=AFTER,
        defence="the paper says that noise is added and not which; noise that grows with the signal does show it",
        why="amplifications grow without bound, so constant noise resolves ever weaker nodes; noise must grow with "
        "the signal",
    ),
    Claim(
        "information_bottleneck.any-noise",
        "Figure 5, appendix",
        "The rise to 2 bits does not depend on how much noise is added.",
        Quantity(
            "largest mean over the runs of I(level 2; input), bits, at relative noise 0.003, 0.01, 0.03 and 0.1",
            lambda data: [data[f"{variant}_level2_input"].mean(axis=1).max() for variant in NOISY],
        ),
        every("noise") > 1.85,
        source=READING,
        fixed=AFTER,
        why="the level must tell 4 patterns apart while its noise grows with its largest amplification: the more of "
        "it, the fewer are told",
        defence="the paper states neither kind nor size of the noise that it adds",
    ),
    Claim(
        "information_bottleneck.large-batch",
        "Section 3, implicit regularisation",
        "Large batches keep redundant features: the information is not compressed.",
        Quantity("batches of 32: I(level 2; input) at step 600, bits", at_end("large_batch_level2_input")),
        every_run > 1.9,
        source=READING,
        fixed=AFTER,
    ),
)
