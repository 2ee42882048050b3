"""Every made-up pair of scores is what its name says, and is turned down for that reason."""

import numpy as np
import pytest

from comparisons.adversaries import judged
from comparisons.grokking import STUDY
from comparisons.grokking.adversaries import FALSE, TRUE

CASES = {case.name: case for case in (*FALSE, *TRUE)}
ASKED = STUDY.question


def scores(name, seed=0, **variation):
    run = CASES[name].run(np.random.default_rng(seed), **variation)
    return run.t, run["train"], run["test"]


def first(t, curve, level):
    return t[np.flatnonzero(curve >= level)[0]]


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("constant", "unclear", "flat training curve"),
        ("one early spike", "unclear", "flat test curve: never generalises"),
        ("a spike at the end", "unclear", "flat test curve: never generalises"),
        ("test proportional to train", "absent", "levels"),
        ("creeping through the level", "absent", "levels 1."),
        ("never fitting", "unclear", "the training score never reaches 0.95"),
        ("never generalising", "unclear", "flat test curve: never generalises"),
        ("starting at the answer", "unclear", "flat training curve"),
        ("trained from the first record on", "unclear", "flat training curve"),
        ("oscillating", "unclear", "of the test score's rise by 0.90 only 0.0"),
        ("late rise to .88", "shown", "test level not reached"),
        ("delay with noise", "shown", "levels"),
        ("a sudden delay", "shown", "levels 2.0"),
    ],
)
def test_a_case_is_turned_down_for_what_it_is_called_after(name, outcome, reason):
    verdict = judged("grokking", CASES[name], seed=0)
    assert verdict.outcome == outcome
    assert verdict.note.startswith(reason)


@pytest.mark.parametrize("name", CASES)
def test_scores_are_fractions(name):
    for seed in range(5):
        for score in scores(name, seed)[1:]:
            assert -1e-12 <= score.min() <= score.max() <= 1 + 1e-12


def test_constants_random_numbers_and_walks_are_these():
    _, train, test = scores("constant")
    assert set(train) == set(test)
    assert len(set(train)) == 1
    assert train[0] > ASKED.train_level
    _, train, test = scores("random", n_records=2000)
    for score in (train, test):
        np.testing.assert_allclose(np.quantile(score, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.05)
    assert abs(np.corrcoef(train, test)[0, 1]) < 0.1
    starts = [scores("random walks", seed)[1][0] for seed in range(100)]
    assert min(starts) < 0.1
    assert max(starts) > 0.9


def test_a_walk_follows_a_true_fit():
    t, train, test = scores("a walk after a true fit")
    assert 10 < first(t, train, ASKED.train_level) < 30
    assert train[-1] == pytest.approx(1)
    assert np.abs(np.diff(test)).max() > 0.03


@pytest.mark.parametrize(("name", "where"), [("one early spike", 20), ("a spike at the end", 59)])
def test_a_spike_is_one_record_from_chance_to_all(name, where):
    _, _, test = scores(name)
    assert np.flatnonzero(test == 1).tolist() == [where]
    assert set(np.delete(test, where)) == {0.1}


def test_a_proportional_score_passes_its_level_later_without_a_lag():
    t, train, test = scores("test proportional to train", n_records=400)
    np.testing.assert_allclose(test / train, (test / train)[0])
    assert first(t, test, ASKED.full_level) > 1.5 * first(t, train, ASKED.train_level)


def test_a_creeping_score_passes_its_level_a_decade_and_a_half_later_by_a_five_hundredth():
    t, train, test = scores("creeping through the level", n_records=400)
    assert first(t, test, ASKED.full_level) == pytest.approx(1000, rel=0.03)
    assert first(t, train, ASKED.train_level) < 1000 / 10**1.5
    assert np.diff(test)[t[1:] > 100].max() < 0.003


def test_what_never_fits_generalises_and_what_never_generalises_fits():
    _, train, test = scores("never fitting")
    assert 0.85 < train.max() < ASKED.train_level <= test[-1]
    _, train, test = scores("never generalising")
    assert train[-1] >= ASKED.train_level
    assert np.ptp(test) <= 0.02
    _, train, test = scores("trained from the first record on")
    assert set(train) == {1.0}
    assert test[-1] >= ASKED.full_level
    assert [set(score) for score in scores("starting at the answer")[1:]] == [{1.0}, {1.0}]


def test_a_dying_network_loses_what_it_had_fitted():
    t, train, _ = scores("dying network", decades=6)
    assert train.max() > 0.9
    assert t[train.argmax()] < 200
    assert train[-1] == pytest.approx(0.1, abs=1e-3)
    assert judged("grokking", CASES["dying network"], 0, decades=3.0).note.startswith("the training score")


def test_an_oscillating_score_comes_back_all_the_way():
    _, _, test = scores("oscillating", n_records=600)
    assert (test.min(), test.max()) == (pytest.approx(0.1), pytest.approx(1.0))
    assert np.count_nonzero(np.diff(np.sign(test - 0.55))) > 10


def test_a_true_delay_is_of_two_decades_and_with_noise_stays_within_0_and_1():
    for name in ("a sudden delay", "delay with noise"):
        t, train, test = scores(name, n_records=400)
        assert np.log10(first(t, test, 0.5) / first(t, train, 0.5)) == pytest.approx(2, abs=0.1)
    late = np.array([judged("grokking", CASES[name], 0).score for name in (case.name for case in TRUE)])
    np.testing.assert_allclose(late, 2, atol=0.1)
    _, train, _ = scores("delay with noise", n_records=4000, decades=7)
    spread = 1 - train[-1000:]  # half of the noise is cut off at 1
    assert spread[spread > 0].std() == pytest.approx(0.03 * np.sqrt(1 - 2 / np.pi), rel=0.15)
    t, _, test = scores("late rise to .88")
    assert test[0] == pytest.approx(0.5, abs=1e-3)
    assert test[-1] == pytest.approx(0.88, abs=1e-3)
