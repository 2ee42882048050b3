"""A student's formula, read without ever being run: characters to tokens to a tree of a few known operations.

Nothing of Python or sympy sees the text. What is not a number, a known function, a symbol of the problem or one of
``+ - * / ^ ( ) ,`` is refused, and so is what would take long: long texts, deep nesting, numbers of many digits, and
powers whose exponents are large. The tree is evaluated by mpmath at 30 digits, so that a right answer is right also
where floats would overflow, and turned into an unevaluated sympy expression only to be printed back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from docs.check.writing import Refused, plain

LONGEST = 500  # characters
DEEPEST = 40  # levels of brackets, signs and powers
MOST_DIGITS = 20  # of one number
LARGEST_EXPONENT = 1000  # of a power, with the powers inside it
LARGEST_ARGUMENT = 1e6  # of exp, cosh and the like: beyond, the value has more digits than a page
DIGITS = 30  # at which a tree is evaluated

FUNCTIONS = {
    **dict.fromkeys(("exp", "log", "ln", "log10", "log2", "sqrt", "abs", "sign", "sin", "cos", "tan"), 1),
    **dict.fromkeys(("sinh", "cosh", "tanh", "coth", "asinh", "acosh", "atanh", "arcsinh", "arccosh", "arctanh"), 1),
    **dict.fromkeys(("max", "min"), 2),
}
CONSTANTS = ("pi", "e", "E")
ALIASES = {"ln": "log", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh"}
TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z][A-Za-z0-9_]*)|([-+*/^(),]))")


@dataclass(frozen=True)
class Node:
    """One operation of the tree.

    Parameters
    ----------
    kind : str
        "number", "symbol", one of ``+ - * / ^``, "negative", or the name of a function.
    parts : tuple
        Nodes, or the text of a number or symbol alone.
    """

    kind: str
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Expression:
    """A formula that was read.

    Parameters
    ----------
    text : str
        As it was written.
    tree : Node
    note : str
        How a part was read that may have been meant otherwise.
    """

    text: str
    tree: Node
    note: str = ""

    @cached_property
    def symbols(self) -> set[str]:
        """The symbols in it."""
        return _symbols(self.tree)

    def value(self, point: Mapping[str, float]) -> float:
        """Its value at a point, NaN where it is not a real number, and infinite where it is too large for a float.

        Parameters
        ----------
        point : mapping
            A value for every symbol.
        """
        import mpmath

        with mpmath.workdps(DIGITS):
            try:
                found = _evaluate(self.tree, point)
            except (ValueError, ZeroDivisionError, OverflowError):
                return float("nan")
            if isinstance(found, mpmath.mpc):
                return float(found.real) if abs(found.imag) <= 1e-12 * (abs(found) + 1e-12) else float("nan")
            return float(found)

    def latex(self) -> str:
        """The formula as it was understood, in LaTeX."""
        import sympy

        return sympy.latex(_to_sympy(self.tree))


def read(text: str, symbols: Iterable[str]) -> Expression:
    """The formula in `text`; `^` and `**` are powers, what stands before `=` is left out, and LaTeX may be mixed in.

    `2 S t`, `2St` and `S(t + 1)` are products of symbols, `|S|` is an absolute value.

    Parameters
    ----------
    text : str
    symbols : iterable of str
        The names it may use.

    Raises
    ------
    Refused
        If the text is anything else than such a formula, or would take long to evaluate.

    Examples
    --------
    >>> read("2 S t^2", ["S", "t"]).value({"S": 3.0, "t": 2.0})
    24.0
    >>> read(r"\\frac{|S|}{2} (1 + St)", ["S", "t"]).value({"S": -3.0, "t": 2.0})
    -7.5
    """
    if not isinstance(text, str):
        raise Refused(f"a formula must be text, got {type(text).__name__}")
    if len(text) > LONGEST:
        raise Refused(f"a formula must have at most {LONGEST} characters, got {len(text)}")
    parser = _Parser(_tokens(plain(text), set(symbols)), set(symbols))
    tree = parser.whole()
    _check_powers(tree)
    return Expression(text.strip(), tree, parser.note)


def _tokens(text: str, symbols: set[str]) -> list[tuple[str, str]]:
    """Kind and text of every token; a bracket that follows a name at once has the kind "call".

    A name that is none, but symbols without a space between them, has the kind "names".
    """
    one = "|".join(sorted(map(re.escape, symbols), key=len, reverse=True))
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise Refused(f"{text[position:].strip()[0]!r} has no meaning in a formula")
        number, name, sign = match.groups()
        position = match.end()
        if number:
            tokens.append(("number", number))
        elif name:
            name = _meant(name, symbols)
            several = one and not _is_known(name, symbols) and re.fullmatch(f"(?:{one})+", name)
            tokens.append(("names", " ".join(re.findall(one, name))) if several else ("name", name))
        else:
            called = sign == "(" and tokens and tokens[-1][0] == "name" and not text[match.start()].isspace()
            tokens.append(("call" if called else "sign", sign))
    if not tokens:
        raise Refused("there is no formula")
    return tokens


def _is_known(name: str, symbols: set[str]) -> bool:
    return name in symbols or name in FUNCTIONS or name in CONSTANTS


def _meant(name: str, symbols: set[str]) -> str:
    """The known name that `u_0`, `lambda` or `Exp` stands for; `name` itself if there is none."""
    if _is_known(name, symbols):
        return name
    bare = name.replace("_", "")
    for other in (bare, {"lambda": "lam"}.get(name, bare), name.lower()):
        if other in symbols and other != name.lower():
            return other
    return name.lower() if name.lower() in FUNCTIONS else name


class _Parser:
    """Recursive descent: sums of products of signed powers of atoms."""

    def __init__(self, tokens: list[tuple[str, str]], symbols: set[str]):
        self.tokens, self.symbols, self.at, self.depth, self.note = tokens, symbols, 0, 0, ""

    def whole(self) -> Node:
        tree = self.sum()
        if self.at < len(self.tokens):
            text = self.tokens[self.at][1]
            raise Refused(f"{text!r} is one too many" + (": decimals have a point" if text == "," else ""))
        return tree

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "the end")

    def takes(self, *signs: str) -> str:
        kind, text = self.peek()
        if kind in ("sign", "call") and text in signs:
            self.at += 1
            return text
        return ""

    def needs(self, sign: str) -> None:
        if not self.takes(sign):
            raise Refused(f"there should be {sign!r} before {self.peek()[1]!r}")

    def sum(self) -> Node:
        left = self.product()
        while sign := self.takes("+", "-"):
            left = Node(sign, (left, self.product()))
        return left

    def product(self) -> Node:
        left = factor = self.signed()
        divided = False
        while True:
            if sign := self.takes("*", "/"):
                divided, factor = sign == "/", self.signed()
                left = Node(sign, (left, factor))
            elif self.peek()[0] in ("number", "name", "names") or self.peek()[1] == "(":
                bare = factor.kind == "^" and factor.parts[0] == Node("symbol", ("e",))
                if bare and self.tokens[self.at - 1][1] != ")":
                    self.note = "e^-2 t is read as (e^-2) t: write e^(-2 t) if that is meant"
                elif divided:
                    self.note = "a/b c is read as (a/b) c: write a/(b c) if that is meant"
                factor, divided = self.power(), False
                left = Node("*", (left, factor))
            else:
                return left

    def signed(self) -> Node:
        self.deeper()
        sign = self.takes("+", "-")
        inner = self.signed() if sign else self.power()
        self.depth -= 1
        return Node("negative", (inner,)) if sign == "-" else inner

    def power(self) -> Node:
        kind, text = self.peek()
        if kind == "names":  # of symbols without spaces the last takes the power
            self.at += 1
            *first, last = (Node("symbol", (name,)) for name in text.split())
            product = first[0]
            for factor in [*first[1:], self.raised(last)]:
                product = Node("*", (product, factor))
            return product
        return self.raised(self.atom())

    def raised(self, base: Node) -> Node:
        return Node("^", (base, self.signed())) if self.takes("^") else base

    def atom(self) -> Node:
        kind, text = self.peek()
        if kind == "number":
            self.at += 1
            return Node("number", (_number(text),))
        if kind == "name":
            self.at += 1
            return self.named(text)
        if self.takes("("):
            self.deeper()
            inner = self.sum()
            self.needs(")")
            self.depth -= 1
            return inner
        raise Refused(f"a number or a name should stand before {text!r}")

    def named(self, name: str) -> Node:
        follows = self.peek()[1] == "("
        if name in self.symbols:
            inside = self.tokens[self.at + 1 : self.at + 3]
            if self.peek()[0] == "call" and len(inside) == 2 and inside[0][0] == "name" and inside[1][1] == ")":
                raise Refused(f"{name}({inside[0][1]}) may be a function or a product: write {name}, or {name}*(...)")
            return Node("symbol", (name,))
        if name in FUNCTIONS:
            if not follows:
                raise Refused(f"{name} needs its argument in brackets")
            return Node(ALIASES.get(name, name), self.arguments(name))
        if name in CONSTANTS:
            return Node("symbol", (name.lower(),))
        raise Refused(_unknown(name, self.symbols))

    def arguments(self, name: str) -> tuple[Node, ...]:
        self.needs("(")
        self.deeper()
        found = [self.sum()]
        while self.takes(","):
            found.append(self.sum())
        self.needs(")")
        self.depth -= 1
        if len(found) != FUNCTIONS[name]:
            raise Refused(f"{name} takes {FUNCTIONS[name]} argument(s), got {len(found)}")
        return tuple(found)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Refused(f"a formula must not be nested deeper than {DEEPEST} levels")


def _number(text: str) -> str:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MOST_DIGITS or len(exponent) > 3:
        raise Refused(f"a number must have at most {MOST_DIGITS} digits, got {text[:30]}")
    return text


def _unknown(name: str, symbols: set[str]) -> str:
    if not symbols:
        return f"{name[:40]!r} is not known here: a number is asked for, in digits"
    known = ", ".join(sorted(symbols))
    near = [symbol for symbol in symbols if symbol.lower() == name.lower()]
    near = near or get_close_matches(name, [*symbols, *FUNCTIONS], n=1)
    return f"{name[:40]} is not known here (symbols: {known})" + (f"; did you mean {near[0]}?" if near else "")


def _symbols(node: Node) -> set[str]:
    if node.kind == "symbol":
        return {node.parts[0]} - {"pi", "e"}
    return set().union(*(_symbols(part) for part in node.parts if isinstance(part, Node)))


def _check_powers(node: Node) -> float:
    """The largest exponent that expanding the tree could give."""
    degrees = [_check_powers(part) for part in node.parts if isinstance(part, Node)]
    degree = max(degrees, default=1.0)
    if node.kind == "^":
        degree *= max(1.0, _size(node.parts[1]))
    if degree > LARGEST_EXPONENT:
        raise Refused(f"exponents must stay below {LARGEST_EXPONENT}, with the powers inside them")
    return degree


def _size(node: Node, inverse: bool = False) -> float:
    """A bound of the numbers that an exponent, or one over it, can contain, whatever cancels in it."""
    if node.kind == "number":
        number = float(node.parts[0])
        return float("inf") if inverse and number == 0 else (1 / number if inverse else number)
    if node.kind == "symbol":
        return 1.0 if node.parts[0] not in ("pi", "e") else 4.0
    first, *rest = node.parts
    if node.kind == "*":
        return _size(first, inverse) * _size(rest[0], inverse)
    if node.kind == "/":
        return _size(first, inverse) * _size(rest[0], not inverse)
    if node.kind == "negative":
        return _size(first, inverse)
    if inverse:
        return float("inf")
    if node.kind == "^":
        return max(1.0, _size(first)) ** min(_size(rest[0]), 1e3) if _size(first) < 1e3 else float("inf")
    return sum(_size(part) for part in node.parts)


def _evaluate(node: Node, point: Mapping[str, float]) -> Any:
    import mpmath

    if node.kind == "number":
        return mpmath.mpf(node.parts[0])
    if node.kind == "symbol":
        name = node.parts[0]
        return mpmath.mpf(point[name]) if name in point else {"pi": mpmath.pi, "e": mpmath.e}[name] + 0
    parts = [_evaluate(part, point) for part in node.parts]
    if node.kind == "^":
        return _power(*parts)
    if node.kind in ("exp", "sin", "cos", "tan", "sinh", "cosh") and abs(parts[0]) > LARGEST_ARGUMENT:
        raise OverflowError(node.kind)
    return _operations()[node.kind](*parts)


def _power(base: Any, exponent: Any) -> Any:
    import mpmath

    if base == 0:
        return mpmath.mpf(0) ** exponent
    if abs(exponent * mpmath.log(abs(base))) > LARGEST_ARGUMENT:
        raise OverflowError("power")
    return base**exponent


def _operations() -> dict[str, Any]:
    import mpmath

    known = {name: getattr(mpmath, name) for name in FUNCTIONS if hasattr(mpmath, name)}
    return known | {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "negative": lambda a: -a,
        "abs": abs,
        "log2": lambda a: mpmath.log(a, 2),
        "max": max,
        "min": min,
    }


def _to_sympy(node: Node) -> Any:
    """The tree in sympy, unevaluated."""
    import sympy

    if node.kind == "number":
        return sympy.Rational(node.parts[0])
    if node.kind == "symbol":
        return {"pi": sympy.pi, "e": sympy.E}.get(node.parts[0], sympy.Symbol(node.parts[0]))
    parts = [_to_sympy(part) for part in node.parts]
    with sympy.evaluate(False):
        if node.kind == "^":
            return sympy.Pow(*parts)
        if node.kind in ("+", "-"):
            return sympy.Add(parts[0], parts[1] if node.kind == "+" else _negative(parts[1]))
        if node.kind == "negative":
            return _negative(parts[0])
        if node.kind == "/":
            return sympy.Mul(parts[0], sympy.Pow(parts[1], -1))
        if node.kind == "*":
            return sympy.Mul(*parts)
        if node.kind in ("log10", "log2"):
            return sympy.Function("log_" + node.kind[3:])(*parts)
        return getattr(sympy, {"abs": "Abs", "max": "Max", "min": "Min"}.get(node.kind, node.kind))(*parts)


def _negative(part: Any) -> Any:
    import sympy

    return sympy.Rational(-part.p, part.q) if part.is_Rational else sympy.Mul(-1, part, evaluate=False)
