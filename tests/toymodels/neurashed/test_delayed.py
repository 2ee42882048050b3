import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.metrics.grokking import crossing_time, delay
from toymodels.neurashed import Additive, DelayedGeneralisation, Frozen, Multiplicative
from toymodels.neurashed.delayed import (
    EDGE_INIT,
    RECORDS_PER_DECADE,
    _cumulative_counts,
    _record_steps,
)
from toymodels.neurashed.graphs import build
from toymodels.neurashed.pruning import accuracy


def test_counting_equals_training_the_graph_step_by_step():
    model = DelayedGeneralisation(
        n_classes=3, n_train=12, n_votes=20, votes_per_sample=3, depth=2, epsilon=0.2, n_test=30
    )
    run = model.simulate(60, np.random.default_rng(7))
    rng = np.random.default_rng(7)  # the same draws, in the documented order
    votes = {name: model._draw_votes(n, rng) for name, n in (("train", 12), ("test", 30))}
    edges = rng.uniform(0, EDGE_INIT, (20, 3))
    order = rng.integers(12, size=60)

    routes, voters = range(3), range(3, 23)
    graph = build(23, [{k: ([k], "any") for k in range(23)}], [[k, *voters] for k in routes])
    inputs = {}
    for name, chosen in votes.items():
        inputs[name] = np.zeros((len(chosen), 23), dtype=bool)
        inputs[name][np.arange(len(chosen)), np.arange(len(chosen)) % 3] = True
        inputs[name][np.arange(len(chosen))[:, None], 3 + chosen] = True
    chain = Multiplicative(model.up, model.down)
    rule = {"default": Frozen(), "edges": Additive(1.0)}
    rule |= {(level, k): chain for level in (0, 1) for k in routes} | {((1, k), (2, k)): Frozen() for k in routes}
    start = [0.2 if index < 3 else 1.0 for _, index in graph.nodes]
    start += [1.0 if source[1] < 3 else edges[source[1] - 3, target[1]] for source, target in graph.edges]
    slow = graph.train(
        inputs["train"], np.arange(12) % 3, rule, n_steps=60, rng=rng, initial=start, order=order[:, None]
    )
    for name, x in inputs.items():
        expected = [
            accuracy(graph, slow["amplification"][step], slow["edge_weights"][step], x, np.arange(len(x)) % 3)
            for step in run.t.astype(int)
        ]
        assert_array_equal(run[name], expected)
    chains = np.log(slow["amplification"][run.t.astype(int)][:, :3])
    assert_allclose(run["log_class_route"], 2 * chains.mean(axis=1), **EXACT)


def test_generalisation_comes_late_when_predicted():
    model = DelayedGeneralisation()
    for seed in range(3):
        run = model.simulate(6000, np.random.default_rng(seed))
        fit, late = (crossing_time(run.t, run[name], 0.95) for name in ("train", "test"))
        assert late > 5 * fit
        assert late == pytest.approx(run.meta["predicted_test_time"], rel=0.25)
        assert 1 / 3 < fit / run.meta["predicted_train_time"] < 3  # an order of magnitude


def test_without_a_handicap_there_is_no_delay():
    for seed in range(3):
        run = DelayedGeneralisation(epsilon=1).simulate(3000, np.random.default_rng(seed))
        assert delay(run.t, run["train"], run["test"]) <= 0
        assert run.meta["predicted_test_time"] == 0


def test_the_delay_is_linear_in_the_log_of_the_handicap():
    handicaps = np.array([1e-2, 1e-3, 1e-4])
    late = []
    for epsilon in handicaps:
        run = DelayedGeneralisation(epsilon=epsilon).simulate(5000, np.random.default_rng(1))
        late.append(crossing_time(run.t, run["test"], 0.95))
    slope = np.polyfit(np.log(1 / handicaps), late, 1)[0]
    assert slope == pytest.approx(1 / DelayedGeneralisation().rate, rel=0.15)


def test_a_route_that_decays_never_generalises():
    model = DelayedGeneralisation(down=0.993)
    assert model.rate < 0
    assert model.predicted_test_time == np.inf
    assert model.simulate(5000, np.random.default_rng(0))["test"][-1] < 0.5


@given(st.floats(1e-8, 0.1), st.integers(1, 5), st.floats(1.01, 1.1))
def test_the_predicted_time_solves_its_equation_and_grows_with_the_handicap(epsilon, depth, up):
    model = DelayedGeneralisation(epsilon=epsilon, depth=depth, up=up, down=1.0)
    t = model.predicted_test_time
    spurious = np.log(model.votes_per_sample**2 * t / (2 * model.n_votes))
    assert depth * (np.log(epsilon) + model.rate * t) == pytest.approx(spurious, abs=1e-6)
    assert dataclasses.replace(model, epsilon=epsilon / 2).predicted_test_time > t


def test_the_route_takes_over_the_true_logit():
    run = DelayedGeneralisation().simulate(6000, np.random.default_rng(0))
    assert run["route_share"][0] < 1e-6
    assert run["route_share"][-1] > 0.99
    assert run["log_class_route"][-1] > run["log_spurious_votes"][-1]


def test_records_do_not_change_the_run():
    model = DelayedGeneralisation()
    logarithmic = model.simulate(1000, np.random.default_rng(2))
    even = model.simulate(1000, np.random.default_rng(2), every=250)
    assert logarithmic.t[0] == 1
    assert even.t.tolist() == [1, 250, 500, 750, 1000]
    for name in logarithmic.data:
        assert even[name][-1] == logarithmic[name][-1]


def test_a_million_steps_cost_no_more_than_the_counts():
    run = DelayedGeneralisation().simulate(10**6, np.random.default_rng(0))
    assert run["test"][-1] == 1
    assert run["log_class_route"][-1] > 1e4  # far beyond the range of float64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_classes": 1}, "n_classes must be >= 2"),
        ({"n_train": 50}, "n_train must be a multiple of n_classes, got 50"),
        ({"n_test": 0}, "n_test must be >= 1"),
        ({"votes_per_sample": 601}, "votes_per_sample must be <= n_votes, got 601"),
        ({"depth": 0}, "depth"),
        ({"epsilon": 0.0}, "epsilon must be > 0"),
        ({"up": 1.0}, "up must be > 1"),
        ({"down": 1.1}, "down must be in"),
        ({"down": 0.0}, "down must be in"),
    ],
)
def test_bad_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DelayedGeneralisation(**options)


def test_bad_steps_are_refused():
    model = DelayedGeneralisation()
    with pytest.raises(ValueError, match="n_steps"):
        model.simulate(0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="every"):
        model.simulate(10, np.random.default_rng(0), every=0)


def test_records_begin_with_the_first_step_and_end_with_the_last():
    assert _record_steps(10, 4).tolist() == [1, 4, 8, 10]
    assert _record_steps(8, 4).tolist() == [1, 4, 8]
    assert _record_steps(7, 4).tolist() == [1, 4, 7]
    assert _record_steps(3, 1).tolist() == [1, 2, 3]
    assert _record_steps(1, None).tolist() == [1]
    assert _record_steps(1000, None)[[0, -1]].tolist() == [1, 1000]


@pytest.mark.parametrize("n_steps", [1000, 10_000, 100_000])
def test_records_are_even_in_the_logarithm(n_steps):
    steps = _record_steps(n_steps, None)
    for low in (100, 1000, 10_000):
        if low < n_steps:
            assert ((steps > low) & (steps <= 10 * low)).sum() == RECORDS_PER_DECADE


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 10**6))
def test_counts_are_those_of_a_loop(n, n_steps, seed):
    rng = np.random.default_rng(seed)
    draws = rng.integers(n, size=n_steps)
    steps = np.unique(np.r_[rng.integers(1, n_steps + 1, 4), n_steps])
    expected = [[sum(draw == k for draw in draws[:step]) for k in range(n)] for step in steps]
    assert_array_equal(_cumulative_counts(draws, steps, n), expected)


def test_the_rate_is_the_mean_over_classes_of_growth_and_decay():
    model = DelayedGeneralisation(n_classes=3, n_train=6, n_test=3, up=np.exp(0.3), down=np.exp(-0.06))
    assert model.rate == pytest.approx(0.3 / 3 - 0.06 * 2 / 3)


def test_the_time_to_fit_is_that_of_the_route_that_is_there_first():
    late, early = DelayedGeneralisation(epsilon=1e-8), DelayedGeneralisation(epsilon=1e-2, up=1.5, down=1.0)
    assert late.predicted_train_time == pytest.approx(48 * np.log(48))
    assert early.predicted_test_time < 48 * np.log(48)
    assert early.predicted_train_time == early.predicted_test_time


@given(st.floats(1e-8, 1e-3), st.integers(1, 20), st.integers(0, 3), st.floats(1.02, 1.2))
def test_after_the_predicted_time_the_route_leads_for_good_and_shortly_before_it_does_not(epsilon, votes, more, up):
    model = DelayedGeneralisation(epsilon=epsilon, votes_per_sample=votes, n_votes=votes * 5, depth=2 + more, up=up)
    t = model.predicted_test_time

    def lead(time):
        return model.depth * (np.log(epsilon) + model.rate * time) - np.log(votes**2 * time / (10 * votes))

    if t > 0:
        assert lead(0.99 * t) < 0
        assert all(lead(t * factor) > 0 for factor in (1.01, 2, 10, 1000))
    else:
        assert all(lead(time) >= 0 for time in np.geomspace(1e-3, 1e6, 200))


@pytest.mark.parametrize(
    "smallest",
    [{"n_classes": 2}, {"votes_per_sample": 600}, {"depth": 1}, {"down": 1.0}, {"n_train": 4}, {"n_test": 4}],
)
def test_parameters_may_be_at_the_end_of_their_range(smallest):
    run = DelayedGeneralisation(**smallest).simulate(3, np.random.default_rng(0))
    assert all(np.isfinite(run[name]).all() for name in run.data)


def test_votes_of_a_sample_are_different_and_all_are_drawn_alike():
    model = DelayedGeneralisation(n_votes=7, votes_per_sample=3)
    votes = model._draw_votes(3000, np.random.default_rng(0))
    assert votes.shape == (3000, 3)
    assert all(len(set(row)) == 3 for row in votes.tolist())
    share = 3 / 7
    error = np.sqrt(share * (1 - share) / 3000)
    assert (np.abs(np.bincount(votes.ravel(), minlength=7) / 3000 - share) < MONTE_CARLO * error).all()


def test_every_measure_of_a_small_run_is_that_of_loops():
    model = DelayedGeneralisation(
        n_classes=3, n_train=6, n_votes=8, votes_per_sample=2, depth=2, epsilon=0.3, up=1.4, down=0.9, n_test=9
    )
    run = model.simulate(12, np.random.default_rng(5), every=1)
    rng = np.random.default_rng(5)
    train_votes, test_votes = model._draw_votes(6, rng), model._draw_votes(9, rng)
    edges, order = rng.uniform(0, 0.1, (8, 3)), rng.integers(6, size=12)
    chain = np.full(3, 0.3)
    for step, sample in enumerate(order):
        chain *= np.where(np.arange(3) == sample % 3, 1.4, 0.9)
        edges[train_votes[sample], sample % 3] += 1
        correct, wrong, share = {}, {}, []
        for name, votes in (("train", train_votes), ("test", test_votes)):
            right, strongest = [], []
            for k, row in enumerate(votes):
                logits = [sum(edges[vote, c] for vote in row) for c in range(3)]
                others = max(logits[c] for c in range(3) if c != k % 3)
                own = logits[k % 3] + chain[k % 3] ** 2
                right.append(own > others)
                strongest.append(others)
                if name == "train":
                    share.append(chain[k % 3] ** 2 / own)
            correct[name], wrong[name] = np.mean(right), np.mean(strongest)
        assert run["train"][step] == correct["train"]
        assert run["test"][step] == correct["test"]
        assert_allclose(run["log_spurious_votes"][step], np.log(wrong["test"]), rtol=1e-10)
        assert_allclose(run["route_share"][step], np.mean(share), rtol=1e-10)
        assert_allclose(run["log_class_route"][step], np.log(chain**2).mean(), rtol=1e-10)


def test_more_votes_than_memory_holds_are_not_drawn():
    task = DelayedGeneralisation(n_votes=10**9)
    assert task.predicted_test_time > 0
    with pytest.raises(ValueError, match="n_votes must be at most 20833333 for 48 samples, got 1000000000"):
        task.simulate(10, np.random.default_rng(0))
