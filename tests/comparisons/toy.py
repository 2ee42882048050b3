"""A study in a blink, for testing the harness: an exponential approach with a late second curve."""

from dataclasses import dataclass

import numpy as np

from comparisons.study import BaseParams, Knob, Silent, Study, Verdict
from toymodels.trajectory import SimulationError, Trajectory


@dataclass(frozen=True)
class Params(BaseParams):
    lag: float = 2.0
    n_times: int = 20
    label: str = "a"
    loud: bool = True
    sizes: tuple = (1, 2)


def late(p, rng):
    t = np.geomspace(1, 1e4, p.n_times)
    noise = 0.01 * rng.random()
    return Trajectory(t, {"train": np.full(p.n_times, 1.0), "score": np.full(p.n_times, p.lag + noise)}, clock="step")


def at_once(p, rng):
    run = late(p, rng)
    return Trajectory(run.t, {"score": 0 * run["score"]}, clock="step")


def broken(p, rng):
    raise SimulationError("loss is not finite at step 3")


def judge(runs, p):
    return Verdict.from_scores([run["score"][-1] for run in runs], 0.3, 0.5)


def plot(runs, verdicts, p):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([0, 1])
    return figure


STUDY = Study(
    name="toy",
    question="Is it late?",
    presets={"quick": Params(), "paper": Params(n_times=200)},
    models={"late": Knob(late, at_once, "lag 2 -> 0"), "mute": Silent("it has no clock")},
    judge=judge,
    plot=plot,
)
