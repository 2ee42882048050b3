from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

from toymodels.metrics.emergence import gaps_and_rises, passing_times
from toymodels.neurashed.separate_classes import EVERY, RULES, SeparateClasses


@pytest.mark.parametrize("rule", RULES)
def test_progress_is_that_of_the_class_probabilities_of_the_graph(rule):
    """Against the logits of the model itself, trained on the same draws."""
    from toymodels.neurashed.training import train

    classes = SeparateClasses(3, 2, rule=rule, grow=1.5, initial=0.1)
    run = classes.train(40, np.random.default_rng(3), n_records=9)
    model, n = classes.graph, 3
    inputs, labels = np.repeat(np.eye(n, dtype=bool), [4, 2, 1], axis=0), np.repeat(np.arange(n), [4, 2, 1])
    table, start = classes._rules(model)
    slow = train(model, inputs, labels, table, n_steps=40, rng=np.random.default_rng(3), initial=start)
    logits = model.logits(slow["amplification"], slow["edge_weights"], model.fire(np.eye(n, dtype=bool)))
    share = np.exp(logits - logits.max(axis=-1, keepdims=True))
    own = np.diagonal(share / share.sum(axis=-1, keepdims=True), axis1=1, axis2=2)
    assert_allclose(run["skills"], (own[run.t.astype(int)] - 1 / n) / (1 - 1 / n), atol=1e-12)


@pytest.mark.parametrize(("n", "ratio"), [(4, 3), (63, 2), (4, 10**6), (2, 2**53 - 1)])
def test_counts_are_exact_as_far_as_integers_of_arrays_go(n, ratio):
    counts = [ratio**k for k in range(n)][::-1]
    assert SeparateClasses(n, ratio, 1e-9).counts.tolist() == counts


@pytest.mark.parametrize(("n", "ratio"), [(4, 3), (4, 10**7), (70, 2), (64, 2), (4, 10**9), (1000, 2**53 - 1)])
def test_shares_are_exact_however_many_samples_there_are(n, ratio):
    total = sum(ratio**k for k in range(n))
    shares = SeparateClasses(n, ratio, 1e-9).shares
    assert shares.tolist() == [float(Fraction(ratio**k, total)) for k in range(n)][::-1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SeparateClasses(4, 10**9).counts, "ratio must leave each class < 2\\^63 samples, got 1000000000 of 4"),
        (lambda: SeparateClasses(70, 2).counts, "ratio must leave each class < 2\\^63 samples, got 2 of 70 classes"),
        (lambda: SeparateClasses(10**9), "n_classes must be <= 10000, got 1000000000"),
        (
            lambda: SeparateClasses(4, 1000).train(1, np.random.default_rng(0)),
            "ratio must leave at most 250000000 samples of 4 classes to train on, got 1000",
        ),
    ],
)
def test_numbers_of_samples_that_nothing_holds_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("initial", [1e-4, 0.05])
@pytest.mark.parametrize(("rule", "grow"), [(RULES[0], 1.01), (RULES[1], 1.002)])
def test_rises_are_predicted(initial, rule, grow):
    classes = SeparateClasses(2, 2, initial, rule, grow)
    run = classes.train(6000, np.random.default_rng(0))
    rises = gaps_and_rises(passing_times(run.t, run["skills"]))[1]
    assert_allclose(rises, classes.predicted_rise, atol=0.09 if rule == RULES[1] else 0.02)


def test_the_smaller_the_start_the_more_sudden():
    rises = [SeparateClasses(initial=start).predicted_rise for start in (0.1, 1e-2, 1e-4)]
    assert rises == sorted(rises, reverse=True)
    additive = SeparateClasses(rule=RULES[1], initial=1e-9).predicted_rise
    assert additive == pytest.approx(np.log10(np.log(37) / np.log(13 / 9)))  # ln[(1 + 3p)/(1 - p)] at .9 and .1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_classes": 1}, "n_classes must be >= 2"),
        ({"rule": "none"}, "rule must be one of"),
        ({"grow": 1.0}, "grow must be > 1, got 1"),
        ({"initial": 2.0}, "initial must leave every class below 10 %"),
        ({"ratio": 0}, "ratio must be >= 1"),
    ],
)
def test_bad_settings_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        SeparateClasses(**changes)


@pytest.mark.parametrize("progress", [1e-300, 1e-18, 0.3])
def test_growth_to_the_smallest_progress_is_finite_and_of_first_order(progress):
    """z = ln((1 + (K - 1) p) / (1 - p)) = K p for small p; a start of .01 has z = 1e-6."""
    growth = SeparateClasses(n_classes=4, initial=0.01).log_growth(progress)
    exact = np.log1p(3 * progress) - np.log1p(-progress)
    assert growth == pytest.approx(np.log(exact) + 6 * np.log(10), rel=1e-12)
    if progress < 1e-10:
        assert growth == pytest.approx(np.log(4 * progress) + 6 * np.log(10), rel=1e-12)


def test_classes_are_seen_by_powers_of_the_ratio():
    assert SeparateClasses().counts.tolist() == [27, 9, 3, 1]
    assert_allclose(SeparateClasses(3, 2).shares, [4 / 7, 2 / 7, 1 / 7])
    assert_allclose(SeparateClasses(2, 1).shares, [0.5, 0.5])


def test_predicted_rises_are_worked_by_hand():
    """Of two classes z = ln((1 + p) / (1 - p)): ln(11/9) at 10 %, ln 19 at 90 %; starts of .001 and .1."""
    first, last = np.log(11 / 9), np.log(19)
    multiplicative = SeparateClasses(2, initial=0.1).predicted_rise
    assert multiplicative == pytest.approx(np.log10(np.log(last / 1e-3) / np.log(first / 1e-3)))
    additive = SeparateClasses(2, initial=0.1, rule=RULES[1]).predicted_rise
    assert additive == pytest.approx(np.log10((last - 0.1) / (first - 0.1)))


def test_records_are_looks_at_every_few_steps_even_in_the_logarithm():
    classes = SeparateClasses(2)
    t = classes.train(1000, np.random.default_rng(0), n_records=10).t
    assert EVERY == 5
    assert t[[0, 1, -1]].tolist() == [0, 5, 1000]
    assert (t % 5 == 0).all()
    assert 8 <= len(t) <= 11
    late = np.diff(np.log(t[-5:]))
    assert_allclose(late, np.log(200) / 9, atol=0.05)


def test_progress_starts_at_nothing_and_ends_at_one():
    run = SeparateClasses(3, 2, grow=1.3).train(400, np.random.default_rng(0))
    assert_allclose(run["skills"][0], 0, atol=1e-5)
    assert_allclose(run["skills"][-1, :2], 1, atol=1e-9)
    assert (run["skills"] <= 1).all()
