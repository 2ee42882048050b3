r"""Flows whose right-hand side is a polynomial, printed from sympy as the recurrence of their Taylor series.

With :math:`x(t + h) = \sum_k x_k h^k` a product of two series has the coefficients :math:`\sum_j u_j v_{k-j}`, so
:math:`(k + 1)\, x_{k+1}` is the right-hand side evaluated on coefficients. `flow.js` sums the series in steps
whose length the last coefficients decide (Jorba and Zou 2005, Experimental Mathematics 14, 99), so that its error stays
at rounding. Under weight decay these are the Bessel functions of :mod:`toymodels.layerwise.decay`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from docs.explorer.formulas import ORDERS, circle_potential
from docs.explorer.mathml import equation

TERMS = 24  # of a series


class Flow(NamedTuple):
    """A polynomial flow to print.

    Parameters
    ----------
    name : str
        In JavaScript: a function of the state and of the parameters, which returns the coefficients of each state.
    states, parameters : tuple of sympy.Symbol
    velocity : tuple of sympy expressions
        Polynomials in the states.
    words : str
        What it is, in a line.
    """

    name: str
    states: tuple[Any, ...]
    parameters: tuple[Any, ...]
    velocity: tuple[Any, ...]
    words: str

    def javascript(self) -> str:
        """The recurrence as a function `name([states], parameters...)`."""
        series = _Series(self.states)
        sums = [series.linear(expression) for expression in self.velocity]
        names = [str(state) for state in self.states]
        arrays = [*names, *series.products]
        lines = [
            f"// {self.words}",
            f"function {self.name}(start, {', '.join(map(str, self.parameters))}) {{",
            f"  const {', '.join(f'{name} = new Float64Array({TERMS + 1})' for name in arrays)};",
            *(f"  {name}[0] = start[{k}];" for k, name in enumerate(names)),
            f"  for (let k = 0; k < {TERMS}; k++) {{",
            *(f"    {name}[k] = convolved({u}, {v}, k);" for name, (u, v) in series.products.items()),
            *(f"    {name}[k + 1] = ({total}) / (k + 1);" for name, total in zip(names, sums, strict=True)),
            "  }",
            f"  return [{', '.join(names)}];",
            "}",
            "",
        ]
        return "\n".join(lines)

    def numpy(self) -> Callable[..., Sequence[Any]]:
        """The velocity as a function of the states and the parameters."""
        from sympy import lambdify

        return lambdify([*self.states, *self.parameters], self.velocity, "numpy")

    def mathml(self) -> str:
        """Its equations, one to a line."""
        rates = zip(self.states, self.velocity, strict=True)
        return "".join(equation(state, velocity, rate=True) for state, velocity in rates)


class _Series:
    """Products of states, each of two factors that are known before it."""

    def __init__(self, states: Sequence[Any]):
        self._states = list(states)
        self.products: dict[str, tuple[str, str]] = {}

    def linear(self, expression: Any) -> str:
        """A polynomial as JavaScript, linear in the k-th coefficients of products."""
        from sympy import Poly
        from sympy.printing.jscode import jscode

        terms = []
        for powers, factor in Poly(expression, *self._states).terms():
            factors = [str(state) for state, power in zip(self._states, powers, strict=True) for _ in range(power)]
            if not factors:
                raise ValueError(f"velocity must have no constant term, got {expression}")
            terms.append(f"({jscode(factor)}) * {self._product(factors)}[k]")
        return " + ".join(terms)

    def _product(self, factors: list[str]) -> str:
        name = factors[0]
        for factor in factors[1:]:
            left, name = name, f"{name}_{factor}"
            self.products.setdefault(name, (left, factor))
        return name


def decaying() -> Flow:
    """A and B of :mod:`toymodels.layerwise.decay` in flow time, with E = exp(-4 mu t); no decay is mu = 0."""
    from sympy import symbols

    states = a, b, faded = symbols("A B E")
    parameters = p, q, target, mu = symbols("P Q S mu")
    half = target - mu  # (r S - 2 mu) / 2 at r = 2
    velocity = half * a + 2 * q * faded * b, -half * b + 2 * p * a, -4 * mu * faded
    words = "y = A / B grows all sums of weights under decay mu; P, Q as in the master solution, r = 2."
    return Flow("decaying", states, parameters, velocity, words)


def drifting(order: int) -> Flow:
    """A neuron's direction on the sphere of (a, w1, w2), by :mod:`toymodels.condensation.initial` at leading order.

    Parameters
    ----------
    order : int
        Multiplicity of the activation.
    """
    from sympy import Symbol

    value, coefficients, weights = circle_potential(order)
    a = Symbol("a", real=True)
    velocity = value, *(a * value.diff(w) for w in weights)
    # a dot product by Euler: w grad T = p T; the part along the state is taken off, and time runs at its own pace
    along = (1 + order) * a * value
    sphere = tuple(part - along * state for part, state in zip(velocity, (a, *weights), strict=True))
    words = f"Directions of neurons at order {order}: a' = T(w), w' = a grad T(w), less the growth of the length."
    return Flow(f"drifting{order}", (a, *weights), coefficients, sphere, words)


@cache
def flows() -> dict[str, Flow]:
    """All of them by name."""
    made = [decaying(), *(drifting(order) for order in ORDERS)]
    return {flow.name: flow for flow in made}
