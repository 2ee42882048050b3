"""Programs: right ones pass, wrong ones are told how they differ, and hostile ones never run or end soon."""

import pytest

from docs.check import Program, Span, check
from docs.check.programs import check_source, run

STEP = """
def step(a, b, S, lr):
    error = S - a * b
    return a + lr * error * b, b + lr * error * a
"""
VECTORS = """
import numpy as np

def step(a, b, S, lr):
    weights = np.array([a, b])
    return weights + lr * (S - np.prod(weights)) * weights[::-1]
"""
HOSTILE = (
    "import os",
    "import numpy as np\nnp.load('x')",
    "import numpy.lib",
    "from numpy import load",
    "from os import system",
    "from toymodels.layerwise import scalar",
    "from .x import y",
    "from math import *",
    "open('x')",
    "eval('1')",
    "exec('1')",
    "getattr(1, 'real')",
    "().__class__",
    "__builtins__",
    "'__class__'",
    "'{0.real}'.format(1)",
    "class A: pass",
    "match 1:\n    case int(real=x): pass",
    "global x",
    "async def f(): pass",
    "x = " + "(" * 300 + ")" * 300,
    "def step(",
    "x = 1",
    "#" * 20_000,
)


@pytest.mark.parametrize("source", [STEP, VECTORS])
def test_right_programs_pass(source, tmp_path):
    assert check("sigmoid", "step", source).right
    (tmp_path / "step.py").write_text(source)
    assert check("sigmoid", "step", str(tmp_path / "step.py")).right


def test_a_function_of_a_notebook_is_called_as_it_is():
    assert check("sigmoid", "step", lambda a, b, S, lr: (a + lr * (S - a * b) * b, b + lr * (S - a * b) * a)).right
    assert "ZeroDivisionError" in check("sigmoid", "step", lambda **_: 1 / 0).message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("b + lr * error * a", "b + lr * (S - (a + lr * error * b) * b) * a", "entry 0 of what it returns is right"),
        ("error = S - a * b", "error = a * b - S", "for a = "),
        ("return a + lr * error * b, b", "return b", "step must return 2 number(s), got 1"),
        ("error = S", "error = 1 / 0 + S", "it raises ZeroDivisionError"),
        ("error = S", "error = [0] * 10**11 and S", "it asks for too much memory"),
    ],
)
def test_wrong_programs_are_told_how_they_differ(old, new, message):
    verdict = check("sigmoid", "step", STEP.replace(old, new))
    assert verdict.outcome == "wrong"
    assert verdict.message.startswith(message)


@pytest.mark.parametrize("source", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_programs_are_refused_before_they_run(source):
    with pytest.raises(ValueError):
        check_source(source, "step")
    assert check("sigmoid", "step", source + "\n").outcome == "refused"


@pytest.mark.parametrize("body", ["while True: pass", "return 10 ** 10 ** 10"])
def test_a_program_that_does_not_end_is_ended(body):
    assert run(f"def f():\n    {body}\n", "f", [{}], seconds=1) == "it takes longer than 1 seconds"


def test_a_program_cannot_write_or_flood(tmp_path):
    assert run("def f():\n    return [0.0] * 10**6\n", "f", [{}]) == "it returns more than 1000 numbers"
    noisy = "def f():\n    for k in range(10**5): print('x' * 100)\n    return 1.0\n"
    assert run(noisy, "f", [{}]) == [[1.0]]


def test_a_factor_is_named():
    double = Program("2 x", "double", lambda x: 2 * x, {"x": Span(1, 2)})
    assert double.judge("def double(x):\n    return 4 * x\n").message == "off by a factor 2 (yours over the answer)"
