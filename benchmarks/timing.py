"""Durations on a machine that other programs use too."""

import time

import numpy as np

REPEATS, LONG = 5, 2.0  # at least so many repeats of what takes less than so many seconds
SHORT = 0.01  # what takes less is called several times a repeat


def fastest(function, rounds=3, at_least=0.0, clock=time.perf_counter):
    """Shortest of `rounds` calls, or of as many more as fit in `at_least` seconds."""
    durations = []
    while len(durations) < rounds or sum(durations) < at_least:
        durations.append(once(function, clock))
    return min(durations)


def once(function, clock=time.process_time, calls=1):
    """Seconds a call."""
    start = clock()
    for _ in range(calls):
        function()
    return (clock() - start) / calls


def together(*functions, repeats=REPEATS, clock=time.process_time):
    """Seconds of every function in each of `repeats` rounds, in which they take turns so that all meet the same load.

    Parameters
    ----------
    functions : callables
        One that takes `LONG` seconds or more is called once in all.
    repeats : int
    clock : callable
        Processor time of this process, by default.

    Returns
    -------
    list of lists of float
        A first call of each is not counted, unless it is long.
    """
    first = [once(function, clock) for function in functions]
    calls = [max(1, round(SHORT / max(taken, 1e-7))) for taken in first]
    seconds = [[taken] if taken >= LONG else [] for taken in first]
    for _ in range(repeats):
        for function, n_calls, measured, taken in zip(functions, calls, seconds, first, strict=True):
            if taken < LONG:
                measured.append(once(function, clock, n_calls))
    return seconds


def exponent(sizes, values):
    """Slope of log value over log size."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])
