"""Numbers with units: conversions pass, and mistakes are named."""

import numpy as np
import pytest

from docs.check import Number
from docs.check.expressions import Refused
from docs.check.quantities import quantity

BIT = Number("information of a fair coin", lambda: 1.0, "bits")
SHARE = Number("a share", lambda: 0.37, "%", within=1e-3)
TIME = Number("a time", lambda: 4.0, "flow time")


@pytest.mark.parametrize("answer", ["1 bit", "1 bits", "log(2) nats", "0.6931 nats", "2/2 bits"])
def test_equal_quantities_pass_in_every_unit_of_their_kind(answer):
    assert BIT.judge(answer).right


@pytest.mark.parametrize("answer", ["0.37 %", "0.37%", "0.0037", 0.0037])
def test_a_share_passes_as_a_plain_number_too(answer):
    assert SHARE.judge(answer).right


@pytest.mark.parametrize(
    ("problem", "answer", "message"),
    [
        (BIT, "1", "the number is right, but the unit is missing: information is asked for, in bits"),
        (BIT, "1 nats", "the number would be right in bits, not in nats"),
        (BIT, "1 decades", "decades measure a ratio of times, and information is asked for, in bits"),
        (BIT, "2 bits", "off by a factor 2 (yours over the answer)"),
        (BIT, "-1 bits", "wrong sign"),
        (BIT, "1.02 bits", "close, but to be within 0.5 %: compute it with more digits"),
        (BIT, "7 bits", "too large by a factor of about 7"),
        (TIME, "0.25 flow time", "it is one over the answer"),
        (TIME, "1/0 flow time", "it is not a finite real number"),
        (TIME, "9.2103 flow time", "off by a factor ln 10 (yours over the answer)"),
        (SHARE, "37 %", "too large by a factor of about 1e+02"),
    ],
)
def test_mistakes_are_named(problem, answer, message):
    verdict = problem.judge(answer)
    assert (verdict.outcome, verdict.message) == ("wrong", message)


@pytest.mark.parametrize(
    "answer", ["3 parsecs", "t bits", "__import__('os') bits", "10**10**10 bits", "", None, True, [1]]
)
def test_what_is_no_quantity_is_refused(answer):
    assert BIT.judge(answer).outcome == "refused"


def test_units_are_split_from_expressions():
    assert quantity("log(e) / 2 flow time") == (0.5, "flow time")
    assert quantity("2 pi") == (2 * np.pi, "")
    with pytest.raises(Refused, match="not a unit here"):
        quantity("3 apples")
