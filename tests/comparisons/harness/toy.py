"""A study in a blink, for testing the harness: an exponential approach with a late second curve."""

import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from comparisons import Model, Silent, Study, Verdict
from comparisons.harness.settings import Settings
from toymodels.trajectory import SimulationError, Trajectory


@dataclass(frozen=True)
class Question:
    absent_below: float = 0.3
    shown_from: float = 0.5


@dataclass(frozen=True)
class Late(Settings):
    lag: float = 2.0
    n_times: int = 20
    label: str = "a"
    loud: bool = True
    sizes: tuple = (1, 2)


def late(s, rng):
    t = np.geomspace(1, 1e4, s.n_times)
    noise = 0.01 * rng.random() if s.lag else 0.0
    return Trajectory(t, {"train": np.full(s.n_times, 1.0), "score": np.full(s.n_times, s.lag + noise)}, clock="step")


def broken(s, rng):
    raise SimulationError("loss is not finite at step 3")


def singular(s, rng):
    return np.linalg.inv(np.zeros((2, 2)))


def overflowing(s, rng):
    return 10.0**1000


def runtime(s, rng):
    raise RuntimeError("no luck")


def number(s, rng):
    return 3.0


def bare(s, rng):
    return Trajectory([1.0, 2.0], {"other": [0.0, 1.0]}, clock="step")


def killed(s, rng):
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Slow(Settings):
    marks: str = ""


def slow(s, rng):
    """Leaves a mark when it starts and one when it ends; how long it takes is no setting of the model."""
    name = f"{rng.integers(10**9)}"
    Path(s.marks, f"{name}.started").touch()
    time.sleep(float(os.environ["SLOW_SECONDS"]))
    Path(s.marks, f"{name}.ended").touch()
    return late(replace(STUDY.models["late"].settings, lag=float(rng.random())), rng)


def judge(runs, asked):
    return Verdict.from_scores([run["score"][-1] for run in runs], asked.absent_below, asked.shown_from)


def draw(result):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    for run in next(iter(result.runs.values())):
        axes.plot(run.t, run["score"])
    return figure


STUDY = Study(
    name="toy",
    asks="Is it late?",
    scored="decades",
    question=Question(),
    models={"late": Model(late, Late(), off={"lag": 0.0}), "mute": Silent("it has no clock")},
    judge=judge,
    picture=draw,
    presets={"quick": {}, "paper": {"late.n_times": 200, "late.off.label": "b"}},
)
