r"""Initial condensation: where neurons turn while all weights are still small.

With :math:`s(z)\approx z^p` at the origin and :math:`f\approx 0`, the loss :math:`\frac{1}{2n}\sum e^2` drives every
neuron by one and the same potential :math:`T(u) = \frac1n\sum_i y_i (u\cdot x_i)^p` (here :math:`x` carries the
constant input):

.. math:: \dot a = T(w), \qquad \dot w = a\nabla T(w), \qquad a^2 - |w|^2/p \text{ conserved.}

Directions move along :math:`\mathrm{sgn}(a)` times the spherical gradient of T; neurons end at maxima with T > 0 (a >
0) or minima with T < 0 (a < 0). With one input T is a trigonometric polynomial of degree p, so there are at most 2p
of them (overview, section 6.1). For p >= 3 and several inputs nothing bounds their number.

**When s(0) is not 0**, as for the sigmoid, :math:`s(z)\approx s_0 + c z^p` drives the output weights before the input
weights say anything: :math:`\dot a = s_0\bar y` whatever the start, so all output weights take the sign of
:math:`s_0\bar y` and :math:`\dot w = a c\nabla T(w)` has ends of one sign only. For p = 1 it gives
:math:`w = \tfrac12 c\,s_0\bar y\,v\,t^2` with :math:`v=\frac1n\sum y_i x_i`: one direction. This lasts until the
constant output :math:`s_0\sum_k a_k` has fitted the mean, at a time near :math:`1/(m s_0^2)`; from then on, weights
still small, the targets are :math:`y_i - \bar y`, and for p = 1 all neurons turn together to the covariance
:math:`\frac1n\sum (y_i-\bar y) x_i`, which has no bias. With p >= 2 it is only in this second stage that w grows.

**What plain training does instead.** For p >= 2 this flow blows up in finite time and the best aligned neurons escape
while the others stay where they began; Adam moves along the signs of the gradient. Only
:func:`~toymodels.condensation.directions.normalised_descent`,
which lets each neuron run its own orbit at its own pace, shows the directions for every p.

References
----------
Zhou et al. (2022). Towards understanding the condensation of neural networks at initial training. NeurIPS 35.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.activations import get_activation
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import described, finite, positive, positive_int, require_room, times

MAX_ORDER = 8


class Multiplicity(int):
    """Order p of an activation s(z) = s(0) + c z^p + ...: an int that remembers `at_zero`, s(0), and `coefficient`, c.

    A plain int stands for z^p: `at_zero` 0, `coefficient` 1.

    Parameters
    ----------
    order : int
    at_zero, coefficient : float
    """

    at_zero: float
    coefficient: float

    def __new__(cls, order: int, at_zero: float = 0.0, coefficient: float = 1.0) -> Multiplicity:
        """The int, with its two companions."""
        value = super().__new__(cls, order)
        value.at_zero, value.coefficient = at_zero, coefficient
        return value


def multiplicity(activation: Any) -> Multiplicity:
    """Order p of the first derivative that does not vanish at 0 (overview, definition 1), by sympy.

    The value at 0 does not matter for p: `sigmoid` has multiplicity 1. It does for the directions, so it is kept.

    Parameters
    ----------
    activation : str or sympy expression
        A name of :class:`TwoLayerNetwork`, or an expression in one symbol.

    Returns
    -------
    Multiplicity
        p, an int, with s(0) as `at_zero` and the Taylor coefficient of z^p as `coefficient`.

    Raises
    ------
    ValueError
        If the activation is unknown, has no Taylor series at 0 (ReLU), or vanishes to order 8.

    Examples
    --------
    >>> multiplicity("tanh"), multiplicity("xtanh"), multiplicity("x2tanh")
    (1, 2, 3)
    >>> multiplicity("sigmoid").at_zero, multiplicity("sigmoid").coefficient
    (0.5, 0.25)
    """
    import sympy

    z = sympy.Symbol("z", real=True)
    if isinstance(activation, str):
        expression = get_activation(activation).symbolic(sympy, z)
    else:
        try:
            expression = sympy.sympify(activation)
        except (sympy.SympifyError, TypeError, AttributeError):
            raise ValueError(
                f"activation must be a name or an expression of sympy, got {described(activation)}"
            ) from None
        if len(getattr(expression, "free_symbols", ())) != 1:
            raise ValueError(f"activation must be an expression in one symbol, got {activation}")
        expression = expression.subs(expression.free_symbols.pop(), z)
    at_zero = 0.0
    h = sympy.Symbol("h", positive=True)  # pieces know on which side of 0 they are
    for order in range(MAX_ORDER + 1):
        above, below = (
            sign**order * sympy.limit(expression.subs(z, sign * h).diff(h, order), h, 0, "+") for sign in (1, -1)
        )
        if above != below or not above.is_finite:
            raise ValueError(f"activation must have a Taylor series at 0, got {activation} (derivative {order} jumps)")
        if order == 0:
            at_zero = float(above)
        elif above != 0:
            return Multiplicity(order, at_zero, float(above) / factorial(order))
    raise ValueError(f"activation must have a non-zero derivative up to order {MAX_ORDER} at 0, got {activation}")


def potential(x: ArrayLike, y: ArrayLike, u: ArrayLike, p: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """T(u) and its gradient.

    Parameters
    ----------
    x : (n, d) array
    y : (n,) array
    u : (..., d + 1) array
        Weight vectors, bias last.
    p : int
        Multiplicity.

    Returns
    -------
    value : (...) array
    gradient : (..., d + 1) array

    Raises
    ------
    ValueError
        If shapes do not fit or an entry is not finite.

    Examples
    --------
    T(u) is the mean of y (u . x): with samples 3 at 1 and 1 at -1 it is u_1 + 2 u_2.

    >>> value, gradient = potential([[1.0], [-1.0]], [3.0, 1.0], [1.0, 1.0])
    >>> float(value), gradient.tolist()
    (3.0, [1.0, 2.0])
    """
    x1, y = with_bias(x, y)
    u = finite("u", u)
    require_room(x=x1, y=y, u=u)
    if u.ndim < 1 or u.shape[-1] != x1.shape[1]:
        raise ValueError(f"u must have {x1.shape[1]} columns, got shape {u.shape}")
    p = positive_int("p", p)
    drive = u @ x1.T  # (..., n)
    return (drive**p) @ y / len(y), p * (drive ** (p - 1) * y) @ x1 / len(y)


def initial_flow(x: ArrayLike, y: ArrayLike, a0: ArrayLike, w0: ArrayLike, t: ArrayLike, p: int = 1) -> Trajectory:
    r"""Leading-order flow from a small start, for s(z) = z^p (for s ~ c z^p multiply `y` by c).

    For p = 1, with :math:`v=\frac1n\sum y_i x_i`, in closed form: :math:`a \pm w\cdot\hat v` grow and shrink like
    :math:`e^{\pm|v|t}` and the part of w across v stays. For p >= 2 by DOP853, relative tolerance 1e-10.

    Parameters
    ----------
    x : (n, d) array
    y : (n,) array
    a0 : (m,) array
    w0 : (m, d + 1) array
        Start, bias last.
    t : (n_t,) array
        Finite flow times.
    p : int
        Multiplicity of an activation with s(0) = 0.

    Returns
    -------
    Trajectory
        `a` (n_t, m), `w` (n_t, m, d + 1) on the clock "flow time".

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, or `p` comes of an activation with s(0) != 0.
    SimulationError
        If a neuron blows up before the last time (p >= 2).

    Examples
    --------
    A single sample x = 0, y = 1 drives the bias: a and b grow as exp(t) from equal starts, the input weight stays.

    >>> run = initial_flow([[0.0]], [1.0], [0.1], [[0.3, 0.1]], [0.0, 1.0])
    >>> run["a"][:, 0].round(4).tolist(), run["w"][:, 0].round(4).tolist()
    ([0.1, 0.2718], [[0.3, 0.1], [0.3, 0.2718]])
    """
    x1, y, a0, w0 = _start(x, y, a0, w0)
    t = finite("t", times(t))
    if getattr(p, "at_zero", 0.0) != 0:
        raise ValueError(f"p must be of an activation that vanishes at 0, got s(0) = {getattr(p, 'at_zero', 0.0):g}")
    p = positive_int("p", p)
    if p == 1:
        rate = np.linalg.norm(x1.T @ y) / len(y)
        with np.errstate(over="ignore", invalid="ignore"):  # overflow becomes a SimulationError in Trajectory
            a, w = _linear_modes(x1, y, a0, w0, np.exp(rate * t), np.exp(-rate * t))
    else:
        a, w = _integrate(x1, y, a0, w0, t, p)
    return Trajectory(t, {"a": a, "w": w}, clock="flow time", meta={"p": p})


def initial_descent(
    x: ArrayLike, y: ArrayLike, a0: ArrayLike, w0: ArrayLike, steps: ArrayLike, lr: float
) -> Trajectory:
    """Gradient descent at leading order for p = 1, in closed form: the two modes grow by (1 +- lr |v|) per step.

    Parameters
    ----------
    x, y, a0, w0 : arrays
        As in :func:`initial_flow`.
    steps : (n_t,) array
        Numbers of steps.
    lr : float
        Learning rate, > 0.

    Returns
    -------
    Trajectory
        `a`, `w` on the clock "step".

    Raises
    ------
    ValueError
        If shapes do not fit or an entry is not finite.

    Examples
    --------
    The same, by factors of 1.1 per step:

    >>> run = initial_descent([[0.0]], [1.0], [0.1], [[0.3, 0.1]], [0, 1, 2], lr=0.1)
    >>> run["a"][:, 0].round(6).tolist()
    [0.1, 0.11, 0.121]
    """
    x1, y, a0, w0 = _start(x, y, a0, w0)
    steps = finite("steps", times(steps, name="steps"))
    gain = float(positive("lr", lr, ndim=0)) * np.linalg.norm(x1.T @ y) / len(y)
    with np.errstate(over="ignore", invalid="ignore"):  # overflow becomes a SimulationError in Trajectory
        a, w = _linear_modes(x1, y, a0, w0, (1 + gain) ** steps, (1 - gain) ** steps)
    return Trajectory(steps, {"a": a, "w": w}, clock="step", meta={"lr": float(lr)})


def with_bias(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Inputs with the constant input 1 as last column, and the targets.

    Parameters
    ----------
    x : (n, d) array
    y : (n,) array

    Returns
    -------
    x1 : (n, d + 1) array
    y : (n,) array

    Raises
    ------
    ValueError
        If the lengths differ, a number of axes is wrong, or an entry is not finite.
    """
    x, y = finite("x", x, ndim=2), finite("y", y, ndim=1)
    if len(x) != len(y):
        raise ValueError(f"y must have {len(x)} entries, one per row of x, got {len(y)}")
    return np.concatenate([x, np.ones((len(x), 1))], axis=1), y


def _start(x: ArrayLike, y: ArrayLike, a0: ArrayLike, w0: ArrayLike) -> tuple[np.ndarray, ...]:
    x1, y = with_bias(x, y)
    require_room(x=x1, y=y)
    a0, w0 = finite("a0", a0, ndim=1), finite("w0", w0, ndim=2)
    if w0.shape != (len(a0), x1.shape[1]):
        raise ValueError(f"w0 must have shape ({len(a0)}, {x1.shape[1]}), got {w0.shape}")
    return x1, y, a0, w0


def _linear_modes(
    x1: np.ndarray, y: np.ndarray, a0: np.ndarray, w0: np.ndarray, up: np.ndarray, down: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    v = x1.T @ y
    norm = np.linalg.norm(v)
    unit = v / norm if norm > 0 else v  # y orthogonal to all inputs: nothing moves, up = down = 1
    along = w0 @ unit
    grow, fall = (np.multiply.outer(g, part) for g, part in ((up, a0 + along), (down, a0 - along)))
    across = w0 - along[:, None] * unit
    return (grow + fall) / 2, across + ((grow - fall) / 2)[..., None] * unit


def _integrate(
    x1: np.ndarray, y: np.ndarray, a0: np.ndarray, w0: np.ndarray, t: np.ndarray, p: int
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.integrate import solve_ivp

    m = len(a0)

    def rhs(_, state):
        a, w = state[:m], state[m:].reshape(w0.shape)
        value, gradient = potential(x1[:, :-1], y, w, p)
        return np.concatenate([value, (a[:, None] * gradient).ravel()])

    start = np.concatenate([a0, w0.ravel()])
    if t[-1] == 0:
        states = start[None]
    else:
        scale = float(np.abs(start).max())
        limit = lambda _, state: np.abs(state).max() - 1e6 * scale  # noqa: E731
        limit.terminal = True  # pyright: ignore[reportFunctionMemberAccess]
        run = solve_ivp(rhs, (0, t[-1]), start, "DOP853", t, rtol=1e-10, atol=1e-13 * scale, events=limit)
        if run.status != 0:
            raise SimulationError(f"a neuron blows up near flow time {run.t_events[0].max(initial=0.0):g}")
        states = run.y.T
    return states[:, :m], states[:, m:].reshape(-1, *w0.shape)
