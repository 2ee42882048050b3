"""What Section 6.2 and Appendix H of Nam et al. (2025) report of the delay, on one network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.curves import first_times
from figures.harness.figure import Data
from toymodels.claims import AFTER, CONTROL, READING, Claim, Decisive, Quantity, median

FITTED, GENERALISED = 0.95, 0.75
ORDER = ("usual", "small", "wide", "decay", "rate", "filter", "first", "last")


def times(data: Data, part: str, approach: str) -> np.ndarray:
    """Step (runs,) of fit ("train") or generalisation ("test"); the last step, a lower bound, if never."""
    level = FITTED if part == "train" else GENERALISED
    return np.minimum(first_times(data["steps"], data[part][ORDER.index(approach)], level), data["steps"][-1])


def delay(data: Data, approach: str) -> np.ndarray:
    """Decades from fit to generalisation, every run; negative where the test level comes first."""
    return np.log10(times(data, "test", approach) / times(data, "train", approach))


def delay_beyond(data: Data, approach: str, other: str) -> np.ndarray:
    """Decades of delay of every run less the median delay of the other approach."""
    return delay(data, approach) - np.median(delay(data, other))


def sooner(approach: str, than: str = "usual") -> Callable[[Data], np.ndarray]:
    """Step of generalisation of every run over the median step of the other approach."""
    return lambda data: times(data, "test", approach) / np.median(times(data, "test", than))


def final(data: Data, approach: str) -> np.ndarray:
    """Test accuracy (runs,) at the end."""
    return data["test"][ORDER.index(approach)][:, -1]


def usual_generalises(data: Data) -> bool:
    """Whether most runs of the usual network fit and generalise; else its times are no times, only bounds."""
    fits, late = (
        first_times(data["steps"], data[part][0], level) for part, level in (("train", FITTED), ("test", GENERALISED))
    )
    return bool(np.median(fits) < np.inf and np.median(late) < np.inf)


DECIDES = Decisive("usual networks most of which fit and generalise", usual_generalises)
SMALL = "one network on 200 digits of 8 x 8 pixels; the works that are reported train others, for longer"
BOUND = 0.8  # of a time, over that of the usual network: from here on it is sooner


def _sooner(key: str, place: str, statement: str, words: str, why: str) -> Claim:
    return Claim(
        f"grokking_approaches.{key}",
        place,
        statement,
        Quantity(
            f"step of test accuracy {GENERALISED} (or the last step) {words}, over the usual network's median",
            sooner(key),
        ),
        median < BOUND,
        decisive=DECIDES,
        why=why,
        defence=SMALL,
    )


CLAIMS = (
    Claim(
        "grokking_approaches.delay",
        "Appendix H.1",
        "The network from large weights fits long before it generalises.",
        Quantity(
            f"decades of steps from training accuracy {FITTED} to test accuracy {GENERALISED}",
            lambda d: delay(d, "usual"),
        ),
        median > 0.5,
        source=CONTROL,
        why="without a delay nothing can shorten it",
    ),
    Claim(
        "grokking_approaches.large-start",
        "Appendix H.1",
        "Large initial weights make the delay.",
        Quantity(
            "decades of delay from large weights less the median from usual ones",
            lambda d: delay_beyond(d, "usual", "small"),
        ),
        median > 0.3,
        decisive=DECIDES,
        why="the delay is there from usual weights, too",
        defence=SMALL,
    ),
    Claim(
        "grokking_approaches.width",
        "Appendix H.2",
        "A larger width makes the delay longer.",
        Quantity(
            "decades of delay at twice the width less the usual network's median",
            lambda d: delay_beyond(d, "wide", "usual"),
        ),
        median > 0.1,
        decisive=DECIDES,
        why="twice the width changes the delay by less than a tenth of a decade",
        defence=SMALL,
    ),
    _sooner(
        "decay",
        "Appendix H.2",
        "More weight decay shortens the time to generalisation.",
        "with three times the decay",
        "more decay does not generalise sooner here",
    ),
    _sooner(
        "rate",
        "Appendix H.2",
        "A fitting learning rate shortens the time to generalisation.",
        "at three times the rate",
        "the higher rate does not generalise sooner here",
    ),
    _sooner(
        "filter",
        "Appendix H.2",
        "Amplifying slow gradients shortens the time to generalisation.",
        "with slow gradients three times as large",
        "Adam divides by the size of the gradients, and the decay that ends the delay is not among them",
    ),
    Claim(
        "grokking_approaches.filter-beyond-rate",
        "Appendix H.2",
        "It shortens it more than the same factor on the learning rate, which enlarges fast gradients as well.",
        Quantity(
            f"step of test accuracy {GENERALISED} (or the last step) with slow gradients three times as large, over "
            "the median at three times the rate",
            sooner("filter", "rate"),
        ),
        median < 1,
        source=CONTROL,
        decisive=DECIDES,
        why="what the filter does, a higher rate does as well or better",
        defence=f"its authors tune memory and gain, and train on modular addition as well; {SMALL}",
    ),
    Claim(
        "grokking_approaches.first-layer-alone",
        "Section 6.2",
        "Training the first layer alone learns features, and so generalises better than training the last alone.",
        Quantity(
            "test accuracy at the end with the first layer alone trained less the median with the last alone",
            lambda d: final(d, "first") - np.median(final(d, "last")),
        ),
        median > 0.3,
        source=READING,
        fixed=AFTER,
        why="the first layer alone does not generalise better than the last",
        defence=f"the section says can, of two layers, where this network has three; {SMALL}",
    ),
    Claim(
        "grokking_approaches.first-layer-sooner",
        "Appendix G.3",
        "Training the earliest layer alone shortens the time to generalisation.",
        Quantity(
            f"step of test accuracy {GENERALISED} (or the last step) with the first layer alone trained, over the "
            "usual network's median",
            sooner("first"),
        ),
        median < BOUND,
        source=READING,
        decisive=DECIDES,
        why="the other layers keep their large weights, which only decay takes away",
        defence="the paper says it of the scale of the embeddings, of which this is the limit",
    ),
)
