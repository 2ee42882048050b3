"""What a recorded run says in plain words, each sentence with the numbers it rests on and none beyond them."""

from __future__ import annotations

import numpy as np

from toymodels.metrics.curves import despiked, scatter
from toymodels.metrics.grokking import half_way_time, lag
from toymodels.trajectory import Trajectory

LAZY, RICH = 0.05, 0.3  # kernel distance below which features hardly moved, and from which they did
FITTED = 0.95  # accuracy that counts as fitted
LATE = 0.5  # decades of lag that count as delayed generalisation, as in comparisons.grokking
CHANCE = 5.0  # scatters of a curve that noise alone may span


def half_way_times(run: Trajectory) -> dict[str, float]:
    """When every quantity has made half of its way from its first to its last record; those that hardly move lack one.

    Parameters
    ----------
    run : Trajectory

    Returns
    -------
    dict of str to float
        Steps, earliest first.
    """
    times = {}
    if len(run.t) < 3:
        return times
    for name, values in run.data.items():
        smooth = despiked(values)
        span = smooth[-1] - smooth[0]
        if abs(span) > max(CHANCE * scatter(values), 1e-9 * np.abs(smooth).max()):
            times[name] = half_way_time(run.t, smooth, smooth[0], smooth[-1])
    return dict(sorted(times.items(), key=lambda item: item[1]))


def diagnosed(run: Trajectory) -> str:
    """All that can be said of a run, one finding a line.

    Parameters
    ----------
    run : Trajectory
        Of :meth:`dnn.Recorder.trajectory`.

    Returns
    -------
    str
    """
    lines = [line for part in (_length, _fit, _generalisation, _regime, _order, _dead, _norm) for line in part(run)]
    return "\n".join(lines)


def _length(run: Trajectory) -> list[str]:
    many = f"{len(run.t)} records, steps {run.t[0]:g} to {run.t[-1]:g}"
    if "other samples" in run.meta:
        many += f", of other samples {run.meta['other samples']}: curves before and after are not of the same data"
    if "unknown samples" in run.meta:
        many += f", of unknown samples {run.meta['unknown samples']}: they may be of other data than those after"
    return [many if len(run.t) >= 8 else f"{many}: too few to tell a trend from chance, so read numbers, not findings"]


def _fit(run: Trajectory) -> list[str]:
    if "accuracy" not in run.data:
        return ["whether it fits was not recorded (quantity accuracy)"]
    accuracy = run["accuracy"]
    if accuracy[0] >= FITTED:
        return [f"training accuracy is {accuracy[0]:.3f} at the first record already: nothing before it can be seen"]
    if accuracy.max() < FITTED:
        return [f"does not fit: training accuracy is {accuracy[-1]:.3f} at the end, {accuracy.max():.3f} at most"]
    first = run.t[int((accuracy >= FITTED).argmax())]
    lost = f", and is {accuracy[-1]:.3f} at the end" if accuracy[-1] < FITTED else ""
    return [f"fits: training accuracy reaches {FITTED:g} by step {first:g}{lost}"]


def _generalisation(run: Trajectory) -> list[str]:
    if "test_accuracy" not in run.data or "accuracy" not in run.data:
        return ["whether it generalises was not recorded (give the recorder test samples)"]
    train, test = despiked(run["accuracy"]), despiked(run["test_accuracy"])
    line = f"test accuracy {test[0]:.3f} -> {test[-1]:.3f}"
    if test[-1] - test[0] < 0.1 or train[-1] - train[0] < 0.1 or run.t[-1] <= 0:
        return [f"{line}: no rise to speak of in both curves, so no lag between them"]
    decades = lag(run.t, train, test)
    fitted = train >= FITTED
    if fitted.any() and decades >= LATE:
        late = test[-1] - test[int(fitted.argmax())]
        if late >= 0.1:
            return [f"{line}, {late:.2f} of it after the fit, {decades:.2f} decades behind training: delayed"]
    return [f"{line}, {decades:.2f} decades behind training: not delayed"]


def _regime(run: Trajectory) -> list[str]:
    if "kernel_distance" not in run.data:
        return ["lazy or rich cannot be said: kernel_distance was not recorded (give the recorder reference=)"]
    distance = run["kernel_distance"][-1]
    if distance < LAZY:
        return [f"lazy: the tangent kernel has turned by {distance:.3f} only (1 minus the cosine; below {LAZY:g})"]
    if distance >= RICH:
        return [f"rich: the tangent kernel has turned by {distance:.3f} (1 minus the cosine; from {RICH:g} on)"]
    return [f"neither lazy nor rich: the tangent kernel has turned by {distance:.3f}, between {LAZY:g} and {RICH:g}"]


def _order(run: Trajectory) -> list[str]:
    times = half_way_times(run)
    if len(times) < 2:
        return ["which quantity moved first cannot be said: fewer than two of them moved"]
    first, second = list(times.items())[:2]
    line = f"half-way first: {first[0]} at step {first[1]:.3g}, then {second[0]} at {second[1]:.3g}"
    if "test_accuracy" in times:
        line += f"; test accuracy at {times['test_accuracy']:.3g}"
    return [f"{line} (a half-way time depends on the unit of a quantity: no cause, and no critical value)"]


def _dead(run: Trajectory) -> list[str]:
    lines = []
    for name in run.data:
        if name.endswith("dead_units") and run[name][-1] > 0:
            what = "logits never vary" if name == "logits/dead_units" else "units move no logit"
            lines.append(f"dead: {run[name][-1]:.1%} of the {what} ({name})")
    return lines


def _norm(run: Trajectory) -> list[str]:
    if "weight_norm" not in run.data:
        return []
    norm = run["weight_norm"]
    if norm[-1] < norm[0] * (1 - 1e-6):
        return [f"weights shrink: norm {norm[0]:.4g} -> {norm[-1]:.4g}"]
    return [f"weights do not shrink: norm {norm[0]:.4g} -> {norm[-1]:.4g}, so no sign of weight decay at work"]
