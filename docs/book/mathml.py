"""Formulas as MathML, by latex2mathml: a math renderer of Sphinx for pages without scripts."""

from __future__ import annotations

import re
from typing import Any

ENVIRONMENT = re.compile(r"\\begin\{(aligned|split|align\*?|equation\*?|gather\*?)\}(.*?)\\end\{\1\}", re.DOTALL)


def mathml(latex: str, display: bool) -> str:
    """A formula in MathML.

    Parameters
    ----------
    latex : str
    display : bool
        Whether it stands on a line of its own.

    Examples
    --------
    >>> mathml("a^2", False).startswith('<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">')
    True
    """
    from latex2mathml.converter import convert

    if (r"\\" in latex or "&" in latex) and r"\begin" not in latex:
        latex = rf"\begin{{aligned}}{latex}\end{{aligned}}"
    latex = ENVIRONMENT.sub(r"\\begin{align*}\2\\end{align*}", latex)
    return convert(latex.strip(), display="block" if display else "inline")


def visit_inline(self: Any, node: Any) -> None:
    """Write a formula inside a line.

    Parameters
    ----------
    node : docutils node
    """
    from docutils import nodes

    self.body.append(mathml(node.astext(), display=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: Any) -> None:
    """Write a formula on a line of its own.

    Parameters
    ----------
    node : docutils node
    """
    from docutils import nodes

    self.body.append(f'<div class="math">{mathml(node.astext(), display=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Make it known to Sphinx under the name latex2mathml.

    Parameters
    ----------
    app : sphinx.application.Sphinx
    """
    app.add_html_math_renderer("latex2mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
