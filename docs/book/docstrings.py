"""Docstrings as plain text has them: |w| is a norm there, no substitution of reStructuredText.

A number in brackets that the docstring does not resolve is one of the module's references, and no link.
"""

from __future__ import annotations

import re
from typing import Any

QUOTED = re.compile(r"(`[^`]*`)")
REFERENCE = re.compile(r"(\[\d+\])_")


def without_substitutions(lines: list[str]) -> list[str]:
    r"""The lines with bars escaped outside of formulas, code and examples, and without references that lead nowhere.

    Parameters
    ----------
    lines : list of str

    Examples
    --------
    >>> without_substitutions(["The norm |w| of :math:`|w|`."])
    ['The norm \\|w\\| of :math:`|w|`.']
    """
    text, math, found = "\n".join(lines), -1, []
    text = REFERENCE.sub(lambda match: match.group() if f".. {match.group(1)}" in text else match.group(1), text)
    for line in QUOTED.sub(lambda match: match.group().replace("|", "\0"), text).split("\n"):
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= math:
            math = -1
        if line.lstrip().startswith(".. math::"):
            math = indent
        plain = math < 0 and not line.lstrip().startswith((">>>", "..."))
        found.append((line.replace("|", r"\|") if plain else line).replace("\0", "|"))
    return found


def setup(app: Any) -> dict[str, Any]:
    """Apply it to every docstring that Sphinx reads.

    Parameters
    ----------
    app : sphinx.application.Sphinx
    """

    def process(app, what, name, obj, options, lines):
        lines[:] = without_substitutions(lines)

    app.connect("autodoc-process-docstring", process, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
