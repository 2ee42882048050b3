"""Appendix J.1 of Nam et al. (2025), dynamics and generalisation: train and test error over time with noisy labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import CONTROL, READING, Claim, Quantity, every, value
from toymodels.layerwise import TeacherStudent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAYERS = (1, 2)


@dataclass(frozen=True)
class TeacherStudentRuns(Settings):
    """Sizes of the data, their noise, and where the losses are recorded.

    Parameters
    ----------
    dim : int
        Inputs d.
    n_samples : int
        Training examples of the curves over time, more than `dim`.
    noise : float
        Standard deviation of the noise in the labels.
    ratios : tuple of float
        Samples over inputs n/d of the cuts, ascending; 1 is among them.
    cuts : tuple of float
        Flow times of the cuts, ascending.
    replicates : int
        Data sets.
    n_times : int
        Flow times of the curves, log-spaced.
    """

    dim: int = 200
    n_samples: int = 240
    noise: float = 0.5
    ratios: tuple[float, ...] = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0)
    cuts: tuple[float, ...] = (3.0, 30.0, 3000.0)
    replicates: int = 20
    n_times: int = 120

    @property
    def times(self) -> np.ndarray:
        """Flow times of the curves (n_times,)."""
        return np.geomspace(0.03, 1e4, self.n_times)


def compute(settings: TeacherStudentRuns, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """The average over time with and without noise, single data sets beside it, and cuts over the number of samples."""
    runs = grid(
        partial(one_set, settings), {"layers": LAYERS}, replicates=settings.replicates, seed=int(rng.integers(2**31))
    )
    data = {str(name): values.values for name, values in runs.data_vars.items()}  # (layers, data sets, ...)
    average = TeacherStudent(settings.dim, settings.n_samples, settings.noise)
    clean = TeacherStudent(settings.dim, settings.n_samples, 0.0)
    told, stop = average.solve(settings.times), average.optimal_stopping()
    cuts = [samples(settings, ratio) for ratio in settings.ratios]
    return data | {
        "t": settings.times,
        "told_train": told["train_loss"],
        "told_test": told["test_loss"],
        "clean_test": clean.solve(settings.times)["test_loss"],
        "stop": np.array(stop),
        "ratios": np.array(settings.ratios),
        "cuts": np.array(settings.cuts),
        "cut_loss": np.array([losses for losses, _ in cuts]),  # (ratios, cuts)
        "stopped_loss": np.array([loss for _, loss in cuts]),
    }


def one_set(settings: TeacherStudentRuns, rng: np.random.Generator, layers: int) -> dict[str, Any]:
    """Losses of a student of one data set, its best time, and its loss when it stops at the average's."""
    model = TeacherStudent(settings.dim, settings.n_samples, settings.noise)
    student = TeacherStudent(settings.dim, settings.n_samples, settings.noise, layers).draw(rng)
    run, (best_t, best) = student.solve(settings.times), student.optimal_stopping()
    stopped = student.solve([model.optimal_stopping()[0]])["test_loss"][0]
    return {
        "train": run["train_loss"],
        "test": run["test_loss"],
        "best_t": best_t,
        "best": best,
        "stopped": stopped,
    }


def samples(settings: TeacherStudentRuns, ratio: float) -> tuple[np.ndarray, float]:
    """Average test loss at every cut (n_cuts,), and at the best time, with `ratio` times as many samples as inputs."""
    model = TeacherStudent(settings.dim, round(ratio * settings.dim), settings.noise)
    return model.solve(settings.cuts)["test_loss"], model.optimal_stopping()[1]


def draw(data: Data, settings: TeacherStudentRuns) -> Figure:
    """Losses over time for one layer and for two, then the test loss over the number of samples."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(13, 3.8), layout="constrained")
    axes = figure.subplots(1, 3)
    for ax, layers, title in zip(axes, range(len(LAYERS)), ("one layer", "two layers, small start"), strict=False):
        _draw_sets(ax, data, layers)
        ax.set(title=title, ylabel="loss", ylim=(0, 1.9 * data["told_test"].max()))
    axes[0].plot(data["t"], data["told_test"], color=style.ORDER[3], lw=2.5, label="test, average")
    axes[0].plot(data["t"], data["told_train"], color=style.ORDER[4], lw=2.5, label="train, average")
    axes[0].plot(data["t"], data["clean_test"], "k:", lw=1.5, label="test, no noise")
    axes[0].plot(*data["stop"], "k*", ms=11, label="best time to stop")
    for k, cut in enumerate(data["cuts"]):
        label, colour = f"at flow time {cut:g}", style.ORDER[(1, 4, 3)[k % 3]]
        axes[2].plot(data["ratios"], data["cut_loss"][:, k], "o-", ms=3, color=colour, label=label)
    axes[2].plot(data["ratios"], data["stopped_loss"], "k--", label="at the best time")
    axes[2].axvline(1, color="0.6", lw=0.8, ls=":")
    axes[2].set(xlabel="samples over inputs $n/d$", ylabel="test loss", xscale="log", yscale="log", title="average")
    axes[2].set_xticks([0.25, 0.5, 1, 2, 4], labels=["0.25", "0.5", "1", "2", "4"], minor=False)
    axes[2].set_xticks([], minor=True)
    for ax, columns, place in zip(axes, (2, 1, 1), ("upper center", "upper center", "best"), strict=True):
        ax.legend(fontsize=8, ncols=columns, loc=place)
        style.tidy(ax)
    return figure


def _draw_sets(axes: Axes, data: Data, layers: int) -> None:
    """Thin lines of single data sets, with a mark at the best time of each."""
    from comparisons.harness import style

    others = ["_"] * (len(data["test"][layers]) - 1)
    for name, colour in (("train", style.ORDER[4]), ("test", style.ORDER[3])):
        label = [f"{name}, single data sets", *others]
        axes.plot(data["t"], data[name][layers].T, color=colour, lw=0.6, alpha=0.4, label=label)
    axes.plot(data["best_t"][layers], data["best"][layers], "|", color="k", ms=7, label="their best times")
    style.log_time(axes, "flow time")


def average_error(data: Data) -> np.ndarray:
    """Largest distance of the mean test loss of the data sets from the average, over the latter, one layer."""
    return np.abs(data["test"][0].mean(axis=0) / data["told_test"] - 1).max()


def overfits(layers: int) -> Callable[[Data], np.ndarray]:
    """Last test loss over the lowest, per data set."""
    return lambda data: data["test"][layers, :, -1] / data["best"][layers]


def peak(data: Data) -> np.ndarray:
    """Latest cut: loss at n = d over the larger of those at half and at twice as many samples, one value."""
    late, ratios = data["cut_loss"][:, -1], data["ratios"]
    around = np.exp(np.interp(np.log([0.5, 2.0]), np.log(ratios), np.log(late)))
    return late[np.argmin(np.abs(ratios - 1))] / around.max()


def largest_rise(data: Data) -> np.ndarray:
    """Largest ratio of the stopped loss to that with fewer samples, neighbouring ratios, one value."""
    return (data["stopped_loss"][1:] / data["stopped_loss"][:-1]).max()


PLACE = "Appendix J.1"
every_set = every("data set")
CLAIMS = (
    Claim(
        "teacher_student.average",
        PLACE,
        "The formula of large dimension is the average over data sets (Advani, Saxe, Sompolinsky 2020).",
        Quantity(
            "one layer: largest relative distance of the mean test loss of 20 data sets from it, all times",
            average_error,
        ),
        value < 0.15,
        source=CONTROL,
    ),
    Claim(
        "teacher_student.overfits",
        PLACE,
        "With noisy labels the test loss falls, then rises as the noise is fitted.",
        Quantity("one layer: test loss in the end over its lowest", overfits(0)),
        every_set > 1.5,
        source=READING,
    ),
    Claim(
        "teacher_student.no-noise",
        PLACE,
        "Without noise it only falls.",
        Quantity("average: largest step up of the test loss", lambda data: np.diff(data["clean_test"]).max()),
        value <= 0,
        source=CONTROL,
    ),
    Claim(
        "teacher_student.greedy-overfits",
        PLACE,
        "Greedy dynamics alone do not ensure generalisation: two layers from a small start fit the noise as well.",
        Quantity("two layers from a start of 0.03: test loss in the end over its lowest", overfits(1)),
        every_set > 1.5,
        source=READING,
    ),
    Claim(
        "teacher_student.stopping",
        PLACE,
        "The best time to stop can be told beforehand.",
        Quantity(
            "one layer: test loss of a data set at the best time of the average, over its own lowest",
            lambda data: data["stopped"][0] / data["best"][0],
        ),
        every_set < 1.05,
        source=READING,
        why="most data sets lose less than 1 %, but the unluckiest of 20 loses 5 %; in 1,000 dimensions it is 1 %",
        defence="the theory is that of large dimension, where data sets differ less",
    ),
    Claim(
        "teacher_student.double-descent",
        PLACE,
        "At late times the test loss has a peak where there are as many samples as inputs: double descent.",
        Quantity("flow time 3000: loss at n = d over the larger of those at n = d/2 and n = 2d, average", peak),
        value > 2,
        source=READING,
    ),
    Claim(
        "teacher_student.stopping-removes-it",
        PLACE,
        "Stopped at its best time, the student is the better the more samples it has.",
        Quantity("average at the best time: largest loss over that with the next smaller number", largest_rise),
        value < 1,
        source=READING,
    ),
)
FIGURE = PaperFigure(
    name="layerwise/teacher_student",
    caption=(
        "Appendix J.1. When dynamics generalise, and when they do not: a linear student of a linear teacher with noisy "
        "labels, after Advani, Saxe and Sompolinsky (2020), arXiv:1710.03667. Train and test loss over time for one "
        "layer, on average in closed form and for single data sets, and for two layers from a small start; the best "
        "time to stop; double descent over the number of samples as the late cut. The paper asks the question and "
        "shows no such figure; 200 inputs, 240 samples and a noise of 0.5 are ours. Test losses are on labels without "
        "noise."
    ),
    presets={"quick": TeacherStudentRuns(), "paper": TeacherStudentRuns(dim=1000, n_samples=1200, replicates=50)},
    compute=compute,
    draw=draw,
    seconds=5,
    cost="about 5 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("appendix-j.1",),
)
