import subprocess
import sys

import pytest
import sympy
from numpy.testing import assert_allclose

from toymodels.layerwise import symbolic
from toymodels.layerwise.riccati import TwoFactorFlow


@pytest.fixture(scope="module")
def steps():
    return symbolic.derivations()


def test_every_step_holds_and_prints_as_latex(steps):
    assert [step.title for step in steps if not step.holds] == []
    assert sum(step.residual is not None for step in steps) >= 12
    assert all(step.latex() for step in steps)


def test_the_main_results_are_among_the_steps(steps):
    titles = " ".join(step.title for step in steps)
    for result in ("Riccati", "sigmoid", "imbalance is conserved", "gamma_+", "two matrices"):
        assert result in titles


@pytest.mark.parametrize("change", ["rate", "offset"])
def test_a_wrong_master_solution_is_found_out(monkeypatch, change):
    right, rate = symbolic.master_solution(), symbolic.master_symbols()[-1]
    wrong = {"rate": right.subs(rate, 2 * rate), "offset": right + 1}[change]
    monkeypatch.setattr(symbolic, "master_solution", lambda: wrong)
    assert not all(step.holds for step in symbolic.riccati())


def test_the_expression_generates_the_numbers_of_the_package():
    t, a, b, s = 0.7, 0.8, -0.3, -1.4
    flow = TwoFactorFlow.from_weights(a, b, s)
    generated = sympy.lambdify(symbolic.master_symbols(), symbolic.master_solution(), "numpy")
    assert_allclose(generated(t, flow.aligned, flow.opposed, s, 2.0), flow.at(t).growth ** 2, rtol=1e-13)
    assert "Math.exp" in sympy.jscode(symbolic.master_solution())


def test_command_prints_the_derivation(capsys):
    assert symbolic.main() == 0
    printed = capsys.readouterr().out
    assert "holds" in printed
    assert "FAILS" not in printed
    assert r"\frac" in printed


def test_the_package_imports_without_sympy_sklearn_or_integrators():
    code = (
        "import sys, toymodels.layerwise as m; "
        "print([n for n in ('sympy', 'sklearn', 'scipy.integrate', 'torch', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
