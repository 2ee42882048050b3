"""The master solution in sympy, against its equation, its closed forms and the numbers that numpy gives."""

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from toymodels.layerwise.riccati import TwoFactorFlow
from toymodels.layerwise.symbolic import master

T, P, Q, S, R = master.master_symbols()
START = master.start_symbol()
CASES = [  # t, P, Q, S, r
    (0.7, 0.3, 0.8, 1.4, 1.7),
    (0.7, 0.3, 0.8, -1.4, 1.7),
    (2.5, 4.0, 0.02, 0.6, 0.4),
    (0.3, 0.5, 1.5, -0.2, 3.0),
]
FOUR = [sympy.Symbol(letter, positive=True) for letter in "pqsr"]


def numbers(t, p, q, s, r):
    return {T: t, P: p, Q: q, S: s, R: r, START: p - q}


def exact(t, p, q, s, r):
    """y, f and the share of the way that is left, by the roots of r (-P y^2 + S y + Q)."""
    gap = np.sqrt(s**2 + 4 * p * q)
    upper, lower = (s + gap) / (2 * p), (s - gap) / (2 * p)
    left = (1 - upper) / (1 - lower) * np.exp(-r * gap * t)
    y = (upper - lower * left) / (1 - left)
    f = p * y - q / y
    return y, f, (s - f) / (s - p + q)


def test_the_symbols_are_real_and_all_but_the_target_are_not_negative():
    assert [symbol.name for symbol in (T, P, Q, S, R, START)] == ["t", "P", "Q", "S", "r", "f0"]
    assert all(symbol.is_nonnegative for symbol in (T, P, Q, R))
    assert S.is_real
    assert START.is_real
    assert S.is_nonnegative is None
    assert START.is_nonnegative is None


def test_each_definition_uses_only_what_is_defined_before_it():
    known = {T, P, Q, S, R, START}
    definitions = master.master_definitions()
    for name, expression, words in definitions:
        assert sympy.sympify(expression).free_symbols <= known
        assert name not in known
        assert isinstance(words, str)
        known.add(name)
    assert {name.name for name, _, _ in definitions} >= set(master.RESULTS)
    assert definitions[-1].name.name == "f"


def test_the_solution_is_that_of_the_roots():
    y, _, remaining = np.array([exact(*case) for case in CASES]).T
    expected = {"y": y, "remaining": remaining}
    solutions = {name: master.master_solution(name) for name in expected}
    assert master.master_solution() == solutions["y"]
    for name, solution in (*solutions.items(), ("y", master.textbook_solution())):
        function = sympy.lambdify((T, P, Q, S, R, START), solution, "math", cse=True)
        found = [function(t, p, q, s, r, p - q) for t, p, q, s, r in CASES]
        assert_allclose(found, expected[name], rtol=1e-11, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_of_a_definition_is_what_it_is(case):
    """The parts of the form that is evaluated, from their words."""
    t, p, q, s, r = case
    gap = np.sqrt(s**2 + 4 * p * q)
    decay = np.exp(-r * gap * t)
    expected = {
        "Omega": 2 * np.sqrt(p * q),
        "Delta": gap,
        "small": gap - abs(s),
        "up": (gap + s) / 2 + q,
        "down": (gap - s) / 2 + p,
        "decay": decay,
        "share": (1 - decay) / gap,
    }
    for name, value in expected.items():
        assert float(master.master_solution(name).subs(numbers(*case))) == pytest.approx(value, rel=1e-11), name


def test_a_name_that_is_not_defined_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"result must be one of Omega, Delta, large, .*, f, got 'g'$"):
        master.master_solution("g")


@pytest.mark.parametrize("case", CASES[:2])
def test_the_fractions_have_the_values_of_the_definitions(case):
    """With Delta and E as numbers, and Q from Delta."""
    t, p, q, s, r = case
    values, textbook, opposed = master.general_algebra(rising=s > 0)
    gap = np.sqrt(s**2 + 4 * p * q)
    names = {"P": p, "S": s, "Delta": gap, "E": np.exp(-r * gap * t)}

    def at(expression):
        return float(expression.subs({symbol: names[symbol.name] for symbol in expression.free_symbols}))

    y, f, remaining = exact(*case)
    assert at(opposed) == pytest.approx(q, rel=1e-11)
    assert at(textbook) == pytest.approx(y, rel=1e-11)
    found = [at(values[name]) for name in ("y", "f", "remaining", "progress")]
    assert_allclose(found, [y, f, remaining, 1 - remaining], rtol=1e-10)
    share = (1 - np.exp(-r * gap * t)) / gap
    assert_allclose([at(values["share"]), at(values["small"])], [share, gap - abs(s)], rtol=1e-10)


@pytest.mark.parametrize(
    ("p", "q", "s"),
    [(0.7, 0, 1.3), (0.7, 0, -1.3), (0, 0.7, 1.3), (0, 0.7, -1.3), (0.7, 0, 0), (0, 0.7, 0), (0, 0, 1.3)],
)
def test_where_some_are_zero_the_values_are_those_of_the_flow(p, q, s):
    t, r = 0.9, 1.7
    case = {symbol: sympy.nsimplify(value) for symbol, value in ((P, p), (Q, q), (S, s), (START, p - q))}
    values = master.special_values(case)
    flow = TwoFactorFlow(*(np.array([float(each)]) for each in (p, q, p - q, s, r))).at(np.array([t]))
    expected = {"y": flow.growth**2, "remaining": flow.remaining, "progress": flow.progress, "f": flow.function}
    for name, value in expected.items():
        assert float(values[name].subs({T: t, R: r})) == pytest.approx(float(np.squeeze(value)), rel=1e-12), name


def test_the_root_and_the_decay_are_those_of_the_textbook():
    assert master.roots_and_decay() == 0


@pytest.mark.parametrize("name", ["Delta", "decay"])
def test_another_root_or_decay_is_found_out(monkeypatch, name):
    """Twice the one or the other, of either sign of the difference."""
    right = master.master_definitions()
    for factor in (sympy.Rational(1, 2), 2):
        wrong = [
            each._replace(expression=factor * each.expression) if each.name.name == name else each for each in right
        ]
        monkeypatch.setattr(master, "master_definitions", lambda wrong=wrong: wrong)
        left = master.roots_and_decay().subs(
            {T: 0.7, P: 0.3, Q: 0.8, S: -1.4, R: 1.7, sympy.Symbol("Delta", real=True): 2.0}
        )
        size = np.sqrt(1.4**2 + 4 * 0.3 * 0.8) if name == "Delta" else np.exp(-1.7 * 2.0 * 0.7)
        assert float(left) == pytest.approx(abs(float(factor) - 1) * size)
