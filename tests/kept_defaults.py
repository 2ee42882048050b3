"""The defaults of all that callers rely on, kept in a file: python -m tests.kept_defaults --write, after a change.

A default is a promise: whoever leaves an argument away gets other numbers where it moves.
"""

import inspect
import json
import sys
from functools import lru_cache
from pathlib import Path

from tests.fuzz.calls import exported

KEPT = Path(__file__).with_name("defaults.json")


@lru_cache(maxsize=1)
def defaults():
    """Dotted name -> argument -> default, in words, of every exported function, class and public method."""
    found = {}
    for name, thing in exported().values():
        named = {name: thing}
        if inspect.isclass(thing):
            methods = {key: each for key, each in vars(thing).items() if not key.startswith("_")}
            named |= {f"{name}.{key}": each for key, each in methods.items() if inspect.isroutine(each)}
        for dotted, each in named.items():
            if values := _of(each):
                found[dotted] = values
    return dict(sorted(found.items()))


def _of(thing):
    thing = getattr(thing, "__func__", thing)
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:  # of a base class in C
        return {}
    return {each.name: _words(each.default) for each in parameters if each.default is not each.empty}


def _words(value):
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
