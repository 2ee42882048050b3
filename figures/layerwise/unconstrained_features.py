"""Neural collapse in the unconstrained feature model (Nam et al. 2025, section 5.2 and appendix F, figure 5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Claim, Data, Grid, PaperFigure, all_above, all_below
from toymodels.layerwise import UnconstrainedFeatures
from toymodels.metrics import collapse


@dataclass(frozen=True)
class UnconstrainedFeatureRuns(Settings):
    """Sizes of the model, starts (expected norm of a feature), and runs at each."""

    n_classes: int = 10
    n_per_class: int = 20
    width: int = 64
    scales: tuple = (1.0, 0.3, 0.1, 0.03)
    decay: float = 0.05
    replicas: int = 3
    n_times: int = 30
    end: float = 40.0


def train(
    scale: float, rng: np.random.Generator, settings: UnconstrainedFeatureRuns, decay: float
) -> dict[str, np.ndarray]:
    """Measures of collapse along training, (n_t,) each, and the numbers of large singular values of the features."""
    model = UnconstrainedFeatures(
        settings.n_classes, settings.n_per_class, settings.width, scale / np.sqrt(settings.width), decay
    )
    run = model.solve(np.append(0, np.geomspace(1e-2, settings.end, settings.n_times)), rng)
    values = np.linalg.svd(run["features"][-1], compute_uv=False)
    rows = [_measure(h.T, model.labels, w) for h, w in zip(run["features"], run["weights"], strict=True)]
    measured = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {**measured, "loss": run["loss"], "t": run.t, "rank": (values > 0.1 * values[0]).sum()}


def _measure(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    equinorm, equiangular = collapse.nc2(features, labels)
    return {
        "nc1": collapse.nc1(features, labels),
        "within_between": collapse.within_between(features, labels),
        "equinorm": equinorm,
        "equiangular": equiangular,
        "nc3": collapse.nc3(features, labels, weights),
        "nc4": collapse.nc4(features, labels, weights),
    }


def compute(settings: UnconstrainedFeatureRuns, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """All scales, and weight decay from the largest start as a control."""
    seeds = rng.integers(2**31, size=2).tolist()
    runs = grid(partial(train, p=p, decay=0.0), {"scale": settings.scales}, replicates=settings.replicas, seed=seeds[0])
    decayed = grid(
        partial(train, p=p, decay=settings.decay),
        {"scale": settings.scales[:1]},
        replicates=settings.replicas,
        seed=seeds[1],
    )
    data = {
        str(name): values.values for name, values in runs.data_vars.items() if name != "t"
    }  # (scale, replicate, n_t)
    return {
        **data,
        "scales": np.array(settings.scales),
        "t": runs["t"].values[0, 0],
        "decayed": decayed["within_between"].values[0],
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
    k = _index(data)
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


def _index(data: Data) -> int:
    """Position of the start 0.1."""
    return int(np.argmin(np.abs(data["scales"] - 0.1)))


def _end(name: str):
    return lambda data: data[name][_index(data), :, -1]


FIGURE = PaperFigure(
    name="layerwise/unconstrained_features",
    caption=(
        "Neural collapse in the unconstrained feature model: the class means become a simplex, but variability "
        "outside of their space stays at its initial value. The paper's figure 5 is a picture of a real network's "
        "features; here 10 classes of 20 examples, features of dimension 64, Gaussian start (its size is the expected "
        "norm of a feature), centred one-hot targets, flow time 40 (all our choice). NC1 is Papyan's, "
        "which sees only the space of the class means."
    ),
    presets={
        "quick": UnconstrainedFeatureRuns(),
        "paper": UnconstrainedFeatureRuns(scales=(1.0, 0.3, 0.1, 0.03, 0.01), replicas=10),
    },
    compute=compute,
    draw=draw,
    seconds=6,
    cost="about 3 min on one core (estimated from the quick preset).",
    claims=(
        Claim(
            key="layerwise-ufm-nc1",
            place="Appendix F, condition 1",
            statement="Features collapse around their class means, as the usual measure sees it.",
            criterion="start 0.1: tr(Sigma_W pinv(Sigma_B)) / K < 1e-6 at the end, every run",
            measure=_end("nc1"),
            holds=all_below(1e-6),
        ),
        Claim(
            key="layerwise-ufm-variance",
            place="Equation 65",
            statement="The covariance within classes tends to 0.",
            criterion="start 0.1: tr(Sigma_W) / tr(Sigma_B) < 1e-4 at the end, every run",
            measure=_end("within_between"),
            holds=all_below(1e-4),
            why="features outside the row space of the classifier feel no gradient and keep their initial values, so "
            "the ratio falls only as the square of the start; the pseudo-inverse of NC1 does not see them. Weight "
            "decay removes them (next claim)",
        ),
        Claim(
            key="layerwise-ufm-variance-decay",
            place="Equation 65",
            statement="It does with weight decay, as in practice.",
            criterion="start 1, decay 0.05: ratio at flow time 40 below a tenth of that without decay, every run",
            measure=lambda data: data["decayed"][:, -1] / data["within_between"][0, :, -1],
            holds=all_below(0.1),
        ),
        Claim(
            key="layerwise-ufm-simplex",
            place="Appendix F, condition 2",
            statement="The class means form a simplex.",
            criterion="start 0.1: spread of lengths and mean deviation of cosines < 1e-3, every run",
            measure=lambda data: np.maximum(_end("equinorm")(data), _end("equiangular")(data)),
            holds=all_below(1e-3),
        ),
        Claim(
            key="layerwise-ufm-dual",
            place="Appendix F, condition 3",
            statement="The last layer aligns with the class means.",
            criterion="start 0.1: distance of the normalised matrices < 1e-2, every run",
            measure=_end("nc3"),
            holds=all_below(1e-2),
        ),
        Claim(
            key="layerwise-ufm-nearest",
            place="Appendix F, condition 4",
            statement="The classifier decides by the nearest class mean.",
            criterion="start 0.1: no sample is decided otherwise, every run",
            measure=_end("nc4"),
            holds=all_below(1e-12),
        ),
        Claim(
            key="layerwise-ufm-rank",
            place="Section 5.2",
            statement="From a small start the features have at most as many dimensions as there are classes.",
            criterion="smallest start: singular values above 10% of the largest number at most K, every run (over K)",
            measure=lambda data: data["rank"][-1] / data["n_classes"],
            holds=all_below(1 + 1e-9),
        ),
        Claim(
            key="layerwise-ufm-small",
            place="Section 5.2",
            statement="A sufficiently small start is needed.",
            criterion="NC1 at the end from a start of 1 exceeds that from 0.1 by > 1000 times, every run",
            measure=lambda data: data["nc1"][0, :, -1] / _end("nc1")(data),
            holds=all_above(1000.0),
        ),
    ),
)
