"""What each step of the derivations shows, in numbers."""

from functools import cache

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from toymodels.layerwise.symbolic import steps

NUMBERS = {"t": 0.6, "P": 0.3, "Q": 0.8, "S": 1.4, "r": 1.7, "y": 2.2, "s": 1.3, "c": 0.7, "u0": 0.2, "Z": 3.0}


def at(expression, **more):
    """The number that an expression stands for."""
    names = NUMBERS | more
    return float(expression.subs({symbol: names[symbol.name] for symbol in expression.free_symbols}))


@cache
def steps_of(part):
    return part()


def by_title(part):
    return {step.title: step.expression for step in steps_of(part)}


def test_a_step_holds_if_nothing_is_left_or_nothing_to_show():
    x = sympy.Symbol("x")
    assert steps.Step("a definition", x).holds
    assert steps.Step("nothing left", x, sympy.Integer(0)).holds
    assert not steps.Step("something left", x, x).holds
    assert steps.Step("its print", x**2 / 3).latex() == r"\frac{x^{2}}{3}"


@pytest.mark.parametrize(
    ("part", "count"),
    [
        (steps.two_factor_flow, 6),
        (steps.shared_growth, 1),
        (steps.reductions, 2),
        (steps.matrix_conservation, 1),
    ],
)
def test_every_step_of_a_part_holds_and_prints(part, count):
    found = steps_of(part)
    assert len(found) == count
    for step in found:
        assert step.holds, step.title
        assert step.latex()


def test_the_cross_product_of_two_units_is_what_their_flow_conserves():
    """Along the gradient flow of (S - (a1 b1 + a2 b2) / Z)^2 / 2 in small steps."""
    cross = by_title(steps.shared_growth)["the cross product of two units is conserved"]
    a, b = np.array([0.5, -0.3]), np.array([0.2, 0.9])

    def value(a, b):
        return at(cross, a1=a[0], a2=a[1], b1=b[0], b2=b[1])

    start = value(a, b)
    assert start == pytest.approx(0.5 * 0.9 + 0.3 * 0.2)
    pull = (1.4 - a @ b / 3.0) / 3.0
    moved = value(a + 1e-6 * pull * b, b + 1e-6 * pull * a)
    assert moved - start == pytest.approx(0, abs=1e-11)


def test_the_riccati_equation_and_its_solution_are_shown():
    equation, solution, start = (step.expression for step in steps_of(steps.riccati))
    y, t = sympy.Function("y"), next(iter(equation.lhs.variables))
    value = sympy.Symbol("y")
    assert equation.lhs == y(t).diff(t)
    assert at(equation.rhs.subs(y(t), value)) == pytest.approx(1.7 * (-0.3 * 2.2**2 + 1.4 * 2.2 + 0.8))
    assert solution.lhs == y(t)
    assert start.lhs == y(0)
    assert start.rhs == 1
    # the solution shown starts at 1 and rises as the equation says
    assert at(solution.rhs, t=0.0) == pytest.approx(1)
    now, step = at(solution.rhs), 1e-6
    slope = (at(solution.rhs, t=0.6 + step) - at(solution.rhs, t=0.6 - step)) / (2 * step)
    assert slope == pytest.approx(at(equation.rhs.subs(y(t), value), y=now), rel=1e-8)


@pytest.mark.parametrize(("words", "target"), [("S >= 0", 1.4), ("S < 0", -1.4)])
def test_the_forms_that_are_evaluated_are_shown_for_either_sign(words, target):
    shown = by_title(steps.evaluated_form)
    gap = np.sqrt(1.4**2 + 4 * 0.3 * 0.8)
    assert at(shown["Delta and E as evaluated"], S=target) == pytest.approx(gap)
    more = {"S": target, "Delta": gap, "E": np.exp(-1.7 * gap * 0.6)}
    y, f, remaining, progress = (
        at(shown[f"{name} as evaluated, {words}"], **more) for name in ("y", "f", "remaining", "progress")
    )
    assert f == pytest.approx(0.3 * y - 0.8 / y)
    assert remaining == pytest.approx((target - f) / (target - 0.3 + 0.8))
    assert progress == pytest.approx(1 - remaining)
    assert len(shown) == 1 + 2 * 4


def test_the_growth_of_the_special_branches_is_elementary():
    """P, Q and S of c, 0 and s in all their places: exponentials, logistics and what grows in time itself."""
    shown = by_title(steps.special_branches)
    r, t, c, s = 1.7, 0.6, 0.7, 1.3
    up, down = np.exp(r * s * t), np.exp(-r * s * t)
    expected = {
        "nothing to learn, Q = 0": 1 / (1 + r * c * t),
        "nothing to learn, P = 0": 1 + r * c * t,
        "towards the saddle, P = 0 < S": up + c * (up - 1) / s,
        "towards the saddle, Q = 0 > S": down / (1 + c * (1 - down) / s),
        "balanced, Q = 0 < S": up / (1 + c * (up - 1) / s),
        "nothing there": up,
    }
    assert set(shown) == set(expected)
    for words, value in expected.items():
        assert at(shown[words]) == pytest.approx(value, rel=1e-12), words


def test_equal_weights_follow_the_sigmoid_and_all_others_end_at_gamma():
    sigmoid, gamma = (step.expression for step in steps_of(steps.reductions))
    assert sigmoid.lhs == sympy.Symbol("u")
    assert at(sigmoid.rhs) == pytest.approx(1.4 / (1 + (1.4 / 0.2 - 1) * np.exp(-1.7 * 1.4 * 0.6)))
    gap = np.sqrt(1.4**2 + 4 * 0.3 * 0.8)
    assert at(gamma, Delta=gap) == pytest.approx((1.4 + gap) / 0.6)
    end = at(gamma, Delta=gap)  # the positive root of P y^2 - S y - Q
    assert 0.3 * end**2 - 1.4 * end - 0.8 == pytest.approx(0, abs=1e-12)


def test_the_balance_of_two_matrices_is_shown_entry_by_entry():
    (balance,) = (step.expression for step in steps_of(steps.matrix_conservation))
    rng = np.random.default_rng(0)
    w1, w2 = rng.standard_normal((2, 2, 2))
    names = {f"u{k + 1}": value for k, value in enumerate(w1.ravel())}
    names |= {f"v{k + 1}": value for k, value in enumerate(w2.ravel())}
    found = [[at(balance[i, j], **names) for j in range(2)] for i in range(2)]
    assert_allclose(found, w2.T @ w2 - w1 @ w1.T, atol=1e-14)


def test_the_steps_come_in_teaching_order(monkeypatch):
    parts = (
        "two_factor_flow",
        "shared_growth",
        "riccati",
        "evaluated_form",
        "special_branches",
        "reductions",
        "matrix_conservation",
    )
    for part in parts:
        monkeypatch.setattr(steps, part, lambda part=part: [f"first of {part}", f"last of {part}"])
    assert steps.derivations() == [f"{place} of {part}" for part in parts for place in ("first", "last")]
