"""What is typed in a notebook keeps its identity over a restart, and changes it with anything that it uses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from toymodels.run.identity import function_identity, plain
from toymodels.run.typed import is_typed, typed_digest

ROOT = Path(__file__).parents[3]
NOTEBOOK = """
from dataclasses import dataclass
from functools import partial
import numpy as np
from toymodels import Trajectory

@dataclass(frozen=True)
class Mine:
    speed: float = 2.0
    lags: tuple = (1.0, 2.0)

    @property
    def doubled(self):
        return factor * self.speed

# %%
factor = 2
# %%
def inner(x, sign=+1, *, offset=0.5):
    return sign * x + offset if x else outer(1)
# %%
def outer(n):
    return [inner(k) for k in range(n)]
# %%
class Rule:
    weight = np.array([1.0, 3.0])

    def __init__(self, power):
        self.power = power

    def __call__(self, x):
        return self.weight * x**self.power

    @staticmethod
    def half(x):
        return x / 2
# %%
def adapter(settings: Mine, rng) -> Trajectory:
    t = np.arange(1, settings.doubled)
    return Trajectory(t, {"train": np.array(outer(3)), "test": Rule(2)(t[0])}, {})

called = partial(adapter, Mine())
"""
ASK = (
    "import os\nfrom toymodels.run.identity import canonical, function_identity\n"
    "source = open(os.environ['CELLS']).read()\n"
    "for number, cell in enumerate(source.split('# %%')):\n"
    "    exec(compile(cell, f'{os.sep}tmp{os.sep}ipykernel_{os.getpid()}{os.sep}{number}.py', 'exec'), globals())\n"
    "print(canonical([function_identity(called), function_identity(Rule(2)), function_identity(lambda x: inner(x))]))\n"
)


@pytest.fixture
def restarted(tmp_path):
    """Runs the cells in a Python of its own and returns the identities of what they define."""

    def identities(cells: str) -> str:
        path = tmp_path / "cells.txt"
        path.write_text(cells, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CELLS": str(path), "PYTHONHASHSEED": "random"}
        done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return identities


def test_a_restart_changes_nothing_and_neither_does_a_line_above(restarted):
    first = restarted(NOTEBOOK)
    assert restarted(NOTEBOOK) == first
    assert restarted("x = 1\n# %%\n" + NOTEBOOK) == first


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("factor = 2", "factor = 3"),
        ("sign * x + offset", "sign * x - offset"),
        ("offset=0.5", "offset=0.25"),
        ("sign=+1", "sign=-1"),
        ("range(n)", "range(n + 1)"),
        ("[1.0, 3.0]", "[1.0, 4.0]"),
        ("self.weight * x", "self.weight + x"),
        ("x / 2", "x / 3"),
        ("speed: float = 2.0", "speed: float = 2.5"),
        ("factor * self.speed", "factor + self.speed"),
    ],
)
def test_an_edit_of_any_cell_that_is_used_is_another_identity(restarted, old, new):
    assert old in NOTEBOOK
    assert restarted(NOTEBOOK) != restarted(NOTEBOOK.replace(old, new, 1))


def test_who_has_looked_at_the_annotations_of_a_class_does_not_matter():
    """Python 3.14 keeps them in the class from then on, under a name of its own."""
    names = {"__name__": "notebook"}
    exec("class Mine:\n    speed: float = 2.0\n    def go(self):\n        self.gone = True", names)
    kind = names["Mine"]
    before = function_identity(kind), typed_digest(kind, plain)
    assert before[1] != typed_digest(type("Mine", (), {**vars(kind), "speed": 3.0}), plain)
    kind.__annotations_cache__ = {"speed": float}
    kind.__static_attributes__ = ("gone",)
    assert (function_identity(kind), typed_digest(kind, plain)) == before


def typed(text, name="f", **given):
    """What a cell of a notebook defines under a name, with what other cells have given."""
    space = {"__name__": "notebook", **given}
    exec(compile(text, "<cell>", "exec"), space)
    return space[name]


def told(text, name="f", **given):
    return typed_digest(typed(text, name, **given), plain)


F = "def f(x):\n    return g(x) + k"


def test_a_digest_is_sixteen_digits_and_hangs_on_no_line_and_no_unused_name():
    first = told(F, g=abs, k=2)
    assert len(first) == 16
    assert int(first, 16) >= 0
    assert told("\n\n# words\n" + F, g=abs, k=2.0, unused=3) == first


USED = [
    {"g": abs},
    {"g": abs, "k": 2},
    {"g": abs, "k": 3},
    {"g": abs, "k": "2"},
    {"g": max, "k": 2},
    {"g": os, "k": 2},
    {"g": os.path.join, "k": 2},
    {"g": {"a": abs}, "k": 2},
]
USED += [
    {"g": typed(text, "g"), "k": 2}
    for text in (
        "def g(x): return x",
        "def g(x): return -x",
        "def g(x, y=1): return x",
        "def g(x, y=2): return x",
        "def g(x, *, y=2): return x",
        "def g(x, *, z=2): return x",
        "class g: pass",
        "class g(float): pass",
        "class g:\n    n = 1",
        "class g:\n    n = 2",
        "class g:\n    def n(x): return x",
        "class g:\n    @staticmethod\n    def n(x): return x",
        "class g:\n    @classmethod\n    def n(x): return x",
        "class g:\n    @property\n    def n(x): return x",
        "class g:\n    @property\n    def n(x): return -x",
    )
]


def test_whatever_a_function_uses_tells_it_from_all_others():
    digests = [told(F, **given) for given in USED]
    assert [told(F, **given) for given in USED] == digests
    assert len(set(digests)) == len(USED)


def test_a_closure_is_told_by_what_it_holds():
    text = "def make(k):\n    def f(x):\n        return k * x\n    return f"
    one, same, other = (typed(text, "make")(k) for k in (1.5, 1.5, 2.5))
    assert typed_digest(one, plain) == typed_digest(same, plain) != typed_digest(other, plain)


def test_functions_that_call_each_other_are_told_by_where_the_circle_closes():
    text = "def f(x):\n    return g(x - 1) if x else 0\ndef g(x):\n    return {} if x else 1"
    circle, itself = (told(text.format(call)) for call in ("f(x - 1)", "g(x - 1)"))
    assert circle == told(text.format("f(x - 1)")) != itself
    two = "def f(x): return {}, {}\ndef g(x): return 1\ndef h(x): return 1"
    assert len({told(two.format(*pair)) for pair in (("g", "g"), ("g", "h"), ("h", "g"))}) == 3


def test_what_has_no_plain_form_is_told_by_how_it_is_pickled():
    class Held:
        def __init__(self, n):
            self.n = n

    first, same, other = (told(F, g=Held(n), k=2) for n in (1, 1, 2))
    assert first == same != other


def test_only_what_lies_in_no_file_and_is_not_part_of_python_is_typed():
    assert is_typed(typed(F))
    assert is_typed(typed("class C: pass", "C"))
    assert not is_typed(told)
    assert not is_typed(int)
    assert not is_typed(Path)
