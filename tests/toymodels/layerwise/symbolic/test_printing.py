"""Definitions as source code, on small ones written by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sympy import Abs, Piecewise, Symbol, exp, sqrt

from toymodels.layerwise.symbolic import printing
from toymodels.layerwise.symbolic.master import Definition, master_definitions

X, Y = Symbol("x", real=True), Symbol("y", real=True)
ROOT, SIDE = Symbol("root", real=True), Symbol("side", real=True)
TWO = [
    Definition(ROOT, sqrt(X**2 + 3), "never 0"),
    Definition(SIDE, Piecewise((Y / ROOT, X >= 0), (-exp(Y), True)), ""),
]


def test_a_printed_python_function_says_what_the_definitions_say():
    source = printing.numpy_function("sides", "x, y", TWO, ["side", "root"], "Two lines.")
    space = {"numpy": np}
    exec(source, space)
    x, y = np.array([[-1.0], [1.0]]), np.array([0.5, 2.0, 4.0])
    found = space["sides"](x, y)
    assert list(found) == ["side", "root"]
    assert space["sides"].__doc__ == "Two lines."
    assert_allclose(found["root"], [[2.0], [2.0]])
    assert_allclose(found["side"], [-np.exp(y), y / 2])
    assert source.endswith("\n")
    assert source.splitlines()[0] == "def sides(x, y):"


def test_a_printed_python_function_is_silent_about_branches_not_taken():
    inverse = [Definition(SIDE, Piecewise((0, X <= 0), (1 / X, True)), "")]
    space = {"numpy": np}
    exec(printing.numpy_function("inverse", "x", inverse, ["side"], ""), space)
    assert_allclose(space["inverse"](np.array([0.0, 4.0]))["side"], [0.0, 0.25])


def test_a_printed_javascript_function_is_one_line_for_each_definition():
    source = printing.javascript_function("sides", "x, y", TWO, ["side", "root"], "Two lines.")
    assert source.splitlines() == [
        "// Two lines.",
        "function sides(x, y) {",
        "  const root = Math.sqrt(Math.pow(x, 2) + 3);",
        "  const side = ((x >= 0) ? ( y/root ) : ( -Math.exp(y) ));",
        "  return {side, root};",
        "}",
    ]
    assert source.endswith("}\n")


@pytest.mark.parametrize("name", ["expm1", "hypot", "log1p"])
def test_functions_that_keep_their_digits_are_those_of_math_in_javascript(name):
    from sympy.codegen import cfunctions

    arguments = (X, Y) if name == "hypot" else (X,)
    found = printing.javascript_function(
        "f", "x, y", [Definition(SIDE, getattr(cfunctions, name)(*arguments), "")], ["side"], ""
    )
    assert f"const side = Math.{name}({', '.join(each.name for each in arguments)});" in found


def test_the_master_solution_is_printed_with_its_six_arguments_and_four_results():
    python, javascript = printing.numpy_source(), printing.javascript_source()
    assert python.startswith("import numpy\n\n\ndef master_solution(t, P, Q, S, r, f0):\n")
    assert 'return {"y": y, "progress": progress, "remaining": remaining, "f": f}' in python
    assert "function masterSolution(t, P, Q, S, r, f0) {\n" in javascript
    assert "return {y, progress, remaining, f};" in javascript
    names = [definition.name.name for definition in master_definitions()]
    assert [line.split(" = ")[0].split()[-1] for line in javascript.splitlines() if " const " in line] == names
    assert [line.split(" = ")[0].strip() for line in python.splitlines() if line.startswith("        ")] == names


def test_the_printed_function_is_made_once_and_solves_the_flow():
    """Equal weights follow the sigmoid, and at their start both shares of the way are known."""
    solve = printing.master_function()
    assert solve is printing.master_function()
    t = np.array([0.0, 0.5, 3.0])
    state = solve(t, P=0.2, Q=0.0, S=1.4, r=1.7, f0=0.2)
    sigmoid = 1.4 / (1 + (1.4 / 0.2 - 1) * np.exp(-1.7 * 1.4 * t))
    assert_allclose(state["f"], sigmoid, rtol=1e-14)
    assert_allclose(state["remaining"], (1.4 - sigmoid) / 1.2, rtol=1e-13)
    assert_allclose(state["progress"], (sigmoid - 0.2) / 1.2, rtol=1e-13, atol=1e-16)


def test_the_equations_are_one_row_for_each_definition():
    rows = printing.latex_source().splitlines()
    assert (rows[0], rows[-1]) == (r"\begin{align*}", r"\end{align*}")
    assert printing.latex_source().endswith("\n")
    assert len(rows) == 2 + len(master_definitions())
    assert all(" &= " in row for row in rows[1:-1])
    assert [row.endswith(r"\\") for row in rows[1:-1]] == [True] * (len(rows) - 3) + [False]
    assert rows[2].startswith(r"\Delta &= \operatorname{hypot}")


@pytest.mark.parametrize("function", [printing.numpy_function, printing.javascript_function])
@pytest.mark.parametrize(
    ("definitions", "results", "message"),
    [
        ("root", ["root"], "definitions must be a sequence of Definition, got 'root'"),
        ([ROOT], ["root"], r"definitions must be a sequence of Definition, got \[root\]"),
        ([*TWO, SIDE], ["root"], "definitions must be a sequence of Definition"),
        (TWO, "root", "results must be a sequence of str, got 'root'"),
        (TWO, [ROOT], r"results must be a sequence of str, got \[root\]"),
        (TWO, ["root", ROOT], "results must be a sequence of str"),
        (None, ["root"], "definitions must be a sequence of Definition, got None"),
    ],
)
def test_what_are_no_definitions_or_names_is_refused(function, definitions, results, message):
    with pytest.raises(ValueError, match=message):
        function("f", "x", definitions, results, "")


def test_tuples_are_sequences_too():
    assert "def f(x, y):" in printing.numpy_function("f", "x, y", tuple(TWO), ("side",), "")


def test_long_expressions_stay_on_one_line():
    long = sum(exp(k * X) * Abs(Y) ** k for k in range(12))
    found = printing.javascript_function(
        "f", "x, y", [Definition(SIDE, Piecewise((long, X > 0), (long + 1, True)), "")], ["side"], ""
    )
    assert len([line for line in found.splitlines() if line.strip()]) == 5
