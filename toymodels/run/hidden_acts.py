"""Whether loading a file may change what its functions use by a way that its lines do not show.

`A = register(7)` binds `A` and may fill a table; `_ = table.update(a=1)`, `B = TABLE; B += [1]` and a class body that
appends do as well. Of such a file all counts for an identity, and not only the lines that a function names. The same
holds where it imports a module that acts on others when it is loaded.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from toymodels.run.statements import DEFINITIONS, acts, imports_of, names_bound_by

_MAKERS = {"__init__", "__post_init__", "__new__", "__init_subclass__", "__set_name__", "__class_getitem__"}
_ASSIGNS = ast.Assign | ast.AnnAssign | ast.AugAssign


def hides_acts(tree: ast.Module) -> bool:
    """Whether a statement at the top of a file may do more than its form says.

    Examples
    --------
    >>> hides_acts(ast.parse("T = []\\ndef put(v): T.append(v)\\nA = put(1)"))
    True
    >>> hides_acts(ast.parse("T = [1]\\ndef total(): return sum(T)"))
    False
    """
    own, changeable = _own_actors(tree), _changeable(tree)
    return any(_hides(node, own, changeable) for node in tree.body)


def _own_actors(tree: ast.Module) -> set[str]:
    """Functions of the file, and its classes that run code of their own when they are called."""
    return {node.name for node in tree.body if isinstance(node, DEFINITIONS) and _runs_code(node)}


def _runs_code(node: ast.stmt) -> bool:
    if not isinstance(node, ast.ClassDef):
        return True
    return bool(node.keywords) or any(isinstance(each, DEFINITIONS) and each.name in _MAKERS for each in node.body)


def _changeable(tree: ast.Module) -> set[str]:
    """Names at the top that are bound to what can change: to all but numbers, words, and tuples of them."""
    found = set()
    for node in tree.body:
        if isinstance(node, _ASSIGNS) and node.value is not None and not _is_constant(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand)
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Constant)


def _hides(node: ast.stmt, own: set[str], changeable: set[str]) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return any(_calls(each, own, changeable) for each in _evaluated(node))
    if isinstance(node, ast.ClassDef):
        return any(_acts_in_class(each, own, changeable) for each in node.body)
    if isinstance(node, ast.AugAssign):
        return True
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        alias = any(isinstance(part, ast.Name) and part.id in changeable for part in ast.walk(node.value))
        return alias or _calls(node.value, own, changeable)
    return False  # all else counts anyway


def _evaluated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """What is evaluated where a function is defined: defaults."""
    yield from node.args.defaults
    yield from (each for each in node.args.kw_defaults if each is not None)


def _acts_in_class(node: ast.stmt, own: set[str], changeable: set[str]) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return any(_calls(each, own, changeable) for each in _evaluated(node))
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _calls(node.value, own, changeable):
        return True
    return isinstance(node, ast.ClassDef) or acts(node, names_bound_by(node), set())


def _calls(value: ast.expr, own: set[str], changeable: set[str]) -> bool:
    """Whether an expression calls code of the file, or anything with, or on, what can change; or binds on the way."""
    for part in ast.walk(value):
        if isinstance(part, ast.NamedExpr | ast.Await | ast.Yield):
            return True
        if isinstance(part, ast.Call):
            names = {name.id for name in ast.walk(part) if isinstance(name, ast.Name)}
            if names & (own | changeable):
                return True
    return False


def acts_on_others(path: Path, find: Callable[[str], Path | None]) -> bool:
    """Whether loading a file, or one that it imports, does something besides giving values to names of its own.

    Parameters
    ----------
    path : path
    find : callable (dotted module) -> path or None
        The file of a module of one's own; None for all others.
    """
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        acting, imports = _of_file(str(file))
        if acting:
            return True
        waiting += imported_files(imports, file, find)
    return False


@lru_cache(maxsize=1024)
def _of_file(path: str) -> tuple[bool, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Whether a file acts, and what it imports at its top."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True, ()
    acting = any(acts(node, names_bound_by(node), set()) for node in tree.body)
    return acting or hides_acts(tree), tuple(imports_of(tree.body))


def imported_files(
    imports: Iterable[tuple[str, tuple[str, ...]]], path: Path, find: Callable[[str], Path | None]
) -> Iterator[Path]:
    """The files of one's own among what a file imports, see :func:`imports_of`; those of relative imports beside it."""
    for written, names in imports:
        module = written.lstrip(".")
        level = len(written) - len(module)
        dotted = [module, *(f"{module}.{name}" for name in names)] if module else list(names)
        if level == 0:
            yield from (file for each in dotted if (file := find(each)) is not None)
            continue
        for each in dotted:
            place = path.parents[level - 1].joinpath(*each.split("."))
            yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())
