"""Constants of one's own modules that code names: a program may change them between two calls, or after an import.

They count for identities, and go to workers, which import a module as its file says it is. Plain values count, up to a
size, and objects made of them; the suite's own constants do not, since nobody is to change them.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Mapping
from importlib import import_module
from itertools import chain
from pathlib import Path, PurePath
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from toymodels.run.source_files import PROGRAM, file_of, is_installed, is_of_suite, module_name, program, type_name
from toymodels.run.sources import callables_of, functions_of, names_in

MOST = 1000  # entries of a value that is looked at
_LONGEST = 100_000  # characters of one
_DEEPEST = 8  # levels of nesting


def values_named(*things: Any) -> dict[tuple[str, str], Any]:
    """What the constants are now that the code of these callables, and of what it calls, names.

    Parameters
    ----------
    *things : callables
        Also partials, methods, callable objects, and what holds them.

    Returns
    -------
    dict of (str, str) to value
        By module and name in it, "NAME", "Class.NAME" or "function.NAME".
    """
    search = _Search()
    for thing in callables_of(list(things)):
        search.look_at(thing)
    return {where: search.found[where] for where in sorted(search.found)}


def in_words(values: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """Values of :func:`values_named` in terms of JSON, for an identity."""
    return {
        f"{program().name if module in PROGRAM else module}.{name}": _words(value)
        for (module, name), value in values.items()
    }


def use_values(values: Mapping[tuple[str, str], Any]) -> None:
    """Give the modules of this process the constants that those of another have; what is not here is left out."""
    for (module, path), value in values.items():
        *owners, name = path.split(".")
        try:
            owner: Any = import_module(module)
            for part in owners:
                owner = getattr(owner, part)
            setattr(owner, name, value)
        except Exception:  # a module of one's own may do anything; what needs it says what is wrong with it
            continue


class _Search:
    """Goes through code and what it names, each piece once."""

    def __init__(self):
        self.found: dict[tuple[str, str], Any] = {}
        self._seen: set[Any] = set()

    def look_at(self, value: Any, names: frozenset[str] = frozenset()) -> None:
        """Take down what lies in a function, a class or a module, as far as code that uses these `names` sees it."""
        if isinstance(value, FunctionType):
            if _is_own(file_of(value)):
                self._note(module_name(value), f"{value.__qualname__}.", vars(value), names)
                self._look_into(value)
        elif isinstance(value, type):
            if _is_own(file_of(value)):
                self._look_at_class(value, names)
        elif isinstance(value, ModuleType) and self._is_new((id(value), names)) and _is_own(_file(value)):
            self._look_at_names(value.__name__, vars(value), names)

    def _look_into(self, function: FunctionType) -> None:
        if self._is_new(id(function)):
            here, names = function.__globals__, frozenset(names_in(function.__code__))
            for name in names - here.keys() & sys.modules.keys():  # imported where it is used
                self.look_at(sys.modules[name], names)
            for cell in function.__closure__ or ():
                with contextlib.suppress(ValueError):  # one that is empty yet
                    self.look_at(cell.cell_contents, names)
            self._look_at_names(here.get("__name__", ""), here, names)

    def _look_at_names(self, module: str, entries: Mapping[str, Any], names: frozenset[str]) -> None:
        for name in names & entries.keys():
            self.look_at(entries[name], names)
        self._note(module, "", entries, names)

    def _look_at_class(self, kind: type, names: frozenset[str]) -> None:
        own = [base for base in kind.__mro__ if _is_own(file_of(base))]
        entries = [entry for base in own for entry in list(vars(base).values())]
        methods = list(chain.from_iterable(functions_of(entry) for entry in entries))
        if self._is_new(id(kind)):
            for method in methods:
                self.look_at(method)
        names = names.union(*(names_in(method.__code__) for method in methods))
        for base in own:
            self._note(module_name(base), f"{base.__qualname__}.", vars(base), names)

    def _note(self, module: str, owner: str, entries: Mapping[str, Any], names: frozenset[str]) -> None:
        if "<" in owner:  # of a function's own, which goes wherever it goes
            return
        for name in names & entries.keys():
            if not name.startswith("__") and _size(entries[name]) <= MOST:
                self.found[module, f"{owner}{name}"] = entries[name]

    def _is_new(self, thing: Any) -> bool:
        new = thing not in self._seen
        self._seen.add(thing)
        return new


def _is_own(file: Path | None) -> bool:
    return file is not None and not is_of_suite(str(file)) and not is_installed(file)


def _file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file) if isinstance(file, str) else None


def _size(value: Any, level: int = 0) -> float:
    """Entries of a plain value; infinite for every other, and for one that is nested too deep."""
    if isinstance(value, str | bytes):
        return 1.0 if len(value) <= _LONGEST else np.inf
    if value is None or isinstance(value, int | float | complex | PurePath):
        return 1.0
    if isinstance(value, np.ndarray | np.generic):
        return float(value.size) if value.dtype.kind in "biufcSUmM" else np.inf
    inner = _inner(value)
    if inner is None or level == _DEEPEST or len(inner) > MOST:
        return np.inf
    total = 1.0
    for each in inner:
        total += _size(each, level + 1)
        if total > MOST:
            break
    return total


def _inner(value: Any) -> list | None:
    """What a container, or an object that only has attributes, is made of."""
    if type(value) in (list, tuple, set, frozenset):
        return list(value)
    if type(value) is dict:
        return [*value.keys(), *value.values()]
    if isinstance(value, type | ModuleType) or callable(value) or not hasattr(value, "__dict__"):
        return None
    if hasattr(type(value), "__slots__") or isinstance(value, list | tuple | set | frozenset | dict):
        return None
    return list(vars(value).values())


def _words(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        array = np.ascontiguousarray(value)
        return [str(array.dtype), list(np.shape(value)), hashlib.sha256(array.tobytes()).hexdigest()[:16]]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | complex | bytes | PurePath):
        return repr(value)
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(_words, value)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(repr(_words(each)) for each in value)]
    if isinstance(value, dict):
        return ["dict", *([_words(key), _words(entry)] for key, entry in value.items())]
    return [type_name(type(value)), _words(dict(vars(value)))]
