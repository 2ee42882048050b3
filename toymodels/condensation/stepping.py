"""Many two-layer networks along one flow at once, each with step sizes of its own tangent kernel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

import numpy as np

MAX_STEP = 0.4  # the tangent kernel grows suddenly when a small start leaves its saddle
REFRESH = 25  # steps between two looks at the kernel's largest eigenvalue

Observer = Callable[..., dict[str, float]]


class Replicates(ABC):
    """Networks that are integrated together; a subclass says how long a step may be, and takes it."""

    a: np.ndarray  # (T, ...) readouts, one a replicate

    @abstractmethod
    def step_limit(self) -> np.ndarray:
        """Longest stable step of each replicate in flow time, (T,)."""

    @abstractmethod
    def step(self, h: np.ndarray) -> None:
        """One Euler step of lengths `h` (T,), in single precision."""

    @abstractmethod
    def parts(self) -> Iterable[tuple]:
        """What an observer is shown of each replicate."""

    def advance(self, duration: float) -> None:
        """Explicit Euler steps up to `duration`; a replicate that is there already takes steps of size 0."""
        left = np.full(len(self.a), duration)
        limit = left
        step = 0
        while (left > 0).any():
            if step % REFRESH == 0:
                limit = self.step_limit()
            h = np.minimum(limit, left)
            left = left - h
            self.step(h.astype(np.float32))
            step += 1

    def observed(self, observe: Observer | None) -> dict[str, np.ndarray]:
        """What `observe` says of every replicate, (T,) by name; nothing without an observer."""
        if observe is None:
            return {}
        values = [observe(*part) for part in self.parts()]
        return {name: np.array([value[name] for value in values]) for name in values[0]}
