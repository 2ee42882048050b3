"""Expressions of sympy as MathML for readers: cases in braces, and the functions that spare digits written out."""

from __future__ import annotations

from functools import cache
from typing import Any


def equation(left: Any, right: Any, *, rate: bool = False) -> str:
    """One equation to a line of its own, its left side with a dot if it is a `rate`.

    Parameters
    ----------
    left, right : sympy expressions
    rate : bool
    """
    printer = _printer()
    sides = [printer._print(_written_out(side)).toxml() for side in (left, right)]
    name = f"<mover>{sides[0]}<mo>˙</mo></mover>" if rate else sides[0]
    return f'<div><math display="block"><mrow>{name}<mo>=</mo>{sides[1]}</mrow></math></div>'


def _written_out(expression: Any) -> Any:
    from sympy import UnevaluatedExpr, exp, log, sqrt
    from sympy.codegen.cfunctions import expm1, hypot, log1p

    expression = expression.replace(hypot, lambda x, y: sqrt(x**2 + y**2))
    expression = expression.replace(expm1, lambda x: UnevaluatedExpr(exp(x) - 1))
    return expression.replace(log1p, lambda x: log(1 + x))


@cache
def _printer() -> Any:
    from sympy.printing.mathml import MathMLPresentationPrinter

    class Printer(MathMLPresentationPrinter):
        def _print_Piecewise(self, expr):
            rows = self.dom.createElement("mtable")
            rows.setAttribute("columnalign", "left")
            for value, condition in expr.args:
                row = self.dom.createElement("mtr")
                always = condition == True  # noqa: E712 - sympy's own
                for cell in (self._print(value), self._word("else") if always else self._print(condition)):
                    place = self.dom.createElement("mtd")
                    place.appendChild(cell)
                    row.appendChild(place)
                rows.appendChild(row)
            whole, brace = self.dom.createElement("mrow"), self.dom.createElement("mo")
            brace.appendChild(self.dom.createTextNode("{"))
            brace.setAttribute("stretchy", "true")
            whole.appendChild(brace)
            whole.appendChild(rows)
            return whole

        def _print_UnevaluatedExpr(self, expr):
            inner = self.dom.createElement("mrow")
            for part in ("(", expr.args[0], ")"):
                if isinstance(part, str):
                    mark = self.dom.createElement("mo")
                    mark.appendChild(self.dom.createTextNode(part))
                    inner.appendChild(mark)
                else:
                    inner.appendChild(self._print(part))
            return inner

        def _word(self, text):
            word = self.dom.createElement("mtext")
            word.appendChild(self.dom.createTextNode(text))
            return word

    return Printer({"mul_symbol": "dot"})  # names of several letters stay apart
