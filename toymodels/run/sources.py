"""Which source files decide what a function computes."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from toymodels.run.source_files import (
    IMPORTERS,
    PROGRAM,
    Source,
    file_of,
    find_module,
    is_installed,
    module_name,
    read_source,
    stamped,
    used_by,
)


def sources(*functions: Any) -> dict[str, str]:
    """Every file that these functions can reach by imports, with a digest of its bytes.

    Parameters
    ----------
    *functions : callables
        Also partials, methods, and callable objects; callables in what is bound to them count too.

    Returns
    -------
    dict of str to str
        16 hexadecimal digits by "module:name()" for what was compiled, by "module:name" for the lines that a function
        uses of the module it lies in, and by dotted module for every other file. Installed packages other than this
        suite are told by their versions instead.
    """
    sources: dict[str, str] = {}
    waiting: list[tuple[str, Path]] = []
    for callable_ in (inner for function in functions for inner in callables_of(function)):
        if isinstance(callable_, FunctionType):  # what was compiled: two functions of a file may have one name
            label = f"{_told(_home_of(callable_), callable_)}:{callable_.__qualname__}()"
            sources[label] = _joined(sources.get(label, ""), code_digest(callable_))
        part = _part_of_module(callable_)
        if part is None:
            waiting += _roots(callable_).items()
        else:
            name, label, source = part
            sources[label] = source.digest
            waiting += [(other, file) for other in source.imports(name) if (file := find_module(other)) is not None]
    while waiting:
        name, path = waiting.pop()
        if name in sources:
            continue
        read = read_source(str(path))
        sources[name] = read.digest
        waiting += [(other, file) for other in read.imports(name) if (file := find_module(other)) is not None]
    return dict(sorted(sources.items()))


def _joined(*digests: str) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def code_digest(function: FunctionType) -> str:
    """Digest of what a function does, to which names, with which constants: not of where it stands."""
    return _joined(repr(code_in_words(function.__code__)))


def code_in_words(code: CodeType) -> tuple:
    """What tells a piece of code from another at the same name: what it does, to which names, with which constants."""
    constants = [
        code_in_words(constant) if isinstance(constant, CodeType) else _constant(constant)
        for constant in code.co_consts
    ]
    return code.co_code.hex(), code.co_names, code.co_freevars, tuple(constants)


def _constant(value: Any) -> str:
    """A constant in words, the same in every process: the order of a set is not."""
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def callables_of(value: Any, seen: set[int] | None = None) -> Iterable[Any]:
    """`value` and every callable bound to it: the functions that decide what is computed."""
    seen = set() if seen is None else seen
    if isinstance(value, int | float | complex | str | bytes | None) or id(value) in seen:
        yield from _own_kind(value, seen)
        return
    seen.add(id(value))
    if isinstance(value, partial):
        inner = [value.func, *value.args, *value.keywords.values()]
    elif isinstance(value, MethodType):
        inner = [value.__func__, value.__self__]
    elif isinstance(value, ModuleType):
        yield value
        inner = []
    elif isinstance(value, FunctionType):
        yield value
        inner = [cell.cell_contents for cell in value.__closure__ or ()]
        inner += [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        if file_of(value) is None:  # typed at a prompt: what it names may be typed there too
            inner += [value.__globals__[name] for name in names_in(value.__code__) if name in value.__globals__]
    elif isinstance(value, type):
        yield value
        inner = []
        if file_of(value) is None and value.__module__ not in sys.builtin_module_names:  # typed, as a function may be
            inner = [*value.__bases__, *(part for entry in vars(value).values() for part in functions_of(entry))]
    elif dataclasses.is_dataclass(value):
        inner = [type(value), *(getattr(value, field.name) for field in dataclasses.fields(value))]
    elif isinstance(value, Mapping):
        yield from _own_kind(value, seen)
        inner = [*value.values(), getattr(value, "default_factory", None)]
    elif isinstance(value, list | tuple):
        yield from _own_kind(value, seen)
        inner = list(value)
    elif inspect.isbuiltin(value):
        yield value
        inner = [value.__self__]  # a method of a list or a dict has what lies in it
    elif callable(value):
        inner = [type(value), *(vars(value).values() if hasattr(value, "__dict__") else ())]
    else:
        yield from _own_kind(value, seen)
        return
    for member in inner:
        yield from callables_of(member, seen)


def _own_kind(value: Any, seen: set[int]) -> Iterable[Any]:
    """The class of a value that is neither Python's nor an installed package's: its methods may decide numbers."""
    kind = type(value)
    if kind.__module__ in sys.builtin_module_names:
        return
    path = file_of(kind)
    if path is None or not is_installed(path):
        yield from callables_of(kind, seen)


def functions_of(entry: Any) -> list[Any]:
    """The functions in an entry of a class."""
    if isinstance(entry, FunctionType):
        return [entry]
    parts = (getattr(entry, name, None) for name in ("__func__", "fget", "fset", "func"))
    return [part for part in parts if isinstance(part, FunctionType)]


def _roots(function: Any) -> dict[str, Path]:
    """The file a function lies in; for one that lies in none, those of what its code names."""
    if isinstance(function, ModuleType):
        file = find_module(function.__name__)
        return {} if file is None else {function.__name__: file}
    path = file_of(function)
    if path is not None:
        home = _home_of(function)
        return {} if is_installed(path) else {_told(home, function): path}
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    names = set(names_in(code))
    modules = {_module_of(function.__globals__[name]) for name in names & function.__globals__.keys()}
    if (modules | names) & IMPORTERS:
        modules |= set(_strings_in(code))
    modules |= set(_imports_of_code(code))
    return {name: file for name in modules if name and name not in PROGRAM and (file := find_module(name)) is not None}


def _part_of_module(function: Any) -> tuple[str, str, Source] | None:
    """Module, "module:name" and source of a function with what it uses of its own module; None without a file."""
    path = None if isinstance(function, ModuleType) else file_of(function)
    if path is None or is_installed(path) or _home_of(function) in PROGRAM:
        return None  # a program may set up in its main block what its functions use, so that all of it counts
    code = getattr(function, "__code__", function)  # which a decorator lends no other name
    own = getattr(code, "co_qualname", None) or getattr(function, "__qualname__", "")
    name, top = _home_of(function), own.partition(".")[0]
    source = used_by(str(path), top, path.name == "__init__.py")
    return None if source is None else (name, f"{name}:{top}", stamped(str(path), source))


def _told(home: str, function: Any) -> str:
    """The name by which others import the module that is a function's home."""
    return module_name(function) if home in PROGRAM else home


def _home_of(function: Any) -> str:
    """Module whose file a function lies in, whatever name a decorator has lent it."""
    home = getattr(function, "__globals__", {}).get("__name__")
    return home or getattr(function, "__module__", None) or type(function).__module__


def _module_of(value: Any) -> str:
    return value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "") or ""


def names_in(code: CodeType) -> Iterable[str]:
    """Every name that a piece of code and the functions in it look up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def _strings_in(constant: Any) -> Iterable[str]:
    """Every string in a piece of code and the functions in it: what it imports by a name in quotes is among them."""
    if isinstance(constant, str):
        yield constant
    inner = constant.co_consts if isinstance(constant, CodeType) else constant
    for each in inner if isinstance(inner, tuple | frozenset) else ():
        yield from _strings_in(each)


def _imports_of_code(code: CodeType) -> Iterable[str]:
    """Modules that a code object may import: every prefix-joined pair of the names it holds is tried by the caller."""
    names = list(names_in(code))
    yield from names
    yield from (f"{first}.{second}" for first in names if find_module(first) is not None for second in names)
