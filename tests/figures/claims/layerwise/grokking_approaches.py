"""Accuracies of five runs of every approach that step up to their level, from just below it, at a step that is told.

Runs of an approach that is not named neither fit nor reach the test level.
"""

import numpy as np

from tests.figures.claims import Case

APPROACHES = ("usual", "small", "wide", "decay", "rate", "filter", "first", "last")
STEPS = np.array([1, 10, 30, 40, 100, 300, 350, 400, 1000, 3000, 4000])
NEVER = np.inf  # counts as the last step, 4000
RUNS = 5
FITS = (1000, 100, 40, 100, 10)


def steps_up(at: tuple[float, ...], level: float) -> np.ndarray:
    """Curves (runs, records) that are at the level from these steps on, and a hundredth below it before."""
    return np.where(np.array(at)[:, None] <= STEPS, level, level - 0.01)


def reach(**of: tuple[tuple[float, ...], tuple[float, ...]]) -> dict[str, np.ndarray]:
    """Steps of training accuracy .95 and of test accuracy .75 of the named approaches."""
    told = [of.get(name, [(NEVER,) * RUNS] * 2) for name in APPROACHES]
    train, test = (np.array([steps_up(each[part], level) for each in told]) for part, level in ((0, 0.95), (1, 0.75)))
    return {"steps": STEPS, "train": train, "test": test}


def late(**of: tuple[float, ...]) -> dict[str, np.ndarray]:
    """The named approaches are at the test level at these steps, and fit at FITS."""
    return reach(**{name: (FITS, at) for name, at in of.items()})


def ends(**of: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Test accuracies that end so, after .5 all along; all runs fit at FITS."""
    test = np.full((len(APPROACHES), RUNS, len(STEPS)), 0.5)
    for name, accuracies in of.items():
        test[APPROACHES.index(name), :, -1] = accuracies
    return reach(**dict.fromkeys(APPROACHES, (FITS, FITS))) | {"test": test}


# steps of fit and of the test level, with the ratios of the two
FOUR = (FITS, (NEVER, 100, NEVER, 400, 30))  # 4, 1, 100, 4, 3: median 4; the mean of their decades is .74
THREE = (FITS, (3000, 100, NEVER, 400, 30))  # 3, 1, 100, 4, 3: median 3; the mean of their decades is .71
TEN_THIRDS = ((30, 100, 40, 100, 10), (100, 100, NEVER, 400, 30))  # 10/3, 1, 100, 4, 3: median 10/3
FOUR_THIRDS = ((30, 10, 40, 100, 10), (40, 10, NEVER, 100, 40))  # 4/3, 1, 100, 1, 4: median 4/3
FIVE_HALVES = ((40, 10, 40, 100, 10), (100, 10, NEVER, 100, 40))  # 5/2, 1, 100, 1, 4: median 5/2
USUAL = (400, 100, NEVER, 1000, 300)  # median 400
SOONER = (300, 1000, 100, NEVER, 30)  # median 300
HARDLY = (350, 1000, 100, NEVER, 30)  # median 350
AS_LATE = (400, 1000, 100, NEVER, 30)  # median 400


def sooner(approach: str) -> Case:
    """The approach is at the test level at .75, or at .875, of the usual network's step."""
    return Case(late(usual=USUAL, **{approach: SOONER}), late(usual=USUAL, **{approach: HARDLY}), (0.75, 0.875))


def shorter(approach: str) -> Case:
    """Ratios of 4/3 over 3, and of 4 over 10/3, the usual network's."""
    return Case(
        reach(usual=THREE, **{approach: FOUR_THIRDS}),
        reach(usual=TEN_THIRDS, **{approach: FOUR}),
        (np.log10(4 / 9), np.log10(1.2)),
    )


LAST = (0.45, 0.2, 0.9, 0.48, 0.3)  # median .45
CASES = {
    "delay": Case(reach(usual=FOUR), reach(usual=THREE), (np.log10(4), np.log10(3))),
    # 3, and 5/2, over 4/3
    "large-start": Case(
        reach(usual=THREE, small=FOUR_THIRDS),
        reach(usual=FIVE_HALVES, small=FOUR_THIRDS),
        (np.log10(2.25), np.log10(1.875)),
    ),
    # 4 over 3, and over 10/3
    "width": Case(reach(wide=FOUR, usual=THREE), reach(wide=FOUR, usual=TEN_THIRDS), (np.log10(4 / 3), np.log10(1.2))),
    "decay": shorter("decay"),
    "decay-sooner": sooner("decay"),
    "rate": shorter("rate"),
    "filter": sooner("filter"),
    "filter-beyond-rate": Case(
        late(usual=SOONER, rate=USUAL, filter=HARDLY), late(usual=SOONER, rate=USUAL, filter=AS_LATE), (0.875, 1)
    ),
    # medians .8 - .45 and .7 - .45
    "first-layer-alone": Case(
        ends(first=(0.9, 0.5, 0.8, 0.85, 0.4), last=LAST),
        ends(first=(0.9, 0.5, 0.7, 0.85, 0.4), last=LAST),
        (0.35, 0.25),
    ),
    "first-layer-sooner": sooner("first"),
}
