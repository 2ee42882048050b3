"""Durations on a machine that other programs use too."""

import time

import numpy as np

REPEATS, LONG = 5, 2.0  # at least so many repeats of what takes less than so many seconds
FEW, VERY_LONG = 3, 8.0
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
    repeats : int
        Of what takes less than `LONG` seconds; `FEW` of what takes more, and what takes `VERY_LONG` is called once.
    clock : callable
        Processor time of this process, by default.

    Returns
    -------
    list of lists of float
        A first call of each is not counted, unless it is the only one.
    """
    first = [once(function, clock) for function in functions]
    calls = [max(1, round(SHORT / max(taken, 1e-7))) for taken in first]
    rounds = [repeats if taken < LONG else FEW if taken < VERY_LONG else 0 for taken in first]
    seconds = [[] if n else [taken] for n, taken in zip(rounds, first, strict=True)]
    for k in range(max(rounds)):
        for function, n_calls, n_rounds, measured in zip(functions, calls, rounds, seconds, strict=True):
            if k < n_rounds:
                measured.append(once(function, clock, n_calls))
    return seconds


def exponent(sizes, values):
    """Slope of log value over log size."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])
