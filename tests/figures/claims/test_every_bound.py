"""The made-up data of every claim lie so near its bounds that another bound would give another verdict.

Every number in the criterion of a claim is moved, up and down: by half of itself, a small whole one by 1. One of the
verdicts of :mod:`tests.figures.claims` must change. Zeros and roundings (below 1e-5) stay.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

import pytest

from figures.harness import registry
from tests.figures.claims.test_every_claim import cases_of
from toymodels.claims import REPRODUCED, Claim

ROOT = Path(__file__).parents[3]
ROUNDING = 1e-5
WHOLE = 10  # below which whole numbers are moved by 1
CRITERION = 4  # its place among the arguments of a claim


@dataclass(frozen=True)
class Moved:
    """A number of a criterion, at these bytes of its file, and what it is moved to."""

    line: int
    key: str
    start: int
    end: int
    new: str


def moves(value: float) -> tuple[str, ...]:
    """What a number is moved to."""
    if abs(value) < ROUNDING:
        return ()
    if isinstance(value, int):
        return (str(value + 1), str(value - 1)) if abs(value) < WHOLE else (str(value * 3 // 2), str(value * 2 // 3))
    return repr(value * 1.5), repr(value / 1.5)


def moved(text: str) -> Iterator[Moved]:
    """All numbers in criteria of claims that stand in a file under their full key, moved."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    for call in ast.walk(ast.parse(text)):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "Claim" and len(call.args) > CRITERION):
            continue
        if not isinstance(call.args[0], ast.Constant):
            continue
        criterion = call.args[CRITERION]
        digits = {id(each.args[1]) for each in ast.walk(criterion) if isinstance(each, ast.Call) and _rounds(each)}
        for node in ast.walk(criterion):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float) and id(node) not in digits:
                start, end = starts[node.lineno - 1] + node.col_offset, starts[node.lineno - 1] + node.end_col_offset
                for new in moves(node.value):
                    yield Moved(node.lineno, call.args[0].value, start, end, new)


def _rounds(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "round"


def files_of(figure: str) -> list[str]:
    """The modules in which a figure may have its claims."""
    name = f"figures.{figure.replace('/', '.')}"
    return [each for each in (name, f"{name}_claims") if util.find_spec(each)]


def with_change(name: str, text: bytes, change: Moved) -> ModuleType:
    """The module of this name with the change, which replaces no other."""
    module = ModuleType(name)
    module.__file__ = str(ROOT / f"{name.replace('.', '/')}.py")
    before = sys.modules[name]
    sys.modules[name] = module  # where its dataclasses look for it
    try:
        source = text[: change.start] + change.new.encode() + text[change.end :]
        exec(compile(source, module.__file__, "exec"), module.__dict__)
    finally:
        sys.modules[name] = before
    return module


def claims_in(module: ModuleType) -> list[Claim]:
    """All claims that are made in a module."""
    held = [value for name, value in vars(module).items() if not name.startswith("_")]
    lists = [value for value in held if isinstance(value, list | tuple)]
    lists += [module.FIGURE.claims] if hasattr(module, "FIGURE") else []
    return [claim for each in (held, *lists) for claim in each if isinstance(claim, Claim)]


def is_noticed(name: str, text: bytes, change: Moved, figure: str) -> bool:
    """Whether the change makes an impossible criterion, or gives one of the made-up data another verdict."""
    try:
        claims = [claim for claim in claims_in(with_change(name, text, change)) if claim.key == change.key]
    except (ValueError, IndexError):
        return True
    assert claims, f"{change.key} is made in no list of {name}"
    case = cases_of(figure)[change.key.partition(".")[2]]
    pairs = ((case.holds, REPRODUCED), (case.fails, case.verdict), *case.also)
    return any(claim.judge(data).verdict != verdict for claim in claims for data, verdict in pairs)


@pytest.mark.parametrize("figure", registry.names())
def test_another_bound_would_give_another_verdict(figure):
    unnoticed = []
    for name in files_of(figure):
        import_module(name)
        text = (ROOT / f"{name.replace('.', '/')}.py").read_bytes()
        for change in moved(text.decode()):
            if not is_noticed(name, text, change, figure):
                old = text[change.start : change.end].decode()
                unnoticed.append(f"{change.key}, line {change.line}: {old} -> {change.new}")
    assert not unnoticed, "\n".join(unnoticed)
