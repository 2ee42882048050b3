"""Durations on a machine that other programs use too."""

import time


def fastest(function, rounds=3, at_least=0.0, clock=time.perf_counter):
    """Shortest of `rounds` calls, or of as many more as fit in `at_least` seconds."""
    durations = []
    while len(durations) < rounds or sum(durations) < at_least:
        start = clock()
        function()
        durations.append(clock() - start)
    return min(durations)
