r"""Update rules: how an amplification factor grows when its node fires and shrinks when it does not.

Su (2024), eq. (2.2) and (2.3): :math:`\lambda \leftarrow g^+(\lambda)` with :math:`g^+` increasing and
:math:`g^+(x) > x`, else :math:`\lambda \leftarrow g^-(\lambda)` with :math:`g^-` increasing and
:math:`0 \le g^-(x) \le x`; both may vary with node and step. :class:`Rule` takes any two such functions. Every other
rule here is affine in its own representation, :math:`y = \ln\lambda` for the multiplicative one (which spans hundreds
of orders of magnitude) and :math:`y = \lambda` for the additive one:
:math:`y \leftarrow y + u` when firing, :math:`y \leftarrow d\,y + v` otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toymodels.validation import array_of, described, finite, fraction, numeric, plain_fields

Rate = float | Callable[[int], float]
GRID = 2000  # values at which the functions of a rule are checked


@dataclass(frozen=True)
class Multiplicative:
    """g+(x) = a x and g-(x) = b x.

    Parameters
    ----------
    a, b : float, or function of the step (1, 2, ...) giving a float
        a > 1 and 0 < b <= 1.

    Raises
    ------
    ValueError
        If a rate breaks g+(x) > x or 0 < g-(x) <= x; for functions, when the step is reached.

    Examples
    --------
    Three cats: what fires is doubled thrice, what does not is halved thrice.

    >>> from toymodels.neurashed import from_names
    >>> model = from_names({"eye": None, "wheel": None}, {"cat": ["eye"], "car": ["wheel"]})
    >>> cats = dict(n_steps=3, rng=np.random.default_rng(0), initial=1.0)
    >>> run = model.train(model.inputs(["eye"]), [0], Multiplicative(2.0, 0.5), **cats)
    >>> run["amplification"][-1].round(12).tolist()
    [8.0, 0.125]
    """

    a: Rate
    b: Rate = 1.0
    logarithmic = True
    probability = 1.0

    def __post_init__(self):
        plain_fields(self)
        _check_constants(self)

    def coefficients(self, step: int) -> tuple[float, float, float]:
        """(u, d, v) at `step`: ln a, 1, ln b."""
        a, b = _rate("a", self.a, step), _rate("b", self.b, step)
        if a <= 1:
            raise ValueError(f"a must be > 1 so that g+(x) > x, got {a:g}")
        if not 0 < b <= 1:
            raise ValueError(f"b must be in (0, 1] so that 0 < g-(x) <= x, got {b:g}")
        return float(np.log(a)), 1.0, float(np.log(b))


@dataclass(frozen=True)
class Additive:
    """g+(x) = x + c and g-(x) = b x.

    Parameters
    ----------
    c, b : float, or function of the step (1, 2, ...) giving a float
        c > 0 and 0 <= b <= 1.

    Raises
    ------
    ValueError
        If a rate breaks g+(x) > x or 0 <= g-(x) <= x; for functions, when the step is reached.

    Examples
    --------
    Three cats: what fires gains 1 thrice, what does not is halved thrice.

    >>> from toymodels.neurashed import from_names
    >>> model = from_names({"eye": None, "wheel": None}, {"cat": ["eye"], "car": ["wheel"]})
    >>> cats = dict(n_steps=3, rng=np.random.default_rng(0), initial=1.0)
    >>> model.train(model.inputs(["eye"]), [0], Additive(1.0, 0.5), **cats)["amplification"][-1].tolist()
    [4.0, 0.125]
    """

    c: Rate
    b: Rate = 1.0
    logarithmic = False
    probability = 1.0

    def __post_init__(self):
        plain_fields(self)
        _check_constants(self)

    def coefficients(self, step: int) -> tuple[float, float, float]:
        """(u, d, v) at `step`: c, b, 0."""
        c, b = _rate("c", self.c, step), _rate("b", self.b, step)
        if c <= 0:
            raise ValueError(f"c must be > 0 so that g+(x) > x, got {c:g}")
        if not 0 <= b <= 1:
            raise ValueError(f"b must be in [0, 1] so that 0 <= g-(x) <= x, got {b:g}")
        return c, b, 0.0


@dataclass(frozen=True)
class Frozen:
    """Never updated, the remedy of the paper's appendix (amplifying factors that are constant).

    Examples
    --------
    Level 0 is left alone, level 1 grows:

    >>> from toymodels.neurashed import from_names
    >>> model = from_names({"eye": None, "head": ("any", ["eye"])}, {"cat": ["head"]})
    >>> rule = {0: Frozen(), "default": Additive(1.0)}
    >>> run = model.train([[True]], [0], rule, n_steps=5, rng=np.random.default_rng(0), initial=1.0)
    >>> run["amplification"][-1].tolist()
    [1.0, 6.0]
    """

    logarithmic = False
    probability = 1.0

    def coefficients(self, step: int) -> tuple[float, float, float]:
        """(0, 1, 0) at every `step`."""
        return 0.0, 1.0, 0.0


@dataclass(frozen=True)
class Rule:
    """Any growth g+ and decay g-.

    Both are checked where it is made, on a grid of values, and where they are used.

    Parameters
    ----------
    grow, fade : callable on arrays
        g+ increasing with g+(x) > x, and g- increasing with 0 <= g-(x) <= x, for 0 < x < `upto`.
    upto : float
        Amplification is bounded by it, if g+ does not exceed its argument from there on.

    Raises
    ------
    ValueError
        If a condition is broken; the message names the smallest value at which it is, found by bisection.

    Examples
    --------
    >>> rule = Rule(lambda x: x + 0.1 * (1 - x), lambda x: 0.9 * x, upto=1.0)
    >>> rule.apply(np.array([0.5, 0.5]), np.array([True, False])).tolist()
    [0.55, 0.45]
    """

    grow: Callable[[np.ndarray], np.ndarray]
    fade: Callable[[np.ndarray], np.ndarray]
    upto: float = np.inf
    logarithmic = False
    probability = 1.0

    def __post_init__(self):
        plain_fields(self)
        upto = float(numeric("upto", self.upto)) if np.ndim(self.upto) == 0 else 0.0
        if not upto > 0:
            raise ValueError(f"upto must be > 0, got {self.upto!r}")
        grid = np.geomspace(1e-6, 1e6, GRID) if np.isinf(upto) else upto * np.linspace(0, 1, GRID + 1)[1:-1]
        for name in ("grow", "fade"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} must be a function of arrays, got {described(getattr(self, name))}")
            self._check_bounds(name, grid, bisect=True)
            values = self._value(name, grid)
            falls = np.flatnonzero(np.diff(values) < 0)
            if falls.size:
                a, b = grid[falls[0]], grid[falls[0] + 1]
                raise ValueError(f"{name} must be increasing, got a fall between {a:.6g} and {b:.6g}")

    def coefficients(self, step: int) -> tuple[float, float, float]:
        """(0, 1, 0) at every `step`: the table leaves these units alone, and :meth:`apply` moves them."""
        return 0.0, 1.0, 0.0

    def apply(self, values: np.ndarray, fires: np.ndarray) -> np.ndarray:
        """New values: grown where a unit fires, faded where it does not.

        Parameters
        ----------
        values, fires : arrays of one shape, the second of booleans
        """
        values, fires = finite("values", values), array_of("fires", fires)
        if fires.dtype != bool or fires.shape != values.shape:
            raise ValueError(f"fires must be booleans of the shape of values {values.shape}, got {described(fires)}")
        return self.moved(values, fires)

    def moved(self, values: np.ndarray, fires: np.ndarray) -> np.ndarray:
        """:meth:`apply`, unchecked.

        Parameters
        ----------
        values, fires : arrays of one shape, the second of booleans
        """
        new = self._moved_at_once(values, fires)
        if new is None:  # a bound is broken or just reached: where, and is it used there?
            new = np.empty_like(values)
            for name, where in (("grow", fires), ("fade", ~fires)):
                new[where] = self._check_bounds(name, values[where])
        return new

    def _moved_at_once(self, values: np.ndarray, fires: np.ndarray) -> np.ndarray | None:
        """Both functions at all values, which is faster than each at its own; None unless all are clearly in bounds."""
        with np.errstate(all="ignore"):
            up, down = (np.asarray(function(values.copy())) for function in (self.grow, self.fade))
            if any(new.shape != values.shape or new.dtype.kind not in "fiu" for new in (up, down)) or not values.size:
                return None
            clear = (up > values).all() and up.max() < np.inf and (down <= values).all() and down.min() >= 0
        return np.where(fires, up, down) if clear else None

    def _value(self, name: str, x: np.ndarray) -> np.ndarray:
        try:
            values = np.asarray(getattr(self, name)(x.copy()))
        except TypeError as error:  # of math.exp, say
            raise ValueError(f"{name} must be a function of arrays, got one that fails on them: {error}") from error
        if values.dtype.kind not in "fiu":
            raise ValueError(f"{name} must give real numbers, got {described(values)}")
        values = values.astype(float)
        if values.shape != x.shape:
            raise ValueError(f"{name} must give an array like its argument's {x.shape}, got shape {values.shape}")
        return values

    def _check_bounds(self, name: str, x: np.ndarray, bisect: bool = False) -> np.ndarray:
        values = self._value(name, x)
        broken = np.flatnonzero(~self._holds(name, x, values))
        if broken.size:
            at, value = float(x[broken[0]]), float(values[broken[0]])
            if bisect and broken[0] > 0:
                at = self._first_broken(name, float(x[broken[0] - 1]), at)
                value = float(self._value(name, np.array([at]))[0])
            condition = "> x" if name == "grow" else "between 0 and x"
            raise ValueError(f"{name}(x) must be {condition}, got {value:.6g} at x = {at:.6g}")
        return values

    def _holds(self, name: str, x: np.ndarray, values: np.ndarray) -> np.ndarray:
        if name == "fade":
            return (values >= 0) & (values <= x)
        at_bound = x >= self.upto * (1 - 1e-9)
        return np.isfinite(values) & ((values > x) | (at_bound & (values >= x * (1 - 1e-9))))

    def _first_broken(self, name: str, good: float, bad: float) -> float:
        for _ in range(60):
            middle = (good + bad) / 2
            at = np.array([middle])
            good, bad = (middle, bad) if self._holds(name, at, self._value(name, at))[0] else (good, middle)
        return bad


@dataclass(frozen=True)
class Stochastic:
    """`rule`, applied at each step to each node with a probability, independently; an extension of ours.

    The paper's outlook names stochastic g+ and g- as an open generalisation without fixing a form.

    Parameters
    ----------
    rule : Multiplicative, Additive or Rule
        What is applied.
    probability : float
        In (0, 1]; 1 is `rule` itself.

    Examples
    --------
    With a coin for every node, a firing one grows in about half of 2,000 copies, and stays as it is in the others:

    >>> from toymodels.neurashed import from_names
    >>> model = from_names({"eye": None}, {"cat": ["eye"]})
    >>> one = dict(n_steps=1, rng=np.random.default_rng(0), initial=1.0, replicates=2000)
    >>> run = model.train([[True]], [0], Stochastic(Additive(1.0), probability=0.5), **one)
    >>> after = run["amplification"][-1]
    >>> sorted(set(after.ravel().tolist())), round(float(after.mean()), 1)
    ([1.0, 2.0], 1.5)
    """

    rule: Multiplicative | Additive | Rule
    probability: float

    def __post_init__(self):
        plain_fields(self)
        if not isinstance(self.rule, Multiplicative | Additive | Rule):
            raise ValueError(f"rule must be Multiplicative or Additive, or a Rule, got {self.rule!r}")
        if fraction("probability", self.probability, closed=True) == 0:
            raise ValueError("probability must be > 0, got 0")

    @property
    def logarithmic(self) -> bool:
        """Whether the state is kept in logs."""
        return self.rule.logarithmic

    def coefficients(self, step: int) -> tuple[float, float, float]:
        """Those of `rule` at `step`."""
        return self.rule.coefficients(step)


AnyRule = Multiplicative | Additive | Frozen | Rule | Stochastic


def _rate(name: str, rate: Rate, step: int) -> float:
    return float(finite(name, rate(step) if callable(rate) else rate, ndim=0))


def _varies(rule: Any) -> bool:
    inner = getattr(rule, "rule", rule)
    return not isinstance(inner, Rule) and any(callable(rate) for rate in vars(inner).values())


def _check_constants(rule: Multiplicative | Additive) -> None:
    if not _varies(rule):
        rule.coefficients(1)
        return
    for name, rate in vars(rule).items():
        if not callable(rate):
            finite(name, rate, ndim=0)


def mean_log_rate(rule: Multiplicative, frequency: float | np.ndarray) -> np.ndarray:
    r"""Mean growth of :math:`\ln\lambda` per step of a node that fires in a share `frequency` of the steps.

    :math:`r(p) = p\ln a + (1-p)\ln b`; it is positive iff :math:`p > \ln(1/b)/\ln(a/b)`. Our derivation from eq. (2.2)
    and (2.3).

    Parameters
    ----------
    rule : Multiplicative
        With constant rates.
    frequency : float or array
        In [0, 1].
    """
    frequency = finite("frequency", frequency)
    if ((frequency < 0) | (frequency > 1)).any():
        raise ValueError(f"frequency must be in [0, 1], got {frequency}")
    if _varies(rule):
        raise ValueError("rule must have constant rates")
    up, _, down = rule.coefficients(1)
    return frequency * up + (1 - frequency) * down


def batch_frequency(share: float | np.ndarray, batch_size: int) -> np.ndarray:
    """Probability 1 - (1 - share)^B that a batch of B draws with replacement holds a sample that fires the node."""
    return -np.expm1(batch_size * np.log1p(-finite("share", share)))


class RuleTable:
    """The rules of all units (hidden nodes, then trained edges) as arrays, one entry per unit.

    Parameters
    ----------
    rule : rule, or mapping to rules
        Keys of a mapping: a node `(level, index)`, an edge `(node, class node)`, a level (int), `"edges"`, and
        `"default"`; a unit takes the most specific entry.
    units : sequence
        Nodes and edges in the order of the state.

    Raises
    ------
    ValueError
        If an entry is no rule, a key names nothing in `units`, or a unit has no entry.
    """

    def __init__(self, rule: AnyRule | Mapping[Any, AnyRule], units: Sequence[Any]):
        entries = dict(rule) if isinstance(rule, Mapping) else {"default": rule}
        for key, entry in entries.items():
            if not isinstance(entry, AnyRule):
                raise ValueError(f"rule must be a rule of toymodels.neurashed, got {entry!r} for {key!r}")
        self._rules = list(entries.values())
        self._which = _assign(list(entries), units)
        self.logarithmic = np.array([entry.logarithmic for entry in self._rules])[self._which]
        self.probability = np.array([entry.probability for entry in self._rules])[self._which]
        self._varies = any(_varies(entry) for entry in self._rules)
        inner = [getattr(entry, "rule", entry) for entry in self._rules]
        self._own = [(np.flatnonzero(self._which == k), r) for k, r in enumerate(inner) if isinstance(r, Rule)]
        self._single = self._own[0][1] if len(self._own) == 1 and len(self._own[0][0]) == len(units) else None
        self._load(1)

    def _load(self, step: int) -> None:
        table = np.array([entry.coefficients(step) for entry in self._rules])
        self._up, self._factor, self._down = table[self._which].T.copy()
        self._decays = bool((self._factor != 1).any())
        self._random = bool((self.probability < 1).any())

    def encode(self, values: np.ndarray) -> np.ndarray:
        """State of non-negative values (..., n_units): logs where the rule is multiplicative."""
        if (values[..., self.logarithmic] <= 0).any():
            raise ValueError("initial must be > 0 where the rule is multiplicative, got 0 (g+(0) = 0 never grows)")
        state = values.astype(float)
        state[..., self.logarithmic] = np.log(values[..., self.logarithmic])
        return state

    def decode(self, state: np.ndarray, *, logs: bool = False) -> np.ndarray:
        """Values of a state, or their logs."""
        values = state.copy()
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            if logs:
                values[..., ~self.logarithmic] = np.log(values[..., ~self.logarithmic])
            else:
                values[..., self.logarithmic] = np.exp(values[..., self.logarithmic])
        return values

    def update(self, state: np.ndarray, fires: np.ndarray, step: int, generators) -> np.ndarray:
        """State after one update; `fires` (n_replicates, n_units) bool, `generators` one per replicate."""
        if self._varies:
            self._load(step)
        if self._single is not None:
            new = self._single.moved(state, np.broadcast_to(fires, state.shape))
        elif self._decays:
            new = np.where(fires, state + self._up, state * self._factor + self._down)
        else:
            new = state + np.where(fires, self._up, self._down)
        for units, rule in self._own if self._single is None else ():
            new[:, units] = rule.moved(state[:, units], np.broadcast_to(fires, state.shape)[:, units])
        if self._random:
            drawn = np.stack([rng.random(len(self._which)) for rng in generators])
            new = np.where(drawn < self.probability, new, state)
        return new


def _assign(keys: list[Any], units: Sequence[Any]) -> np.ndarray:
    """Position in `keys` of the most specific key of every unit, (n_units,)."""
    position = {key: k for k, key in enumerate(keys)}
    if keys == ["default"]:
        return np.zeros(len(units), dtype=np.intp)
    groups = ["edges" if isinstance(unit[0], tuple) else unit[0] for unit in units]
    unknown = set(keys) - set(units) - set(groups) - {"default", "edges"}
    if unknown:
        raise ValueError(f"rule must name nodes, edges or levels of the graph, got {min(unknown, key=str)!r}")
    which = [
        position.get(unit, position.get(group, position.get("default")))
        for unit, group in zip(units, groups, strict=True)
    ]
    if None in which:
        raise ValueError(f"rule must cover every unit, got none for {units[which.index(None)]!r} and no 'default'")
    return np.array(which, dtype=np.intp)
