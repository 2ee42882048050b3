"""Integers of numpy give what those of Python give: none is computed with at its own width, where it would wrap."""

import inspect

import numpy as np
import pytest

from tests.fuzz import judging
from tests.fuzz.calls import good_calls
from tests.fuzz.integers import Unchecked, of_type, parts, whole
from toymodels.condensation import low_rank_sample_size, null_cosine
from toymodels.condensation.phase_diagram import distance_exponent
from toymodels.neurashed.delayed import DelayedGeneralisation
from toymodels.neurashed.elasticity import elasticity_ratio


def calls():
    """(good call, its arguments that are integers), defaults included."""
    for good in good_calls():
        if good.name.startswith("toymodels.") and not good.name.startswith("toymodels.run."):
            known = inspect.signature(good.function).parameters.items()
            given = {name: entry.default for name, entry in known} | good.arguments
            integers = {name: value for name, value in given.items() if whole(value)}
            if integers:
                yield good, integers


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.int64])
def test_any_width_gives_the_same(kind):
    differing = []
    for good, integers in calls():
        with judging.at_most(judging.SECONDS):
            wanted, got = good.call(**integers), good.call(**of_types(kind, integers))
        if repr(parts(got)) != repr(parts(wanted)):
            differing.append(good.name)
    assert not differing


def of_types(kind, integers):
    return {name: of_type(kind, value) for name, value in integers.items()}


def test_none_is_computed_with_before_it_is_checked():
    """Small numbers need not wrap; whether they could is seen from integers that refuse to be computed with."""
    careless = []
    for good, integers in calls():
        if not isinstance(good.function, type):  # classes keep fields, compared above
            for name, value in integers.items():
                try:
                    with judging.at_most(judging.SECONDS):
                        good.call(**{name: of_type(Unchecked, value)})
                except ArithmeticError:
                    careless.append(f"{good.name}({name})")
    assert not careless


def test_small_integers_do_not_wrap():
    sizes = map(np.int32, (40000, 60000, 60000))
    assert low_rank_sample_size(*sizes) == 3_200_000_000
    assert null_cosine(np.int32(100_000), np.int32(100)) == null_cosine(100_000, 100)
    ratio = elasticity_ratio([10.0, 100.0], np.uint8(200), np.uint8(100), 3, [1, 2])
    assert ratio.tolist() == elasticity_ratio([10.0, 100.0], 200, 100, 3, [1, 2]).tolist()
    small = DelayedGeneralisation(n_classes=np.uint8(4), n_train=np.uint8(48), n_votes=np.uint8(120))
    assert small.predicted_test_time == DelayedGeneralisation(n_votes=120).predicted_test_time
    assert distance_exponent(np.int8(-100), np.int8(0)) == -101
