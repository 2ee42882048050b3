"""What is measured of a shallow network that generalises late: times, basins, norms and gradients, before and after."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.curves import crossings, first_times
from figures.harness.figure import Data
from figures.opt_npt.clouds import centroid_accuracy
from figures.opt_npt.delayed_generalisation_runs import NOISE, record_before
from figures.opt_npt.trends import UNTOLD

TOGETHER = (0.8, 1.25)  # of a peak and the transition: their ratio
LONG = 100_000  # steps after which a decline that is not seen is absent
SMALLEST = 1e-3  # radius that stands for the basin of a network that has not fitted
BEFORE_RISE, AT_END = 0, 1  # the two moments whose clouds are kept
FITTED, RISING, RISEN = 0.95, 0.5, 0.8  # accuracy of training digits, and of test digits in and after the transition
BEYOND = 2.0  # times the radius of a basin: noise that is clearly above the threshold
LONG_AFTER = 5  # times the step of the transition: what the paper sees on further training is told from there on
FAR = 3  # step of generalisation over step of fit from which on one lags far behind the other


def before(data: Data, name: str) -> np.ndarray:
    """Value of a curve of every run before generalisation."""
    index = [record_before(data["steps"], *rows) for rows in zip(data["train"], data["test"], strict=True)]
    return data[name][np.arange(len(index)), index]


def at_end(data: Data, name: str) -> np.ndarray:
    """Last value of a curve of every run."""
    return data[name][:, -1]


def fits_before(data: Data) -> np.ndarray:
    """Whether each run fits, and before it generalises: else no record lies before the transition."""
    fit, rise = (first_times(data["steps"], data[name], x) for name, x in (("train", FITTED), ("test", RISING)))
    return np.isfinite(fit) & (fit < rise)


def has_risen(data: Data) -> np.ndarray:
    """Whether each run ends after the transition."""
    return data["test"].max(axis=1) >= RISEN


def goes_on(data: Data) -> np.ndarray:
    """Whether each run goes on for long after its transition."""
    return data["steps"][-1] >= LONG_AFTER * crossings(data["steps"], data["test"], RISEN)


def goes_through(data: Data) -> np.ndarray:
    """Whether each run first fits and then goes through the transition."""
    return fits_before(data) & has_risen(data)


def growth(data: Data, name: str) -> np.ndarray:
    """Radius at the end over radius before; the smallest amplitude stands for a network that has not fitted."""
    return at_end(data, name) / np.maximum(before(data, name), SMALLEST)


def abruptness(data: Data) -> np.ndarray:
    """Share (replicates, 2) of the growth of both basins, by their logarithm, within a doubling around the rise."""
    steps, rise = np.log(np.maximum(data["steps"], 1)), crossings(data["steps"], data["test"], RISING)
    shares = []
    for space in ("sample", "weight"):
        radius = np.log(np.maximum(data[f"basin_{space}"], SMALLEST))
        whole = radius[:, -1] - np.log(np.maximum(before(data, f"basin_{space}"), SMALLEST))
        low, high = (
            np.array([np.interp(np.log(when * factor), steps, row) for when, row in zip(rise, radius, strict=True)])
            for factor in (2**-0.5, 2**0.5)
        )
        shares.append((high - low) / np.where(whole > 0, whole, np.inf))
    return np.stack(shares, axis=1)


def fit_and_rise(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Steps of fit and of generalisation of each run, between records by interpolation; `inf` where there is none."""
    return crossings(data["steps"], data["train"], FITTED), crossings(data["steps"], data["test"], RISING)


def delay(data: Data) -> np.ndarray:
    """Step of generalisation, or the end without it, over step of fit; 0 if there is no fit."""
    end = data["steps"][-1]
    fit, rise = fit_and_rise(data)
    return np.where(np.isfinite(fit), np.minimum(rise, end) / np.minimum(fit, end), 0.0)


def delay_is_known(data: Data) -> bool:
    """Whether every run fits, and generalises or goes on for so long without it that this is far behind."""
    fit, rise = fit_and_rise(data)
    return bool((np.isfinite(fit) & (np.isfinite(rise) | (delay(data) > FAR))).all())


def plane_accuracy(data: Data, where: int) -> list[float]:
    """Share of test digits nearest to the training centroid of their own class, one value a run."""
    pairs = zip(data["test_cloud"][:, where], data["train_cloud"][:, where], strict=True)
    return [centroid_accuracy(test, data["labels"], train, data["labels"]) for test, train in pairs]


def peak_over_rise(data: Data) -> np.ndarray:
    """Step of the largest gradient, of each run and layer, over the step at which test accuracy reaches .8.

    Of a run that ends before all that counts as together has been seen, or before test accuracy reaches .8, a maximum
    at the end is only a lower bound, and an early one may be overtaken: `inf` where the run ends too soon to tell.
    """
    peaks = data["gradient"].argmax(axis=1)  # (replicates, 2)
    rise = crossings(data["steps"], data["test"], RISEN)[:, None]
    ratio = data["steps"][peaks] / rise
    last = peaks == len(data["steps"]) - 1
    undecided = (data["steps"][-1] <= TOGETHER[1] * rise) & (last | (ratio < TOGETHER[0]))
    return np.where(undecided, np.inf, ratio).ravel()


def norm_left(data: Data) -> np.ndarray:
    """Share of the first norm that is left when test accuracy reaches .5; at the end, or less, if it never does."""
    when = crossings(data["steps"], data["test"], RISING)
    rows = zip(when, data["norm"], strict=True)
    return np.array([np.interp(np.log(step), np.log(data["steps"]), norm) / norm[0] for step, norm in rows])


def noisy_fall(data: Data) -> np.ndarray:
    """Accuracy that the noisiest copies of training digits have lost at the end since their best.

    UNTOLD where the noise is not BEYOND times the radius of the basin at the end.
    """
    noisy = data["noisy"][:, :, -1]
    return np.where(NOISE[-1] >= BEYOND * at_end(data, "basin_sample"), noisy.max(axis=1) - noisy[:, -1], UNTOLD)


def basin_fall(data: Data) -> np.ndarray:
    """Largest share by which the weight basin falls from one record to the next once test accuracy has reached .8."""
    basin = np.maximum(data["basin_weight"], SMALLEST)
    late = np.logical_or.accumulate(data["test"][:, :-1] >= RISEN, axis=1)
    return np.where(late, 1 - basin[:, 1:] / basin[:, :-1], 0.0).max(axis=1)


def gradient_change(data: Data) -> np.ndarray:
    """Largest difference over layers between the gradients before generalisation and those of the first weights."""
    return np.abs(before(data, "gradient") - data["first"]).max(axis=1)


def decline(data: Data) -> np.ndarray:
    """Test accuracy that is lost at the end since its best."""
    return data["test"].max(axis=1) - at_end(data, "test")


def if_told(
    told: Callable[[Data], np.ndarray], values: np.ndarray | list[float], data: Data, other: float
) -> np.ndarray:
    """`values` (replicates, ...) of the runs that are `told`, `other` for those that are not, in one row."""
    values = np.asarray(values)
    return np.where(told(data).reshape(-1, *[1] * (values.ndim - 1)), values, other).ravel()
