"""The eight panels of figure 7 of the 2025 paper: accuracies, basins, clouds, gradients and the late test accuracy."""

from __future__ import annotations

from figures.opt_npt.delayed_generalisation_runs import NOISE
from figures.harness.curves import draw_cloud


def draw(d, p):
    """Panels a to h as in the paper."""
    from matplotlib.figure import Figure

    from comparisons.harness.style import log_time, tidy

    figure = Figure(figsize=(14, 6.5), layout="constrained")
    axes = figure.subplots(2, 4)
    _draw_accuracies(axes[0, 0], d)
    _draw_basins(axes[0, 1], d)
    _draw_gradients(axes[1, 0], d)
    _draw_late(axes[1, 1], d)
    for row, part in enumerate(("train", "test")):
        for column, when in enumerate(("before", "after")):
            title = f"({'cdef'[2 * row + column]}) {part}, {when}"
            draw_cloud(axes[row, 2 + column], d[f"{part}_cloud"][0, column], d["labels"], title)
    for ax in (axes[0, 0], axes[0, 1], axes[1, 0]):
        log_time(ax, "step")
    for ax in axes[:, :2].flat:
        tidy(ax)
    for ax in (*axes[:, :2].flat, axes[0, 2]):
        ax.legend(fontsize=7)
    return figure


def _once(label: str, d) -> list[str]:
    """One label for the curves of all seeds."""
    return [label, *["_"] * (len(d["train"]) - 1)]


def _draw_accuracies(ax, d) -> None:
    from comparisons.harness.style import FAMILY, ORDER

    ax.plot(d["steps"], d["train"].T, color="0.3", linestyle="--", label=_once("train", d))
    ax.plot(d["steps"], d["test"].T, color=FAMILY["dnn"], label=_once("test", d))
    for i, amplitude in enumerate(NOISE):
        ax.plot(d["steps"], d["noisy"][0, :, i], color=ORDER[i], lw=1, label=f"train, noise {amplitude}")
    ax.set(title="(a) accuracies", ylabel="accuracy", ylim=(0, 1.03))


def _draw_basins(ax, d) -> None:
    from comparisons.harness.style import FAMILY

    for space, dash in (("sample", "-"), ("weight", "--")):
        for curve, label in zip(d[f"basin_{space}"], _once(f"{space} space", d), strict=True):
            grown = curve > 0
            ax.plot(d["steps"][grown], curve[grown], dash, color=FAMILY["dnn"], label=label)
    ax.set(title="(b) basins", ylabel="radius (pixel range, weight std)", yscale="log", ylim=(5e-3, 15))


def _draw_gradients(ax, d) -> None:
    from comparisons.harness.style import ORDER

    for layer, colour in enumerate(ORDER[3:5]):
        label = _once(f"layer {layer + 2}", d)
        ax.plot(d["steps"], d["gradient"][:, :, layer].T, color=colour, label=label)
        ax.axhline(d["control"][:, layer].mean(), color=colour, ls=":", lw=1, label=f"random features, {label[0]}")
    norm = d["norm"] / d["norm"][:, :1]
    ax.plot(d["steps"], norm.T, color="0.3", ls="--", label=_once("weight norm / first", d))
    ax.set(title="(g) rank gradients, weight norm", ylabel="gradient; share of norm")


def _draw_late(ax, d) -> None:
    from comparisons.harness.style import FAMILY, ORDER

    late = d["steps"] >= d["steps"][-1] / 4
    ax.plot(d["steps"][late], d["test"].T[late], color=FAMILY["dnn"], label=_once("test", d))
    for layer, colour in enumerate(ORDER[3:5]):
        gradient = d["gradient"][0, :, layer]
        label = f"gradient of layer {layer + 2} / largest"
        ax.plot(d["steps"][late], (gradient / gradient.max())[late], "--", color=colour, label=label)
    ax.set(title="(h) late test accuracy", ylabel="accuracy", xlabel="step", ylim=(-0.05, 1.5))
