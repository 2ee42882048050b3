"""The master solution as source code, printed from its definitions in sympy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from toymodels.layerwise.symbolic.master import RESULTS, Definition, master_definitions, master_symbols, start_symbol

LANGUAGES = ("latex", "numpy", "javascript")


def _parameters() -> str:
    return ", ".join(symbol.name for symbol in (*master_symbols(), start_symbol()))


def numpy_source() -> str:
    """A Python function of arrays that broadcast, `master_solution(t, P, Q, S, r, f0)` -> dict of the results."""
    from sympy.printing.numpy import NumPyPrinter

    printer = NumPyPrinter()
    lines = [f"        {_assigned(printer, definition)}" for definition in master_definitions()]
    results = ", ".join(f'"{name}": {name}' for name in RESULTS)
    return "\n".join(
        [
            "import numpy",
            "",
            "",
            f"def master_solution({_parameters()}):",
            '    """Growth y, progress, remaining and f = P y - Q/y at time t; f0 = P - Q."""',
            '    with numpy.errstate(all="ignore"):  # the branches that are not taken are evaluated too',
            *lines,
            f"    return {{{results}}}",
            "",
        ]
    )


def javascript_source() -> str:
    """A function of numbers, `masterSolution(t, P, Q, S, r, f0)` -> object of the results."""
    from sympy.printing.jscode import JavascriptCodePrinter

    printer = JavascriptCodePrinter({"user_functions": {"expm1": "Math.expm1", "hypot": "Math.hypot"}})
    lines = [f"  const {_assigned(printer, definition)};" for definition in master_definitions()]
    return "\n".join(
        [
            "// Growth y, progress, remaining and f = P y - Q/y at time t; f0 = P - Q.",
            f"function masterSolution({_parameters()}) {{",
            *lines,
            f"  return {{{', '.join(RESULTS)}}};",
            "}",
            "",
        ]
    )


def latex_source() -> str:
    """The definitions as aligned equations."""
    from sympy import latex

    rows = [f"{latex(name)} &= {latex(expression)}" for name, expression, _ in master_definitions()]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}\n"


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
