"""How far a long computation is: models say so, and whoever runs them decides whether anybody hears it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_EVERY = 10.0  # seconds between two lines of one run
_listeners: list[Callable[[int, int], None]] = []


def step(done: int, total: int) -> None:
    """Say that `done` of `total` steps are done; costs nothing where nobody listens."""
    if _listeners:
        _listeners[-1](done, total)


@contextmanager
def lines(name: str, log: Callable[[str], None]) -> Iterator[None]:
    """Inside, hand `log` a line "NAME: step 300 of 1000" every ten seconds at most.

    Parameters
    ----------
    name : str
        Of the run.
    log : callable (line)
    """
    last = time.monotonic()

    def listen(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            log(f"{name}: step {done:,} of {total:,}")

    _listeners.append(listen)
    try:
        yield
    finally:
        _listeners.remove(listen)
