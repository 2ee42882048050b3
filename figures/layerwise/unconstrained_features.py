"""Figure 5, Section 5.2 and Appendix F of Nam et al. (2025): neural collapse in the unconstrained feature model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data, Grid, PaperFigure
from figures.layerwise.unconstrained_features_claims import CLAIMS, start_of_a_tenth
from toymodels.layerwise import UnconstrainedFeatures
from toymodels.metrics import collapse

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class UnconstrainedFeatureRuns(Settings):
    """Sizes of the model, its starts, and the length of training.

    Parameters
    ----------
    n_classes : int
        Classes, all of the same size.
    n_per_class : int
        Examples of each.
    width : int
        Dimension of the features.
    scales : tuple of float
        Starts, as the expected norm of a feature, the largest first; 0.1 is judged.
    decay : float
        Weight decay of the control from the largest start.
    replicates : int
        Runs from each start.
    n_times : int
        Flow times at which collapse is measured, log-spaced.
    end : float
        The last of them.
    """

    n_classes: int = 10
    n_per_class: int = 20
    width: int = 64
    scales: tuple[float, ...] = (1.0, 0.3, 0.1, 0.03)
    decay: float = 0.05
    replicates: int = 3
    n_times: int = 30
    end: float = 40.0


def train(settings: UnconstrainedFeatureRuns, rng: np.random.Generator, scale: float) -> dict[str, np.ndarray]:
    """Measures of collapse along training, (n_t,) each, and the numbers of large singular values of the features."""
    model = UnconstrainedFeatures(
        settings.n_classes, settings.n_per_class, settings.width, scale / np.sqrt(settings.width), settings.decay
    )
    run = model.solve(np.append(0, np.geomspace(1e-2, settings.end, settings.n_times)), rng)
    values = np.linalg.svd(run["features"][-1], compute_uv=False)
    rows = [_measure(h.T, model.labels, w) for h, w in zip(run["features"], run["weights"], strict=True)]
    measured = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {**measured, "loss": run["loss"], "t": run.t, "rank": (values > 0.1 * values[0]).sum()}


def _measure(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The four conditions of collapse, each 0 when met, and the variability within classes over that between."""
    equinorm, equiangular = collapse.nc2(features, labels)
    return {
        "nc1": collapse.nc1(features, labels),
        "within_between": collapse.within_between(features, labels),
        "equinorm": equinorm,
        "equiangular": equiangular,
        "nc3": collapse.nc3(features, labels, weights),
        "nc4": collapse.nc4(features, labels, weights),
    }


def balanced_start(
    settings: UnconstrainedFeatureRuns, rng: np.random.Generator, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, width) and features (width, K n), random but for W'W = HH'; a feature's expected norm is `scale`."""
    k, n = settings.n_classes, settings.n_classes * settings.n_per_class
    left, values, right = np.linalg.svd(rng.standard_normal((k, settings.width)), full_matrices=False)
    values *= scale * np.sqrt(n) / np.linalg.norm(values)
    samples = np.linalg.qr(rng.standard_normal((n, k)))[0]
    return left * values @ right, right.T * values @ samples.T


def train_balanced(settings: UnconstrainedFeatureRuns, rng: np.random.Generator, scale: float) -> dict[str, float]:
    """What is left at the end, from a balanced start and of its size then, of the variability within classes."""
    k, n, width = settings.n_classes, settings.n_per_class, settings.width
    model = UnconstrainedFeatures(k, n, width, scale / np.sqrt(width), centered=False)
    run = model.flow([0, settings.end], *balanced_start(settings, rng, scale))
    by_class = run["features"].reshape(2, width, k, n)
    within = ((by_class - by_class.mean(axis=-1, keepdims=True)) ** 2).sum(axis=(1, 2, 3))
    return {"left": within[1] / within[0]}


def compute(settings: UnconstrainedFeatureRuns, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """All scales, weight decay from the largest start as a control, and a balanced start."""
    seeds = rng.integers(2**31, size=2).tolist()
    plain, replicates = replace(settings, decay=0.0), settings.replicates
    runs = grid(partial(train, plain), {"scale": settings.scales}, replicates=replicates, seed=seeds[0])
    decayed = grid(partial(train, settings), {"scale": settings.scales[:1]}, replicates=replicates, seed=seeds[1])
    balanced = grid(
        partial(train_balanced, plain), {"scale": [0.1]}, replicates=replicates, seed=int(rng.integers(2**31))
    )
    data = {str(name): values.values for name, values in runs.data_vars.items() if name != "t"}  # (scale, run, n_t)
    return {
        **data,
        "scales": np.array(settings.scales),
        "t": runs["t"].values[0, 0],
        "decayed": decayed["within_between"].values[0],
        "balanced": balanced["left"].values[0],
        "n_classes": np.array(settings.n_classes),
    }


def draw(data: Data, settings: UnconstrainedFeatureRuns) -> Figure:
    """Collapse along training from the start of 0.1, and its end against the scale of the start."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(11, 3.7), layout="constrained")
    axes = figure.subplots(1, 3)
    labels = {
        "nc1": "NC1",
        "within_between": "tr within / tr between",
        "equinorm": "NC2, lengths",
        "equiangular": "NC2, angles",
        "nc3": "NC3, classifier",
    }
    k = start_of_a_tenth(data)
    for colour, (name, label) in zip(style.ORDER, labels.items(), strict=False):
        axes[0].loglog(data["t"][1:], np.median(data[name][k], axis=0)[1:], color=colour, label=label)
    axes[0].set(xlabel="flow time", ylabel="distance from collapse", title=f"start {data['scales'][k]:g}")
    axes[0].legend(fontsize=8, loc="lower left")
    for colour, name in zip(style.ORDER, ("nc1", "within_between"), strict=False):
        values = data[name][..., -1]
        axes[1].loglog(data["scales"], np.median(values, axis=1), "o-", color=colour, label=labels[name])
    axes[1].set(xlabel="size of the start", ylabel="at the end", title="variability within classes")
    axes[1].legend(fontsize=8)
    for i, scale in enumerate(data["scales"]):
        axes[2].loglog(
            data["t"][1:], np.median(data["within_between"][i], axis=0)[1:], color=style.ORDER[i], label=f"{scale:g}"
        )
    decayed = np.median(data["decayed"], axis=0)[1:]
    label = f"{data['scales'][0]:g}, weight decay"
    axes[2].loglog(data["t"][1:], decayed, color=style.ORDER[0], ls="--", label=label)
    axes[2].set(xlabel="flow time", ylabel="tr within / tr between", title="by start")
    axes[2].legend(fontsize=8)
    for ax in axes:
        style.tidy(ax)
    return figure


FIGURE = PaperFigure(
    name="layerwise/unconstrained_features",
    caption=(
        "Figure 5, Section 5.2 and Appendix F. Neural collapse in the unconstrained feature model: the class means "
        "become a simplex, but variability outside of their space stays at its initial value. The paper's figure 5 is "
        "a picture of a real network's features; here 10 classes of 20 examples, features of dimension 64, Gaussian "
        "start (its size is the expected norm of a feature), centred one-hot targets, flow time 40 (all our choice). "
        "NC1 is Papyan's, which sees only the space of the class means. Not drawn: an exactly balanced start of 0.1 "
        "with targets that are not centred, as in Section 5.2; then all features lie where the classifier looks."
    ),
    presets={
        "quick": UnconstrainedFeatureRuns(),
        "paper": UnconstrainedFeatureRuns(scales=(1.0, 0.3, 0.1, 0.03, 0.01), replicates=10),
    },
    compute=compute,
    draw=draw,
    seconds=6,
    cost="about 3 min on one core (estimated from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_ufm", "fig-5", "section-5.2", "appendix-f"),
    stream="layerwise_ufm",
)
