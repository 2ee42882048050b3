"""What tells one computation from another: the function with its sources, what it is called with, and the versions.

Two cells are the same when their identities are: same function by name, same bytes of its own file and of every file
of the suite (or of yours, outside of the installed packages) that it can reach by imports, same arguments, seed, device
and versions. What is known not to be known makes an identity that no other equals: at worst something is computed
twice.

What an identity cannot see, and what must therefore stand in the settings of a model: files that it reads, variables of
the environment, what a program changes in a module while it runs other than plain constants that code names (see
:mod:`toymodels.run.values`), modules that are imported by a name that is put together, text that is executed, code in
archives and compiled modules, a file that is edited after a run has begun and before that first imports it, and
versions of libraries other than numpy, scipy and torch.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from importlib import util
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from toymodels.run.source_files import PROGRAM, file_of, module_name, type_name
from toymodels.run.sources import code_digest, functions_of
from toymodels.run.typed import OF_NO_EFFECT, is_typed, typed_digest

COUNTS = "identity"  # of a dataclass field's metadata: False for what decides no number, like a folder for scratch
LIBRARIES = ("numpy", "scipy", "torch")


def canonical(value: Any) -> str:
    """JSON that is equal for equal values: sorted, without spaces, whole floats as integers.

    Raises
    ------
    ValueError
        For anything but numbers, strings, None, paths, arrays, dataclasses, sequences and mappings of them.

    Examples
    --------
    >>> canonical({"b": 2.0, "a": (1, None)})
    '{"a":[1,null],"b":2}'
    """
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"))


def plain(value: Any) -> Any:
    """`value` in terms of JSON; functions as their name with the arguments bound to them."""
    if isinstance(value, np.ndarray):
        return {"array": plain(value.tolist()), "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float):
        whole = isinstance(value, float) and value.is_integer() and (value != 0 or math.copysign(1, value) > 0)
        return int(value) if whole else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        counted = [field.name for field in dataclasses.fields(value) if field.metadata.get(COUNTS, True)]
        code = {"code": typed_digest(type(value), plain)} if is_typed(type(value)) else {}
        return plain({"type": type_name(type(value)), **code, **{name: getattr(value, name) for name in counted}})
    if isinstance(value, Mapping) and getattr(value, "default_factory", None) is not None:
        return {"entries": plain(dict(value)), "factory": plain(value.default_factory)}  # pyright: ignore
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else f"<{key!r}>": plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, ModuleType):
        return {"module": value.__name__}
    if callable(value):
        return function_identity(value)
    raise ValueError(f"function must be bound to plain values to be told from others, got {value!r}")


def function_identity(function: Callable) -> dict[str, Any]:
    """Name of a function and all that is bound to it: arguments of partials, defaults, closure, `self`.

    Raises
    ------
    ValueError
        If something bound to it is no plain value.
    """
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    while isinstance(function, partial):
        arguments, keywords = [*function.args, *arguments], {**function.keywords, **keywords}
        function = function.func
    identity: dict[str, Any] = {"name": display_name(function)}
    if isinstance(function, MethodType):
        identity["self"], function = plain(function.__self__), function.__func__
    if isinstance(function, FunctionType):
        closure = [cell.cell_contents for cell in function.__closure__ or ()]
        bound = {"defaults": function.__defaults__, "keyword_defaults": function.__kwdefaults__, "closure": closure}
        identity |= {name: plain(value) for name, value in bound.items() if value}
        if file_of(function) is None:  # typed at a prompt or in a notebook: no file says what it does
            identity["code"] = typed_digest(function, plain)
        elif "<" in function.__qualname__:  # lambdas and local functions share their names
            identity |= {"code": code_digest(function), "line": function.__code__.co_firstlineno}
    elif isinstance(function, np.ufunc):
        if getattr(np, function.__name__, None) is not function and not _is_of_scipy(function):
            raise ValueError(f"function must be bound to plain values to be told from others, got {function!r}")
        identity["name"] = f"numpy.{function.__name__}"
    elif inspect.isbuiltin(function):
        owner = function.__self__
        identity |= {} if owner is None or isinstance(owner, ModuleType) else {"self": plain(owner)}
    elif isinstance(function, type):
        if is_typed(function):
            identity["code"] = typed_digest(function, plain)
        elif _is_made(function):
            identity["entries"] = _entries(function)
    else:
        identity["self"] = plain(_without_call(function))
        if file_of(type(function)) is None:
            identity["code"] = typed_digest(type(function), plain)
        elif _is_made(type(function)):
            identity["entries"] = _entries(type(function))
    return (
        identity
        | ({"arguments": plain(arguments)} if arguments else {})
        | ({"keywords": plain(keywords)} if keywords else {})
    )


def _is_of_scipy(function: np.ufunc) -> bool:
    from scipy import special

    return getattr(special, function.__name__, None) is function


def _is_made(kind: type) -> bool:
    """Whether a class is not the one of its name in its module, but of a function that makes such classes."""
    if "<" in kind.__qualname__ or "." in kind.__qualname__ or kind.__module__ in PROGRAM:
        return "<" in kind.__qualname__  # a program has its names only where it runs
    return getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is not kind


def _entries(kind: type) -> dict[str, Any]:
    """What a class that was made holds: its functions with what is bound to them, and plain values."""
    entries = {name: entry for name, entry in vars(kind).items() if name not in OF_NO_EFFECT}
    return {
        name: [function_identity(function) for function in functions] if functions else plain(entry)
        for name, entry in entries.items()
        for functions in [functions_of(entry)]
    }


def _without_call(instance: Any) -> Any:
    if dataclasses.is_dataclass(instance):
        return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}
    if not hasattr(instance, "__dict__") or hasattr(type(instance), "__slots__"):
        raise ValueError(f"function must be bound to plain values to be told from others, got {instance!r}")
    return dict(vars(instance))


def display_name(function: Callable) -> str:
    """Dotted name of the function under any partials."""
    while isinstance(function, partial):
        function = function.func
    return f"{module_name(function)}.{getattr(function, '__qualname__', type(function).__qualname__)}"


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that compute, found without loading them."""
    versions = {"python": ".".join(map(str, sys.version_info[:3]))}
    known = {library: _version_in_file(library) for library in LIBRARIES}
    return versions | {library: version for library, version in known.items() if version}


def _version_in_file(library: str) -> str:
    """What a library's own file says, which is ten times as fast as its metadata; empty where there is no library."""
    spec = util.find_spec(library)
    if spec is None:
        return ""
    for folder in spec.submodule_search_locations or ():
        path = Path(folder) / "version.py"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if match := re.search(r"^(?:__version__|version)\b[^=\n]*=\s*[\"']([^\"']+)[\"']", text, re.MULTILINE):
            return match.group(1)
    from importlib import metadata

    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""


def device_used(device: str, reached: Iterable[str] = ("dnn",)) -> str:
    """The device that "auto" certainly stands for, found without loading torch; else "auto" itself.

    Parameters
    ----------
    device : str
        "auto", "cpu" or "cuda".
    reached : iterable of str
        Modules that the computation can reach; one that reaches no torch code runs on the "cpu", as does everything
        where the torch that is installed has no GPU support.
    """
    uses_torch = any(name == "dnn" or name.startswith("dnn.") for name in reached)
    return "cpu" if device == "auto" and not (uses_torch and _torch_may_see_a_gpu()) else device


@lru_cache(maxsize=1)
def _torch_may_see_a_gpu() -> bool:
    spec = util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return False
    try:
        text = (Path(next(iter(spec.submodule_search_locations))) / "version.py").read_text()
    except OSError:
        return True
    return not re.search(r"^cuda[^=]*=\s*None", text, re.MULTILINE)
