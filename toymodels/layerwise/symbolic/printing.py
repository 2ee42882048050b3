"""Definitions in sympy as source code; above all the master solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from toymodels.layerwise.symbolic.master import RESULTS, Definition, master_definitions, master_symbols, start_symbol
from toymodels.validation import described

LANGUAGES = ("latex", "numpy", "javascript")

_WORDS = "Growth y, progress, remaining and f = P y - Q/y at time t; f0 = P - Q."


def _parameters() -> str:
    return ", ".join(symbol.name for symbol in (*master_symbols(), start_symbol()))


def numpy_source() -> str:
    """A Python function of arrays that broadcast, `master_solution(t, P, Q, S, r, f0)` -> dict of the results.

    Examples
    --------
    >>> space = {}
    >>> exec(numpy_source(), space)
    >>> round(float(space["master_solution"](0.0, 3.0, 1.0, 5.0, 2.0, 2.0)["f"]), 12)  # at t = 0 it is f0 = P - Q
    2.0
    """
    return "import numpy\n\n\n" + numpy_function(
        "master_solution", _parameters(), master_definitions(), RESULTS, _WORDS
    )


def javascript_source() -> str:
    """A function of numbers, `masterSolution(t, P, Q, S, r, f0)` -> object of the results.

    Examples
    --------
    >>> print(javascript_source().splitlines()[1])
    function masterSolution(t, P, Q, S, r, f0) {
    """
    return javascript_function("masterSolution", _parameters(), master_definitions(), RESULTS, _WORDS)


def numpy_function(
    name: str, parameters: str, definitions: Sequence[Definition], results: Sequence[str], words: str
) -> str:
    """Definitions as a Python function of arrays that broadcast, for a module that imports numpy.

    Parameters
    ----------
    name, parameters : str
        The function's name, and those of its arguments with commas between.
    definitions : sequence of Definition
        Each in terms of the arguments and of the names before it.
    results : sequence of str
        Names that the function returns, as a dict.
    words : str
        Its docstring.

    Examples
    --------
    >>> from sympy import Symbol
    >>> half = Definition(Symbol("half"), Symbol("x") / 2, "")
    >>> print(numpy_function("halved", "x", [half], ["half"], "Half of it.").splitlines()[3].strip())
    half = (1/2)*x
    """
    from sympy.printing.numpy import NumPyPrinter

    _require(definitions, results)
    printer = NumPyPrinter()
    lines = [f"        {_assigned(printer, definition)}" for definition in definitions]
    returned = ", ".join(f'"{result}": {result}' for result in results)
    return "\n".join(
        [
            f"def {name}({parameters}):",
            f'    """{words}"""',
            '    with numpy.errstate(all="ignore"):  # the branches that are not taken are evaluated too',
            *lines,
            f"    return {{{returned}}}",
            "",
        ]
    )


def javascript_function(
    name: str, parameters: str, definitions: Sequence[Definition], results: Sequence[str], words: str
) -> str:
    """Definitions as a JavaScript function of numbers that returns an object; the arguments are as before.

    Parameters
    ----------
    name, parameters, definitions, results, words
        As in :func:`numpy_function`.

    Examples
    --------
    >>> from sympy import Symbol
    >>> half = Definition(Symbol("half"), Symbol("x") / 2, "")
    >>> print(javascript_function("halved", "x", [half], ["half"], "Half of it."), end="")
    // Half of it.
    function halved(x) {
      const half = (1/2)*x;
      return {half};
    }
    """
    from sympy.printing.jscode import JavascriptCodePrinter

    _require(definitions, results)
    printer = JavascriptCodePrinter({"user_functions": {word: f"Math.{word}" for word in ("expm1", "hypot", "log1p")}})
    lines = [f"  const {_assigned(printer, definition)};" for definition in definitions]
    return "\n".join(
        [
            f"// {words}",
            f"function {name}({parameters}) {{",
            *lines,
            f"  return {{{', '.join(results)}}};",
            "}",
            "",
        ]
    )


def latex_source() -> str:
    """The definitions as aligned equations.

    Examples
    --------
    >>> print(latex_source().splitlines()[1])
    \\Omega &= 2 \\sqrt{P} \\sqrt{Q} \\\\
    """
    from sympy import latex

    rows = [f"{latex(name)} &= {latex(expression)}" for name, expression, _ in master_definitions()]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}\n"


def _require(definitions: Any, results: Any) -> None:
    """Refuse what is no sequence of definitions, or of names."""
    for name, value, kind in (("definitions", definitions, Definition), ("results", results, str)):
        if not isinstance(value, list | tuple) or not all(isinstance(entry, kind) for entry in value):
            raise ValueError(f"{name} must be a sequence of {kind.__name__}, got {described(value)}")


def _assigned(printer: Any, definition: Definition) -> str:
    code = " ".join(printer.doprint(definition.expression).split())
    return f"{definition.name.name} = {code}"


@cache
def master_function() -> Callable[..., dict[str, Any]]:
    """The function that :func:`numpy_source` prints.

    Examples
    --------
    >>> state = master_function()(2.0, P=0.01, Q=0.0, S=1.0, r=2.0, f0=0.01)
    >>> round(float(state["f"]), 3)
    0.355
    """
    space: dict[str, Any] = {}
    exec(compile(numpy_source(), "<master solution>", "exec"), space)  # our own print, of our own definitions
    return space["master_solution"]
