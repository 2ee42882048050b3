r"""Every formula of the pages in sympy: printed as JavaScript for them, as numpy for the tests, as MathML for readers.

A formula is a list of definitions, each in terms of its arguments and of the names before it, as
:func:`toymodels.layerwise.symbolic.master_definitions` is, with which all of the layerwise ones begin. Each says which
part of the suite it states again; the tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from docs.explorer.mathml import equation
from toymodels.layerwise import spectrum
from toymodels.layerwise.symbolic import Definition, javascript_function, master_definitions, numpy_function

ORDERS = (1, 2, 3)  # of the activations on the page of condensation


class Formula(NamedTuple):
    """A function to print.

    Parameters
    ----------
    name : str
        In JavaScript.
    arguments : str
        Names with commas between.
    definitions : tuple of Definition
    results : tuple of str
        Names returned.
    words : str
        What it is, in a line.
    """

    name: str
    arguments: str
    definitions: tuple[Definition, ...]
    results: tuple[str, ...]
    words: str

    def javascript(self) -> str:
        """A function of numbers."""
        return javascript_function(self.name, self.arguments, self.definitions, self.results, self.words)

    def numpy(self) -> Callable[..., dict[str, Any]]:
        """A function of arrays."""
        space: dict[str, Any] = {}
        source = numpy_function(self.name, self.arguments, self.definitions, self.results, self.words)
        exec(compile(f"import numpy\n\n{source}", self.name, "exec"), space)  # our own print of our own definitions
        return space[self.name]

    def mathml(self) -> str:
        """Its definitions as equations, one to a line."""
        return "".join(equation(definition.name, definition.expression) for definition in self.definitions)


def _symbols(names: str, **assumptions: bool) -> Any:
    from sympy import symbols

    return symbols(names, **(assumptions or {"real": True}))


class _Definitions(list[Definition]):
    """A list that grows by `define`."""

    def define(self, name: str, expression: Any, words: str = "") -> Any:
        symbol = _symbols(name)
        self.append(Definition(symbol, expression, words))
        return symbol


def _name(definitions: Sequence[Definition], name: str) -> Any:
    return next(definition.name for definition in definitions if definition.name.name == name)


def _unit(definitions: _Definitions) -> tuple[Any, Any]:
    """P, Q, f0 and r of one unit of weights a0, b0 at variance 1, under the names of the master solution."""
    from sympy import Integer

    a0, b0 = _symbols("a0 b0")
    definitions.define("P", (a0 + b0) ** 2 / 4)
    definitions.define("Q", (a0 - b0) ** 2 / 4)
    definitions.define("f0", a0 * b0)
    definitions.define("r", Integer(2))
    return a0, b0


def _times(start: Any, factor: Any) -> Any:
    """start * factor; what is 0 stays 0 even if the factor is infinite."""
    from sympy import Eq, Piecewise

    return Piecewise((0, Eq(start, 0)), (start * factor, True))


def _larger(first: Any, second: Any) -> Any:
    """The larger of two; numpy prints sympy's own with a module that a printed function does not import."""
    from sympy import Piecewise

    return Piecewise((first, first >= second), (second, True))


def mode() -> Formula:
    """One mode with its weights: :class:`toymodels.layerwise.DiagonalNetwork` of one coordinate, without decay."""
    from sympy import sqrt

    listed = _Definitions()
    a0, b0 = _unit(listed)
    listed.extend(master_definitions())
    growth = listed.define("growth", sqrt(_name(listed, "y")), "of all sums of weights")
    sums = listed.define("sums", _times((a0 + b0) / 2, growth))
    differences = listed.define("differences", _times((a0 - b0) / 2, 1 / growth))
    a, b = listed.define("a", sums + differences), listed.define("b", sums - differences)
    listed.define("kernel", a**2 + b**2, "the tangent kernel")
    words = "A mode of target S from weights a0, b0 at time t: product f, weights, tangent kernel."
    return Formula("mode", "t, a0, b0, S", tuple(listed), ("f", "progress", "a", "b", "kernel"), words)


def half_way() -> Formula:
    """When the progress reaches `part`: :meth:`toymodels.layerwise.DiagonalNetwork.time_to`."""
    from sympy import Eq, Piecewise, sqrt
    from sympy.codegen.cfunctions import hypot, log1p

    listed = _Definitions()
    _unit(listed)
    for definition in master_definitions():
        listed.append(definition)
        if definition.name.name == "down":
            break
    up, down, gap, part = _name(listed, "up"), _name(listed, "down"), _name(listed, "Delta"), _symbols("part")
    total = listed.define("total", _name(listed, "P") + _name(listed, "Q"))
    low, high = listed.define("low", -2 * _larger(-up, -down)), listed.define("high", 2 * _larger(up, down))
    rest = listed.define("rest", 1 - part)
    half = listed.define("half", 2 * (rest * total - part * gap))
    root = listed.define("root", hypot(half, 2 * sqrt(rest * part) * sqrt(low) * sqrt(high)))
    over = listed.define("over", Piecewise((4 * part, half >= 0), ((root - half) / rest, True)))
    under = listed.define("under", Piecewise((root + half, half >= 0), (low * high, True)))
    z = listed.define("z", over / under, "expm1(r Delta t) / Delta")
    elapsed = Piecewise((z, Eq(gap, 0)), (log1p(gap * z) / gap, True))  # pyright: ignore[reportIndexIssue]
    listed.define("time", elapsed / _name(listed, "r"))
    words = "When a mode of target S from weights a0, b0 has gone a given part of its way."
    return Formula("timeTo", "a0, b0, S, part", tuple(listed), ("time",), words)


def start() -> Formula:
    """Weights of a given scale and imbalance, and by how much the tangent kernel will have grown at the end."""
    from sympy import sqrt
    from sympy.codegen.cfunctions import hypot

    listed = _Definitions()
    scale, balance, target = _symbols("scale balance S")
    listed.define("a0", scale * sqrt((1 + balance) / 2))
    listed.define("b0", scale * sqrt((1 - balance) / 2))
    listed.define("imbalance", balance * scale**2, "a^2 - b^2, conserved")
    # (a^2 + b^2)^2 = (2 a b)^2 + (a^2 - b^2)^2, and in the end a b = S
    end = listed.define("end", hypot(2 * target, balance * scale**2))  # pyright: ignore[reportCallIssue]
    listed.define("growth", end / scale**2, "of the kernel a^2 + b^2")
    words = "Weights of root mean square size scale / sqrt(2), and the growth of their kernel from start to end."
    return Formula("startOf", "scale, balance, S", tuple(listed), ("a0", "b0", "imbalance", "end", "growth"), words)


def weights() -> Formula:
    """Weights of a product and an imbalance, as :meth:`TwoFactorFlow.from_product` takes them."""
    from sympy import sqrt
    from sympy.codegen.cfunctions import hypot

    listed = _Definitions()
    product, imbalance = _symbols("product imbalance")
    a0 = listed.define("a0", sqrt(hypot(product, imbalance / 2) + imbalance / 2))  # pyright: ignore
    listed.define("b0", product / a0)
    words = "Weights with a0 b0 = product > 0 and a0^2 - b0^2 = imbalance >= 0."
    return Formula("weightsOf", "product, imbalance", tuple(listed), ("a0", "b0"), words)


def one_layer() -> Formula:
    """A coordinate of one layer: :class:`toymodels.layerwise.LinearModel`."""
    from sympy import exp
    from sympy.codegen.cfunctions import expm1

    listed = _Definitions()
    t, theta0, target = _symbols("t theta0 S")
    listed.define("theta", theta0 * exp(-t) - target * expm1(-t))  # pyright: ignore[reportOperatorIssue]
    return Formula("oneLayer", "t, theta0, S", tuple(listed), ("theta",), "A single layer's weight at time t.")


def decayed() -> Formula:
    """Weights under decay from the growth y = A / B: :class:`toymodels.layerwise.decay.DecayingFlow`."""
    from sympy import exp, sqrt

    listed = _Definitions()
    t, a0, b0, mu, y = _symbols("t a0 b0 mu y")
    growth = listed.define("growth", sqrt(y))
    sums = listed.define("sums", (a0 + b0) / 2 * growth)
    differences = listed.define("differences", (a0 - b0) / 2 * exp(-2 * mu * t) / growth)
    a, b = listed.define("a", sums + differences), listed.define("b", sums - differences)
    listed.define("f", (sums - differences) * (sums + differences))
    listed.define("imbalance", (a0**2 - b0**2) * exp(-2 * mu * t), "a^2 - b^2")
    listed.define("kernel", a**2 + b**2)
    words = "Weights at time t under weight decay mu, from the growth y = A / B of the linear flow."
    return Formula("decayed", "t, a0, b0, mu, y", tuple(listed), ("f", "a", "b", "imbalance", "kernel"), words)


def passage() -> Formula:
    """When decay has worn an imbalance down to the size 2 S that features of strength S have when balanced."""
    from sympy import log

    listed = _Definitions()
    a0, b0, mu, target = _symbols("a0 b0 mu S")
    listed.define("time", log((a0**2 - b0**2) / (2 * target)) / (2 * mu))
    listed.define("end", target - mu, "where f rests, if positive")
    words = "From lazy to rich: exp(-2 mu t) (a0^2 - b0^2) = 2 S."
    return Formula("passage", "a0, b0, mu, S", tuple(listed), ("time", "end"), words)


def phase_plane() -> Formula:
    """Exponent of the relative distance: :func:`toymodels.condensation.distance_exponent`."""
    from sympy import Integer, Piecewise

    listed = _Definitions()
    gamma, prime = _symbols("gamma prime")
    ways = (
        (gamma - 1 - 2 * _larger(prime, Integer(0)), gamma < 1),
        (2 * (gamma - prime - 1), prime >= gamma - 1),
        ((gamma - prime - 1) / 2, gamma + prime > 1),
        (gamma - 1, True),
    )
    listed.define("exponent", Piecewise(*ways), "< 0 linear, 0 critical, > 0 condensed")
    listed.define("critical", 1 + _larger(prime, Integer(0)), "the critical gamma at this gamma'")
    words = "Exponent of the width in how far input weights move, and the critical line."
    return Formula("plane", "gamma, prime", tuple(listed), ("exponent", "critical"), words)


def initialisation() -> Formula:
    """Standard deviations and scale of a width and a place in the plane, the inverse of :func:`coordinates`."""
    listed = _Definitions()
    width, gamma, prime, exponent = _symbols("m gamma prime exponent")
    listed.define("std_a", width**-prime)
    listed.define("std_w", width**0)
    listed.define("scale", width ** (gamma - prime))
    listed.define("distance", width**exponent, "up to a factor that does not depend on m")
    words = "Standard deviations of output and input weights and the divisor of the output at width m."
    arguments, results = "m, gamma, prime, exponent", ("std_a", "std_w", "scale", "distance")
    return Formula("initialisation", arguments, tuple(listed), results, words)


def law() -> Formula:
    """A node of the law of Marchenko and Pastur: :func:`toymodels.layerwise.spectrum.marchenko_pastur`."""
    from sympy import Integer, Rational, exp, pi, sin, sqrt

    listed = _Definitions()
    k, ratio = _symbols("k q")
    step = Rational(str(spectrum._STEP))
    logit = listed.define("logit", step * k)
    below = listed.define("below", 1 / (1 + exp(-logit)))
    above = listed.define("above", 1 / (1 + exp(logit)))
    root, psi = listed.define("root", sqrt(ratio)), listed.define("psi", pi * below)
    eigenvalue = listed.define("eigenvalue", (1 - root) ** 2 + 4 * root * sin(psi / 2) ** 2)
    share = listed.define("share", sin(psi) / eigenvalue, "in two steps: at q = 1 both are tiny")
    density = listed.define("density", 2 * sin(psi) * share)
    listed.define("mass", density * step * below * above)
    listed.define("none", _larger(1 - 1 / ratio, Integer(0)), "the mass at 0")
    words = "The k-th eigenvalue and its mass, for q = d/n."
    return Formula("law", "k, q", tuple(listed), ("eigenvalue", "mass", "none"), words)


def losses() -> Formula:
    """Train and test loss of one eigenvalue, per mass: :class:`toymodels.layerwise.TeacherStudent` of one layer."""
    from sympy import Integer, exp
    from sympy.codegen.cfunctions import expm1

    listed = _Definitions()
    t, l, q, sigma = _symbols("t l q sigma")
    decay = listed.define("decay", exp(-2 * l * t))
    listed.define("train", decay * (l + sigma**2 * q) / 2)
    fitted = listed.define("fitted", sigma**2 * q * expm1(-l * t) ** 2 / l, "noise learned")  # pyright: ignore
    listed.define("test", (decay + fitted) / 2)
    listed.define("unfitted", sigma**2 * _larger(1 - q, Integer(0)) / 2, "train loss that no map removes")
    words = "Loss of a direction of eigenvalue l at time t, with noise sigma and q = d/n, from a start at 0."
    return Formula("losses", "t, l, q, sigma", tuple(listed), ("train", "test", "unfitted"), words)


def circle_potential(order: int) -> Any:
    """T(w1, w2) of one input and a bias at this order, with the coefficients c0 ... c_order, and its symbols.

    Parameters
    ----------
    order : int
    """
    w1, w2 = _symbols("w1 w2")
    coefficients = _symbols(f"c0:{order + 1}")
    return sum(c * w1**j * w2 ** (order - j) for j, c in enumerate(coefficients)), coefficients, (w1, w2)


def potential(order: int) -> Formula:
    """The potential on the circle with its first two derivatives: :func:`toymodels.condensation.initial.potential`.

    Parameters
    ----------
    order : int
        Multiplicity of the activation.
    """
    from sympy import cos, sin

    value, coefficients, weights_ = circle_potential(order)
    theta = _symbols("theta")
    around = value.subs(dict(zip(weights_, (cos(theta), sin(theta)), strict=True)))
    listed = _Definitions()
    for k, name in enumerate(("height", "slope", "bend")):
        listed.define(name, around.diff(theta, k) if k else around)
    words = f"The potential of order {order} in the direction theta, and its derivatives."
    arguments = ", ".join(["theta", *map(str, coefficients)])
    return Formula(f"potential{order}", arguments, tuple(listed), ("height", "slope", "bend"), words)


def coefficients(order: int) -> Formula:
    """What one sample adds to the coefficients of the potential: y (w1 x + w2)^p in powers of w1.

    Parameters
    ----------
    order : int
        Multiplicity of the activation.
    """
    from sympy import Poly

    x, y = _symbols("x y")
    w1, w2 = _symbols("w1 w2")
    powers = Poly(y * (w1 * x + w2) ** order, w1, w2)
    listed = _Definitions()
    for j in range(order + 1):
        listed.define(f"c{j}", powers.coeff_monomial(w1**j * w2 ** (order - j)))
    words = f"Coefficients of the potential of order {order} for one sample; the potential has their mean."
    results = tuple(f"c{j}" for j in range(order + 1))
    return Formula(f"coefficients{order}", "x, y", tuple(listed), results, words)


@cache
def formulas() -> dict[str, Formula]:
    """All of them by name."""
    single = (mode, half_way, start, weights, one_layer, decayed, passage, phase_plane, initialisation, law, losses)
    made = [make() for make in single] + [make(order) for make in (potential, coefficients) for order in ORDERS]
    return {formula.name: formula for formula in made}
