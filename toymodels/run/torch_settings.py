"""Default precision of torch, which decides numbers in a whole process: it goes to workers and into identities."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from toymodels.run.source_files import is_installed

USUAL = {"default_dtype": "float32"}
SETTERS = {"set_default_dtype", "set_default_tensor_type"}
_BEFORE: dict[str, Any] = {}  # what a worker had before it was asked for another


def torch_settings() -> dict[str, str]:
    """What is not as usual here, in words; nothing where PyTorch is not loaded, which loads with the usual.

    Examples
    --------
    >>> torch_settings()
    {}
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_default_dtype"):  # not there, or not yet
        return {}
    here = {"default_dtype": str(torch.get_default_dtype()).removeprefix("torch.")}
    return {name: value for name, value in here.items() if value != USUAL[name]}


def use_torch_settings(asked: Mapping[str, str]) -> None:
    """Compute as a process does whose :func:`torch_settings` these are.

    Where nothing is asked, what was there before anything was comes back, and what the modules of this process
    have set themselves stays.
    """
    if not asked and not _BEFORE:
        return
    torch = import_module("torch")  # only where a process that has it asks, or has asked
    if not asked:
        torch.set_default_dtype(_BEFORE.pop("default_dtype"))
        return
    _BEFORE.setdefault("default_dtype", torch.get_default_dtype())
    torch.set_default_dtype(getattr(torch, asked["default_dtype"]))


@contextmanager
def settings_of_one_call() -> Iterator[None]:
    """What a call sets ends with it, so that the next one does not depend on which came before it in its process.

    What a module sets that the call is the first to import stays: the next call finds that module as it is.
    """
    before, loaded = torch_settings(), set(sys.modules)
    try:
        yield
    finally:
        torch, new = sys.modules.get("torch"), sys.modules.keys() - loaded - {"__main__", "__mp_main__"}
        if torch is not None and torch_settings() != before and not _set_by(new):
            torch.set_default_dtype(getattr(torch, (USUAL | before)["default_dtype"]))


def _set_by(modules: Iterable[str]) -> bool:
    """Whether one of these modules, if it is none that was installed, sets the precision while it is loaded."""
    return any(_sets_when_loaded(path) for name in modules if (path := _own_file(name)) is not None)


def _own_file(module: str) -> Path | None:
    try:
        path = Path(sys.modules[module].__file__ or "")
        return path if path.suffix == ".py" and path.is_file() and not is_installed(path) else None
    except Exception:  # a module may be anything, and what it says of its file too
        return None


def _sets_when_loaded(path: Path) -> bool:
    try:
        waiting: list[ast.AST] = list(ast.parse(path.read_bytes()).body)
    except (OSError, SyntaxError, ValueError):
        return False
    while waiting:
        node = waiting.pop()
        if {getattr(node, "id", None), getattr(node, "attr", None)} & SETTERS:  # a name, or an attribute
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False
