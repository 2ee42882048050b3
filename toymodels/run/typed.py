"""Functions and classes that lie in no file: what tells those typed at a prompt or in a notebook from one another."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from toymodels.run.source_files import file_of
from toymodels.run.sources import code_in_words, names_in

OF_NO_EFFECT = {"__dict__", "__weakref__", "__module__", "__doc__", "__firstlineno__", "__static_attributes__"}
# the second from Python 3.14 on, once somebody has looked at the annotations
OF_NO_EFFECT |= {"__annotations__", "__annotations_cache__", "__annotate__", "__annotate_func__"}
_SAID_BY_METHODS = {"__dataclass_fields__", "__dataclass_params__"}


def typed_digest(thing: Any, plain: Callable[[Any], Any]) -> str:
    """Digest of a function or class with everything of its module that it uses: the same after a restart.

    Parameters
    ----------
    thing : function or class
    plain : callable
        Values in terms of JSON; `ValueError` for what has none, which is then told by how it is pickled.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    return hashlib.sha256(repr(_in_words(thing, plain, {})).encode()).hexdigest()[:16]


def _in_words(thing: Any, plain: Callable[[Any], Any], seen: dict[int, int]) -> Any:
    """Nested tuples that say what a thing does; one that was met before is told by when it was met."""
    if id(thing) in seen:
        return "met", seen[id(thing)]
    if isinstance(thing, FunctionType | type) and is_typed(thing):
        seen[id(thing)] = len(seen)
        return _function(thing, plain, seen) if isinstance(thing, FunctionType) else _class(thing, plain, seen)
    if isinstance(thing, ModuleType | BuiltinFunctionType | FunctionType | type):
        return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', getattr(thing, '__name__', ''))}"
    if isinstance(thing, staticmethod | classmethod | property):
        parts = [getattr(thing, name, None) for name in ("__func__", "fget", "fset")]
        return type(thing).__name__, *(_in_words(part, plain, seen) for part in parts if part is not None)
    try:
        return repr(plain(thing))
    except ValueError:
        return _pickled(thing)


def is_typed(thing: FunctionType | type) -> bool:
    """Whether it lies in no file, and is no part of Python itself."""
    return file_of(thing) is None and thing.__module__ not in sys.builtin_module_names


def _function(function: FunctionType, plain: Callable[[Any], Any], seen: dict[int, int]) -> tuple:
    used = sorted(set(names_in(function.__code__)) & function.__globals__.keys())
    bound = [function.__globals__[name] for name in used]
    bound += [cell.cell_contents for cell in function.__closure__ or ()]
    bound += [*(function.__defaults__ or ()), *sorted((function.__kwdefaults__ or {}).items())]
    return code_in_words(function.__code__), used, tuple(_in_words(value, plain, seen) for value in bound)


def _class(kind: type, plain: Callable[[Any], Any], seen: dict[int, int]) -> tuple:
    names = sorted(vars(kind).keys() - OF_NO_EFFECT - _SAID_BY_METHODS)
    own = [(name, _in_words(vars(kind)[name], plain, seen)) for name in names]
    return kind.__qualname__, tuple(_in_words(base, plain, seen) for base in kind.__bases__), tuple(own)


def _pickled(thing: Any) -> str:
    import cloudpickle

    return hashlib.sha256(cloudpickle.dumps(thing)).hexdigest()
