"""A formula as students write it, with signs, Greek letters and LaTeX, as the plain text that is read."""

from __future__ import annotations

import re

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "Δ": "Delta", "ε": "epsilon", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "π": "pi", "ρ": "rho", "σ": "sigma", "Σ": "Sigma", "τ": "tau",
}  # fmt: skip
SIGNS = {"−": "-", "–": "-", "·": "*", "×": "*", "²": "^2", "³": "^3", "**": "^", "½": "(1/2)", "¼": "(1/4)"}
LATEX = {
    "\\left": "",
    "\\right": "",
    "\\,": " ",
    "\\;": " ",
    "\\!": "",
    "\\cdot": "*",
    "\\times": "*",
    "\\dfrac": "\\frac",
}


class Refused(ValueError):
    """The text is not a formula that can be judged; the message says why."""


def plain(text: str) -> str:
    r"""The formula in characters of a keyboard, without what stands before `=`.

    Parameters
    ----------
    text : str

    Raises
    ------
    Refused
        If a brace is not closed, or a fraction lacks a part.

    Examples
    --------
    >>> plain(r"f = \frac{S²}{2} e^{-\mu t}")
    ' ((S^2)/(2)) e^(- mu t)'
    """
    for sign, word in {**SIGNS, **GREEK}.items():
        text = text.replace(sign, word)
    before, equals, after = text.partition("=")
    if equals and re.fullmatch(r"[\s\\]*\w+\s*\w*\s*(/\s*\w+\s*|\([\w\s,]*\))?\s*", before):
        text = after
    text = re.sub(r"√\s*(\d+\.?\d*|[A-Za-z]\w*)", r"sqrt(\1)", text).replace("√", "sqrt")
    text = re.sub(r"\|([^|]+)\|", r"abs(\1)", text)
    return _without_latex(text) if "\\" in text or "^{" in text or "_{" in text else text


def _without_latex(text: str) -> str:
    """Fractions as quotients, braces behind `^`, `_` and names of functions as brackets, names without backslash."""
    for sign, word in LATEX.items():
        text = text.replace(sign, word)
    text = re.sub(r"_\{(\w+)\}", r"_\1", text)
    while (at := text.find("\\frac{")) >= 0:
        middle = _closing(text, at + 5)
        end = _closing(text, middle + 1) if text[middle + 1 : middle + 2] == "{" else -1
        if end < 0:
            raise Refused("\\frac needs two parts in braces")
        text = f"{text[:at]}(({text[at + 6 : middle]})/({text[middle + 2 : end]})){text[end + 1 :]}"
    while match := re.search(r"(?:\^|\\[a-z]+)(\{)", text):
        end = _closing(text, match.start(1))
        text = f"{text[: match.start(1)]}({text[match.end(1) : end]}){text[end + 1 :]}"
    return re.sub(r"\\([A-Za-z]+)", r" \1", text)


def _closing(text: str, at: int) -> int:
    """Where the brace that opens at `at` closes."""
    depth = 0
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise Refused("a brace is not closed")
