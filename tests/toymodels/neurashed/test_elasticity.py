import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels import SimulationError
from toymodels.neurashed import Additive, Multiplicative, elasticity_ratio, graphs, local_elasticity
from toymodels.neurashed.elasticity import (
    READINGS,
    ElasticityRun,
    deep_limit,
    disjoint_contrast,
    elasticity_limit,
    printed_changes,
    simulate_elasticity,
)

sizes = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 4))


@given(sizes, st.integers(1, 4), st.integers(1, 30), st.integers(0, 99))
def test_the_ratio_is_exact_at_finite_time(sizes, depth, t, seed):
    run = simulate_elasticity(t, *sizes, depth, np.random.default_rng(seed))
    assert not run.overlaps
    assert run.ratio == pytest.approx(float(elasticity_ratio(t, *sizes, depth)), rel=1e-9)


@given(sizes, st.integers(1, 4), st.integers(1, 30))
def test_logit_and_changes_are_the_powers_of_the_proof(sizes, depth, t):
    b1, b2, n_classes = sizes
    run = simulate_elasticity(t, *sizes, depth, np.random.default_rng(0), c=2.0)
    before = (2 * t * b2 + 2 * n_classes * t * b1) ** depth
    assert run.logit == before
    assert run.own_change == (2 * (t + 1) * b2 + 2 * (n_classes * t + 1) * b1) ** depth - before
    assert run.other_change == (2 * t * b2 + 2 * (n_classes * t + 1) * b1) ** depth - before
    assert printed_changes(t, *sizes, depth, c=2) == (run.own_change, run.other_change)


def test_the_error_of_a_run_is_the_larger_relative_one():
    run = ElasticityRun(logit=1.0, own_change=12.0, other_change=4.0, overlaps=False)
    assert run.error(10.0, 4.0) == pytest.approx(0.2)
    assert run.error(12.0, 5.0) == pytest.approx(0.2)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_each_reading_tends_to_its_own_limit_at_rate_1_over_t(reading, depth):
    limit = elasticity_limit(3, 2, 3, depth, reading)
    errors = [
        abs(simulate_elasticity(t, 3, 2, 3, depth, np.random.default_rng(0), reading=reading).ratio / limit - 1)
        for t in (200, 400)
    ]
    assert errors[0] < 5e-3
    if errors[0] > 1e-9:  # the ratio of one level does not depend on t
        assert_allclose(errors[0] / errors[1], 2, atol=0.05)


def test_the_limits_are_those_worked_out_for_three_classes():
    assert_allclose([elasticity_limit(3, 2, 3, L, "trained_edges") for L in (1, 2, 5)], [16 / 3, 3.5, 2.4], **EXACT)
    assert_allclose([elasticity_limit(3, 2, 3, L) for L in (1, 9)], 5 / 3, **EXACT)
    same = [elasticity_limit(3, 2, 3, L, "same_input") for L in (1, 2, 5, 10**9)]
    assert_allclose(same, [5 / 3, 1.41025641, 1.29107981, 1 + 2 / 9], rtol=1e-8)


@given(sizes, st.integers(1, 50), st.floats(0.1, 1000))
def test_the_ratio_exceeds_its_limit_grows_with_depth_and_falls_with_time(sizes, depth, t):
    ratio = elasticity_ratio(t, *sizes, depth)
    assert ratio >= (1 - 1e-12) * elasticity_limit(*sizes, depth)
    assert elasticity_ratio(t, *sizes, depth + 1) > ratio
    assert elasticity_ratio(2 * t, *sizes, depth) <= ratio * (1 + 1e-12)


@pytest.mark.parametrize("speed", [0.1, 1.0, 12.5])
def test_depth_proportional_to_time_tends_to_the_exponential_limit(speed):
    errors = [abs(elasticity_ratio(t, 3, 2, 3, speed * t) / deep_limit(speed, 3, 2, 3) - 1) for t in (1000, 2000)]
    assert errors[0] < 3e-3
    assert_allclose(errors[0] / errors[1], 2, atol=0.05)


def test_theorem_2_needs_depth_to_outgrow_time():
    assert elasticity_ratio(10**6, 3, 2, 3, 1000) == pytest.approx(5 / 3, rel=1e-3)  # deep, but L/t small
    assert deep_limit(100.0, 3, 2, 3) > 1e7


def three_class_state(rule, initial):
    task = graphs.three_class()
    run = task.model.train(
        task.inputs,
        task.labels,
        rule,
        n_steps=120,
        rng=np.random.default_rng(0),
        initial=initial,
        edge_training=False,
        order=[[step % 4] for step in range(120)],
    )
    return task, (run["amplification"][-1], run["edge_weights"][-1])


def test_similar_inputs_move_more():
    task, state = three_class_state(Additive(0.1), 0.0)
    matrix = local_elasticity(task.model, state, task.inputs, task.inputs, rule=Additive(0.1))
    assert_allclose(np.diagonal(matrix), 1, **EXACT)
    assert matrix[0, 1] > 0.5 > matrix[0, 2] > matrix[0, 3] == 0
    assert matrix[3, 0] == 0


def test_elasticity_is_not_local_when_what_does_not_fire_decays():
    rule = Multiplicative(1.01, 0.995)
    task, state = three_class_state(rule, 1.0)
    matrix = local_elasticity(task.model, state, task.inputs, task.inputs, rule=rule)
    assert matrix[3, 0] > 5  # no node in common


def test_with_labels_the_edges_move_too():
    task, state = three_class_state(Additive(0.1), 0.0)
    fixed = local_elasticity(task.model, state, task.inputs, task.inputs, rule=Additive(0.1))
    trained = local_elasticity(task.model, state, task.inputs, task.inputs, rule=Additive(0.1), labels=task.labels)
    assert (fixed != trained).any()


def test_a_base_that_moves_nothing_is_refused():
    task, state = three_class_state(Additive(0.1), 0.0)
    with pytest.raises(ValueError, match="differ from before at the base"):
        local_elasticity(task.model, state, np.zeros((1, 10), dtype=bool), task.inputs, rule=Additive(0.1))


@given(st.booleans(), st.booleans(), st.integers(0, 99))
def test_logs_of_the_state_give_the_same_elasticity(multiplicative, edges, seed):
    task, rng = graphs.three_class(), np.random.default_rng(seed)
    rule = Multiplicative(1.05, 0.98) if multiplicative else Additive(0.1)
    logs = rng.normal(size=len(task.model.nodes)), rng.normal(size=len(task.model.edges))
    labels = task.labels if edges else None
    plain = local_elasticity(task.model, tuple(map(np.exp, logs)), task.inputs, task.inputs, rule=rule, labels=labels)
    same = local_elasticity(task.model, logs, task.inputs, task.inputs, rule=rule, labels=labels, scale="log")
    assert_allclose(same, plain, rtol=1e-9, atol=1e-12)


def test_logs_of_the_state_serve_logits_beyond_float64():
    task, rule = graphs.three_class(), Multiplicative(1.05, 0.98)
    state = np.zeros(len(task.model.nodes)), np.zeros(len(task.model.edges))
    strong = state[0] + 500, state[1] - 3
    matrices = [
        local_elasticity(task.model, logs, task.inputs, task.inputs, rule=rule, labels=task.labels, scale="log")
        for logs in (state, strong)
    ]
    assert_allclose(*matrices, rtol=1e-9)
    with pytest.raises(ValueError, match="base must change its own logits"):
        local_elasticity(task.model, state, np.zeros((1, 10), dtype=bool), task.inputs, rule=Additive(0.1), scale="log")


@given(st.floats(1.01, 1.5), st.floats(0.9, 0.999), st.floats(0.1, 10))
def test_disjoint_classes_move_as_a_whole_once_what_types_own_has_faded(a, b, second):
    rule = Multiplicative(a, b)
    expected = np.log10((a**2 - 1) / (1 - b**2)) - np.log10((second + 1 / second) / 2)
    assert disjoint_contrast([1.0, second], rule) == pytest.approx(expected)
    assert disjoint_contrast([3.0, 3 * second], rule) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: disjoint_contrast([1.0], Multiplicative(1.1, 0.9)), "at least two classes"),
        (lambda: disjoint_contrast([1.0, 1.0], Multiplicative(1.1)), "b must be < 1"),
        (lambda: elasticity_ratio(0, 3, 2, 3, 2), "t must be > 0"),
        (lambda: elasticity_ratio(1, 0, 2, 3, 2), "b1"),
        (lambda: elasticity_limit(3, 2, 3, 2, "neither"), "reading must be one of"),
        (lambda: deep_limit(0.0, 3, 2, 3), "layers_per_update"),
        (lambda: simulate_elasticity(1, 3, 2, 1, 2, np.random.default_rng(0)), "n_classes must be >= 2"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_one_ratio_beyond_all_numbers_is_enough_to_stop():
    assert np.isfinite(elasticity_ratio([10.0, 1e6], 1, 1, 2, 2)).all()
    with pytest.raises(SimulationError, match="overflow float64"):
        elasticity_ratio([1e6, 1e-3], 1, 1, 2, 500)


def test_times_whose_products_overflow_are_refused():
    with pytest.raises(ValueError, match="t must be at most 1e\\+75 in size"):
        elasticity_ratio([1e308], 2, 1, 3, 1)
