"""Functions that workers of a sweep import by name."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toymodels import SimulationError, Trajectory


@dataclass(frozen=True)
class Settings:
    size: int = 3
    scale: float = 0.5


def draw(width, rng, scale=1.0):
    """A number and an array that show every bit of the generator and of threaded linear algebra."""
    matrix = scale * rng.standard_normal((width, width))
    return {"norm": np.linalg.norm(matrix @ matrix), "row": matrix[0, :2], "width_seen": width}


def configured(width, settings, rng, folder=None):
    return {"norm": settings.scale * rng.standard_normal(width * settings.size).sum()}


def diverge(width, rng):
    if width == 3:
        raise SimulationError("loss is not finite at step 7")
    return {"norm": 1.0}


def misuse(width, rng):
    if width == 3:
        raise KeyError("no such layer")
    return {"norm": 1.0}


def leave_mark(width, folder, rng):
    """Count calls: one file per call."""
    Path(folder, f"{width}-{time.time_ns()}").touch()
    return {"norm": rng.standard_normal()}


def kill_once(width, folder, rng):
    """The first call with width 3 kills its own worker."""
    mark = Path(folder, "killed")
    if width == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"norm": rng.standard_normal()}


def kill_always(width, rng):
    if width == 3:
        time.sleep(0.3)  # lets the others finish
        os.kill(os.getpid(), signal.SIGKILL)
    return {"norm": 1.0}


def sleep_then_draw(width, folder, rng):
    Path(folder, f"begun-{width}").touch()
    time.sleep(0.0 if width < 3 else 60.0)
    return {"norm": rng.standard_normal()}


def kill_at_three(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def wait_then_draw(width, folder, rng):
    time.sleep(0.3)
    return {"norm": rng.standard_normal()}


_together = 0


def count_together(_):
    """How many calls are under way in this process."""
    global _together
    _together += 1
    time.sleep(0.1)
    count = _together
    _together -= 1
    return count


def ten_milliseconds(_):
    """How long a wait of ten milliseconds took."""
    start = time.perf_counter()
    time.sleep(0.01)
    return time.perf_counter() - start


def decay(rate, rng):
    """An exponential; a negative rate has times of its own."""
    t = np.array([0.0, 1.0, 2.0]) if rate > 0 else np.array([0.0, 1.0, 3.0])
    return Trajectory(t, {"loss": np.exp(-rate * t), "weights": np.outer(t, [1.0, rate])}, clock="flow time")


def undefined(width, rng):
    return {"norm": np.nan if width == 3 else 1.0}


def never(width, rng):
    return {"delay": np.inf}


if __name__ == "__main__":
    import sys

    from toymodels.run.sweep import sweep

    sweep(draw, {"width": [2, 3]}, cache=sys.argv[1])
