import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels.metrics.foretelling import Foretelling, foretell, halvings, passages

T = np.geomspace(1, 1e4, 161)  # forty records a decade
DECADES = np.log10(T)
N = 20
DRAWS = 200


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def ensemble(rng):
    """Fit and event times of N runs, the events spread over a decade."""
    return np.full(N, 10.0), 10 ** rng.uniform(2.2, 3.2, N)


def halves(rng):
    return halvings(N, 1, rng)[0]


def answer(curves, t_fit, t_event, rng):
    return foretell([T] * N, curves, t_fit, t_event, halves(rng))


def null(test, t_fit, t_event, chosen):
    """What the test score foretells of its own jump, confirmed or not; at the least nothing."""
    own = foretell([T] * N, test, t_fit, t_event, chosen)
    return float(np.nanmax([0.0, own.held_out_lead]))


# by hand


def test_a_passage_lies_midway_in_log_time_between_the_records_around_it():
    table = passages([[1, 10, 1000]], [[0, 0, 1]], [1], [1000])
    assert table.values.tolist() == [0, 1]
    assert_allclose(table.rising, [[np.nan, 1.0]], **EXACT)
    assert np.isnan(table.falling).all()


def test_the_interval_from_time_zero_counts_as_its_end():
    table = passages([[0, 10, 1000]], [[0, 1, 1]], [0], [1000])
    assert_allclose(table.rising, [[np.nan, 2.0]], **EXACT)


def test_the_first_passage_after_the_fit_counts_in_each_direction():
    t, q = [1, 10, 100, 1000, 1e4, 1e5], [9, 0, 2, 1, 2, 0]
    table = passages([t], [q], [5], [1e6])
    assert table.values.tolist() == [0, 1, 2]  # 9 lies before the fit
    assert_allclose(table.rising, [[np.nan, 4.5, 4.5]], **EXACT)
    assert_allclose(table.falling, [[1.5, 3.5, np.nan]], **EXACT)


def test_a_value_that_a_run_does_not_pass_is_not_chosen():
    events = np.array([100.0, 200, 400, 100, 200, 400])
    t = [event * np.array([0.01, 0.02, 0.1, 1, 2]) for event in events]
    late, early = [0, 0, 0, 2, 2], [0, 1, 1, 2, 2]
    chosen = np.arange(6) < 3
    everyone = foretell(t, [early] * 6, events * 0.01, events, chosen)
    assert everyone.value == 1
    assert_allclose(everyone.lead, np.log10(1 / np.sqrt(0.01 * 0.02)), **EXACT)
    not_all = foretell(t, [early, early, [0, 0.5, 0.5, 2, 2], early, early, early], events * 0.01, events, chosen)
    assert not_all.value == 0.5
    fewer = foretell(t, [early, early, late, early, early, early], events * 0.01, events, chosen)
    assert fewer.value == 2


def test_a_value_that_a_held_out_run_does_not_pass_does_not_count_either():
    events = np.array([100.0, 200, 400, 100, 200, 400])
    t = [event * np.array([0.01, 0.1, 1]) for event in events]
    answer = foretell(t, [[0, 1, 1]] * 5 + [[0, 0, 0]], events * 0.01, events, np.arange(6) < 3)
    assert (answer.direction, answer.is_confirmed) == ("", False)
    assert np.isnan([answer.value, answer.lead, answer.held_out_lead]).all()


def test_the_lead_of_a_half_is_that_of_its_middle_run():
    """The value is passed 0.9, 1 and 1.3 decades before the events of one half, 0.5, 0.6 and 0.8 before the other's."""
    leads, event = np.array([0.9, 1.3, 1.0, 0.8, 0.5, 0.6]), 1000.0
    t = [[1.0, 0.999 * event * 10**-lead, 1.001 * event * 10**-lead, event] for lead in leads]
    answer = foretell(t, [[0, 0, 1, 1]] * 6, np.ones(6), np.full(6, event), np.arange(6) < 3, most_spread=0.5)
    assert_allclose([answer.lead, answer.held_out_lead], [1.0, 0.6], atol=1e-5)
    assert_allclose(answer.spread, np.sqrt(np.var([0.9, 1.3, 1.0], ddof=1)), rtol=1e-9)


def test_the_held_out_spread_may_be_half_as_large_again():
    events = np.array([100.0, 200, 400, 100, 200, 400])
    for width, is_confirmed in ((0.07, True), (0.08, False)):
        shift = np.r_[0, 0, 0, 10 ** np.array([-width, 0, width])]
        shift[:3] = 1
        t = [event * np.array([0.01, 0.1 * s, 0.1 * s, 1])[[0, 1, 3]] for event, s in zip(events, shift, strict=True)]
        t = [np.array([time[0], time[1] * 0.999, time[1] * 1.001, time[2]]) for time in t]
        answer = foretell(t, [[0, 0, 1, 1]] * 6, events * 0.01, events, np.arange(6) < 3)
        assert answer.is_confirmed is is_confirmed
        assert_allclose([answer.lead, answer.held_out_lead], 1, atol=1e-5)
        assert_allclose(answer.held_out_spread, width, rtol=1e-9)


# invariance


@st.composite
def ensembles(draw):
    """Six to nine runs with a quantity of few values, so that ties abound."""
    n, n_t = draw(st.integers(6, 9)), draw(st.integers(2, 9))
    rows = st.lists(st.integers(-4, 4), min_size=n_t, max_size=n_t)
    q = np.array(draw(st.lists(rows, min_size=n, max_size=n)), dtype=float)
    gaps = st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=n_t, max_size=n_t)
    shared = draw(st.booleans())
    t = [2.0 ** np.cumsum(gap) for gap in (draw(st.lists(gaps, min_size=n, max_size=n)))]
    t = [t[0]] * n if shared else t
    fit = np.array([times[draw(st.integers(0, n_t - 1))] for times in t])
    event = fit * 2.0 ** np.array(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)))
    return t, q, fit, event, halvings(n, 1, np.random.default_rng(draw(st.integers(0, 99))))[0]


def same(first: Foretelling, second: Foretelling):
    names = ("lead", "spread", "held_out_lead", "held_out_spread", "is_confirmed")
    np.testing.assert_array_equal([getattr(first, name) for name in names], [getattr(second, name) for name in names])


@pytest.mark.parametrize(
    "change", [np.exp, lambda q: q**3, np.negative, lambda q: -np.exp(-q), lambda q: 1 / (5 + q)], ids=range(5)
)
@given(case=ensembles(), most_spread=st.sampled_from([0.05, 0.3, 2.0]))
@settings(max_examples=150, deadline=None)
def test_a_monotone_change_of_the_quantity_changes_nothing(change, case, most_spread):
    t, q, fit, event, chosen = case
    before = foretell(t, q, fit, event, chosen, most_spread=most_spread)
    after = foretell(t, change(q), fit, event, chosen, most_spread=most_spread)
    same(before, after)
    if before.direction:
        assert change(np.float64(before.value)) == after.value
        is_falling = change(1.0) < change(0.0)
        assert (before.direction == after.direction) is not is_falling


def test_the_unit_of_time_drops_out():
    rng = np.random.default_rng(0)
    fit, event = ensemble(rng)
    q = sigmoid((DECADES - np.log10(event)[:, None] + 0.3) / 0.05)
    chosen = halves(rng)
    steps = foretell([T] * N, q, fit, event, chosen)
    seconds = foretell([T / 60] * N, q, fit / 60, event / 60, chosen)
    assert steps.is_confirmed
    assert steps.value == seconds.value
    assert_allclose(seconds.held_out_lead, steps.held_out_lead, rtol=1e-9)


# what there is to find and what there is not


def test_random_walks_foretell_nothing():
    rng = np.random.default_rng(1)
    confirmed = 0
    for _ in range(DRAWS):
        fit, event = ensemble(rng)
        walks = rng.standard_normal((N, T.size)).cumsum(axis=1)
        confirmed += answer(walks, fit, event, rng).is_confirmed
    assert confirmed <= 0.05 * DRAWS


def test_what_moves_with_the_test_score_foretells_nothing_beyond_it():
    rng = np.random.default_rng(2)
    beyond = []
    for _ in range(DRAWS):
        fit, event = ensemble(rng)
        chosen = halves(rng)
        jitter = 0.02 * rng.standard_normal((2, N, 1))
        noise = 0.005 * rng.standard_normal((2, N, T.size))
        test, q = sigmoid((DECADES - np.log10(event)[:, None] + jitter) / 0.05) + noise
        other = foretell([T] * N, q, fit, event, chosen)
        lead = other.held_out_lead if other.is_confirmed else 0.0
        beyond.append(lead - null(test, fit, event, chosen))
    assert np.mean(np.array(beyond) < 0.05) >= 0.95


def test_a_critical_value_before_the_jump_is_confirmed_with_its_lead():
    """The quantity leaves a plateau of its run for an end of its run, and passes 1 0.3 decades before the jump."""
    rng = np.random.default_rng(3)
    beyond, confirmed = [], 0
    for _ in range(DRAWS):
        fit, event = ensemble(rng)
        chosen = halves(rng)
        since = DECADES - np.log10(event)[:, None]
        low, high = rng.uniform(0, 0.6, (N, 1)), rng.uniform(1.4, 2, (N, 1))
        rise = sigmoid((since + 0.3 + 0.02 * rng.standard_normal((N, 1))) / 0.02)
        q = low + (high - low) * rise + 0.02 * rng.standard_normal((N, T.size))
        test = sigmoid((since + 0.001 * rng.standard_normal((N, 1))) / 0.02)
        test = np.round(test * 200) / 200  # of 200 test samples
        own = foretell([T] * N, test, fit, event, chosen)
        other = foretell([T] * N, q, fit, event, chosen)
        confirmed += other.is_confirmed
        if other.is_confirmed:
            beyond.append([other.held_out_lead, own.held_out_lead])
    leads = np.array(beyond)
    assert confirmed >= 0.95 * DRAWS
    assert abs(np.median(leads[:, 0]) - 0.3) < 0.05  # a run's rise takes 0.1 decades
    assert np.mean(leads[:, 0] - leads[:, 1] > 0.1) >= 0.95


def test_the_clock_foretells_nothing_where_events_lie_apart():
    rng = np.random.default_rng(4)
    for _ in range(20):
        fit, event = ensemble(rng)
        assert answer([T] * N, fit, event, rng).direction == ""


def test_the_clock_foretells_events_that_come_at_one_time():
    rng = np.random.default_rng(5)
    event = 1000 * 10 ** (0.02 * rng.standard_normal(N))
    clock = answer([T] * N, np.full(N, 10.0), event, rng)
    assert clock.is_confirmed
    assert clock.held_out_lead == pytest.approx(2, abs=0.05)  # from the fit on


# what is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": []}, "values must hold one curve per run and at least one"),
        ({"t": [[1, 1, 2]] * 6}, "t must be strictly increasing"),
        ({"t": [[1, 2, np.inf]] * 6}, "t must be finite"),
        ({"values": [[0, 1]] * 6}, "values must have one value per time, got 2 for 3 in run 0"),
        ({"values": [[0, 1, np.nan]] * 6}, "values must be finite"),
        ({"t_fit": [1.0] * 5}, "t_fit must have one time per run, got 5 for 6 runs"),
        ({"t_fit": [1, 1, 4, 1, 1, 1]}, r"t_fit must be in \[0, t_event\), got 4 and t_event 3 in run 2"),
        ({"t_event": [np.inf] * 6}, "t_event must be finite"),
        ({"chosen_on": [1, 0, 1, 0, 1, 0]}, "chosen_on must be 6 bools"),
        ({"chosen_on": np.arange(6) < 2}, "chosen_on must leave at least 3 runs in either half, got 2"),
        ({"most_spread": 0.0}, "most_spread must be > 0"),
        ({"leeway": -1.0}, "leeway must be > 0"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change, message):
    good = {
        "t": [[1, 2, 3]] * 6,
        "values": [[0, 1, 2]] * 6,
        "t_fit": [1.0] * 6,
        "t_event": [3.0] * 6,
        "chosen_on": np.arange(6) < 3,
    }
    with pytest.raises(ValueError, match=message):
        foretell(**(good | change))


def test_an_ensemble_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match="n_runs must be >= 6, got 5"):
        halvings(5, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="n_halvings must be >= 1, got 0"):
        halvings(6, 0, np.random.default_rng(0))


def test_halves_are_halves_and_differ():
    parts = halvings(9, 20, np.random.default_rng(0))
    assert (parts.sum(axis=1) == 4).all()
    assert len(np.unique(parts, axis=0)) > 10
