"""Section 6.3 and Appendix G.3 of Nam et al. (2025): modular addition by a transformer with light token embeddings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.curves import first_times
from figures.harness.figure import Data, Grid, PaperFigure
from toymodels.claims import AFTER, Claim, Decisive, Quantity, median

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVEL = 0.95
PUBLISHED = 113  # modulus of arXiv:2301.05217


@dataclass(frozen=True)
class ModularAdditionRuns(Settings):
    """Factors on the first token embeddings, and the sizes of task and transformer; they default to a toy.

    Parameters
    ----------
    scales : tuple of float
        Factors on the initial token embeddings; the first is 1, the last is judged.
    modulus : int
        p of the task (a + b) mod p.
    train_fraction : float
        Share of the pairs that are trained on.
    d_model : int
        Dimension of the embeddings.
    d_hidden : int
        Hidden units of the layer after attention.
    n_steps : int
        Steps, each with all training pairs.
    lr : float
        Learning rate.
    records : int
        Steps at which accuracies are recorded.
    replicates : int
        Transformers with every factor.
    """

    scales: tuple[float, ...] = (1.0, 0.3)
    modulus: int = 31
    train_fraction: float = 0.7
    d_model: int = 48
    d_hidden: int = 96
    n_steps: int = 2000
    lr: float = 3e-3
    records: int = 80
    replicates: int = 3


def compute(settings: ModularAdditionRuns, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """Training and test accuracy (scales, runs, records) against steps."""
    axes, seed = {"scale": settings.scales}, int(rng.integers(2**32))
    runs = grid(partial(one_run, settings), axes, replicates=settings.replicates, seed=seed)
    data = {name: runs[name].values for name in ("train", "test")}
    steps = runs["steps"].values[0, 0]
    return data | {"steps": steps, "scales": np.array(settings.scales), "modulus": np.array(settings.modulus)}


def one_run(settings: ModularAdditionRuns, rng: np.random.Generator, scale: float) -> dict[str, np.ndarray]:
    """Accuracies of one transformer whose token embeddings start at `scale` times their usual size."""
    from comparisons.digits import record_steps
    from dnn.tasks.modular_addition import ModularAddition
    from dnn.training.loop import train

    task = ModularAddition(
        settings.modulus, settings.train_fraction, settings.d_model, settings.d_hidden, embedding_scale=scale
    )
    steps = record_steps(settings.n_steps, settings.records)
    config = replace(task.config, n_steps=settings.n_steps, lr=settings.lr, records=steps, device=settings.device)
    run = train(task.network(rng), task.split(rng), config, rng)
    return {"steps": run.t, "train": run["train_accuracy"], "test": run["test_accuracy"]}


def times(data: Data, part: str, scale: int) -> np.ndarray:
    """Step (runs,) at which 95 % of the pairs are right; the last step, a lower bound, if never."""
    return np.minimum(first_times(data["steps"], data[part][scale], LEVEL), data["steps"][-1])


def delay(data: Data, scale: int = 0) -> np.ndarray:
    """Decades between fit and generalisation of each run."""
    return np.log10(times(data, "test", scale) / times(data, "train", scale))


def usual_generalises(data: Data) -> bool:
    """Whether the usual network reaches the level in most runs; else neither delay nor gain is known, only bounds."""
    return bool(np.median(first_times(data["steps"], data["test"][0], LEVEL)) < np.inf)


def gain(data: Data) -> np.ndarray:
    """Time to generalisation with the lightest embeddings, over the median of the usual one, every run."""
    return times(data, "test", -1) / np.median(times(data, "test", 0))


GENERALISES = "usual networks most of which generalise"
CLAIMS = (
    Claim(
        "modular_addition.delay",
        "Section 6.3, Appendix G.3",
        "A transformer fits modular addition long before it generalises.",
        Quantity(
            f"decades of steps between training and test accuracy {LEVEL} (or the last step), usual embeddings", delay
        ),
        median > 0.5,
        fixed=AFTER,
        decisive=Decisive(GENERALISES, usual_generalises),
        why="at this size the delay is short",
    ),
    Claim(
        "modular_addition.light-embeddings",
        "Section 6.3, Appendix G.3",
        "Light token embeddings shorten the time to generalisation.",
        Quantity(
            f"step of test accuracy {LEVEL} (or the last step) with light embeddings, over the median with usual ones",
            gain,
        ),
        median < 0.8,
        fixed=AFTER,
        decisive=Decisive(GENERALISES, usual_generalises),
        why="lighter embeddings do not generalise sooner at this size",
        defence=f"the quick preset is a toy of modulus 31, the published one {PUBLISHED}",
    ),
)


def _draw_times(axes: Axes, data: Data, scale: int, colour: str) -> None:
    """Times of fit (open) and of generalisation (filled), an arrow up where the run ended before."""
    place = scale + np.linspace(-0.1, 0.1, data["test"].shape[1])
    reached = np.isfinite(first_times(data["steps"], data["test"][scale], LEVEL))
    late = times(data, "test", scale)
    axes.plot(place, times(data, "train", scale), "o", mfc="none", color=colour, label="train" if scale == 0 else None)
    axes.plot(place[reached], late[reached], "o", color=colour, label="test" if scale == 0 else None)
    for x, y in zip(place[~reached], late[~reached], strict=True):
        axes.annotate("", (x, 1.6 * y), (x, y), arrowprops={"arrowstyle": "->", "color": colour})


def draw(data: Data, settings: ModularAdditionRuns) -> Figure:
    """Accuracies along training, and the two times of every run."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import FAMILY, ORDER, log_time, tidy

    figure = Figure(figsize=(9.5, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    for i, scale in enumerate(data["scales"]):
        colour = FAMILY["layerwise"] if i == 0 else ORDER[0]
        for run, (train, test) in enumerate(zip(data["train"][i], data["test"][i], strict=True)):
            axes[0].plot(data["steps"], train, "--", color=colour, lw=1, alpha=0.6)
            axes[0].plot(data["steps"], test, color=colour, label=f"embeddings x {scale:g}" if run == 0 else None)
        _draw_times(axes[1], data, i, colour)
    log_time(axes[0], "step (= epoch)")
    axes[0].set(ylabel="accuracy (dashed: train)", ylim=(0, 1.03), title=f"(a + b) mod {settings.modulus}")
    labels = [f"{scale:g}" for scale in data["scales"]]
    axes[1].set(xticks=range(len(labels)), xticklabels=labels, xlabel="factor on token embeddings", yscale="log")
    axes[1].set(ylabel=f"step of accuracy {LEVEL}", title="fit and generalisation", xlim=(-0.5, len(labels) - 0.5))
    axes[1].set_ylim(top=3 * data["steps"][-1])
    for ax in axes:
        ax.legend(fontsize=8)
        tidy(ax)
    return figure


FIGURE = PaperFigure(
    name="layerwise/modular_addition",
    caption=(
        "Section 6.3 and Appendix G.3. Delayed generalisation of modular addition with usual and with light "
        "(upstream) token embeddings. The paper reports it in words from Kunin et al. (2024); factor and size are "
        "chosen here: factor 0.3, a one-layer transformer trained with full-batch AdamW, decay 1. The paper preset is "
        "p = 113 with 30 % of the pairs (arXiv:2301.05217), the quick one a toy of p = 31 with 70 %, chosen on other "
        "seeds so that the usual network generalises within the run. Seeds vary widely: of four pairs tried then, "
        "light embeddings were faster in one and slower in two. An arrow marks a run that ended before it reached the "
        "level."
    ),
    presets={
        "quick": ModularAdditionRuns(),
        "paper": ModularAdditionRuns(
            scales=(1.0, 0.3, 0.1),
            modulus=PUBLISHED,
            train_fraction=0.3,
            d_model=128,
            d_hidden=512,
            n_steps=25_000,
            lr=1e-3,
            records=120,
        ),
    },
    compute=compute,
    draw=draw,
    seconds=160,
    cost="hours on a CPU, for a GPU (not measured)",
    claims=CLAIMS,
    aliases=("layerwise_modular", "section-6.3", "appendix-g.3"),
    stream="layerwise_modular",
)
