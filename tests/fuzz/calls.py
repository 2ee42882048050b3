"""Good calls of everything that is exported, recorded while the examples of its documentation run."""

import ast
import copy
import doctest
import importlib
import inspect
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

from tests.test_docstrings import EXPORTED, ROOT


@dataclass(frozen=True)
class Good:
    """A call that is known to work; `function` may be a class, a function or a bound method."""

    name: str
    function: Any
    arguments: dict[str, Any]

    def call(self, **changed):
        """Call again, with copies of the recorded arguments and some of them changed."""
        bound = inspect.signature(self.function).bind_partial()
        bound.arguments.update({**copy.deepcopy(self.arguments), **changed})
        return self.function(*bound.args, **bound.kwargs)


class _Recorded(ast.NodeTransformer):
    """`f(x)` becomes `_record(f, x)`."""

    def visit_Call(self, node):
        self.generic_visit(node)
        recorder = ast.Name("_record", ast.Load())
        return ast.copy_location(ast.Call(recorder, [node.func, *node.args], node.keywords), node)


def _module(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def exported():
    """Identity of every exported callable -> its dotted name; commands read the arguments of the process."""
    found = {}
    for path, names in EXPORTED.items():
        if path.relative_to(ROOT).parts[0] not in ("toymodels", "dnn") or "drawing" in path.name:
            continue
        module = _module(path)
        for name in names if names is not None else [name for name in vars(module) if not name.startswith("_")]:
            thing = getattr(module, name, None)
            if callable(thing) and getattr(thing, "__module__", None) == module.__name__ and name != "main":
                found[id(thing)] = (f"{module.__name__}.{name}", thing)
    return found


def _name_of(function, exports):
    """The exported name behind a function or a method of an exported class; None if there is none."""
    if id(function) in exports:
        return exports[id(function)][0]
    owner = getattr(function, "__self__", None)
    kind = owner if isinstance(owner, type) else type(owner)
    if inspect.ismethod(function) and id(kind) in exports and not function.__name__.startswith("_"):
        return f"{exports[id(kind)][0]}.{function.__name__}"
    return None


@lru_cache
def good_calls():
    """One call, the first that works, of every exported callable of toymodels and dnn that has an example."""
    exports, found = exported(), {}

    def record(function, *args, **kwargs):
        name = _name_of(function, exports)
        taken = None
        if name is not None and name not in found:
            try:
                taken = copy.deepcopy((args, kwargs))
                bound = inspect.signature(function).bind(*taken[0], **taken[1])
            except (TypeError, ValueError):
                taken = None
        result = function(*args, **kwargs)
        if taken is not None:
            found[name] = Good(name, function, dict(bound.arguments))
        return result

    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in {thing.__module__ for _, thing in exports.values()}:
        for test in finder.find(importlib.import_module(module)):
            _run(test, record)
    return [found[name] for name in sorted(found)]


def _run(test, record):
    space = {**test.globs, "_record": record, "__name__": "examples"}
    for example in test.examples:
        tree = ast.fix_missing_locations(_Recorded().visit(ast.parse(example.source)))
        try:
            exec(compile(tree, test.name, "exec"), space)
        except Exception:  # an example that shows an error
            continue


def starred(function):
    """Names of arguments that stand for any number of them."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name for name, entry in inspect.signature(function).parameters.items() if entry.kind in kinds}


def plain(value):
    """Whether a value is data, or a network, that a caller hands in."""
    return hasattr(value, "named_modules") or not (callable(value) or isinstance(value, ModuleType))
