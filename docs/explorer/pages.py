"""The eight pages: words, controls, numbers shown, data, and which formulas they need."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from docs.explorer import recording
from docs.explorer.building import Page, choice, playable, slider
from docs.explorer.formulas import ORDERS
from toymodels.condensation.phase_diagram import classical_initialisations
from toymodels.layerwise import spectrum
from toymodels.neurashed import graphs
from toymodels.neurashed.graphs import Task

STEPS = 120  # of the graph's training, at most
INPUTS, TARGETS, NEURONS = (-1.2, -0.4, 0.5, 1.1), (0.9, -0.6, 0.2, 1.0), 32
GRAPHS = {
    "three classes, two kinds of the first (Fig. 2)": graphs.three_class,
    "the worked example of the appendix": graphs.worked_example,
    "kinds that share features (Fig. 3)": graphs.batch_size,
    "two classes of four kinds (Fig. 5)": graphs.information_bottleneck,
}
NAM = '<a href="https://arxiv.org/abs/2502.21009">Nam et al. (2025)</a>'
SAXE = '<a href="https://arxiv.org/abs/1312.6120">Saxe et al. (2014)</a>'
SU = '<a href="https://arxiv.org/abs/2112.09741">Su (2024)</a>'
XU = '<a href="https://arxiv.org/abs/2504.09484">Xu, Zhang and Zhou (2025)</a>'


def lazy_rich() -> Page:
    """Scale and imbalance decide how far the kernel moves."""
    return Page(
        "lazy_rich",
        "Lazy to rich",
        "Two weights a and b learn one number S = a b. Move the dot: where the kernel a² + b² keeps its size, training "
        "is "
        "lazy and exponential; where it must grow, training is rich and waits before it rises.",
        slider("scale", "Scale of the start", -1.3, 0.9, -0.7, 0.01, log=True)
        + slider("balance", "Imbalance (a² − b²)/(a² + b²)", -0.98, 0.98, 0.1, 0.01)
        + slider("target", "Target S", 0.2, 2, 1, 0.05)
        + playable("time", "Time", 0, 1, 0.4, 0.005),
        {
            "map": "By what factor the kernel changes until the end: blue, hardly (lazy); orange, thirty-fold or more "
            "(rich). "
            "Drag the dot, or use the arrow keys on it.",
            "mode": "The product, and what it would do if the kernel stayed as it is at the start.",
            "weights": "Training conserves a² − b², so weights move on a hyperbola until a b = S.",
            "kernel": "How much the kernel has grown.",
        },
        {
            "regime": "regime",
            "t": "time",
            "f": "product f",
            "kernel_growth": "kernel, of its start",
            "final_growth": "kernel at the end, of its start",
            "imbalance": "a² − b²",
            "half_way": "half of the way at",
        },
        ("startOf", "mode", "timeTo", "oneLayer"),
        f"<p>Source: {NAM}, Theorem I.1 and Eq. 19; the sigmoid of {SAXE} is the case a = b. The words lazy and rich "
        f"stand "
        "for a final kernel within a quarter of its start, and of more than twice its start.</p>",
    )


def stages() -> Page:
    """One mode after another."""
    return Page(
        "stages",
        "Learning in stages",
        "Modes of different strengths, from a small start. Two layers learn them one after another, each as a sigmoid, "
        "and the loss goes from plateau to plateau; one layer learns all at once. Give the layers an imbalance and the "
        "sigmoids turn into exponentials.",
        slider("start", "Start of every mode", -6, -1, -4, 0.05, log=True)
        + slider("ratio", "Strength of each mode over the one before", 0.3, 0.95, 0.5, 0.01)
        + slider("modes", "Number of modes", 2, 6, 4, 1)
        + slider("imbalance", "Imbalance of the layers", 0, 3, 0, 0.05)
        + playable("time", "Time", 0, 1, 0.4, 0.005),
        {
            "modes": "Every mode over time, exact, with two layers and with one.",
            "loss": "The loss of all modes: each plateau is a saddle at which some modes are learnt and the others not "
            "yet.",
        },
        {
            "t": "time",
            "loss": "loss, two layers",
            "learnt": "modes learnt",
            "first": "strongest mode half-way at",
            "last": "weakest mode half-way at",
            "rise": "strongest mode rises (10 to 90 %) in",
            "abruptness": "its wait over its rise",
        },
        ("weightsOf", "mode", "timeTo", "oneLayer"),
        f"<p>Sources: {SAXE}; {NAM}, Theorem G.2 for any imbalance. A small start waits for a time like "
        f"ln(1/start)/2S, "
        "and rises in a time that does not depend on the start.</p>",
    )


def decay() -> Page:
    """A lazy start becomes rich when weight decay has undone its imbalance."""
    return Page(
        "decay",
        "Decay and the delay",
        "A signal and some noise, learnt from a large imbalance with weight decay. Both are fitted at once, lazily. "
        "Much "
        "later decay has undone the imbalance, and only then is the noise given up: the delay behind grokking.",
        slider("scale", "Scale of the start", 0, 1, 0.7, 0.01, log=True)
        + slider("decay", "Weight decay μ", -2.5, -0.3, -1, 0.02, log=True)
        + slider("weak", "Strength of the noise", 0.01, 0.6, 0.08, 0.01)
        + playable("time", "Time, logarithmic", 0, 1, 0.55, 0.005),
        {
            "products": "The two modes. The second mark is where the imbalance has fallen to twice the strength of the "
            "signal: from there on its kernel is its own.",
            "imbalance": "The imbalance falls as exp(−2μt) whatever is learnt. A mode stays lazy until it falls to "
            "twice its strength.",
        },
        {
            "t": "time",
            "strong": "signal",
            "weak": "noise",
            "fit": "signal half-way at",
            "predicted": "imbalance at 2 S of the signal",
            "faded": "imbalance at 2 S of the noise",
            "seen": "noise half given up at",
            "delay": "decades between fit and that",
            "strong_end": "signal in the end",
            "weak_end": "noise in the end",
        },
        ("timeTo", "passage", "decayed", "decaying"),
        f"<p>The solution is a ratio of modified Bessel functions; this page sums the Taylor series of the linear flow "
        f"behind them, step after step, and its numbers agree with the closed form of the suite to a part in 10¹². The "
        f"structure without decay is Theorem I.1 of {NAM}.</p>",
    )


def graph() -> Page:
    """The neurashed graph in training."""
    return Page(
        "graph",
        "A graph that learns",
        "Features above features. Those that an input makes fire are amplified, the others fade: nothing else happens. "
        "Step through training, and see logits and what one more update on an input would do to the others.",
        choice("graph", "Graph", list(GRAPHS))
        + choice("input", "Input shown", task_names(GRAPHS["three classes, two kinds of the first (Fig. 2)"]()))
        + choice("rule", "Rule of growth", ["multiplicative", "additive"])
        + slider("grow", "Growth of what fires", 0.01, 0.3, 0.04, 0.01)
        + slider("fade", "Decay of what does not", 0.9, 1, 0.98, 0.005)
        + slider("chance", "Chance that a unit follows its rule in a step", 0.05, 1, 1, 0.05)
        + slider("batch", "Batch size", 1, 8, 1, 1)
        + slider("seed", "Draw of batches and chances", 1, 20, 1, 1)
        + playable("step", "Step", 0, STEPS, 40, 1),
        {
            "graph": "Filled and thick: the pathway of the input shown. Sizes are amplification within each level.",
            "bars": "",
            "paths": "Amplification of every node; solid, those that the input shown makes fire.",
        },
        {
            "probability": "probability of its class",
            "logit": "logit of its class",
            "same": "elasticity, other kinds of its class",
            "other": "elasticity, other classes",
            "last": "last batch",
            "followed": "features and edges that followed the rule in the last step",
        },
        (),
        f"<p>Source: {SU}, Algorithm 1 and Eq. 2.1 to 3.1; the graphs are reconstructions from its drawings. Edges "
        f"into "
        "the classes are trained by the same rule, when one sample of the batch fires both ends. With a chance below "
        "1 "
        "the rule is stochastic: in every step each feature and edge follows it or stays as it is, by a coin of its "
        "own, "
        "a form that the paper leaves open and that is ours; local elasticity is of an update that all follow. This "
        "page computes with the steps of the suite, recorded runs of which it repeats.</p>",
        {"graphs": [as_data(title, make()) for title, make in GRAPHS.items()], "steps": STEPS},
    )


def task_names(task: Task) -> list[str]:
    """Kinds of input with their classes.

    Parameters
    ----------
    task : Task
    """
    return [f"{name} (class {label + 1})" for name, label in zip(task.names, task.labels, strict=True)]


def as_data(title: str, task: Task) -> dict[str, Any]:
    """What the page needs of a graph: levels, parents, edges into classes, and what each input fires.

    Parameters
    ----------
    title : str
    task : Task
    """
    model = task.model
    place = {node: k for k, node in enumerate(model.nodes)}
    below = [None if level == 0 else sorted(model.graph.predecessors((level, index))) for level, index in model.nodes]
    fires = np.concatenate(model.fire(task.inputs), axis=1)
    return {
        "title": title,
        "levels": [[list(node) for node in level] for level in model.compiled.nodes[:-1]],
        "classes": model.n_classes,
        "parents": [None if parents is None else [place[parent] for parent in parents] for parents in below],
        "edges": [[place[source], target[1]] for source, target in model.edges],
        "fires": fires.astype(int).tolist(),
        "labels": task.labels.tolist(),
        "names": list(task.names),
    }


def circle() -> Page:
    """Directions that attract, and neurons on their way."""
    return Page(
        "circle",
        "Condensation on the circle",
        "From a small start the loss drives every neuron by one potential of its direction. Neurons with a > 0 climb "
        "it, "
        "those with a < 0 descend, and all end in at most 2p directions. Drag the samples, and the directions move.",
        choice("order", "Activation", ["tanh: p = 1", "x tanh: p = 2", "x² tanh: p = 3"])
        + playable("time", "Time, each neuron at its own pace", 0, 12, 2, 0.05),
        {
            "data": "The samples. Drag them up and down, or use the arrow keys.",
            "circle": "Neurons in the plane of input weight and bias; the potential is drawn outside of the circle.",
            "height": "|The potential over the direction, its ends, and that of the residual once the strongest group "
            "has "
            "fitted what it can: where neurons turn next.",
        },
        {
            "ends": "directions that attract",
            "first": "strongest, in degrees",
            "arrived": "share of neurons within 8° of an end",
            "residual": "residual after the first group",
            "next": "next orientation, in degrees",
        },
        tuple(f"{name}{order}" for name in ("coefficients", "potential", "drifting") for order in ORDERS),
        f"<p>Source: {XU}, Section 6.1. Shown is the flow at leading order, s(z) = zᵖ; plain training for p ≥ 2 lets "
        f"the "
        "best aligned neurons escape long before the others have turned. The next orientation is our reading: the "
        "potential of what the strongest group, in its best amplitude, leaves of the targets.</p>",
        {"inputs": INPUTS, "targets": TARGETS, "neurons": NEURONS},
    )


def plane() -> Page:
    """The phase diagram of two-layer ReLU networks."""
    places = [{"name": name, "gamma": g, "prime": p} for name, (g, p) in classical_initialisations().items()]
    return Page(
        "plane",
        "The plane of γ and γ′",
        "How the sizes of a start go with the width decides how far neurons travel: less and less on the left "
        "(linear), "
        "more and more on the right (condensed). Marks are trained networks, the line is theory.",
        slider("gamma", "γ: size of the function", 0, 2.5, 1.5, 0.01)
        + slider("prime", "γ′: output against input weights", -1.25, 1.25, 0, 0.01)
        + playable("width", "Width m", 1, 6, 3, 0.05, log=True),
        {
            "map": "Colour: predicted exponent, blue below 0, orange above. Marks: exponents measured on networks of "
            "widths 100, 400 and 1,600; the size is the exponent's.",
            "distance": "How far input weights travel until the data are fitted, over the width.",
        },
        {
            "regime": "regime",
            "exponent": "exponent, predicted",
            "critical": "critical γ at this γ′",
            "measured": "measured at the nearest mark",
            "there": "which is γ, γ′",
            "std_a": "deviation of output weights",
            "scale": "divisor of the output",
            "distance": "distance, up to a factor",
        },
        ("plane", "initialisation"),
        f"<p>Source: {XU}, Section 4, theorems 1 and 2; the exponents are derived in this suite. Widths this small see "
        "the critical line blurred, and deep in the condensed phase some networks get stuck; those have no mark.</p>",
        {"plane": recording.load()["plane"], "classical": places},
    )


def generalisation() -> Page:
    """Noise is learnt late."""
    return Page(
        "generalisation",
        "When to stop",
        "A linear student of a teacher whose labels are noisy. The test loss falls, then rises while the noise is "
        "fitted, most of all with as many samples as dimensions. There is a best time to stop.",
        slider("samples", "Samples per dimension n/d", -1, 1, 0.08, 0.01, log=True)
        + slider("noise", "Noise of the labels σ", 0, 1.5, 0.5, 0.05)
        + playable("time", "Time, logarithmic", 0, 1, 0.6, 0.005),
        {
            "losses": "Averages over data, teachers and noise, for large d.",
            "descent": "The test loss over the number of samples: double descent, and what is left of it when one "
            "stops in time.",
        },
        {
            "t": "time",
            "train": "train loss",
            "test": "test loss",
            "best_time": "best time to stop",
            "best_test": "test loss then",
            "cost": "test loss now over the best",
        },
        ("law", "losses"),
        '<p>Source: Advani, Saxe and Sompolinsky (2020), <a href="https://arxiv.org/abs/1710.03667">High-dimensional '
        "dynamics of generalization error in neural networks</a>. White inputs, one layer, a start at 0, a teacher of "
        "norm "
        "1; the test loss is on labels without noise.</p>",
        {"nodes": [spectrum._LOWEST, spectrum._HIGHEST]},
    )


def playback() -> Page:
    """Recorded runs of delayed generalisation."""
    return Page(
        "playback",
        "Grokking, played back",
        "One run of each of the four families in which the test score waits. Move the time: which quantity has moved "
        "before the test score does?",
        choice("family", "Family", list(recording.FAMILIES)) + playable("time", "Time, logarithmic", 0, 1, 0.5, 0.005),
        {
            "scores": "|Train and test performance.",
            "series": "|Every order parameter of every theory that has a meaning in this model, with whose it is in "
            "brackets. "
            "Solid and green: half-way before the test score reaches its level; the two dashed marks are the slider "
            "and that time.",
        },
        {
            "t": "time",
            "train": "train",
            "test": "test",
            "fit": "train reaches its level at",
            "jump": "test reaches its level at",
            "early": "order parameters half-way before that",
        },
        (),
        "<p>Runs of <code>python -m comparisons.order_parameters</code> at its quick preset, seed 0. Half-way is the "
        "middle "
        "between the first and the last value, and says only what moves early; what foretells the jump takes an "
        "ensemble, and "
        "is judged there.</p>",
        {"runs": recording.load()["runs"]},
    )


@cache
def pages() -> tuple[Page, ...]:
    """All of them, in teaching order."""
    return lazy_rich(), stages(), decay(), graph(), circle(), plane(), generalisation(), playback()
