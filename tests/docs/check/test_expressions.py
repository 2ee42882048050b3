"""Formulas are read as they are meant, agree with sympy's own reading, and what is hostile is refused at once."""

import time

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from docs.check.expressions import LONGEST, Refused, read

POINT = {"S": 1.7, "t": 0.4, "u0": 0.05}
HOSTILE = (
    "__import__('os').system('ls')",
    "().__class__.__bases__",
    "S.__class__",
    "eval(t)",
    "lambda: t",
    "t; u0",
    "[t for t in S]",
    "f(t)",
    "S@t",
    "'t'",
    "{t}",
    "t if S else u0",
    "10**10**10",
    "t^(10^9)",
    "(((t^30)^30)^30)",
    "2^(999999999 t) 2^(1 - 999999999 t)",
    "t^(1/(1/1000000))",
    "factorial(10)",
    "9" * 30,
    "1e99999",
    "1" * (LONGEST + 1),
    "(" * 200 + "t" + ")" * 200,
    "-" * 400 + "t",
    "exp(" * 60 + "t" + ")" * 60,
    "ｅxp(t)",
    "",
    "   ",
    "S t +",
    "(S",
    "S)",
    "exp t",
    "exp(1, 2)",
    "S(t)",
    "\x00",
    "\\frac{S}",
    "\\frac{S}{t",
    "\\input{t}",
    "e^{" * 60 + "t" + "}" * 60,
    "\\frac{" * 70 + "t",
    "|S",
    "Sx",
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20] or "empty")
def test_hostile_or_broken_text_is_refused_at_once(text):
    start = time.process_time()
    with pytest.raises(Refused):
        read(text, POINT)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("value", [None, 3.0, b"t", ["t"]])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(Refused, match="must be text"):
        read(value, POINT)


@pytest.mark.parametrize("text", ["exp(exp(exp(exp(S))))", "sin(1e30)", "1/(t - t)", "log(0)", "0^(-1)", "1e30^1000"])
def test_values_that_no_float_holds_are_not_finite_and_take_no_time(text):
    start = time.process_time()
    assert not np.isfinite(read(text, POINT).value(POINT))
    assert time.process_time() - start < 0.5


def test_an_unknown_name_is_answered_by_the_known_ones():
    with pytest.raises(Refused, match=r"s is not known here \(symbols: S, t, u0\); did you mean S\?"):
        read("s", POINT)
    with pytest.raises(Refused, match=r"S\(t\) may be a function or a product: write S, or S\*\(\.\.\.\)"):
        read("S(t)", POINT)
    with pytest.raises(Refused, match="'two' is not known here: a number is asked for, in digits"):
        read("two", ())
    with pytest.raises(Refused, match="decimals have a point"):
        read("0,7071", ())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 S t^2", 2 * 1.7 * 0.4**2),
        ("2S t**2", 2 * 1.7 * 0.4**2),
        ("u(t) = -t^2", -(0.4**2)),
        ("-2^-2", -0.25),
        ("2^3^2", 512.0),
        ("S/t/u0", 1.7 / 0.4 / 0.05),
        ("S − t·u0", 1.7 - 0.4 * 0.05),
        ("S (t + 1)", 1.7 * 1.4),
        ("(S)(t)", 1.7 * 0.4),
        ("2S(t + 1)", 2 * 1.7 * 1.4),
        ("2St", 2 * 1.7 * 0.4),
        ("St^2", 1.7 * 0.4**2),
        ("1/St", 1 / (1.7 * 0.4)),
        ("Stu0", 1.7 * 0.4 * 0.05),
        ("|-S| + 2|t - S|", 1.7 + 2 * 1.3),
        ("½ S + √2 + √(4) + √t", 0.85 + np.sqrt(2) + 2 + np.sqrt(0.4)),
        ("Exp(t) Abs(-S) LN(e)", np.exp(0.4) * 1.7),
        ("u_0 + u_{0}", 0.1),
        (r"\frac{S}{1 + (S/u_0 - 1) e^{-2St}}", 1.7 / (1 + (1.7 / 0.05 - 1) * np.exp(-2 * 1.7 * 0.4))),
        (r"\frac{\frac{S}{2}}{t}", 1.7 / 2 / 0.4),
        (r"2 S \left(1 - \sqrt{t}\right) \cdot u_0", 2 * 1.7 * (1 - np.sqrt(0.4)) * 0.05),
        (r"\dot u = 2St", 2 * 1.7 * 0.4),
        ("du/dt = 2 S t", 2 * 1.7 * 0.4),
        ("ln(e) + log10(100) + log2(8)", 6.0),
        ("2 pi", 2 * np.pi),
        ("π sqrt(S²)", np.pi * 1.7),
        ("max(S, t) min(S, t)", 1.7 * 0.4),
        ("arctanh(tanh(t)) sign(-t) abs(-3)", -1.2),
    ],
)
def test_formulas_mean_what_is_meant(text, value):
    assert_allclose(read(text, POINT).value(POINT), value, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("S/2t", "a/b c is read as (a/b) c: write a/(b c) if that is meant"),
        ("S e^-2t", "e^-2 t is read as (e^-2) t: write e^(-2 t) if that is meant"),
        ("(S/2) t", ""),
        ("S/2*t", ""),
        ("S/(2t)", ""),
        ("t^2 S", ""),
        ("e^(-2t) S", ""),
    ],
)
def test_a_part_that_may_have_been_meant_otherwise_has_a_note(text, note):
    assert read(text, POINT).note == note


def test_a_right_form_stays_right_where_floats_overflow():
    late = {"S": 1.0, "t": 1000.0, "u0": 0.1}
    assert_allclose(read("u0 S exp(2 S t) / (S + u0 (exp(2 S t) - 1))", late).value(late), 1.0, rtol=1e-15)


leaves = st.sampled_from(["S", "t", "u0", "2", "3", "1.5", "pi"])
formulas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]} {0[1]} {0[2]})".format),
        inner.map("sin({})".format),
        inner.map("(-{})".format),
        inner.map("({})^2".format),
    ),
    max_leaves=12,
)


@given(formulas)
def test_values_are_those_of_sympy(text):
    symbols = {name: sympy.Symbol(name) for name in POINT}
    expected = sympy.sympify(text.replace("^", "**"), locals=symbols).subs(POINT)
    mine = read(text, POINT).value(POINT)
    if expected.is_finite and expected.is_real:
        assert_allclose(mine, float(expected.evalf(20)), rtol=1e-9, atol=1e-12)


@given(formulas)
def test_every_formula_can_be_printed_back(text):
    expression = read(text, POINT)
    assert expression.symbols <= set(POINT)
    assert expression.latex()


def test_what_is_printed_back_is_the_formula_as_it_was_understood():
    assert read("S / (1 + (S - 1) exp(-2 t))", POINT).latex() == r"\frac{S}{\left(S - 1\right) e^{- 2 t} + 1}"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        expression = read(text, POINT)
    except Refused:
        return
    expression.value(POINT)
