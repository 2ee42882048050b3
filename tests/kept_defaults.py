"""Defaults and constants, kept in a file: python -m tests.kept_defaults --write, after a change that is meant.

A default is a promise: whoever leaves an argument away gets other numbers where it moves. Kept are those of all that is
exported, methods included, of every other public function, and of every other public class of toymodels and dnn; and
the numbers that stand in capitals at the top of a module, thresholds among them.
"""

import ast
import inspect
import json
import sys
from dataclasses import fields, is_dataclass
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
    """Dotted name -> argument or constant -> its value, in words."""
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
    for module, path in modules():
        if values := constants(module, path):
            found[module.__name__] = values
    return dict(sorted(found.items()))


def modules():
    """Every module that decides numbers, and its file."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not path.stem.startswith("__") and "drawing" not in path.stem:
                yield import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)), path


def functions():
    """Dotted name and function or class, of every public one."""
    for module, path in modules():
        of_models = path.relative_to(ROOT).parts[0] in ("toymodels", "dnn")
        kinds = (FunctionType, type) if of_models else FunctionType  # not the settings of studies
        for name, thing in sorted(vars(module).items()):
            if isinstance(thing, kinds) and thing.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{module.__name__}.{name}", thing


def constants(module, path):
    """Name -> number, numbers or settings, of the public constants that a module sets itself."""
    nodes = [each for each in ast.parse(path.read_text()).body if isinstance(each, ast.Assign | ast.AnnAssign)]
    targets = [target for each in nodes for target in (each.targets if isinstance(each, ast.Assign) else [each.target])]
    names = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    public = sorted(name for name in names if name.isupper() and not name.startswith("_"))
    values = {name: getattr(module, name) for name in public if not path.stem.startswith("picture")}
    models = path.relative_to(ROOT).parts[0] in ("toymodels", "dnn")
    return {name: repr(_plain(value)) for name, value in values.items() if _decides(value, models)}


def _decides(value, settings):
    """Whether a constant is a number, or numbers, or with `settings` what is made of them."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return value != () and all(_decides(each, settings) for each in value)
    of_numbers = settings and is_dataclass(value) and not isinstance(value, type) and "Claim" not in repr(value)
    return isinstance(value, int | float) or (of_numbers and " at 0x" not in repr(value))


def _plain(value):
    """To twelve digits, which are the same everywhere, and without types of numpy."""
    if is_dataclass(value):
        return {type(value).__name__: {each.name: _plain(getattr(value, each.name)) for each in fields(value)}}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return float(f"{value:.12g}") if isinstance(value, float) else value


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
