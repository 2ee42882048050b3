"""Shares of modes and offset of three networks, five runs of each, at eight times, that rise as they are told to.

For the offset the times are log 1, log 2, log 4 ..., at which 1 - exp(-t) is 0, 1/2, 3/4 ...; a mode with half-time h
is 1 - 2^(-t / h), which is exactly 1/2 at the record h.
"""

import numpy as np

from tests.figures.claims import Case

PLAIN, SKIP, LAST_ALONE = range(3)
HALVINGS = np.array([1.0, 2, 4, 8, 16, 32, 64, 128])
TIMES = np.array([0, 1, 2, 2.5, 4, 8, 16, 32])


def offsets(network: int, *off: float) -> dict[str, np.ndarray]:
    """One network's last bias leaves 1 - exp(-t) by so much at the fourth time; the others' by .2 all along."""
    share = np.tile(1 - 1 / HALVINGS, (3, 5, 1)) + 0.2
    share[network] -= 0.2
    share[network, :, 3] += off
    share[network, :, 5] -= np.array(off) / 2
    return {"t": np.log(HALVINGS), "offset": share}


def exponential(*half_times: float) -> np.ndarray:
    """Rises (runs, times) with these half-times."""
    return 1 - 2 ** (-TIMES / np.array(half_times)[:, None])


def modes(plain: np.ndarray, skip: np.ndarray) -> dict[str, np.ndarray]:
    """The strongest mode without and with the skip; every other mode is an exponential of half-time 32."""
    share = np.tile(exponential(32)[0, :, None], (3, 5, 1, 3))
    share[PLAIN, :, :, 0], share[SKIP, :, :, 0] = plain, skip
    return {"t": TIMES, "modes": share}


def plateau(*below: float) -> np.ndarray:
    """Half-times 2, 4, 8, 4, 16: 0 until half of the half-time, there `below` the exponential, and later equal to it.

    Where it is 0 the exponential is .195 (at the time 2.5 of the half-time 8) or less.
    """
    half_times = np.array([2.0, 4, 8, 4, 16])
    half = half_times[:, None] / 2
    return np.where(half > TIMES, 0, exponential(*half_times) - np.array(below)[:, None] * (half == TIMES))


def stages(plain: tuple[float, ...], skip: tuple[float, ...]) -> dict[str, np.ndarray]:
    """The first mode is .94, then .95 at one record; there the second has these shares, before it 0, after it 1."""
    when = np.array([3, 4, 5, 2, 6])[:, None]
    records = np.arange(len(TIMES))
    share = np.zeros((3, 5, len(TIMES), 3))
    share[..., 0] = np.where(records < when, 0.94, 0.95)
    share[..., 1] = records > when
    for network, second in ((PLAIN, plain), (SKIP, skip)):
        share[network, :, :, 1] += np.array(second)[:, None] * (records == when)
    return {"t": TIMES, "modes": share}


SLOW = exponential(8, 4, 16, 8, 32)  # median 8
SECOND = (0.1, 0.3, 0.2, 0.15, 0.6)  # median .2
CASES = {
    # sizes 1, 2, 5, 6, 9 and 2, 5, 6, 9, 11 of ten thousand
    "last-bias": Case(
        offsets(LAST_ALONE, 2e-4, -9e-4, 5e-4, 1e-4, -6e-4),
        offsets(LAST_ALONE, 2e-4, -9e-4, 5e-4, 11e-4, -6e-4),
        (5e-4, 6e-4),
    ),
    # .01, .02, .03, .08, .12 with mean .052, and .01, .02, .055, .06, .07 with mean .043
    "last-bias-beside-first": Case(
        offsets(PLAIN, 0.01, -0.12, 0.04, 0.08, 0.02), offsets(PLAIN, 0.01, -0.06, 0.055, 0.07, 0.02), (0.04, 0.055)
    ),
    # .21, .215, .22, .24, .25 and, for the .24, .195
    "weights": Case(
        modes(plateau(0.24, 0.21, 0.22, 0.25, 0.215), exponential(2)),
        modes(plateau(0.195, 0.21, 0.22, 0.25, 0.215), exponential(2)),
        (0.22, 0.215),
    ),
    # half-times 1, 2, 2, 2.5, 16 and 1, 1, 2.5, 2.5, 4 over 8; means 4.7 and 2.2
    "skip-no-plateau": Case(
        modes(SLOW, exponential(2, 1, 2, 16, 2.5)), modes(SLOW, exponential(2.5, 1, 1, 4, 2.5)), (2 / 8, 2.5 / 8)
    ),
    # medians .45 - .2 and .38 - .2; the mean of the latter is .476 - .2
    "skip-less-staged": Case(
        stages(SECOND, (0.5, 0.3, 0.9, 0.4, 0.45)), stages(SECOND, (0.38, 0.3, 0.9, 0.35, 0.45)), (0.25, 0.18)
    ),
}
