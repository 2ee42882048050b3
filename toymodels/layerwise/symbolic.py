r"""The algebra behind the closed forms, done by sympy: derived from the loss, checked, and printed as LaTeX.

``python -m toymodels.layerwise.symbolic`` prints every step. Each is a :class:`Step` with the sympy expression
itself, so that it can be handed to a code generator as well: ``sympy.lambdify`` or ``sympy.jscode`` of
``master_solution()``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Parameters
    ----------
    title : str
        What it shows, in words.
    expression : sympy expression or equation
        The result.
    residual : sympy expression or None
        What must vanish for the step to hold, simplified; None for definitions.
    """

    title: str
    expression: Any
    residual: Any = None

    @property
    def holds(self) -> bool:
        """Whether the residual vanished."""
        return self.residual is None or self.residual == 0

    def latex(self) -> str:
        """The expression as LaTeX."""
        from sympy import latex

        return latex(self.expression)


def two_factor_flow() -> list[Step]:
    """The flow of one unit, from the loss, and what it conserves (Eq. 6, 8 and 15 of arXiv:2502.21009)."""
    from sympy import Eq, Function, Rational, expand, simplify, symbols

    a, b, target = symbols("a b S", real=True)
    variance, normalizer, t = symbols(r"\sigma^2 Z t", positive=True)
    loss = Rational(1, 2) * variance * (target - a * b / normalizer) ** 2
    flow = {a: -loss.diff(a), b: -loss.diff(b)}
    at, bt = Function("a")(t), Function("b")(t)

    def along_the_flow(quantity):
        return expand(sum(quantity.diff(weight) * flow[weight] for weight in (a, b)))

    pull = variance / normalizer * (target - a * b / normalizer)
    total = along_the_flow(a + b) - pull * (a + b)
    difference = along_the_flow(a - b) + pull * (a - b)
    return [
        Step("loss of one unit", loss),
        Step("its gradient flow in a", Eq(at.diff(t), pull * b), simplify(flow[a] - pull * b)),
        Step("and in b", Eq(bt.diff(t), pull * a), simplify(flow[b] - pull * a)),
        Step("the imbalance is conserved", a**2 - b**2, simplify(along_the_flow(a**2 - b**2))),
        Step("the sum grows at the rate of the residual", pull * (a + b), simplify(total)),
        Step("the difference shrinks at it", -pull * (a - b), simplify(difference)),
    ]


def shared_growth() -> list[Step]:
    """Two units of one network: the cross products are conserved too, hence one growth factor drives all."""
    from sympy import Rational, expand, symbols

    a, b, target, normalizer = symbols("a1:3"), symbols("b1:3"), *symbols("S Z")
    function = (a[0] * b[0] + a[1] * b[1]) / normalizer
    loss = Rational(1, 2) * (target - function) ** 2
    cross = a[0] * b[1] - a[1] * b[0]
    rate = sum(-loss.diff(weight) * cross.diff(weight) for weight in (*a, *b))
    return [Step("the cross product of two units is conserved", cross, expand(rate))]


def master_symbols() -> tuple[sympy.Symbol, ...]:
    """t, P, Q, S and r of the master solution; P, Q, r and t positive, S real."""
    from sympy import Symbol, symbols

    t, aligned, opposed, rate = symbols("t P Q r", positive=True)
    return t, aligned, opposed, Symbol("S", real=True), rate


def master_solution() -> Any:
    """y(t) as sums of positive terms, the form that the package evaluates."""
    from sympy import exp, sqrt

    t, aligned, opposed, target, rate = master_symbols()
    gap = sqrt(target**2 + 4 * aligned * opposed)
    decay = exp(-rate * gap * t)
    share = (1 - decay) / gap
    top = 2 * decay + share * (gap + target + 2 * opposed)
    bottom = 2 * decay + share * (gap - target + 2 * aligned)
    return top / bottom


def riccati() -> list[Step]:
    """The equation of y, that the master solution solves it, and that the progress has the stable form."""
    from sympy import Eq, Function, cancel, exp, expand, sqrt, symbols

    t, aligned, opposed, target, rate = master_symbols()
    y, name = master_solution(), Function("y")(t)
    function, start = aligned * y - opposed / y, aligned - opposed
    grown = symbols("y", positive=True)
    growth = rate * grown * (target - aligned * grown + opposed / grown)
    gap, decay = symbols("Delta E", positive=True)
    # rational in E and Delta once the square root and the exponential have names
    named = {exp(-rate * sqrt(target**2 + 4 * aligned * opposed) * t): decay}

    def rational(expression):
        expression = expression.subs(named).subs(sqrt(target**2 + 4 * aligned * opposed), gap)
        return cancel(expression.subs(opposed, (gap**2 - target**2) / (4 * aligned)))

    top = 2 * decay + (1 - decay) / gap * (gap + target + 2 * opposed)
    bottom = 2 * decay + (1 - decay) / gap * (gap - target + 2 * aligned)
    remaining = 4 * decay / (top * bottom)

    def right(of):
        return rate * (-aligned * of**2 + target * of + opposed)

    return [
        Step(
            "y' = r y (S - f) with f = P y - Q / y is a Riccati equation",
            Eq(name.diff(t), right(name)),
            expand(growth - right(grown)),
        ),
        Step("the master solution solves it", Eq(name, y), rational(y.diff(t) - right(y))),
        Step("and starts at 1", Eq(Function("y")(0), 1), rational(y.subs(t, 0) - 1)),
        Step("what remains of the way to S", remaining, rational((target - function) - (target - start) * remaining)),
    ]


def reductions() -> list[Step]:
    """Equal weights give the sigmoid (Eq. 9), and infinite time gives gamma_+ (Eq. 19)."""
    from sympy import Eq, Symbol, exp, limit, simplify, sqrt, symbols

    t, aligned, opposed, _, rate = master_symbols()
    target, product = symbols("S u0", positive=True)
    real = master_symbols()[3]
    # the balanced limit first: sqrt(S^2) is S only for S > 0
    balanced = master_solution().subs(real, target).subs({opposed: 0, aligned: product})
    sigmoid = target / (1 + (target / product - 1) * exp(-rate * target * t))
    gap = Symbol("Delta", positive=True)
    gamma = (target + sqrt(target**2 + 4 * aligned * opposed)) / (2 * aligned)
    # for Delta > 0 every exponential dies out
    named = master_solution().subs(real, target).subs(sqrt(target**2 + 4 * aligned * opposed), gap)
    end = limit(named.subs(exp(-gap * rate * t), Symbol("E")), Symbol("E"), 0)
    difference = simplify((end - gamma).subs(gap, sqrt(target**2 + 4 * aligned * opposed)))
    return [
        Step("balanced weights follow the sigmoid", Eq(Symbol("u"), sigmoid), simplify(product * balanced - sigmoid)),
        Step("gamma_+ is the growth at infinite time", gamma, difference),
    ]


def matrix_conservation() -> list[Step]:
    """Entry by entry for a 2-2-2 network: W2'W2 - W1W1' is conserved for any input covariance (Eq. 40-48)."""
    from sympy import Matrix, expand, symbols

    w1 = Matrix(2, 2, symbols("u1:5"))
    w2 = Matrix(2, 2, symbols("v1:5"))
    correlation = Matrix(2, 2, symbols("s1:5"))
    p, q, r = symbols("p q r")
    error = correlation - w2 * w1 * Matrix([[p, q], [q, r]])
    flow1, flow2 = w2.T * error, error * w1.T
    change = flow2.T * w2 + w2.T * flow2 - flow1 * w1.T - w1 * flow1.T
    total = sum(abs(entry) for entry in change.applyfunc(expand))
    return [Step("the balance of two matrices is conserved", w2.T * w2 - w1 * w1.T, total)]


def derivations() -> list[Step]:
    """All steps in teaching order."""
    return [*two_factor_flow(), *shared_growth(), *riccati(), *reductions(), *matrix_conservation()]


def main() -> int:
    """Print every step; exit status 1 if one does not hold."""
    steps = derivations()
    for step in steps:
        print(f"% {step.title}: {'holds' if step.holds else f'FAILS by {step.residual}'}\n\\[ {step.latex()} \\]\n")
    return 0 if all(step.holds for step in steps) else 1


if __name__ == "__main__":
    raise SystemExit(main())
