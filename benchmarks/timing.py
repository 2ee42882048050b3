"""Durations on a machine that other programs use too."""

import time


def fastest(function, rounds=3, at_least=0.0):
    """Shortest of `rounds` calls, or of as many more as fit in `at_least` seconds."""
    durations = []
    while len(durations) < rounds or sum(durations) < at_least:
        start = time.perf_counter()
        function()
        durations.append(time.perf_counter() - start)
    return min(durations)
