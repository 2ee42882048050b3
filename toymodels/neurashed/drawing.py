"""Pictures of neurashed graphs, levels as rows, node area by amplification, firing nodes coloured; and films."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.compilation import Node
from toymodels.neurashed.graph import Neurashed
from toymodels.run import files
from toymodels.trajectory import Trajectory
from toymodels.validation import array_of, non_negative, positive_int

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIRING, SILENT = "#c8321e", "#8f98a3"
AREA = 260.0  # points^2 of the largest node of a level
CROWDED = 10  # nodes of a level from which nodes are drawn smaller
SMALLEST = 4.0  # so that a node never vanishes from the picture
SEVERAL = 8  # nodes of a level from which their names are turned
FRAMES_A_SECOND = 12
STATE = ("amplification", "edge_weights")


def draw(model: Neurashed, state: tuple[ArrayLike, ArrayLike] | None = None, firing: Any = None) -> Figure:
    """A model with its names; of a trained one also amplification, scores and probabilities.

    Parameters
    ----------
    model : Neurashed
    state : (amplification (n_hidden,), edge_weights (n_edges,)), optional
        Node areas relative to the largest of each level and widths of the edges into the classes; with an input as
        `firing` also the score beside every firing node and the probability above every class.
    firing : (n_0,) bool array or set of nodes, optional
        An input, or the nodes that fire, such as `model.pathway(x, label)`; drawn in colour.

    Returns
    -------
    matplotlib Figure
        A notebook shows it, with or without pyplot.

    Raises
    ------
    ValueError
        If shapes do not fit, or a set names what is no node.

    Examples
    --------
    The input fires eye and cat; the figure says their scores and the probability, softmax of (2, 0):

    >>> from toymodels.neurashed import from_names
    >>> model = from_names({"eye": None, "wheel": None}, {"cat": ["eye"], "car": ["wheel"]})
    >>> figure = draw(model, ([2.0, 1.0], [1.0, 1.0]), model.inputs(["eye"])[0])
    >>> [text.get_text().replace("\\n", " ") for text in figure.axes[0].texts]
    ['eye 2', 'wheel', 'cat 88.1%', 'car 11.9%']
    """
    from matplotlib.figure import Figure

    widest = max(map(len, model.compiled.nodes))
    figure = Figure(
        figsize=(min(max(3.4, 0.75 * widest), 14), 1 + 0.95 * len(model.compiled.nodes)), layout="constrained"
    )
    axes = figure.add_subplot()
    lit, given = _lit(model, firing)
    draw_graph(axes, model, firing=lit, **({} if state is None else dict(zip(STATE, state, strict=True))))
    place = positions(model)
    labels = {node: name for name, node in model.names.items()}
    if state is not None and given is not None:
        amplification, weights = state
        fires = model.fire(given[None])
        scores = model.scores(amplification, fires)[0]
        labels |= {
            node: f"{labels.get(node, '')}\n{score:.3g}".strip()
            for node, score in zip(model.nodes, scores, strict=True)
            if node in lit
        }
        probabilities = model.predict(amplification, weights, fires)[0]
        for node, probability in zip(model.compiled.nodes[-1], probabilities, strict=True):
            labels[node] = f"{labels.get(node, f'class {node[1]}')}\n{probability:.1%}"
    for node, text in labels.items():
        turned = len(model.compiled.nodes[node[0]]) > SEVERAL and node[0] < len(model.compiled.nodes) - 1
        axes.annotate(
            text,
            place[node],
            xytext=(0, 13 if node[0] == len(model.compiled.nodes) - 1 else -11),
            textcoords="offset points",
            ha="center",
            va="bottom" if node[0] == len(model.compiled.nodes) - 1 else "top",
            rotation=90 if turned else 0,
            fontsize=8,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
            zorder=3,
        )
    axes.set_ylim(-0.75, len(model.compiled.nodes) - 0.4)
    figure._repr_png_ = partial(_png, figure)  # pyright: ignore[reportAttributeAccessIssue] - a notebook looks for it
    return figure


def _png(figure: Figure, **options: Any) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", **options)
    return content.getvalue()


def animate(model: Neurashed, run: Trajectory, path: str | Path, every: int = 1) -> Path:
    """A film of a training run as an animated GIF: node areas by amplification, edge widths by weight.

    Parameters
    ----------
    model : Neurashed
    run : Trajectory
        Of `model.train`, of one replicate, on either scale.
    path : path
        Of the file, which ends in ".gif"; returned.
    every : int
        Records from one frame to the next; the last record is always shown.

    Raises
    ------
    ValueError
        If the path has another ending or the run is not one of this model.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> from toymodels.neurashed import Multiplicative, from_names
    >>> model = from_names({"eye": None, "wheel": None}, {"cat": ["eye"], "car": ["wheel"]})
    >>> cat, rng = model.inputs(["eye"]), np.random.default_rng(0)
    >>> run = model.train(cat, [0], Multiplicative(1.5, 0.5), n_steps=4, rng=rng, initial=1.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Image.open(animate(model, run, f"{folder}/cat.gif", every=2)) as film:
    ...         film.n_frames  # steps 0, 2 and 4
    3
    """
    from matplotlib.figure import Figure
    from PIL import Image

    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"path must end in .gif, got {str(path)!r}")
    amplification, weights = _states(model, run)
    shown = np.unique(np.r_[np.arange(0, len(run.t), positive_int("every", every)), len(run.t) - 1])
    frames = []
    for k in shown:
        figure = Figure(figsize=(5, 4), layout="constrained")
        axes = figure.add_subplot()
        draw_graph(axes, model, amplification=amplification[k], edge_weights=weights[k])
        axes.set_title(f"{run.clock} {run.t[k]:g}", fontsize=10)
        content = io.BytesIO(_png(figure, dpi=80))
        frames.append(Image.open(content).convert("P", palette=Image.Palette.ADAPTIVE))
    content = io.BytesIO()
    pause = 1000 // FRAMES_A_SECOND
    durations = [pause] * (len(frames) - 1) + [10 * pause]
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    files.write(path, content.getvalue())
    return path


def positions(model: Neurashed) -> dict[Node, tuple[float, float]]:
    """Place of every node: levels one above the other, each spread over (0, 1)."""
    return {
        node: ((k + 0.5) / len(nodes), float(level))
        for level, nodes in enumerate(model.compiled.nodes)
        for k, node in enumerate(nodes)
    }


def draw_graph(
    axes: Axes,
    model: Neurashed,
    *,
    firing: set[Node] | None = None,
    amplification: ArrayLike | None = None,
    edge_weights: ArrayLike | None = None,
) -> None:
    """Draw a model on existing axes.

    Parameters
    ----------
    axes : matplotlib Axes
    model : Neurashed
    firing : set of nodes, optional
        Drawn in colour with the edges between them, such as `model.pathway(x, label)`.
    amplification : (n_hidden,) array, optional
        Node areas, relative to the largest of each level; equal if left out. Class nodes have full size.
    edge_weights : (n_edges,) array, optional
        Widths of the edges into the classes, relative to the largest.

    Raises
    ------
    ValueError
        If `amplification` or `edge_weights` do not have one non-negative entry per hidden node or edge.
    """
    from matplotlib.collections import LineCollection

    place, firing = positions(model), firing or set()
    edges = sorted(model.graph.edges, key=lambda edge: firing.issuperset(edge))  # coloured ones on top
    widths = _widths(model, edge_weights)
    lines = LineCollection(
        [(place[source], place[target]) for source, target in edges],
        colors=[FIRING if firing.issuperset(edge) else SILENT for edge in edges],
        linewidths=[widths.get(edge, 1.6 if firing.issuperset(edge) else 0.5) for edge in edges],
        zorder=1,
    )
    axes.add_collection(lines)
    nodes = list(place)
    axes.scatter(
        *np.array([place[node] for node in nodes]).T,
        s=_areas(model, amplification),
        c=[FIRING if node in firing else "white" for node in nodes],
        edgecolors=[FIRING if node in firing else SILENT for node in nodes],
        zorder=2,
        clip_on=False,
    )
    top = len(model.compiled.nodes) - 1
    axes.set(xlim=(0, 1), ylim=(-0.4, top + 0.4), xticks=[], yticks=range(top + 1))
    axes.set_yticklabels([*(f"level {level + 1}" for level in range(top)), "classes"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _areas(model: Neurashed, amplification: ArrayLike | None) -> np.ndarray:
    """Area of every node, hidden ones first, then classes."""
    largest = AREA * min(1.0, CROWDED / max(map(len, model.compiled.nodes))) ** 2
    classes = np.full(model.n_classes, largest)
    if amplification is None:
        return np.concatenate([np.full(len(model.nodes), largest), classes])
    values = _entries("amplification", amplification, len(model.nodes))
    levels = np.split(values, model.offsets[1:-1])
    scaled = [level / level.max() if level.max() > 0 else level for level in levels]
    return np.concatenate([np.maximum(largest * np.concatenate(scaled), SMALLEST), classes])


def _widths(model: Neurashed, edge_weights: ArrayLike | None) -> dict[tuple[Node, Node], float]:
    if edge_weights is None:
        return {}
    values = _entries("edge_weights", edge_weights, len(model.edges))
    shares = values / values.max() if values.max() > 0 else values
    return dict(zip(model.edges, (0.3 + 2.2 * shares).tolist(), strict=True))


def _entries(name: str, values: ArrayLike, n: int) -> np.ndarray:
    array = np.asarray(non_negative(name, values))
    if array.shape != (n,):
        raise ValueError(f"{name} must have {n} entries, got shape {array.shape}")
    return array


def _lit(model: Neurashed, firing: Any) -> tuple[set[Node], np.ndarray | None]:
    """The nodes that fire, and the input if it was one."""
    if firing is None:
        return set(), None
    if isinstance(firing, set | frozenset):
        known = {node for level in model.compiled.nodes for node in level}
        if not firing <= known:
            raise ValueError(f"firing must hold nodes of the model, got {min(firing - known, key=str)!r}")
        return set(firing), None
    row = model.check_inputs(array_of("firing", firing)[None])[0]
    return model.pathway(row), row


def _states(model: Neurashed, run: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Amplification (n_t, n_hidden) and edge weights (n_t, n_edges), each relative to its largest at every time."""
    parts = []
    for name, n in zip(STATE, (len(model.nodes), len(model.edges)), strict=True):
        if f"log_{name}" in run.data:
            logs = run[f"log_{name}"]
            values = np.exp(logs - logs.max(axis=-1, keepdims=True))
        else:
            values = run[name]
        if values.ndim != 2 or values.shape[1] != n:
            raise ValueError(f"run must have {name} of {n} entries at each time, got shape {values.shape}")
        parts.append(values)
    return parts[0], parts[1]
