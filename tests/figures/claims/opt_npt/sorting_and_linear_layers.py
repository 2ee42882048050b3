"""Layers in made-up orders, start layers at which accuracy is within a point, and curves that pass a level at a record.

Three runs each. Of 8 layers Spearman's rho is 1 - S / 84, with S the sum of squared distances of the ranks from 1, 2,
...: the bound of .8 lies between S = 16 and 18.
"""

import numpy as np

from tests.figures.claims import Case

BY_SUM = {
    2: np.array([2.0, 1, 3, 4, 5, 6, 7, 8]),
    10: np.array([3.0, 2, 1, 4, 6, 5, 7, 8]),
    16: np.array([3.0, 2, 1, 6, 5, 4, 7, 8]),
    18: np.array([4.0, 2, 3, 1, 5, 6, 7, 8]),
    50: np.array([6.0, 2, 3, 4, 5, 1, 7, 8]),
}
ENOUGH = {"samples": np.array(10_000)}
STEPS = np.array([0.0, 2, 4, 7, 12, 20])
NEVER = 20  # a curve that passes no level; its delay ends with the run
Pass = tuple[int, int]  # steps at which batch and running statistics pass half the best


def ordered(name: str, *sums: int) -> dict[str, np.ndarray]:
    """Layers in the orders of these sums of squared distances, a row a run, at scales of their own."""
    ranks = np.stack([BY_SUM[total] for total in sums])
    return {name: ranks * np.array([0.02, 0.05, 0.11])[:, None]}


def good_from(starts: tuple[int, ...], whole: float) -> np.ndarray:
    """Accuracies (run, 7 start layers), .9 points below the whole network at `starts`, .011 or more at all others."""
    accuracy = np.full((3, 7), whole - 0.011)
    accuracy[range(3), starts] = whole - 0.009
    accuracy[:, -1] = whole
    return accuracy


def head_start(kind: str, linear_map: tuple[int, ...], perceptron: tuple[int, ...]) -> dict[str, np.ndarray]:
    """First good start layers of both, by run."""
    return {f"{kind}_map": good_from(linear_map, 0.8), f"{kind}_perceptron": good_from(perceptron, 0.8)}


def where_linear(**shares: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Gradients (run, 6 layers) of this share of the largest at the first good start; the last start has no layer."""
    arrays = dict(ENOUGH)
    for kind, share in shares.items():
        arrays[f"{kind}_map"] = good_from((2, 6, 4), 0.8)  # the second run is good from the network itself on
        arrays[f"{kind}_gradient"] = np.array([[4.0], [3], [5]]) * [0.5, 1, 0.5, 0.5, 0.5, 0.5]
        arrays[f"{kind}_gradient"][range(3), (2, 5, 4)] = np.array([4.0, 3, 5]) * share
    return arrays


def centres(**last: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Cosines (run, 4 layers) of two centres in the last layer; .9 in all others."""
    arrays = {f"{kind}_between": np.full((3, 4), 0.9) for kind in last}
    for kind, cosines in last.items():
        arrays[f"{kind}_between"][:, -1] = cosines
    return arrays


def curve(step: int, level: float, best: float) -> np.ndarray:
    """.1 up to `step`, where it is at `level`; then its best, and a little less at the end."""
    values = np.full(len(STEPS), 0.1)
    if step < NEVER:
        k = int(np.searchsorted(STEPS, step))
        values[k], values[k + 1 :], values[k + 2 :] = level, best, 0.9 * best
    return values


def lags(kind: str, shallow: tuple[Pass, ...], deep: tuple[Pass, ...]) -> dict[str, np.ndarray]:
    """Accuracies (3 depths, run, record) of best .9, .7 and .52 in batch statistics, less in running ones."""
    depths = (shallow, ((2, 12),) * 3, deep)
    bests = (0.9, 0.7, 0.52)
    batch, running = (
        np.array(
            [
                [curve(steps[k], best / 2, share * best) for steps in runs]
                for runs, best in zip(depths, bests, strict=True)
            ]
        )
        for k, share in ((0, 1.0), (1, 0.9))
    )
    step = np.broadcast_to(STEPS, batch.shape)
    return {f"{kind}_lag_step": step, f"{kind}_lag_batch": batch, f"{kind}_lag_test": running}


def bumps(kind: str, shallow: tuple[float, ...], deep: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Losses (3 depths, run, record) that begin at 2.3 or 2.4, rise by so much and then fall far below."""
    loss = np.full((3, 3, 5), 2.3)
    loss[-1] = 2.4
    loss[0, :, 2] += shallow
    loss[1, :, 1] += 0.9
    loss[-1, :, 3] += deep
    loss[..., -1] = 0.7
    return ENOUGH | {f"{kind}_lag_loss": loss}


SHORT = ((2, 4), (2, 4), (4, 7))  # 2, 2 and 3 steps
LONGER = ((4, 7), (4, NEVER), (7, 12))  # 3, 16 and 5 steps: longer by 1, 14 and 2
CAUGHT_UP = ((4, 7), (2, 16), (7, 12))  # 3, 14 and 5 steps: SHORT is shorter by 1, 12 and 2
EARLY, MORE, LESS = (0.2, 0.5, 0.2), (0.32, 0.6, 0.31), (0.28, 0.1, 0.29)  # rises around the first ones' mean of .3

CASES = {
    "perceptron-before-map": Case(  # 1 3 1 and 0 -2 0
        head_start("plain", (3, 5, 4), (2, 2, 3)), head_start("plain", (3, 2, 4), (3, 4, 4)), (1, 0)
    ),
    "residual-perceptron-before-map": Case(  # 1 4 1 and 0 -3 0
        head_start("residual", (3, 5, 4), (2, 1, 3)), head_start("residual", (2, 1, 4), (2, 4, 4)), (1, 0)
    ),
    "gradient-grows": Case(
        ordered("plain_gradient", 16, 2, 16), ordered("plain_gradient", 18, 50, 18), (68 / 84, 66 / 84)
    ),
    "residual-gradient-grows": Case(
        ordered("residual_gradient", 16, 10, 16), ordered("residual_gradient", 18, 50, 18), (68 / 84, 66 / 84)
    ),
    "largest-where-linear": Case(
        where_linear(plain=(0.92, 0.95, 0.915), residual=(0.93, 0.97, 0.91)),  # .91 .915 .92 | .93 .95 .97
        where_linear(plain=(0.92, 0.95, 0.915), residual=(0.89, 0.6, 0.885)),  # .6 .885 .89 | .915 .92 .95
        (0.925, 0.9025),
    ),
    "classes-gather": Case(
        ordered("plain_own", 16, 2, 16) | ordered("residual_own", 2, 2, 10),  # 68 68 74 | 82 82 82, over 84
        ordered("plain_own", 18, 50, 18) | ordered("residual_own", 2, 2, 10),  # 34 66 66 | 74 82 82
        (78 / 84, 70 / 84),
    ),
    "centres-orthogonal": Case(
        centres(plain=(0.28, 0.1, 0.29), residual=(0.27, 0.2, 0.295)),  # .1 .2 .27 | .28 .29 .295
        centres(plain=(0.302, 0.6, 0.303), residual=(0.27, 0.2, 0.295)),  # .2 .27 .295 | .302 .303 .6
        (0.275, 0.2985),
    ),
    "lag-grows": Case(lags("plain", SHORT, LONGER), lags("plain", CAUGHT_UP, SHORT), (2, -2)),
    "residual-lag-grows": Case(lags("residual", SHORT, LONGER), lags("residual", CAUGHT_UP, SHORT), (2, -2)),
    "bump-grows": Case(bumps("plain", EARLY, MORE), bumps("plain", EARLY, LESS), (0.02, -0.02)),
    "residual-bump-grows": Case(bumps("residual", EARLY, MORE), bumps("residual", EARLY, LESS), (0.02, -0.02)),
}
