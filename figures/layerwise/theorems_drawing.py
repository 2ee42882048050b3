"""Picture of integrated gradient flow beside what is proved of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import Data

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(data: Data, settings: Settings) -> Figure:
    """Modes, their limits in the imbalance, drift of what is conserved, and growth of scalar networks."""
    from matplotlib.figure import Figure

    from comparisons.harness import style

    figure = Figure(figsize=(14, 3.6), layout="constrained")
    axes = figure.subplots(1, 4)
    _modes(axes[0], data)
    for k, (name, label) in enumerate((("sigmoid", "from the sigmoid"), ("exponential", "from the exponential"))):
        values = data[f"limit_{name}"]
        axes[1].loglog(data["limits"], np.median(values, axis=1), "o-", color=style.ORDER[k], label=label)
        axes[1].fill_between(data["limits"], values.min(axis=1), values.max(axis=1), color=style.ORDER[k], alpha=0.2)
    axes[1].set(xlabel=r"imbalance $|\lambda|$", ylabel="largest distance over target", title="(b) limits of a mode")
    for k, label in enumerate(("diagonal network, $a^2 - b^2$", "matrix network, $W_2'W_2 - W_1W_1'$")):
        drift = data["conserved_drift"][k, :, 1:].T
        axes[2].semilogy(
            data["conserved_t"][k, 0, 1:], drift, color=style.ORDER[k], label=[label, *["_"] * 4][: len(drift.T)]
        )
    axes[2].set(
        xlabel="flow time", ylabel="drift over change of a square", title="(c) what is conserved", ylim=(1e-17, 1)
    )
    for k, ratio in enumerate(data["ratios"]):
        gamma = data["scalar_gamma"][k, 0]
        x = np.linspace(0, 1, len(gamma))
        axes[3].semilogy(x, gamma, color=style.ORDER[k % len(style.ORDER)], label=f"{ratio:g}")
    axes[3].set(xlabel="flow time over time to 99.9%", ylabel=r"growth $\gamma$", title="(d) scalar network")
    axes[3].set_ylim(0.1, 2e3)
    axes[3].legend(fontsize=7, title=r"$S/\Sigma_0$", title_fontsize=8, ncols=4, loc="upper center")
    for ax in axes[:3]:
        ax.legend(fontsize=8)
    for ax in axes:
        style.tidy(ax)
    return figure


def _modes(axes: Axes, data: Data) -> None:
    """The modes at three imbalances, each on a clock of its own."""
    from comparisons.harness import style

    for k, (imbalance, line) in enumerate(((0.0, "-"), (1.0, "--"), (100.0, ":"))):
        at = int(np.flatnonzero(data["imbalances"] == imbalance)[0])
        t, modes = data["aligned_t"][at, 0], data["aligned_modes"][at, 0]
        labels = [rf"$\lambda$ = {imbalance:g}", "_", "_"]
        axes.plot(t / t[-1], modes, line, color=style.ORDER[k], label=labels)
    axes.set(
        xlabel="flow time over length of run", ylabel="singular value of the map", title="(a) modes", xlim=(0, 0.5)
    )
