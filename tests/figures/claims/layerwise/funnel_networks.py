"""Two shapes, five draws, eight times; maps of three imbalances and four scales.

Only the places that a claim reads have the values that are written down; everywhere else they would fail it.
"""

import numpy as np

from tests.figures.claims import Case

FUNNEL, ANTI_FUNNEL = range(2)
TIMES = np.array([0.5, 1, 2, 5, 20, 40, 200, 2000])
DRAWS = 5
SMALL, ONE_MORE = np.array([2.0, 9, 4, 6, 3]), np.array([11.0, 9, 4, 6, 3])  # medians 4 and 6
OTHERS = np.array([2.5, 8, 5, 7, 1])  # together with `SMALL` the median is 4.5, with `ONE_MORE` 5.5


def curve(*marks: tuple[int, float, np.ndarray], elsewhere: float) -> np.ndarray:
    """Curves (shapes, draws, times) with `marks`, each a shape, a time and the draws' values there."""
    array = np.full((2, DRAWS, len(TIMES)), elsewhere)
    for shape, time, values in marks:
        array[shape, :, list(TIMES).index(time)] = values
    return array


def after(funnel_at: str, funnel, anti_at: str, anti, elsewhere: float) -> dict[str, np.ndarray]:
    """Kernel distances at flow time 40 of funnels with one sign of lambda and of anti-funnels with the other."""
    return {
        "t": TIMES,
        f"distance_{funnel_at}": curve((FUNNEL, 40, funnel), elsewhere=elsewhere),
        f"distance_{anti_at}": curve((ANTI_FUNNEL, 40, anti), elsewhere=elsewhere),
    }


def maps(funnel: np.ndarray, anti: np.ndarray) -> dict[str, np.ndarray]:
    """Largest distances of funnels at the last imbalance and of anti-funnels at the first, at inner scales."""
    array = np.full((2, DRAWS, 3, 4), 0.5)
    array[FUNNEL, :, -1], array[ANTI_FUNNEL, :, 0] = 1e-5, 1e-5
    array[FUNNEL, :, -1, 2], array[ANTI_FUNNEL, :, 0, 1] = funnel, anti
    return {"map": array}


def moved(early: np.ndarray, factor: float | np.ndarray, shape: int = FUNNEL) -> dict[str, np.ndarray]:
    """Kernel distance at flow time 1, and `factor` times as much at 40: funnels at negative lambda, or anti-funnels."""
    marks = (shape, 1, early), (shape, 40, early * np.array(factor))
    sign = "negative" if shape == FUNNEL else "positive"
    return {"t": TIMES, f"distance_{sign}": curve(*marks, elsewhere=0.0075)}


def loss(time: float, values: np.ndarray) -> dict[str, np.ndarray]:
    """Loss of funnels with negative lambda at one time."""
    return {"t": TIMES, "loss_negative": curve((FUNNEL, time, values), elsewhere=0.5)}


EARLY = np.array([1e-3, 2e-3, 5e-4, 4e-3, 1e-2])
CASES = {
    "lazy": Case(
        after("positive", 1e-4 * SMALL, "negative", 1e-4 * OTHERS, 0.2),
        after("positive", 1e-4 * ONE_MORE, "negative", 1e-4 * OTHERS, 0.2),
        (4.5e-4, 5.5e-4),
    ),
    "lazy-as-printed": Case(
        after("negative", 1e-4 * SMALL, "positive", 1e-4 * OTHERS, 0.2),
        after("negative", 1e-4 * ONE_MORE, "positive", 1e-4 * OTHERS, 0.2),
        (4.5e-4, 5.5e-4),
    ),
    "lazy-at-all-scales": Case(
        maps(1e-4 * OTHERS, 1e-4 * SMALL), maps(1e-4 * OTHERS, 1e-4 * ONE_MORE), (4.5e-4, 5.5e-4)
    ),
    # funnels .02, .04, .12, .13, .14 with mean .09 and anti-funnels .03, .05, .13, .15, .16 with mean .104; then
    # anti-funnels .03, .05, .09, .15, .16, though all together have the median .13
    "rich": Case(
        after("negative", (0.12, 0.02, 0.13, 0.04, 0.14), "positive", (0.15, 0.03, 0.05, 0.13, 0.16), 0.001),
        after("negative", (0.12, 0.13, 0.13, 0.14, 0.6), "positive", (0.15, 0.03, 0.05, 0.09, 0.16), 0.001),
        (0.125, 0.13),
    ),
    # .4, .6, 1, 1.2, 1.8 and .6, 1, 1.2, 1.8, 2.3 thousandths
    "late": Case(
        moved(1e-3 * np.array([0.4, 1.8, 1, 1.2, 0.6]), 100),
        moved(1e-3 * np.array([2.3, 1.8, 1, 1.2, 0.6]), 100),
        (1e-3, 1.2e-3),
    ),
    # 5, 8, 11, 12, 13 with mean 9.8, and 5, 8, 9, 12, 40 with mean 14.8
    "lazy-to-rich": Case(moved(EARLY, (12, 5, 11, 13, 8)), moved(EARLY, (12, 5, 9, 40, 8)), (11, 9)),
    "upstream-is-late": Case(
        moved(EARLY, (12, 5, 11, 13, 8), ANTI_FUNNEL), moved(EARLY, (12, 5, 9, 40, 8), ANTI_FUNNEL), (11, 9)
    ),
    "grokking": Case(loss(5, 1e-3 * SMALL), loss(5, 1e-3 * ONE_MORE), (4e-3, 6e-3)),
    "finished": Case(loss(40, 1e-4 * SMALL), loss(40, 1e-4 * ONE_MORE), (4e-4, 6e-4)),
    "fits": Case(loss(2000, 1e-3 * SMALL), loss(2000, 1e-3 * ONE_MORE), (0.996, 0.994)),
}
