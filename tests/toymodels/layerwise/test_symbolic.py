import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.layerwise import symbolic
from toymodels.layerwise.riccati import TwoFactorFlow
from toymodels.layerwise.symbolic import master, steps
from toymodels.layerwise.symbolic.__main__ import main

RESULTS = master.RESULTS


@pytest.fixture(scope="module")
def derivation():
    return symbolic.derivations()


def test_every_step_holds_and_prints_as_latex(derivation):
    assert [step.title for step in derivation if not step.holds] == []
    assert sum(step.residual is not None for step in derivation) >= 25
    assert all(step.latex() for step in derivation)


def test_the_main_results_are_among_the_steps(derivation):
    titles = " ".join(step.title for step in derivation)
    for result in ("Riccati", "sigmoid", "imbalance is conserved", "gamma_+", "two matrices", "y as evaluated, S < 0"):
        assert result in titles


@pytest.mark.parametrize("rising", [True, False])
def test_the_difference_from_the_textbook_simplifies_to_nothing(rising):
    values, textbook, _ = master.general_algebra(rising=rising)
    assert values["y"] != textbook  # not the same by construction
    assert sympy.simplify(values["y"] - textbook) == 0


def changed(monkeypatch, name, change):
    """One definition changed, the others as they are."""
    right = master.master_definitions()
    wrong = [
        entry._replace(expression=change(entry.expression)) if entry.name.name == name else entry for entry in right
    ]
    monkeypatch.setattr(master, "master_definitions", lambda: wrong)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("exponent", lambda expression: 2 * expression),
        ("small", lambda expression: 0 * expression),
        ("remaining", lambda expression: -expression),
        ("f", lambda expression: expression + master.master_symbols()[1]),
    ],
)
def test_a_wrong_definition_is_found_out(monkeypatch, name, change):
    changed(monkeypatch, name, change)
    assert not all(step.holds for step in steps.evaluated_form())


@pytest.mark.parametrize("name", ["remaining", "f", "share"])
def test_a_wrong_special_branch_is_found_out(monkeypatch, name):
    def change(expression):
        *special, general = expression.args
        return sympy.Piecewise(*((2 * value, condition) for value, condition in special), general)

    changed(monkeypatch, name, change)
    assert not all(step.holds for step in steps.special_branches())


def test_a_definition_in_other_words_is_not(monkeypatch):
    changed(monkeypatch, "bottom", sympy.expand)
    assert all(step.holds for step in steps.evaluated_form())


def test_a_wrong_textbook_solution_is_found_out(monkeypatch):
    t, *_, rate = master.master_symbols()
    monkeypatch.setattr(master, "textbook_solution", lambda: 1 + rate * t)
    assert not all(step.holds for step in steps.riccati())


weights = st.one_of(st.just(0.0), st.floats(-3, 3).filter(lambda weight: abs(weight) > 1e-6))
targets = st.one_of(st.just(0.0), st.floats(1e-3, 3), st.floats(-3, -1e-3))


def assert_printed_equals_evaluated(state, flow, t):
    """To 2e-15, and f of the size of its two terms, which may cancel."""
    evaluated = flow.at(t)
    with np.errstate(all="ignore"):  # the growth is y's root, which numbers hold longer
        assert_allclose(state["y"], evaluated.growth**2, rtol=4e-15, atol=1e-300)
    assert_allclose(state["progress"], evaluated.progress, rtol=2e-15, atol=1e-300)
    assert_allclose(state["remaining"], evaluated.remaining, rtol=2e-15, atol=1e-300)
    size = np.abs(flow.start * evaluated.remaining) + np.abs(flow.target * evaluated.progress)
    assert np.all(np.abs(state["f"] - evaluated.function) <= 2e-15 * size + 1e-300)


@given(weights, weights, targets, st.lists(st.floats(0, 300), min_size=1, max_size=5))
def test_the_printed_function_is_the_evaluated_one(a, b, s, t):
    flow, t = TwoFactorFlow.from_weights(a, b, s), np.array(t)
    state = symbolic.master_function()(t, flow.aligned, flow.opposed, s, 2.0, flow.start)
    assert_printed_equals_evaluated(state, flow, t)


@pytest.mark.parametrize(
    ("a", "b", "s"),
    [
        (0.8, -0.3, -1.4),
        (0.5, 0.5, 0.0),
        (0.5, -0.5, 0.0),
        (1e-4, 1e-4, -1.0),
        (0.3, -0.3, 2.0),
        (0.0, 0.0, 1.0),
        (0.0, 0.0, -3.0),
    ],
)
def test_the_printed_function_keeps_its_digits_where_the_textbook_loses_them(a, b, s):
    flow, t = TwoFactorFlow.from_weights(a, b, s), np.geomspace(1e-3, 400, 40)
    state = symbolic.master_function()(t, flow.aligned, flow.opposed, s, 2.0, flow.start)
    assert all(np.all(np.isfinite(state[name])) for name in ("progress", "remaining", "f"))
    assert_printed_equals_evaluated(state, flow, t)


def test_the_textbook_loses_them():
    t, (p, q, s, r) = 5.0, (1e-4, 1e-8, -1.4, 2.0)
    textbook = sympy.lambdify(master.master_symbols(), symbolic.textbook_solution(), "numpy")(t, p, q, s, r)
    flow = TwoFactorFlow(*map(np.asarray, (p, q, p - q, s, r)))
    assert abs(textbook / flow.at(t).growth ** 2 - 1) > 1e-9


def points(n):
    """(n, 6) arguments of the printed function: every sign, every scale, and every saddle."""
    rng = np.random.default_rng(0)
    scale = 10 ** rng.uniform(-3, 1, (n, 3))
    a, b, s = (scale * rng.choice([-1.0, 0.0, 1.0], (n, 3), p=[0.45, 0.1, 0.45])).T
    b = np.where(rng.random(n) < 0.1, a * rng.choice([-1.0, 1.0], n), b)
    t = 10 ** rng.uniform(-3, 2, n)
    return np.column_stack([t, (a + b) ** 2 / 4, (a - b) ** 2 / 4, s, np.full(n, 2.0), a * b])


def run_javascript(program):
    """What `program` evaluates to, by QuickJS if it is there, else by Node."""
    if find_spec("quickjs"):
        import quickjs  # pyright: ignore[reportMissingImports]

        return quickjs.Context().eval(program)
    node = shutil.which("node")
    if node is None:
        pytest.skip("neither quickjs (Python) nor node is installed")
    done = subprocess.run([node, "-p"], input=program, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_printed_javascript_is_the_printed_numpy_at_two_thousand_points():
    arguments = points(2000)
    # numbers that JSON lacks are written as words
    calls = f"""{symbolic.javascript_source()}
        JSON.stringify({json.dumps(arguments.tolist())}.map(row => {{
          const state = masterSolution(...row);
          return {json.dumps(RESULTS)}.map(name => Number.isFinite(state[name]) ? state[name] : String(state[name]));
        }}))"""
    found = np.array(json.loads(run_javascript(calls)), dtype=float)
    state = symbolic.master_function()(*arguments.T)
    for k, name in enumerate(RESULTS):
        assert_allclose(found[:, k], state[name], rtol=1e-12, atol=1e-300, err_msg=name)
    assert np.isfinite(found[:, 1:]).all()


def test_numpy_source_is_a_module_of_its_own(tmp_path):
    (tmp_path / "printed.py").write_text(symbolic.numpy_source())
    code = "import printed; print(float(printed.master_solution(2.0, 0.01, 0.0, 1.0, 2.0, 0.01)['f']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert_allclose(float(done.stdout), 1 / (1 + 99 * np.exp(-4)), rtol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["holds", r"\frac", r"\begin{align*}", r"\operatorname{hypot}"]),
        (["--language", "numpy"], ["def master_solution(t, P, Q, S, r, f0):", "numpy.expm1"]),
        (["--language", "javascript"], ["function masterSolution(t, P, Q, S, r, f0) {", "Math.expm1"]),
    ],
)
def test_command_prints_what_it_can(arguments, words, capsys, monkeypatch, derivation):
    monkeypatch.setattr("toymodels.layerwise.symbolic.command.derivations", lambda: derivation)
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "FAILS" not in printed
    assert all(word in printed for word in words)


def test_a_step_that_fails_is_printed_and_fails_the_command(capsys, monkeypatch):
    wrong = [symbolic.Step("one is two", sympy.Integer(1), sympy.Integer(-1))]
    monkeypatch.setattr("toymodels.layerwise.symbolic.command.derivations", lambda: wrong)
    assert main([]) == 1
    assert "one is two: FAILS by -1" in capsys.readouterr().out


def test_help_says_what_can_be_printed():
    command = [sys.executable, "-m", "toymodels.layerwise.symbolic", "--help"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(word in printed for word in ("--language", "latex", "numpy", "javascript"))


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"result must be one of .*, got 'speed'"):
        symbolic.master_solution("speed")


def test_the_package_imports_without_sympy_sklearn_or_integrators():
    code = (
        "import sys, toymodels.layerwise as m; "
        "print([n for n in ('sympy', 'sklearn', 'scipy.integrate', 'torch', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_equations_shown_for_one_unit_are_those_of_its_loss():
    loss, in_a, in_b, conserved, total, difference = (step.expression for step in steps.two_factor_flow())
    numbers = {"a": 0.7, "b": -0.3, "S": 1.1, r"\sigma^2": 2.0, "Z": 3.0}

    def at(expression):
        return float(expression.subs({each: numbers[each.name] for each in expression.free_symbols}))

    assert at(loss) == pytest.approx((1.1 + 0.7 * 0.3 / 3) ** 2)
    names = {each.name: each for each in loss.free_symbols}
    for equation, name in ((in_a, "a"), (in_b, "b")):
        assert str(equation.lhs) == f"Derivative({name}(t), t)"
        assert at(equation.rhs) == pytest.approx(-at(loss.diff(names[name])))
    slope = at(in_a.rhs), at(in_b.rhs)
    assert (at(total), at(difference)) == pytest.approx((slope[0] + slope[1], slope[0] - slope[1]))
    assert at(conserved) == pytest.approx(0.49 - 0.09)


def test_special_values_are_those_of_the_flow():
    _, aligned, opposed, target, _ = master.master_symbols()
    assert str(master.special_values({aligned: 0})["Delta"]) == "Abs(S)"
    assert str(master.special_values({opposed: 0})["Delta"]) == "Abs(S)"
    assert str(master.special_values({target: 0})["Delta"]) == "2*sqrt(P)*sqrt(Q)"
    both = master.special_values({aligned: sympy.Integer(1), opposed: sympy.Integer(2)})["Delta"]
    assert float(both.subs(target, 3)) == pytest.approx(17**0.5)
