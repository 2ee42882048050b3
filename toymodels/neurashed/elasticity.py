r"""Local elasticity: how far one update at a base input moves the logits at another (Su 2024, eq. 3.1, Theorems 1,
2).

On the random graph of the theorems, without overlaps, with g+(x) = x + c, g-(x) = x, zero start, edges fixed at 1 and
t updates per class, every node of a class's pathway at a level contributes c t (its own) or c K t (a shared one), so
with :math:`A = ct b_2 + cKt b_1` the logit of an input of class j is :math:`A^L`, and one more update on class j
changes the logit of an input of

* class j by :math:`(c(t+1)b_2 + c(Kt+1)b_1)^L - A^L` (the expression in the paper's sketch of the proof),
* another class j' by :math:`(ct b_2 + c(Kt+1)b_1)^L - A^L`.

Their ratio is exact at finite t; it tends to :math:`(b_1+b_2)/b_1` at fixed L (Theorem 1) and diverges only when L/t
does (Theorem 2). Two readings under which this fails are here too: both logits taken at the *same* input, and edges
that are trained by the same rule from 0. The finite-t forms and both alternative limits are our derivations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics.elasticity import relative_change
from toymodels.neurashed.graph import Neurashed, require_model
from toymodels.neurashed.graphs import random_classes
from toymodels.neurashed.rules import Additive, Multiplicative, RuleTable
from toymodels.neurashed.sums import log_sums
from toymodels.trajectory import SimulationError
from toymodels.validation import choice, described, finite, positive, positive_int, require_room

READINGS = ("own_input", "same_input", "trained_edges")


def local_elasticity(
    model: Neurashed,
    state: tuple[ArrayLike, ArrayLike],
    base: ArrayLike,
    test: ArrayLike,
    *,
    rule: Any,
    labels: ArrayLike | None = None,
    scale: str = "linear",
) -> np.ndarray:
    """Change of the logits at test inputs relative to that at the base input, eq. (3.1).

    Parameters
    ----------
    model : Neurashed
    state : (amplification, edge_weights)
        Arrays (n_hidden,) and (n_edges,), such as the last rows of a training run; with `scale="log"` their natural
        logs, finite, as `train` records them.
    base : (n_base, n_0) array of booleans
        Each is updated on alone, from `state`.
    test : (n_test, n_0) array of booleans
    rule : rule or mapping
        What updates the state, as in `train`.
    labels : (n_base,) array of integers, optional
        Classes of the base inputs; if given, edges are trained too, otherwise they stay as they are.
    scale : {"linear", "log"}
        Logs serve logits beyond the range of float64, after long training or on a deep graph.

    Returns
    -------
    (n_base, n_test) array
        0 when nothing moves at the test input, 1 at the base input itself; above 1 when the test input moves more.

    Raises
    ------
    ValueError
        For bad arguments, or if an update leaves the logits of its own base input unchanged.

    Examples
    --------
    An update on a cat moves a cat, less a bear that shares its head, and a car not at all:

    >>> from toymodels.neurashed import from_names
    >>> kinds = {"eye": None, "fur": None, "wheel": None}
    >>> model = from_names(kinds, {"animal": ["eye", "fur"], "car": ["wheel"]})
    >>> state, cat = ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]), model.inputs(["eye", "fur"])
    >>> tested = model.inputs(["eye", "fur"], ["eye"], ["wheel"])
    >>> local_elasticity(model, state, cat, tested, rule=Additive(0.5)).tolist()
    [[1.0, 0.5, 0.0]]
    """
    require_model(model)
    if not isinstance(state, Sequence | np.ndarray) or isinstance(state, str) or len(state) != 2:
        raise ValueError(f"state must be a pair (amplification, edge_weights), got {described(state)}")
    if choice("scale", scale, ("linear", "log")) == "log":
        return _from_logs(model, state, base, test, rule, labels)
    amplification, weights = (finite("state", part) for part in state)
    base, test = model.check_inputs(base), model.check_inputs(test)
    trained = labels is not None
    labels = model.check_labels(labels, len(base)) if trained else np.zeros(len(base), dtype=int)
    initial = np.concatenate([amplification, weights]) if trained else amplification
    everything = model.fire(np.concatenate([base, test]))
    before = model.logits(amplification, weights, everything)
    matrix = np.empty((len(base), len(test)))
    for k in range(len(base)):
        moved, new_weights = _update(model, base[k], labels[k], rule, initial, trained)
        after = model.logits(moved, new_weights if trained else weights, everything)
        matrix[k] = relative_change(before, after, k)[len(base) :]
    return matrix


def _update(model, base, label, rule, initial, edge_training) -> tuple[np.ndarray, np.ndarray]:
    """Amplification and edge weights after one update on one input."""
    run = model.train(
        base[None],
        np.array([label]),
        rule,
        n_steps=1,
        rng=np.random.default_rng(0),  # draws the only sample there is
        initial=initial,
        edge_training=edge_training,
    )
    return run["amplification"][-1], run["edge_weights"][-1]


def _from_logs(model, state, base, test, rule, labels) -> np.ndarray:
    """The same from the logs of the state: sizes of changes are differences of logs."""
    base, test = model.check_inputs(base), model.check_inputs(test)
    n_hidden, trained = len(model.nodes), labels is not None
    logs, rest = finite("state", np.concatenate(state), ndim=1), finite("state", state[1], ndim=1)
    units = [*model.nodes, *model.edges] if trained else model.nodes
    rules = RuleTable(rule, units)
    start = logs[: len(units)].copy()
    start[~rules.logarithmic] = np.exp(start[~rules.logarithmic])
    fires = model.firing_table(base)
    if trained:
        labels = model.check_labels(labels, len(base))
        lower = fires[:, model.edge_origin]
        fires = np.hstack([fires, lower & (labels[:, None] == model.compiled.edge_class)])
    moved = rules.decode(rules.update(start, fires, 1, [np.random.default_rng(0)] * len(base)), logs=True)
    everything = model.fire(np.concatenate([base, test]))
    before = model.log_logits(logs[:n_hidden], rest, everything)
    matrix = np.empty((len(base), len(test)))
    for k, after in enumerate(moved):
        sizes = _log_size(before, model.log_logits(after[:n_hidden], after[n_hidden:] if trained else rest, everything))
        if np.isneginf(sizes[k]):
            raise ValueError(f"base must change its own logits, got none for base {k}")
        with np.errstate(over="ignore"):
            matrix[k] = np.exp(sizes[len(base) :] - sizes[k])
    return matrix


def _log_size(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """ln of the norm (n,) of the change of the logits, whose logs (n, K) are given."""
    reached = np.isfinite(before)  # elsewhere no firing node leads to the class, before and after
    with np.errstate(divide="ignore"):
        change = np.log(np.abs(np.expm1(np.where(reached, after, 0.0) - np.where(reached, before, 0.0))))
        doubled = 2 * np.where(reached, before + change, -np.inf)
    return log_sums(doubled, np.array([0, before.shape[1]]))[:, 0] / 2


def elasticity_ratio(t: ArrayLike, b1: int, b2: int, n_classes: int, depth: ArrayLike) -> np.ndarray:
    r"""Exact ratio of the logit changes at inputs of the same and of another class after t updates per class.

    :math:`((1+d)^L - 1)/((1+d')^L - 1)` with :math:`d = (b_1+b_2)/(t(b_2+Kb_1))` and
    :math:`d' = b_1/(t(b_2+Kb_1))`; the finite-t form of Theorem 1.

    Parameters
    ----------
    t : float or array
        Updates per class so far, > 0.
    b1, b2 : int
        Shared nodes per level, and own nodes per level and class.
    n_classes, depth : int
        K and the number L of hidden levels; `depth` may be an array.

    Examples
    --------
    After one update of each class d = 2/3 and d' = 1/3, so the ratio is (25/9 - 1)/(16/9 - 1) = 16/7; after a million
    it is the (b1 + b2)/b1 of Theorem 1:

    >>> elasticity_ratio([1.0, 1e6], b1=1, b2=1, n_classes=2, depth=2).round(4).tolist()
    [2.2857, 2.0]
    """
    b1, b2, n_classes = _sizes(b1, b2, n_classes)
    t = positive("t", t)
    require_room(t=t)
    base = t * (b2 + n_classes * b1)
    depth = positive("depth", depth)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.expm1(depth * np.log1p((b1 + b2) / base)) / np.expm1(depth * np.log1p(b1 / base))
    if not np.isfinite(ratio).all():
        raise SimulationError("changes of the logits overflow float64: t is too small or depth too large")
    return ratio


def elasticity_limit(b1: int, b2: int, n_classes: int, depth: int, reading: str = "own_input") -> float:
    r"""Limit of the ratio for t to infinity at fixed depth L.

    With :math:`s = b_2 + K b_1`: "own_input" (Theorem 1) :math:`(b_1+b_2)/b_1` for every L; "same_input"
    :math:`L s (b_1+b_2)/(b_1 [s + K (L-1)(b_1+b_2)])`, decreasing in L to :math:`1 + b_2/(K b_1)`;
    "trained_edges" :math:`(b_1+b_2)/b_1 + s/(L b_1)`. The last two are our derivations.
    """
    b1, b2, n_classes = _sizes(b1, b2, n_classes)
    depth = positive_int("depth", depth)
    choice("reading", reading, READINGS)
    spread, both = b2 + n_classes * b1, b1 + b2
    if reading == "same_input":
        return depth * spread * both / (b1 * (spread + n_classes * (depth - 1) * both))
    return both / b1 + (spread / (depth * b1) if reading == "trained_edges" else 0.0)


def deep_limit(layers_per_update: ArrayLike, b1: int, b2: int, n_classes: int) -> np.ndarray:
    r"""Limit of the ratio when L = s t and t to infinity, :math:`(e^{s(b_1+b_2)/S}-1)/(e^{s b_1/S}-1)`, S = b2 + K b1.

    This is the sense in which Theorem 2 holds: the ratio diverges iff s = L/t does.
    """
    b1, b2, n_classes = _sizes(b1, b2, n_classes)
    scaled = positive("layers_per_update", layers_per_update) / (b2 + n_classes * b1)
    return np.expm1(scaled * (b1 + b2)) / np.expm1(scaled * b1)


def printed_changes(t: int, b1: int, b2: int, n_classes: int, depth: int, c: float) -> tuple[float, float]:
    """Changes of the logits of class j and of another class by the powers above; whole numbers for a whole `c`.

    Parameters
    ----------
    t, b1, b2, n_classes, depth : int
        As in :func:`elasticity_ratio`.
    c : float
        Increment of g+.
    """
    b1, b2, n_classes = _sizes(b1, b2, n_classes)
    t, depth = positive_int("t", t, minimum=0), positive_int("depth", depth)
    c = c.item() if isinstance(c, np.generic) else c
    own, shared = c * b2, c * b1
    start = (own * t + shared * n_classes * t) ** depth
    return (
        (own * (t + 1) + shared * (n_classes * t + 1)) ** depth - start,
        (own * t + shared * (n_classes * t + 1)) ** depth - start,
    )


@dataclass(frozen=True)
class ElasticityRun:
    """One simulated update on the random graph: changes of the logits, their ratio, and whether choices overlapped."""

    logit: float
    own_change: float
    other_change: float
    overlaps: bool

    @property
    def ratio(self) -> float:
        """Change for the updated class over change for the other."""
        return self.own_change / self.other_change

    def error(self, own_change: float, other_change: float) -> float:
        """Larger of the two relative errors against the changes expected, `own_change` and `other_change`."""
        return max(abs(self.own_change / own_change - 1), abs(self.other_change / other_change - 1))


def disjoint_contrast(strength: ArrayLike, rule: Multiplicative) -> float:
    r"""Contrast between classes without common features, once what single types of input own has faded.

    One level of features, edges trained by the same rule, every type shown equally often. Then another type of the
    base's class moves as the base does, by :math:`a^2 - 1` of its logit, and a type of another class, of which nothing
    fires, by :math:`1 - b^2` of its own: :math:`\log_{10} (a^2-1)/(1-b^2)` for classes of equal logits. Our derivation.

    Parameters
    ----------
    strength : (K,) array
        Logits of the classes relative to each other; equal shares of updates leave their ratios as they start, those
        of the sums of amplification times edge weight over the features that all types of a class share.
    rule : Multiplicative
        With constant rates and b < 1.

    Returns
    -------
    float
        Decades, of the mean relative change of the logits over all pairs of types of one class over that of two.
    """
    strength = positive("strength", strength)
    if strength.ndim != 1 or len(strength) < 2:
        raise ValueError(f"strength must hold at least two classes, got shape {strength.shape}")
    up, _, down = rule.coefficients(1)
    if down == 0:
        raise ValueError("b must be < 1, else classes without common features do not move each other")
    ratios = strength[None, :] / strength[:, None]  # of another class to the base's
    mean = (ratios.sum() - len(strength)) / (len(strength) * (len(strength) - 1))
    return float(np.log10(np.expm1(2 * up) / -np.expm1(2 * down)) - np.log10(mean))


def simulate_elasticity(
    t: int,
    b1: int,
    b2: int,
    n_classes: int,
    depth: int,
    rng: np.random.Generator,
    *,
    m: int = 1_000_000,
    c: float = 2.0,
    reading: str = "own_input",
) -> ElasticityRun:
    """Draw the graph of Theorem 1, train t rounds over the classes, then update once more on class 0.

    Parameters
    ----------
    t, b1, b2, n_classes, depth : int
        As in :func:`elasticity_ratio`; at least two classes.
    rng : numpy.random.Generator
        Draws the graph.
    m : int
        Nodes per level.
    c : float
        Increment of g+.
    reading : {"own_input", "same_input", "trained_edges"}
        Whether the other logit is that of class 1 at an input of class 1, or at the input of class 0; or own inputs
        with edges trained by the same rule from 0.
    """
    b1, b2, n_classes = _sizes(b1, b2, positive_int("n_classes", n_classes, minimum=2))
    t, depth = positive_int("t", t), positive_int("depth", depth)
    choice("reading", reading, READINGS)
    task = random_classes(m, b1, b2, n_classes, depth, rng)
    n_steps = n_classes * t + 1
    run = task.model.train(
        task.inputs,
        task.labels,
        Additive(c),
        n_steps=n_steps,
        rng=rng,
        initial=0,
        edge_training=reading == "trained_edges",
        order=[[step % n_classes] for step in range(n_steps)],
        every=n_steps - 1,
    )
    firing = task.model.fire(task.inputs)
    before, after = task.model.logits(run["amplification"][1:], run["edge_weights"][1:], firing)
    change = after - before  # (input, class)
    other = change[0, 1] if reading == "same_input" else change[1, 1]
    disjoint = depth * (b1 + n_classes * b2)
    return ElasticityRun(before[0, 0], change[0, 0], other, overlaps=len(task.model.nodes) < disjoint)


def _sizes(b1: int, b2: int, n_classes: int) -> tuple[int, int, int]:
    return positive_int("b1", b1), positive_int("b2", b2), positive_int("n_classes", n_classes)
