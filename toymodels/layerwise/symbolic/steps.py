"""The derivations, step by step: each with what must vanish for it to hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toymodels.layerwise.symbolic import master


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

    Examples
    --------
    >>> from sympy import Eq, expand, symbols
    >>> a, b = symbols("a b")
    >>> square = (a + b) ** 2
    >>> Step("a square", Eq(square, a**2 + 2 * a * b + b**2), expand(square - a**2 - 2 * a * b - b**2)).holds
    True
    >>> wrong = Step("no square", Eq(square, a**2 + b**2), expand(square - a**2 - b**2))
    >>> wrong.holds, wrong.residual
    (False, 2*a*b)
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


def riccati() -> list[Step]:
    """The equation of y, that the textbook form solves it, and that the form that is evaluated is the same."""
    from sympy import Eq, Function, Symbol, cancel, exp, expand, sqrt

    t, aligned, opposed, target, rate = master.master_symbols()
    y, name = master.textbook_solution(), Function("y")(t)
    grown = Symbol("y", positive=True)
    growth = rate * grown * (target - aligned * grown + opposed / grown)
    root = sqrt(target**2 + 4 * aligned * opposed)
    gap, decay = Symbol("Delta", positive=True), Symbol("E", positive=True)

    def right(of):
        return rate * (-aligned * of**2 + target * of + opposed)

    def rational(expression):  # rational in E and Delta once the square root and the exponential have names
        named = expression.subs(exp(-rate * root * t), decay).subs(root, gap)
        return cancel(named.subs(opposed, (gap**2 - target**2) / (4 * aligned)))

    return [
        Step(
            "y' = r y (S - f) with f = P y - Q / y is a Riccati equation",
            Eq(name.diff(t), right(name)),
            expand(growth - right(grown)),
        ),
        Step("the master solution solves it", Eq(name, y), rational(y.diff(t) - right(y))),
        Step("and starts at 1", Eq(Function("y")(0), 1), rational(y.subs(t, 0) - 1)),
    ]


def evaluated_form() -> list[Step]:
    """The cancellation-free form equals the textbook's, for either sign of S."""
    from sympy import cancel

    _, aligned, _, target, _ = master.master_symbols()
    steps = [Step("Delta and E as evaluated", master.master_solution("Delta"), master.roots_and_decay())]
    for rising, words in ((True, "S >= 0"), (False, "S < 0")):
        values, textbook, opposed = master.general_algebra(rising=rising)
        y, remaining = values["y"], values["remaining"]
        function, start = aligned * y - opposed / y, aligned - opposed
        residuals = {
            "y": y - textbook,
            "remaining": (target - function) - (target - start) * remaining,
            "progress": values["progress"] + remaining - 1,
            "f": values["f"] - function,
        }
        for result, residual in residuals.items():
            steps.append(Step(f"{result} as evaluated, {words}", values[result], cancel(residual)))
    return steps


def special_branches() -> list[Step]:
    """Where the general form is 0/0: y solves its equation and starts at 1, and the others follow from y."""
    from sympy import Symbol, cancel

    t, aligned, opposed, target, rate = master.master_symbols()
    size, strength = Symbol("s", positive=True), Symbol("c", positive=True)
    cases = {
        "nothing to learn, Q = 0": (strength, 0, 0),
        "nothing to learn, P = 0": (0, strength, 0),
        "towards the saddle, P = 0 < S": (0, strength, size),
        "towards the saddle, Q = 0 > S": (strength, 0, -size),
        "balanced, Q = 0 < S": (strength, 0, size),
        "nothing there": (0, 0, size),
    }
    steps = []
    for words, (p, q, s) in cases.items():
        values = master.special_values({aligned: p, opposed: q, target: s, master.start_symbol(): p - q})
        y, f, remaining = values["y"], values["f"], values["remaining"]
        residuals = [
            y.diff(t) - rate * (-p * y**2 + s * y + q),
            y.subs(t, 0) - 1,
            f - (p * y - q / y),
            (s - f) - (s - p + q) * remaining,
            values["progress"] + remaining - 1,
        ]
        steps.append(Step(words, y, sum(abs(cancel(residual)) for residual in residuals)))
    return steps


def reductions() -> list[Step]:
    """Equal weights give the sigmoid (Eq. 9), and infinite time gives gamma_+ (Eq. 19)."""
    from sympy import Eq, Symbol, cancel, exp, simplify, symbols

    t, aligned, opposed, real, rate = master.master_symbols()
    target, product = symbols("S u0", positive=True)
    balanced = master.special_values({real: target, opposed: 0, aligned: product, master.start_symbol(): product})["f"]
    sigmoid = target / (1 + (target / product - 1) * exp(-rate * target * t))
    values = master.general_algebra(rising=True).values
    gamma = (real + values["Delta"]) / (2 * aligned)
    end = values["y"].subs(Symbol("E"), 0)  # for Delta > 0 every exponential dies out
    return [
        Step("balanced weights follow the sigmoid", Eq(Symbol("u"), sigmoid), simplify(balanced - sigmoid)),
        Step("gamma_+ is the growth at infinite time", gamma, cancel(end - gamma)),
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
    """All steps in teaching order.

    Examples
    --------
    >>> steps = derivations()
    >>> steps[3].title, steps[3].latex(), steps[3].holds
    ('the imbalance is conserved', 'a^{2} - b^{2}', True)
    >>> all(step.holds for step in steps)
    True
    """
    parts = two_factor_flow, shared_growth, riccati, evaluated_form, special_branches, reductions, matrix_conservation
    return [step for part in parts for step in part()]
