"""Section 3 asked further: each new orientation and its plateau, with forecasts from the residual of that plateau."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from comparisons.harness.style import FAMILY, ORDER
from figures.condensation.new_orientations_claims import BASES, CLAIMS, KINDS, of_kink, of_side
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels import Trajectory
from toymodels.condensation import TwoLayerNetwork, descents, forecast, new_orientations, relu_ends
from toymodels.condensation.grouping import count_orientations
from toymodels.condensation.presets import figure_one_data, random_kinks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIRST_RECORD = 30  # epochs
WIDTH, STD, LR = 100, 1e-4, 0.1  # figure 1's
NAMES = ("targets", "another run's residual", "residual", "residual and small neurons")
SHADES = ("#999999", ORDER[1], FAMILY["condensation"], "black")


@dataclass(frozen=True)
class NewOrientations(Settings):
    """How many networks for each kind of target, and how finely they are watched.

    Parameters
    ----------
    replicates : int
        Networks, each with targets of its own where these are random.
    n_steps : int
        Epochs.
    records : int
        Records, evenly spaced on a logarithmic axis.
    """

    replicates: int = 20
    n_steps: int = 100_000
    records: int = 300


def watched(settings: NewOrientations, rng: np.random.Generator, kind: str) -> dict[str, np.ndarray]:
    """Losses and numbers of orientations (n_t, run), new ones and descents (run,), and a column for each new one."""
    x, y = figure_one_data()
    size = settings.replicates
    targets = random_kinks(x, rng, size) if kind == "random" else np.tile(y, (size, 1))
    start = TwoLayerNetwork.random(WIDTH, 1, STD, "relu", rng, replicates=size)
    records = sorted({round(step) for step in np.geomspace(FIRST_RECORD, settings.n_steps, settings.records)})
    run = start.train(x, targets, settings.n_steps, LR, records)
    rows = [row for k in range(size) for row in forecasts(run, k, x, targets[k])]
    residuals = [row.pop("residual") for row in rows]
    columns = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
    lent = rows_of_another_run(columns["run"])
    steps = zip(run["a"], run["w"], strict=True)
    return {
        **columns,
        "from_other": np.array([relu_ends(x, residuals[j]).angle[0] for j in lent]),
        "t": run.t,
        "loss": run["loss"],
        "count": np.array([[count_orientations(*one) for one in zip(*step, strict=True)] for step in steps]),
        "born": np.bincount(columns["run"].astype(int), minlength=size),
        "left": np.array([len(descents(run.t, loss)) for loss in run["loss"].T]),
    }


def rows_of_another_run(runs: np.ndarray) -> list[int]:
    """For each row of `runs` (n_rows,) the next one of another run, from the first on again after the last.

    >>> rows_of_another_run(np.array([0, 0, 1, 2]))
    [2, 2, 3, 0]

    Raises
    ------
    ValueError
        If all rows are of one run, so that there is no other to lend its residual.
    """
    if len(set(runs)) < 2:
        raise ValueError(f"replicates must be networks of which two have a new orientation, got rows of runs {runs}")
    ahead = [np.roll(np.arange(len(runs)), -row) for row in range(len(runs))]
    return [int(rows[runs[rows] != runs[row]][0]) for row, rows in enumerate(ahead)]


def forecasts(run: Trajectory, k: int, x: np.ndarray, y: np.ndarray) -> Iterator[dict]:
    """What the plateau before each new orientation of network `k` says of it; the opposite where it foretells none."""
    a, w = run["a"][:, k], run["w"][:, k]
    for new in new_orientations(run.t, a, w, run["loss"][:, k]):
        resting = TwoLayerNetwork(a[new.plateau], w[new.plateau])
        residual = y - resting(x)
        expected = forecast(x, residual, resting.a, resting.w, new.small)
        yield {
            "run": k,
            "epoch": run.t[new.record],
            "plateau": run.t[new.plateau],
            "angle": new.angle,
            "share": new.share,
            "fastest": relu_ends(x, residual).angle[0],
            "from_targets": relu_ends(x, y).angle[0],
            "forecast": np.pi + new.angle if expected is None else expected.angle,
            "wait": 0.0 if expected is None else expected.wait / LR,
            "residual": residual,
        }


def compute(settings: NewOrientations, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Networks on random targets and on that of figure 1; their numbers of new orientations differ, so do the grids."""
    data = {}
    for kind in KINDS:
        run = grid(partial(watched, settings), {"kind": [kind]}, seed=int(rng.integers(2**31)))
        data |= {f"{kind}_{name}": values.values[0, 0] for name, values in run.data_vars.items()}
    return data


def draw(data: Data, settings: NewOrientations) -> Figure:
    """A run of each kind; new orientations against forecasts; their errors; new orientations against descents."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import tidy

    figure = Figure(figsize=(12, 6.6), layout="constrained")
    axes = figure.subplots(2, 3)
    draw_run(axes[0, 0], data, "figure_one", "figure 1's target, one run")
    draw_run(axes[1, 0], data, "random", "a random target, one run")
    draw_forecasts(axes[0, 1], data)
    draw_matches(axes[1, 1], data)
    draw_errors(axes[0, 2], data, of_kink, np.pi / 2, "kink: angle between lines (rad)")
    draw_errors(axes[1, 2], data, of_side, np.pi, "direction: angle (rad)")
    axes[0, 2].legend(
        fontsize=8, title="forecast from", title_fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncol=2
    )
    for panel in axes.flat:
        tidy(panel)
    return figure


def draw_run(axes: Axes, data: Data, kind: str, title: str) -> None:
    """Loss of the run with most new orientations, which are marked by their angle, and the plateaus before them."""
    k = int(np.argmax(data[f"{kind}_born"]))
    loss = data[f"{kind}_loss"][:, k]
    axes.loglog(data[f"{kind}_t"], loss, color=FAMILY["condensation"])
    for place, row in enumerate(np.flatnonzero(data[f"{kind}_run"] == k)):
        epoch, plateau = data[f"{kind}_epoch"][row], data[f"{kind}_plateau"][row]
        levels = np.interp([plateau, epoch], data[f"{kind}_t"], loss)
        axes.plot(plateau, levels[0], "s", color="white", markeredgecolor="black", markersize=5)
        axes.plot(epoch, levels[1], "o", color="black", markersize=4)
        label = f"{data[f'{kind}_angle'][row]:+.2f}"
        shift = (4, 4) if place % 2 == 0 else (-28, -13)
        axes.annotate(label, (epoch, levels[1]), shift, textcoords="offset points", fontsize=8)
    axes.margins(y=0.12)
    axes.set(xlabel="epoch", ylabel="loss", xlim=(FIRST_RECORD, None), title=title)


def draw_forecasts(axes: Axes, data: Data) -> None:
    """Angles of all new orientations against those that the plateau foretells."""
    for kind, marker in zip(KINDS, "o^", strict=True):
        seen = data[f"{kind}_angle"]
        for basis, shade in zip(BASES[2:], SHADES[2:], strict=True):
            filled = "none" if basis == "forecast" else shade
            axes.plot(
                data[f"{kind}_{basis}"], seen, marker, color=shade, markerfacecolor=filled, markersize=6, alpha=0.7
            )
    axes.axline((0, 0), slope=1, color="black", linewidth=0.8)
    for shift in (-np.pi, np.pi):
        axes.axline((0, shift), slope=1, color="black", linewidth=0.8, linestyle=":")
    axes.set(
        xlabel="foretold angle (rad)", ylabel="angle of the new orientation (rad)", xlim=(-3.4, 3.4), ylim=(-3.4, 3.4)
    )
    axes.set_title("dotted: the other side of the same kink", fontsize=9)


def draw_errors(axes: Axes, data: Data, error, largest: float, label: str) -> None:
    """Shares of the new orientations, random targets, up to each error; chance is the straight line."""
    for basis, name, shade in zip(BASES, NAMES, SHADES, strict=True):
        errors = np.sort(error(data, basis))
        axes.step(
            [0, *errors, largest],
            [0, *np.arange(1, len(errors) + 1) / len(errors), 1],
            where="post",
            color=shade,
            label=name,
        )
    axes.plot([0, largest], [0, 1], color="black", linewidth=0.8, linestyle="--", label="chance")
    axes.set(xlabel=label, ylabel="part of the new orientations", xlim=(0, largest), ylim=(0, 1.02))


def draw_matches(axes: Axes, data: Data) -> None:
    """New orientations of every run against its descents after the first; areas are numbers of runs."""
    for kind, marker, shade in zip(KINDS, "o^", (FAMILY["condensation"], "#999999"), strict=True):
        pairs = np.stack([data[f"{kind}_left"] - 1, data[f"{kind}_born"]], axis=1)
        places, runs = np.unique(pairs, axis=0, return_counts=True)
        name = "random targets" if kind == "random" else "figure 1's target"
        axes.scatter(*places.T, s=25 * runs, marker=marker, color=shade, alpha=0.7, label=name)
    axes.axline((0, 0), slope=1, color="black", linewidth=0.8)
    axes.set(xlabel="descents after the first", ylabel="new orientations, every run")
    axes.legend(fontsize=8, markerscale=0.6)


FIGURE = PaperFigure(
    name="condensation/new_orientations",
    caption=(
        "Section 3 asked further. Neurons that are still small on a plateau follow the initial flow with the residual "
        "in place of the targets: its fastest end is the kink of the next orientation, and the sizes of the small "
        "neurons say which side of it comes first. Setting of figure 1 with its target and with random targets of four "
        "kinks; squares are plateaus, where the forecast is made, dots the first records at which an orientation "
        "carries 2 % of the mass. Right, random targets, with forecasts from the targets and from another run's "
        "residual as controls."
    ),
    presets={"quick": NewOrientations(), "paper": NewOrientations(replicates=100, records=600)},
    compute=compute,
    draw=draw,
    claims=CLAIMS,
    seconds=22,
    cost="about 4 CPU minutes (estimated from the quick preset)",
    aliases=("condensation_next",),
    stream="condensation_next",
)
