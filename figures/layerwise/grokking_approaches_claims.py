"""What Section 6.2 and Appendix H of Nam et al. (2025) report of the delay, on one network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from figures.harness.curves import first_times
from figures.harness.figure import Data
from toymodels.claims import AFTER, CONTROL, READING, Claim, Criterion, Decisive, Quantity, Statistic, every_run, median

FITTED, GENERALISED = 0.95, 0.75
ORDER = ("usual", "small", "wide", "decay", "rate", "filter", "first", "last")


def times(data: Data, part: str, approach: str, latest: bool = False) -> np.ndarray:
    """Step (runs,) of fit ("train") or generalisation ("test").

    If never, the earliest that it can be, the last step; or the `latest`, `inf`.
    """
    found = first_times(data["steps"], data[part][ORDER.index(approach)], FITTED if part == "train" else GENERALISED)
    return found if latest else np.minimum(found, data["steps"][-1])


def delay(data: Data, approach: str, longest: bool = False) -> np.ndarray:
    """Decades from fit to generalisation, every run; negative where the test level comes first.

    The shortest or the `longest` that they can be: where a run does not fit, or does not generalise, they differ.
    """
    fit, general = (times(data, part, approach, longest == (part == "test")) for part in ("train", "test"))
    with np.errstate(divide="ignore"):  # a run that never fits
        return np.log10(general / fit)


def delay_beyond(data: Data, approach: str, other: str, longest: bool = False) -> np.ndarray:
    """Decades of delay of every run less the median delay of the other approach, the least or the most it can be."""
    return delay(data, approach, longest) - np.median(delay(data, other, not longest))


def sooner(approach: str, than: str = "usual", soonest: bool = False) -> Callable[[Data], np.ndarray]:
    """Step of generalisation of every run, or the last, over the median step of the other approach.

    If most of the others never generalise that is the last step, too, or, to be `soonest`, infinite.
    """
    return lambda data: times(data, "test", approach) / np.median(times(data, "test", than, latest=soonest))


def final(data: Data, approach: str, unfitted: float) -> np.ndarray:
    """Test accuracy (runs,) at the end; of a run that has not fitted, and may learn on, `unfitted`."""
    fitted = np.isfinite(times(data, "train", approach, latest=True))
    return np.where(fitted, data["test"][ORDER.index(approach)][:, -1], unfitted)


def better(data: Data, best: bool = False) -> np.ndarray:
    """Final accuracy of every first layer alone less the median of the last, the least or the `best` it can be."""
    return final(data, "first", float(best)) - np.median(final(data, "last", float(not best)))


def missed(criterion: Criterion, favourable: Callable[[Data], np.ndarray]) -> Decisive:
    """Data that miss the criterion even where what their runs did not reach is taken as `favourable` to the claim."""
    return Decisive(
        "runs that miss the bound even where every fit and generalisation they do not reach is put where it helps most",
        lambda data: criterion.met_by(favourable(data)) is False,
    )


SMALL = "one network on 200 digits of 8 x 8 pixels; the works that are reported train others, for longer"
BOUND = 0.8  # of a time, over that of the usual network: from here on it is sooner
AGAINST = "what a run does not reach is taken against the claim"
LATE, LARGE_START, WIDE, BETTER = median > 0.5, median > 0.3, median > 0.1, median > 0.3
SHORTER = median < 0
# a run that never generalises counts as the last step, which is no sooner than the others' median: it must not be mixed
# with one that does generalise, as the mean of the two in the middle
most = Statistic("more than half of the runs", every_run.of, share=np.nextafter(0.5, 1), of_runs=1)
SOONER, SOONER_THAN_RATE = most < BOUND, most < 1


def _sooner(key: str, approach: str, statement: str, words: str, why: str) -> Claim:
    return Claim(
        f"grokking_approaches.{key}",
        "Appendix H.2",
        statement,
        Quantity(
            f"step of test accuracy {GENERALISED} (or the last step) {words}, over the usual network's median",
            sooner(approach),
        ),
        SOONER,
        fixed=AFTER,
        decisive=missed(SOONER, sooner(approach, soonest=True)),
        why=why,
        defence=SMALL,
    )


def _shorter(approach: str, statement: str, words: str, **said: str) -> Claim:
    return Claim(
        f"grokking_approaches.{approach}",
        "Appendix H.2",
        statement,
        Quantity(
            f"decades of delay {words} less the usual network's median, {AGAINST}",
            lambda d: delay_beyond(d, approach, "usual", longest=True),
        ),
        SHORTER,
        fixed=AFTER,
        decisive=missed(SHORTER, lambda d: delay_beyond(d, approach, "usual")),
        **said,
    )


CLAIMS = (
    Claim(
        "grokking_approaches.delay",
        "Appendix H.1",
        "The network from large weights fits long before it generalises.",
        Quantity(
            f"decades of steps from training accuracy {FITTED} to test accuracy {GENERALISED}, {AGAINST}",
            lambda d: delay(d, "usual"),
        ),
        LATE,
        source=CONTROL,
        fixed=AFTER,
        decisive=missed(LATE, lambda d: delay(d, "usual", longest=True)),
        why="without a delay nothing can shorten it",
    ),
    Claim(
        "grokking_approaches.large-start",
        "Appendix H.1",
        "Large initial weights make the delay.",
        Quantity(
            f"decades of delay from large weights less the median from usual ones, {AGAINST}",
            lambda d: delay_beyond(d, "usual", "small"),
        ),
        LARGE_START,
        fixed=AFTER,
        decisive=missed(LARGE_START, lambda d: delay_beyond(d, "usual", "small", longest=True)),
        why="the delay is there from usual weights, too",
        defence=SMALL,
    ),
    Claim(
        "grokking_approaches.width",
        "Appendix H.2",
        "A larger width makes the delay longer.",
        Quantity(
            f"decades of delay at twice the width less the usual network's median, {AGAINST}",
            lambda d: delay_beyond(d, "wide", "usual"),
        ),
        WIDE,
        fixed=AFTER,
        decisive=missed(WIDE, lambda d: delay_beyond(d, "wide", "usual", longest=True)),
        why="twice the width changes the delay by less than a tenth of a decade",
        defence=SMALL,
    ),
    _shorter(
        "decay",
        "Adjusting the weight decay, here to three times as much, mitigates the delay.",
        "with three times the decay",
        why="the delay is no shorter with more decay",
        defence=SMALL,
    ),
    _sooner(
        "decay-sooner",
        "decay",
        "More weight decay reduces the training time until generalisation.",
        "with three times the decay",
        "at one of two seeds more decay puts off the fit, too, and generalisation comes no sooner",
    ),
    # a reading: the appendix says that adjusting the rate can help, and neither which way nor by how much
    _shorter(
        "rate",
        "Adjusting the learning rate, here to three times as much, mitigates the delay.",
        "at three times the rate",
        source=READING,
        why="at the higher rate the network generalises sooner and fits sooner by as much: its time runs faster, and "
        "the delay in decades is as long or longer",
        defence="the appendix says that adjusting the rate, or the decay, can help, and names no factor; one higher "
        f"rate is tried; {SMALL}",
    ),
    _sooner(
        "filter",
        "filter",
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
        SOONER_THAN_RATE,
        source=CONTROL,
        fixed=AFTER,
        decisive=missed(SOONER_THAN_RATE, sooner("filter", "rate", soonest=True)),
        why="what the filter does, a higher rate does as well or better",
        defence=f"its authors tune memory and gain, and train on modular addition as well; {SMALL}",
    ),
    Claim(
        "grokking_approaches.first-layer-alone",
        "Section 6.2",
        "Training the first layer alone learns features, and so generalises better than training the last alone.",
        Quantity(
            "test accuracy at the end with the first layer alone trained (0 if it has not fitted) less the median with "
            "the last alone (1 if it has not fitted)",
            better,
        ),
        BETTER,
        source=READING,
        fixed=AFTER,
        decisive=missed(BETTER, partial(better, best=True)),
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
        SOONER,
        source=READING,
        fixed=AFTER,
        decisive=missed(SOONER, sooner("first", soonest=True)),
        why="the other layers keep their large weights, which only decay takes away",
        defence="the paper says it of the scale of the embeddings, of which this is the limit",
    ),
)
