r"""The master solution in sympy, twice: as the textbook has it, and free of cancellation as it is evaluated.

The second is a list of definitions, each in terms of those before. It is the source: the page, numpy and JavaScript are
printed from it, and its algebra is checked against the first. It says the same as
:class:`toymodels.layerwise.riccati.TwoFactorFlow`, saddles included, for :math:`0 \le r \Delta t < \infty`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import sympy

RESULTS = ("y", "progress", "remaining", "f")


class Definition(NamedTuple):
    """One line of the form that is evaluated.

    Parameters
    ----------
    name : sympy.Symbol
    expression : sympy expression
        What it stands for, in terms of the symbols and of the names before it.
    words : str
        Why it is there; may be empty.

    Examples
    --------
    >>> overlap = master_definitions()[0]
    >>> overlap.name, overlap.expression, overlap.words
    (Omega, 2*sqrt(P)*sqrt(Q), 'conserved')
    """

    name: sympy.Symbol
    expression: Any
    words: str


def master_symbols() -> tuple[sympy.Symbol, ...]:
    """t, P, Q, S and r of the master solution; S real, the others >= 0.

    Examples
    --------
    At the end of training f is the target:

    >>> t, P, Q, S, r = master_symbols()
    >>> master_solution("f").subs({P: 0.01, Q: 0, S: 1.0, r: 2, start_symbol(): 0.01, t: 100}).evalf(6)
    1.00000
    """
    from sympy import Symbol, symbols

    t, aligned, opposed, rate = symbols("t P Q r", nonnegative=True)
    return t, aligned, opposed, Symbol("S", real=True), rate


def start_symbol() -> sympy.Symbol:
    """f(0) = P - Q, given apart since the difference cancels.

    Examples
    --------
    At t = 0 the function is what it starts from:

    >>> t, P, Q, S, r = master_symbols()
    >>> master_solution("f").subs({P: 3, Q: 1, S: 5, t: 0})
    f0
    """
    from sympy import Symbol

    return Symbol("f0", real=True)


def master_definitions() -> list[Definition]:
    """The form that is evaluated, step by step; the :data:`RESULTS` are among the names.

    Examples
    --------
    Each line uses the names before it:

    >>> written = {definition.name.name: definition.expression for definition in master_definitions()}
    >>> written["Omega"], written["Delta"], written["y"], written["last"]
    (2*sqrt(P)*sqrt(Q), hypot(S, Omega), top/bottom, decay/top)
    """
    from sympy import Abs, Eq, Or, Piecewise, Symbol, exp, sqrt
    from sympy.codegen import cfunctions

    t, aligned, opposed, target, rate = master_symbols()
    start, listed = start_symbol(), []
    expm1: Any = cfunctions.expm1
    hypot: Any = cfunctions.hypot

    def is_zero(symbol: Any) -> Any:
        return Eq(symbol, 0)

    def define(name: str, expression: Any, words: str) -> sympy.Symbol:
        symbol = Symbol(name, real=True)
        listed.append(Definition(symbol, expression, words))
        return symbol

    overlap = define("Omega", 2 * sqrt(aligned) * sqrt(opposed), "conserved")
    gap = define("Delta", hypot(target, overlap), "r times it is the final rate")
    large = define("large", gap + Abs(target), "")
    ratio = define("ratio", Piecewise((0, is_zero(large)), (overlap / large, True)), "")
    small = define("small", overlap * ratio, "Delta - |S|, without cancellation")
    up = define("up", Piecewise((large, target >= 0), (small, True)) / 2 + opposed, "(Delta + S)/2 + Q")
    down = define("down", Piecewise((small, target >= 0), (large, True)) / 2 + aligned, "(Delta - S)/2 + P")
    exponent = define("exponent", -rate * gap * t, "")
    decay = define("decay", exp(exponent), "")
    share = define("share", Piecewise((rate * t, is_zero(gap)), (-expm1(exponent) / gap, True)), "(1 - decay)/Delta")
    rise, fall = define("rise", share * up, ""), define("fall", share * down, "")
    top, bottom = define("top", decay + rise, "sums of terms >= 0"), define("bottom", decay + fall, "")
    grown = define("y", top / bottom, "the growth of (a + b)^2")
    last = define("last", decay / top, "")
    saddle = Or(is_zero(up), is_zero(down))
    # at a saddle one of the sums is the decay itself, which may have underflowed
    ways = (1 / top, is_zero(down)), (1 / bottom, is_zero(up)), (last / bottom, True)
    remaining = define("remaining", Piecewise(*ways), "(S - f)/(S - f0)")
    early = define("early", Piecewise((0, saddle), (rise / top, True)), "")
    late = define("late", Piecewise((0, saddle), (fall / bottom, True)), "")
    progress = define("progress", early * late + (aligned + opposed) * share * remaining, "1 - remaining")
    ends = (start * grown, is_zero(up)), (start / grown, is_zero(down))
    define("f", Piecewise(*ends, (start * remaining + target * progress, True)), "P y - Q/y")
    return listed


def master_solution(result: str = "y") -> Any:
    """One of the definitions as a single expression in the symbols.

    Parameters
    ----------
    result : str
        `y`, `progress`, `remaining`, `f` or any other name defined.

    Raises
    ------
    ValueError
        If there is no such name.

    Examples
    --------
    >>> master_solution("Delta")
    hypot(S, 2*sqrt(P)*sqrt(Q))
    """
    written, names = {}, [str(definition.name) for definition in master_definitions()]
    if result not in names:
        raise ValueError(f"result must be one of {', '.join(names)}, got {result!r}")
    for definition in master_definitions():
        written[definition.name] = definition.expression.subs(written)
        if definition.name.name == result:
            break
    return written[definition.name]


def textbook_solution() -> Any:
    r"""y by the roots of the Riccati equation, :math:`y = (y_+ - y_- c E)/(1 - c E)`, for P, Q > 0.

    Examples
    --------
    From 1 to the upper root of y^2 - y - 2 = 0, which is 2:

    >>> t, P, Q, S, r = master_symbols()
    >>> growth = textbook_solution().subs({P: 1, Q: 2, S: 1, r: 1})
    >>> growth.subs(t, 0), growth.subs(t, 50).evalf(6)
    (1, 2.00000)
    """
    from sympy import exp, sqrt

    t, aligned, opposed, target, rate = master_symbols()
    gap = sqrt(target**2 + 4 * aligned * opposed)
    return _by_roots(aligned, target, gap, exp(-rate * gap * t))


def _by_roots(aligned: Any, target: Any, gap: Any, decay: Any) -> Any:
    upper, lower = (target + gap) / (2 * aligned), (target - gap) / (2 * aligned)
    left = (1 - upper) / (1 - lower) * decay
    return (upper - lower * left) / (1 - left)


class Algebra(NamedTuple):
    """The definitions as fractions in P, S, Delta and E = exp(-r Delta t), with Q = (Delta^2 - S^2)/4P."""

    values: dict[str, Any]
    textbook: Any
    opposed: Any


def general_algebra(*, rising: bool) -> Algebra:
    """For P, Q > 0, and S >= 0 if `rising`, S < 0 else: the branches that hold then, every name a fraction."""
    from sympy import Abs, Piecewise, Symbol, cancel
    from sympy.codegen.cfunctions import expm1

    _, aligned, opposed, target, _ = master_symbols()
    names = {definition.name.name: definition.name for definition in master_definitions()}
    gap, decay, overlap = names["Delta"], Symbol("E"), names["Omega"]
    others = (gap**2 - target**2) / (4 * aligned)
    # what these four stand for is checked by `roots_and_decay`
    values = {"Omega": overlap, "Delta": gap, "exponent": names["exponent"], "decay": decay}

    def chosen(*ways: Any) -> Any:
        return next(value for value, condition in ways if _holds(condition, rising))

    for name, expression, _ in master_definitions():
        if name.name not in values:
            branch = expression.replace(Piecewise, chosen).subs(Abs(target), target if rising else -target)
            branch = branch.subs({names[known]: value for known, value in values.items()})
            branch = branch.subs({expm1(names["exponent"]): decay - 1, overlap**2: gap**2 - target**2})
            values[name.name] = cancel(branch.subs({opposed: others, start_symbol(): aligned - others}))
    return Algebra(values, _by_roots(aligned, target, gap, decay), others)


def roots_and_decay() -> Any:
    """0 if Delta and the decay of the definitions are the square root and the exponential of the textbook."""
    from sympy import Abs, exp, sqrt
    from sympy.codegen.cfunctions import hypot

    t, aligned, opposed, target, rate = master_symbols()
    written = {name.name: expression for name, expression, _ in master_definitions()}
    names = {name.name: name for name, _, _ in master_definitions()}
    root = written["Delta"].replace(hypot, lambda x, y: sqrt(x**2 + y**2)).subs(names["Omega"], written["Omega"])
    decay = written["decay"].subs(names["exponent"], written["exponent"])
    wrong = root - sqrt(target**2 + 4 * aligned * opposed), decay - exp(-rate * names["Delta"] * t)
    return sum(Abs(difference) for difference in wrong)


def special_values(case: dict[Any, Any]) -> dict[str, Any]:
    """The definitions where some of P, Q and S are 0, step by step, with the branches that this decides."""
    from sympy import cancel, exp, sqrt
    from sympy.codegen.cfunctions import expm1, hypot

    known = dict(case)
    for name, expression, _ in master_definitions():
        value = expression.subs(known)
        value = value.replace(hypot, lambda x, y: sqrt(x**2 + y**2)).replace(expm1, lambda x: exp(x) - 1)
        known[name] = cancel(value)
    return {str(name): value for name, value in known.items()}


def _holds(condition: Any, rising: bool) -> bool:
    """Whether a condition of the definitions holds: the sign of S does as told, no equality with 0 does."""
    if condition == True:  # noqa: E712 - sympy's own
        return True
    return rising and condition == (master_symbols()[3] >= 0)
