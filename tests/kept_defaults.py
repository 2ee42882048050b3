"""Defaults, kept in a file: python -m tests.kept_defaults --write, after a change that is meant.

A default is a promise: whoever leaves an argument away gets other numbers where it moves. Kept are those of all that is
exported, methods included, of every other public function, and of every other public class of toymodels and dnn.
"""

import inspect
import json
import sys
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import FunctionType

from tests.fuzz.calls import exported
from tests.mutants.table import ROOT

PACKAGES = ("toymodels", "dnn", "comparisons", "figures")
KEPT = Path(__file__).with_name("defaults.json")


@lru_cache(maxsize=1)
def defaults():
    """Dotted name -> argument -> default, in words."""
    found = {}
    for name, function in functions():
        if values := _of(function):
            found[name] = values
    for name, thing in exported().values():
        named = {name: thing}
        if inspect.isclass(thing):
            methods = {key: each for key, each in vars(thing).items() if not key.startswith("_")}
            named |= {f"{name}.{key}": each for key, each in methods.items() if inspect.isroutine(each)}
        for dotted, each in named.items():
            if values := _of(each):
                found[dotted] = values
    return dict(sorted(found.items()))


def functions():
    """Dotted name and function or class, of every public one."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.stem.startswith("__") or "drawing" in path.stem:
                continue
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for name, thing in sorted(vars(module).items()):
                kinds = (
                    (FunctionType, type) if package in ("toymodels", "dnn") else FunctionType
                )  # not the settings of studies
                if isinstance(thing, kinds) and thing.__module__ == module.__name__ and not name.startswith("_"):
                    yield f"{module.__name__}.{name}", thing


def _of(thing):
    thing = getattr(thing, "__func__", thing)
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:  # of a base class in C
        return {}
    return {each.name: _words(each.default) for each in parameters if each.default is not each.empty}


def _words(value):
    if isinstance(value, Path):
        return value.relative_to(ROOT).as_posix() if value.is_relative_to(ROOT) else value.as_posix()
    return getattr(value, "__name__", None) or repr(value).split(" at 0x")[0]


def main(argv):
    """Write the file, or print it."""
    text = json.dumps(defaults(), indent=1) + "\n"
    if "--write" in argv:
        KEPT.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
