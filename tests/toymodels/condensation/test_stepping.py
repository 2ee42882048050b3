"""Networks stepped together: every replicate goes exactly as far as asked, in steps that its kernel allows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from toymodels.condensation.stepping import MAX_STEP, REFRESH, Replicates


class Walkers(Replicates):
    """Replicates that only count their way; their limits are looked up in a list, the last one holds on."""

    def __init__(self, *limits):
        self.limits = [np.array(limit, dtype=float) for limit in limits]
        self.a = np.zeros((len(limits[0]), 3))
        self.steps, self.asked_at = [], []

    def step_limit(self):
        self.asked_at.append(len(self.steps))
        return self.limits[min(len(self.asked_at), len(self.limits)) - 1]

    def step(self, h):
        self.steps.append(h)

    def parts(self):
        return [(k, 10.0 * k) for k in range(len(self.a))]

    @property
    def way(self):
        return np.sum(self.steps, axis=0)


def test_steps_of_a_hand_worked_case():
    walkers = Walkers([0.5, 2.0, 0.25])
    walkers.advance(1.25)
    assert_array_equal(
        walkers.steps,
        [[0.5, 1.25, 0.25], [0.5, 0, 0.25], [0.25, 0, 0.25], [0, 0, 0.25], [0, 0, 0.25]],
    )
    assert all(h.dtype == np.float32 for h in walkers.steps)


@given(st.lists(st.floats(0.03, 2.0), min_size=1, max_size=4), st.floats(0.05, 3.0))
def test_all_arrive_in_as_few_steps_as_their_limits_allow(limits, duration):
    walkers = Walkers(limits)
    walkers.advance(duration)
    assert_allclose(walkers.way, duration, rtol=1e-5)
    assert (np.array(walkers.steps) <= np.array(limits, dtype=np.float32)).all()
    assert (np.array(walkers.steps) >= 0).all()
    needed = duration / min(limits)
    assert needed - 1e-3 <= len(walkers.steps) <= needed + 1 + 1e-3


def test_limits_are_looked_at_again_after_a_number_of_steps():
    fast, slow = 2.0**-3, 2.0**-5
    walkers = Walkers([fast, fast], [slow, fast])
    walkers.advance(fast * REFRESH + 3 * slow)
    assert walkers.asked_at == [0, REFRESH]
    first = np.array(walkers.steps)[:, 0]
    assert_array_equal(first, [fast] * REFRESH + [slow] * 3)


def test_every_stretch_looks_at_the_limits_and_none_steps_where_there_is_nothing_to_go():
    walkers = Walkers([0.5])
    walkers.advance(0.0)
    assert not walkers.steps
    assert not walkers.asked_at
    for _ in range(2):
        walkers.advance(0.75)
    assert walkers.asked_at == [0, 2]
    assert_allclose(walkers.way, 1.5)


def test_the_longest_step_is_stable_for_explicit_euler():
    assert 0 < MAX_STEP < 2  # in units of the time scale of the kernel's largest eigenvalue


def test_what_an_observer_says_is_gathered_by_name():
    walkers = Walkers([1.0, 1.0, 1.0])
    seen = walkers.observed(lambda k, tens: {"square": k**2, "sum": k + tens})
    assert set(seen) == {"square", "sum"}
    assert_array_equal(seen["square"], [0, 1, 4])
    assert_array_equal(seen["sum"], [0, 11, 22])
    assert walkers.observed(None) == {}


@pytest.mark.parametrize("missing", ["step_limit", "step", "parts"])
def test_a_kind_of_replicates_must_say_how_far_and_how_it_steps_and_what_it_shows(missing):
    kind = type("Partial", (Walkers,), {missing: Replicates.__dict__[missing]})
    with pytest.raises(TypeError, match=missing):
        kind([1.0])
