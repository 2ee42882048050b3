"""Right answers pass in every form; wrong ones are told where and how they differ."""

import numpy as np
import pytest

from docs.check import Formula, Span, check
from docs.check.sheets import SHEETS, problems

RIGHT = (
    "S / (1 + (S/u0 - 1) exp(-2 S t))",
    "u0 S exp(2 S t) / (S + u0 (exp(2 S t) - 1))",
    "u(t) = u0 / (u0/S + (1 - u0/S) exp(-2 S t))",
    "S/2 (1 + tanh(S t - log(S/u0 - 1)/2))",
)
WRONG = {
    "-S / (1 + (S/u0 - 1) exp(-2 S t))": "wrong sign",
    "sign(S) S / (1 + (S/u0 - 1) exp(-2 S t))": "right for S > 0, wrong sign for S < 0",
    "2 S / (1 + (S/u0 - 1) exp(-2 S t))": "off by a factor 2 (yours over the answer)",
    "1 / (1 + (S/u0 - 1) exp(-2 S t))": "off by a factor S^-1, so that its units are wrong",
    "S / (1 + (S/u0 - 1) exp(-S t))": "right if t were t/2: look where t enters",
    "u0 exp(2 S t)": "right at t = 0, wrong at late times",
    "S / (1 + (S/u0 + 1) exp(-2 S t))": "right at late times, wrong at t = 0",
    "3 + S / (1 + (S/u0 - 1) exp(-2 S t))": "off by a constant: yours is 3 too large",
    "t / (1 + (t/u0 - 1) exp(-2 S t))": "At S = ",
    "log(-abs(S))": "not a finite real number",
    "0 t": "0, which the answer is not",
}


@pytest.mark.parametrize("form", RIGHT)
def test_right_answers_pass_in_every_form(form):
    assert check("sigmoid", "mode", form).right


@pytest.mark.parametrize(("form", "message"), WRONG.items(), ids=range(len(WRONG)))
def test_wrong_answers_get_the_message_they_deserve(form, message):
    verdict = check("sigmoid", "mode", form)
    assert verdict.outcome == "wrong"
    assert verdict.message.startswith(message)


FORMULAS = [
    (sheet, name) for sheet in SHEETS for name, problem in problems(sheet).items() if isinstance(problem, Formula)
]


@pytest.mark.parametrize(("sheet", "name"), FORMULAS)
def test_whatever_is_handed_in_is_judged(sheet, name):
    symbols = list(problems(sheet)[name].symbols)
    several = " ".join(symbols)
    for answer in (symbols[-1], f"12({symbols[0]} - 1/2)", f"-sqrt({several})"):
        assert check(sheet, name, answer).outcome in ("right", "wrong")


@pytest.mark.parametrize(
    ("sheet", "name", "answer", "message"),
    [
        ("lazy_and_rich", "growth", "s^2/S", "it is one over the answer"),
        ("sparse_graphs", "in-batch", "(1 - 1/M)^B", "it is one minus the answer"),
        ("sigmoid", "deep-speed", "u^(2-2/L)(S-u)", "off by a factor L^-1 (yours over the answer)"),
        ("sigmoid", "mode", "S/(1+(S/u0-1)e^-2St)", "read as (e^-2) t: write e^(-2 t) if that is meant"),
        ("noise", "overfit", "sigma^2 d/2(n-d)", "read as (a/b) c: write a/(b c) if that is meant"),
        ("basins_and_ranks", "auc", "12(A-1/2)", "right at A = 1/2, wrong in between"),
    ],
)
def test_usual_slips_are_named(sheet, name, answer, message):
    verdict = check(sheet, name, answer)
    assert verdict.outcome == "wrong"
    assert message in verdict.message


def test_exchanged_symbols_are_named():
    ratio = Formula("x / y^2", lambda x, y: x / y**2 + x, {"x": Span(1, 2), "y": Span(1, 2)})
    assert ratio.judge("y / x^2 + y").message == "right if x and y were exchanged"


def test_one_over_a_logarithm_of_ten_is_named():
    assert "1/ln 10" in check("sigmoid", "half-time", "log10(S/u0 - 1) / (2 S)").message


def test_where_an_answer_is_right_only_in_the_limit_is_said():
    assert check("conservation", "leak", "a^2 - b^2").message.startswith("right as eta -> 0, wrong in between")


def test_the_answer_is_not_given_away():
    truth = Formula("x", lambda x: 17.25 + x**3, {"x": Span(1, 2)})
    assert "17.25" not in truth.judge("x").message


def test_an_answer_that_fails_only_in_a_limit_is_wrong():
    step = Formula("x", lambda x: x, {"x": Span(1, 2)}, limits={"at x = 0": {"x": 0.0}})
    assert step.judge("x^2 / x").message == "right, but not in the limit: at x = 0"
    assert step.judge("x").right


def test_judgements_read_well_in_a_terminal_and_a_notebook():
    verdict = check("sigmoid", "half-time", "log(S/u0 - 1) / S")
    assert str(verdict) == "wrong: off by a factor 2 (yours over the answer)"
    assert verdict._repr_markdown_().startswith("**wrong**: off by a factor 2 (yours over the answer) (read as $")
    assert check("sigmoid", "mode", "__import__").outcome == "refused"


def test_draws_repeat_and_keep_to_their_span():
    span = Formula("x", lambda x, k: x, {"x": Span(0.01, 1), "k": Span(1, 3, whole=True)})
    first, again = span.points(), span.points()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert first["x"].min() >= 0.01
    assert set(first["k"]) == {1.0, 2.0, 3.0}
