"""What the statements at the top of a file do when it is loaded, as far as their form says."""

from __future__ import annotations

import ast
from collections.abc import Iterable

DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
IMPORTS = ast.Import | ast.ImportFrom
_HARMLESS = (
    "dataclass",
    "dataclasses.dataclass",
    "lru_cache",
    "functools.lru_cache",
    "cache",
    "contextmanager",
    "wraps",
)


def names_used_by(node: ast.AST) -> set[str]:
    """Names that a statement looks up when it runs; the types of arguments are for readers."""
    names: set[str] = set()
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Name):
            names.add(inner.id)
        for field, value in ast.iter_fields(inner):
            if field != "returns" and not (field == "annotation" and isinstance(inner, ast.arg)):
                waiting += [
                    child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)
                ]
    return names


def names_bound_by(node: ast.stmt) -> set[str]:
    """Names that a statement at the top of a module defines."""
    if isinstance(node, DEFINITIONS):
        return {node.name}
    if isinstance(node, ast.Import):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names} - {"annotations"} or {"annotations"}
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    return set()


def acts(node: ast.stmt, names: set[str], defined: set[str]) -> bool:
    """Whether a statement does something when its module is loaded, besides giving a value to names.

    `defined` are the names that the module gives to things of its own.
    """
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign | ast.AugAssign):  # an entry or an attribute of what may have another name too
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(target, ast.Attribute | ast.Subscript) for target in targets)
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return bool(node.orelse)
    if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
        return bool(node.orelse)
    if isinstance(node, DEFINITIONS):
        decorators = [ast.unparse(decorator).split("(")[0] for decorator in node.decorator_list]
        return any(name not in _HARMLESS or name.partition(".")[0] in defined for name in decorators)
    return not names and not isinstance(node, ast.Pass)


def all_define(nodes: list[ast.stmt]) -> bool:
    """Whether these statements all define a function or a class, or import: what they name is handed on unchanged."""
    return all(isinstance(node, DEFINITIONS | IMPORTS) for node in nodes)


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


def touches(node: ast.stmt, needed: set[str], values: set[str]) -> bool:
    """Whether an assignment calls something on what is used, or with one of `values`, or a class derives from it."""
    if isinstance(node, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id in needed for base in node.bases) and not node.decorator_list
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    owners = [_root(call.func) for call in calls if isinstance(call.func, ast.Attribute)]
    handed = [argument for call in calls for argument in call.args]
    return any(isinstance(owner, ast.Name) and owner.id in needed for owner in owners) or any(
        isinstance(argument, ast.Name) and argument.id in values for argument in handed
    )


def imports_of(nodes: Iterable[ast.AST]) -> list[tuple[str, tuple[str, ...]]]:
    """Modules as written, with the names taken from them."""
    imports: list[tuple[str, tuple[str, ...]]] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            imports += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append(("." * node.level + (node.module or ""), tuple(alias.name for alias in node.names)))
    return imports
