"""What is set in torch and decides numbers in a whole process: it goes to workers and into identities."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from toymodels.run.source_files import is_installed


@dataclass(frozen=True)
class Setting:
    """One of torch's settings, and how it is read and written in words.

    Parameters
    ----------
    usual : str
        What it is where nobody has set it.
    read : callable (torch)
    write : callable (torch, word)
    setters : set of str
        Names by which a module sets it.
    """

    usual: str
    read: Callable[[Any], str]
    write: Callable[[Any, str], Any]
    setters: frozenset[str]


def _autocast(torch: Any) -> str:
    on = torch.is_autocast_enabled("cpu")
    return str(torch.get_autocast_dtype("cpu")).removeprefix("torch.") if on else "off"


def _set_autocast(torch: Any, word: str) -> None:
    torch.set_autocast_enabled("cpu", word != "off")
    if word != "off":
        torch.set_autocast_dtype("cpu", getattr(torch, word))


def _products(torch: Any) -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # set by the newer names, which know every backend
        return f"mkldnn {torch.backends.mkldnn.matmul.fp32_precision}"


def _set_products(torch: Any, word: str) -> None:
    backend, _, precision = word.rpartition(" ")
    if backend:
        torch.backends.mkldnn.matmul.fp32_precision = precision
    else:
        torch.set_float32_matmul_precision(word)


def _set_mkldnn(torch: Any, word: str) -> None:
    torch.backends.mkldnn.enabled = word == "True"


SETTINGS = {
    "default_dtype": Setting(
        "float32",
        lambda torch: str(torch.get_default_dtype()).removeprefix("torch."),
        lambda torch, word: torch.set_default_dtype(getattr(torch, word)),
        frozenset({"set_default_dtype", "set_default_tensor_type"}),
    ),
    "float32_matmul_precision": Setting(
        "highest",
        _products,
        _set_products,
        frozenset({"set_float32_matmul_precision", "fp32_precision"}),
    ),
    "deterministic": Setting(
        "0",
        lambda torch: str(torch.get_deterministic_debug_mode()),
        lambda torch, word: torch.set_deterministic_debug_mode(int(word)),
        frozenset({"use_deterministic_algorithms", "set_deterministic_debug_mode"}),
    ),
    "gradients": Setting(
        "True",
        lambda torch: str(torch.is_grad_enabled()),
        lambda torch, word: torch.set_grad_enabled(word == "True"),
        frozenset({"set_grad_enabled"}),
    ),
    "autocast": Setting(
        "off", _autocast, _set_autocast, frozenset({"set_autocast_enabled", "set_autocast_cpu_enabled"})
    ),
    "mkldnn": Setting("True", lambda torch: str(torch.backends.mkldnn.enabled), _set_mkldnn, frozenset({"mkldnn"})),
    "flush_denormal": Setting(
        "False",
        lambda torch: str(sys.float_info.min / 2 == 0),
        lambda torch, word: torch.set_flush_denormal(word == "True"),
        frozenset({"set_flush_denormal"}),
    ),
}
_BEFORE: dict[str, str] = {}  # what a worker had before it was asked for another


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
    here = {name: setting.read(torch) for name, setting in SETTINGS.items()}
    return {name: value for name, value in here.items() if value != SETTINGS[name].usual}


def use_torch_settings(asked: Mapping[str, str]) -> None:
    """Compute as a process does whose :func:`torch_settings` these are.

    Where nothing is asked, what was there before anything was comes back, and what the modules of this process
    have set themselves stays.
    """
    if not asked and not _BEFORE:
        return
    torch = import_module("torch")  # only where a process that has it asks, or has asked
    for name in _BEFORE.keys() - asked.keys():
        SETTINGS[name].write(torch, _BEFORE.pop(name))
    for name, word in asked.items():
        _BEFORE.setdefault(name, SETTINGS[name].read(torch))
        SETTINGS[name].write(torch, word)


@contextmanager
def settings_of_one_call() -> Iterator[None]:
    """What a call sets ends with it, so that the next one does not depend on which came before it in its process.

    What a module sets that the call is the first to import stays: the next call finds that module as it is.
    """
    before, loaded = torch_settings(), set(sys.modules)
    try:
        yield
    finally:
        torch, after = sys.modules.get("torch"), torch_settings()
        for name in sorted(before.keys() | after.keys()):
            setting, new = SETTINGS[name], sys.modules.keys() - loaded - {"__main__", "__mp_main__"}
            if torch is not None and before.get(name) != after.get(name) and not _set_by(new, setting.setters):
                setting.write(torch, before.get(name, setting.usual))


def _set_by(modules: Iterable[str], setters: frozenset[str]) -> bool:
    """Whether one of these modules, if it is none that was installed, uses a setter while it is loaded."""
    return any(_sets_when_loaded(path, setters) for name in modules if (path := _own_file(name)) is not None)


def _own_file(module: str) -> Path | None:
    try:
        path = Path(sys.modules[module].__file__ or "")
        return path if path.suffix == ".py" and path.is_file() and not is_installed(path) else None
    except Exception:  # a module may be anything, and what it says of its file too
        return None


def _sets_when_loaded(path: Path, setters: frozenset[str]) -> bool:
    try:
        waiting: list[ast.AST] = list(ast.parse(path.read_bytes()).body)
    except (OSError, SyntaxError, ValueError):
        return False
    while waiting:
        node = waiting.pop()
        if {getattr(node, "id", None), getattr(node, "attr", None)} & setters:  # a name, or an attribute
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False
