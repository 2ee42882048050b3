"""Every claim is reproduced by data in which it holds, and contradicted by data in which it does not."""

from importlib import import_module

import numpy as np
import pytest

from figures.harness import registry
from tests.figures.claims import Cases
from toymodels.claims import CONTRADICTED, OPEN, REPRODUCED

KEYS = [(name, claim.key.partition(".")[2]) for name in registry.names() for claim in registry.load(name).claims]


def cases_of(figure: str) -> Cases:
    """The made-up data of a figure, `PAPER/SUBJECT`."""
    return import_module(f"tests.figures.claims.{figure.replace('/', '.')}").CASES


@pytest.mark.parametrize(("name", "key"), KEYS, ids=[f"{name}.{key}" for name, key in KEYS])
def test_the_verdict_and_the_number_are_those_of_the_construction(name, key):
    (claim,) = (claim for claim in registry.load(name).claims if claim.key.partition(".")[2] == key)
    case = cases_of(name)[key]
    assert case.verdict in (CONTRADICTED, OPEN)
    for data, verdict, value in zip((case.holds, case.fails), (REPRODUCED, case.verdict), case.gives, strict=True):
        judged = claim.judge(data)
        assert judged.verdict == verdict
        np.testing.assert_allclose(judged.median, value, rtol=1e-6, atol=1e-12)
    for data, verdict in case.also:
        assert claim.judge(data).verdict == verdict
    assert case.gives[0] != case.gives[1] or case.holds.keys() == case.fails.keys()


@pytest.mark.parametrize("name", registry.names())
def test_no_made_up_data_are_of_a_claim_that_is_gone(name):
    claims = {claim.key.partition(".")[2] for claim in registry.load(name).claims}
    assert cases_of(name).keys() == claims
