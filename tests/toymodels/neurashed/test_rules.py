import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.neurashed import Additive, Frozen, Multiplicative, Neurashed, Rule, Stochastic, graphs
from toymodels.neurashed.rules import RuleTable, batch_frequency, mean_log_rate


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Multiplicative(1.0), r"a must be > 1 so that g\+\(x\) > x"),
        (lambda: Multiplicative(1.1, 1.2), r"b must be in \(0, 1\]"),
        (lambda: Multiplicative(1.1, 0.0), r"b must be in \(0, 1\]"),
        (lambda: Multiplicative(np.nan), "a must be finite"),
        (lambda: Multiplicative(lambda step: 1.1, np.inf), "b must be finite"),
        (lambda: Additive(0.0), "c must be > 0"),
        (lambda: Additive(1.0, 1.1), r"b must be in \[0, 1\]"),
        (lambda: Additive(1.0, -0.1), r"b must be in \[0, 1\]"),
        (lambda: Stochastic(Additive(1.0), 0.0), "probability must be > 0"),
        (lambda: Stochastic(Additive(1.0), 1.5), "probability must be in"),
        (lambda: Stochastic(Frozen(), 0.5), "rule must be Multiplicative or Additive"),
    ],
)
def test_rules_that_do_not_grow_or_shrink_as_they_must_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@given(st.floats(1.001, 3), st.floats(0.3, 1), st.floats(0, 1))
def test_the_mean_rate_changes_sign_at_its_critical_frequency(a, b, share):
    rule = Multiplicative(a, b)
    critical = np.log(1 / b) / np.log(a / b)
    assert_allclose(mean_log_rate(rule, critical), 0, atol=1e-15)
    assert mean_log_rate(rule, share) == pytest.approx(share * np.log(a) + (1 - share) * np.log(b))


def test_a_node_grows_at_the_mean_rate_in_simulation():
    task = graphs.three_class()
    rule = Multiplicative(1.1, 0.95)
    replicates, n_steps = 200, 100
    run = task.model.train(
        task.inputs,
        task.labels,
        rule,
        n_steps=n_steps,
        rng=np.random.default_rng(0),
        initial=1.0,
        batch_size=2,
        replicates=replicates,
        scale="log",
        every=n_steps,
    )
    growth = run["log_amplification"][-1] / n_steps
    frequency = batch_frequency(task.model.firing_table(task.inputs).mean(axis=0), 2)
    error = np.sqrt(frequency * (1 - frequency) / (n_steps * replicates)) * np.log(1.1 / 0.95)
    assert (np.abs(growth.mean(axis=0) - mean_log_rate(rule, frequency)) < MONTE_CARLO * error).all()


def test_a_frequency_outside_0_1_or_a_changing_rule_has_no_mean_rate():
    with pytest.raises(ValueError, match="frequency"):
        mean_log_rate(Multiplicative(1.1), 1.5)
    with pytest.raises(ValueError, match="constant"):
        mean_log_rate(Multiplicative(lambda step: 1.1), 0.5)


def test_batch_frequency_is_the_chance_of_at_least_one():
    assert_allclose(batch_frequency(0.5, 3), 1 - 0.5**3, **EXACT)


def trained(rule, **options):
    task = graphs.three_class()
    return task.model.train(
        task.inputs, task.labels, rule, n_steps=50, rng=np.random.default_rng(1), initial=0.5, batch_size=2, **options
    )


@pytest.mark.parametrize("wrap", [lambda rule: rule, lambda rule: Stochastic(rule, 0.4)])
@pytest.mark.parametrize(
    ("own", "same"),
    [
        (Rule(lambda x: x + 0.3, lambda x: 0.8 * x), Additive(0.3, 0.8)),
        (Rule(lambda x: 1.1 * x, lambda x: 0.9 * x), Multiplicative(1.1, 0.9)),
    ],
)
def test_own_functions_train_like_the_named_rules(own, same, wrap):
    ours, theirs = trained(wrap(own), replicates=3), trained(wrap(same), replicates=3)
    for name in ("amplification", "edge_weights"):
        assert_allclose(ours[name], theirs[name], rtol=1e-12)


def test_own_functions_are_mixed_with_other_rules():
    bounded = Rule(lambda x: x + 0.5 * (1 - x), lambda x: 0.5 * x, upto=1.0)
    run = trained({1: bounded, "default": Additive(1.0)})
    model = graphs.three_class().model
    level_1 = slice(*model.offsets[1:3])
    assert run["amplification"][:, level_1].max() <= 1.0
    assert_allclose(
        run["amplification"][:, : model.offsets[1]], trained(Additive(1.0))["amplification"][:, : model.offsets[1]]
    )


@pytest.mark.parametrize(
    ("grow", "fade", "words"),
    [
        (lambda x: x + 1 - x / 3, lambda x: x, r"grow\(x\) must be > x, got 3 at x = 3"),
        (lambda x: x, lambda x: x, r"grow\(x\) must be > x, got 1e-06 at x = 1e-06"),
        (lambda x: x + 1, lambda x: x - 0.5, r"fade\(x\) must be between 0 and x, got -0\.499999 at x = 1e-06"),
        (lambda x: x + 1, lambda x: x * x, r"fade\(x\) must be between 0 and x, got 1 at x = 1"),
        (
            lambda x: x + np.where(x < 1, 3, 1),
            lambda x: x,
            r"grow must be increasing, got a fall between 0\.99\d* and 1",
        ),
        (lambda x: x.sum(), lambda x: x, r"grow must give an array like its argument's \(2000,\), got shape \(\)"),
        (lambda x: x * np.nan, lambda x: x, r"grow\(x\) must be > x, got nan"),
        (math.exp, lambda x: x, "grow must be a function of arrays, got one that fails on them"),
        (lambda x: x + 1, "half", "fade must be a function of arrays, got 'half'"),
        (None, lambda x: x, "grow must be a function of arrays, got None"),
        (lambda x: x + 1j, lambda x: x, "grow must give real numbers"),
    ],
)
def test_functions_that_are_no_growth_or_decay_are_refused(grow, fade, words):
    with pytest.raises(ValueError, match=words):
        Rule(grow, fade)


def test_functions_are_checked_where_they_are_used_too():
    high = Rule(lambda x: np.where(x < 1e7, 2 * x, x), lambda x: 0.9 * x)  # fails beyond the grid
    with pytest.raises(ValueError, match=r"grow\(x\) must be > x"):
        trained(high)
    with pytest.raises(ValueError, match="upto must be > 0"):
        Rule(lambda x: x + 1, lambda x: x, upto=0.0)


def test_functions_that_write_into_their_argument_do_no_harm():
    def grow(x):
        x += 0.3
        return x

    def fade(x):
        x *= 0.8
        return x

    values, fires = np.array([[0.5, 1.0], [2.0, 0.0]]), np.array([[True, False], [False, True]])
    expected = np.where(fires, values + 0.3, 0.8 * values)
    np.testing.assert_allclose(Rule(grow, fade).apply(values, fires), expected, rtol=1e-15)
    np.testing.assert_array_equal(values, [[0.5, 1.0], [2.0, 0.0]])


@given(st.floats(0.01, 0.99), st.integers(0, 10**6))
def test_a_function_is_asked_where_it_is_not_used_without_refusal(bound, seed):
    """At the bound g+ may stay, beyond it no growth is asked of units that fade."""
    rng = np.random.default_rng(seed)
    rule = Rule(lambda x: np.minimum(x + 0.5 * (bound - x), bound), lambda x: 0.5 * x, upto=bound)
    values = np.where(rng.random(8) < 0.5, bound, bound * rng.random(8))
    fires = rng.random(8) < 0.5
    np.testing.assert_allclose(
        rule.apply(values, fires), np.where(fires, values + 0.5 * (bound - values), 0.5 * values), rtol=1e-12
    )


def test_growth_to_infinity_is_refused():
    rule = Rule(lambda x: np.where(x < 1e7, 2 * x, np.inf), lambda x: x)
    with pytest.raises(ValueError, match="grow"):
        rule.apply(np.array([1e8]), np.array([True]))
    np.testing.assert_array_equal(rule.apply(np.array([1e8]), np.array([False])), [1e8])


def test_edges_and_levels_are_told_apart_on_a_graph_with_numpy_indices():
    import networkx as nx

    plain = nx.DiGraph([((0, 0), (1, 0)), ((0, 1), (1, 0)), ((1, 0), (2, 0)), ((1, 0), (2, 1))])
    plain.nodes[1, 0]["rule"] = "any"
    numpy_graph = nx.relabel_nodes(plain, {node: tuple(map(np.int64, node)) for node in plain})
    rules = {"edges": Frozen(), np.int64(1): Additive(0.5), "default": Additive(0.1)}
    runs = [
        Neurashed(graph).train(
            [[1, 0], [0, 1]], [0, 1], rules, n_steps=10, rng=np.random.default_rng(0), initial=0.2, order=[[0]] * 10
        )
        for graph in (plain, numpy_graph)
    ]
    np.testing.assert_allclose(runs[0]["amplification"][-1], [1.2, 0.2, 5.2])
    for name in ("amplification", "edge_weights"):
        np.testing.assert_array_equal(runs[0][name], runs[1][name])
    np.testing.assert_array_equal(runs[1]["edge_weights"], 0.2)


def test_the_table_leaves_units_of_a_rule_of_functions_alone():
    rule = Rule(lambda x: 1.1 * x, lambda x: 0.9 * x)
    assert rule.coefficients(3) == (0.0, 1.0, 0.0)
    assert_allclose(rule.apply(np.array([2.0, 2.0]), np.array([True, False])), [2.2, 1.8])


def test_coefficients_of_every_rule_are_worked_by_hand():
    assert_allclose(Multiplicative(2.0, 0.5).coefficients(1), (np.log(2), 1, -np.log(2)))
    assert Additive(0.25, 0.75).coefficients(1) == (0.25, 0.75, 0.0)
    assert Additive(0.25).coefficients(1) == (0.25, 1.0, 0.0)
    assert Multiplicative(2.0).coefficients(7)[2] == 0
    assert Additive(0.25, 0.0).coefficients(1) == (0.25, 0.0, 0.0)
    varying = Additive(lambda step: 1 / step, lambda step: 1 - 1 / step)
    assert varying.coefficients(4) == (0.25, 0.75, 0.0)
    assert Stochastic(varying, 0.5).coefficients(2) == (0.5, 0.5, 0.0)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Multiplicative(lambda step: 4.0 - step), r"a must be > 1 so that g\+\(x\) > x, got 1"),
        (Multiplicative(2.0, lambda step: 1.5 - step / 2), r"b must be in \(0, 1\].*, got 0"),
        (Additive(lambda step: 3.0 - step), r"c must be > 0 so that g\+\(x\) > x, got 0"),
        (Additive(2.0, lambda step: (step - 1) / 1.6), r"b must be in \[0, 1\].*, got 1.25"),
    ],
)
def test_rates_that_vary_are_checked_at_the_step_that_breaks_them(rule, message):
    rule.coefficients(2)
    with pytest.raises(ValueError, match=message):
        rule.coefficients(3)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_node_that_fires_never_or_always_has_a_mean_rate_too(share):
    rule = Multiplicative(2.0, 0.5)
    assert mean_log_rate(rule, share) == (1 if share else -1) * np.log(2)
    for outside in (-0.1, [0.5, 1.1]):
        with pytest.raises(ValueError, match=r"frequency must be in \[0, 1\]"):
            mean_log_rate(rule, outside)


def test_the_chance_of_a_batch_is_exact_for_rare_features():
    assert_allclose(batch_frequency([1e-12, 0.2, 0.0], 3), [3e-12, 1 - 0.8**3, 0], rtol=1e-11)


UNITS = ((0, 0), (0, 1), (1, 0), (1, 1), ((1, 0), (2, 0)), ((1, 1), (2, 0)))


def test_every_unit_takes_the_most_specific_rule():
    rules = {
        "default": Additive(1.0),
        0: Additive(2.0),
        (0, 1): Multiplicative(3.0, 0.5),
        "edges": Additive(4.0, 0.5),
        ((1, 1), (2, 0)): Frozen(),
    }
    table = RuleTable(rules, UNITS)
    assert table.logarithmic.tolist() == [False, True, False, False, False, False]
    state = table.encode(np.full((2, 6), 8.0))
    fires = np.array([[True] * 6, [False] * 6])
    moved = table.decode(table.update(state, fires, 1, ()))
    assert_allclose(moved, [[10, 24, 9, 9, 12, 8], [8, 4, 8, 8, 4, 8]])
    assert_allclose(table.decode(table.update(state, fires, 1, ()), logs=True), np.log(moved))
    assert_allclose(table.decode(state), 8)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({0: Additive(1.0), "edges": Additive(1.0)}, r"rule must cover every unit, got none for \(1, 0\)"),
        ({0: Additive(1.0), 1: Additive(1.0)}, r"got none for \(\(1, 0\), \(2, 0\)\) and no 'default'"),
        ({"default": Additive(1.0), 2: Frozen()}, "rule must name nodes, edges or levels of the graph, got 2"),
        ({"default": Additive(1.0), (1, 2): Frozen()}, r"rule must name .*, got \(1, 2\)"),
        ({"default": 0.5}, "rule must be a rule of toymodels.neurashed, got 0.5 for 'default'"),
    ],
)
def test_rules_that_do_not_fit_the_units_are_named(rules, message):
    with pytest.raises(ValueError, match=message):
        RuleTable(rules, UNITS)


def test_multiplicative_units_must_start_above_zero_and_others_may_start_there():
    table = RuleTable({"default": Additive(1.0), 1: Multiplicative(2.0)}, UNITS)
    start = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    assert_array_equal(table.encode(start), [0, 0, 0, 0, 0, 0])
    assert_array_equal(table.decode(table.encode(start), logs=True), [-np.inf, -np.inf, 0, 0, -np.inf, -np.inf])
    start[3] = 0
    with pytest.raises(ValueError, match="initial must be > 0 where the rule is multiplicative, got 0"):
        table.encode(start)


def test_rates_that_vary_are_those_of_the_step():
    table = RuleTable({"default": Additive(lambda step: 10.0**step, lambda step: 1 / step)}, UNITS)
    fires = np.array([[True, False, True, False, True, False]])
    for step in (1, 3, 2):
        moved = table.update(np.ones((1, 6)), fires, step, ())
        assert_allclose(moved, np.where(fires, 1 + 10.0**step, 1 / step))


def test_a_coin_decides_for_every_unit_of_every_replicate_by_its_own_probability():
    rules = {
        "default": Stochastic(Additive(1.0, 0.5), 0.3),
        1: Additive(1.0, 0.5),
        "edges": Stochastic(Additive(1.0), 1),
    }
    table, n = RuleTable(rules, UNITS), 2000
    generators = [np.random.default_rng(seed) for seed in range(n)]
    fires = np.array([[True, False, True, False, True, False]])
    moved = table.update(np.full((n, 6), 4.0), fires, 1, generators)
    assert_array_equal(moved[:, 2:], np.tile([5.0, 2.0, 5.0, 4.0], (n, 1)))
    assert set(moved[:, 0]) == {4.0, 5.0}
    assert set(moved[:, 1]) == {4.0, 2.0}
    changed = moved[:, :2] != 4
    assert (np.abs(changed.mean(axis=0) - 0.3) < MONTE_CARLO * np.sqrt(0.21 / n)).all()
    assert abs(np.corrcoef(changed.T)[0, 1]) < MONTE_CARLO / np.sqrt(n)


@pytest.mark.parametrize("upto", [0.01, 1.0, 250.0])
def test_a_bounded_rule_is_asked_within_its_bound_only_and_up_to_both_ends(upto):
    asked = []

    def grow(x):
        asked.append((x.min(), x.max()))
        return x + 0.5 * (upto - x)

    Rule(grow, lambda x: 0.5 * x, upto=upto)
    low, high = np.min(asked), np.max(asked)
    assert 0 < low < 2e-3 * upto
    assert 0.998 * upto < high < upto


@pytest.mark.parametrize(
    ("grow", "fade", "at"),
    [
        (lambda x: np.where(x < 0.7303, x + 0.1, x), lambda x: x, 0.7303),
        (lambda x: x + 1, lambda x: np.where(x <= 0.2501, x, 1.0), 0.2501),
    ],
)
def test_the_smallest_value_that_breaks_a_rule_is_found_between_the_values_looked_at(grow, fade, at):
    with pytest.raises(ValueError, match=rf" at x = {at}$"):
        Rule(grow, fade, upto=3.0)


def test_a_rule_is_asked_for_growth_at_its_bound_and_may_stay_there_but_not_fall_from_it():
    staying = Rule(lambda x: np.minimum(x + 0.5, 2.0), lambda x: 0.5 * x, upto=2.0)
    assert_array_equal(staying.apply(np.array([1.75, 2.0]), np.array([True, True])), [2, 2])
    falling = Rule(lambda x: np.where(x < 2, x + 0.5, 1.5), lambda x: 0.5 * x, upto=2.0)
    with pytest.raises(ValueError, match=r"grow\(x\) must be > x, got 1.5 at x = 2"):
        falling.apply(np.array([1.75, 2.0]), np.array([True, True]))


@pytest.mark.parametrize("fires", [[1, 0], [True], [[True, False]]])
def test_what_fires_is_told_by_booleans_for_every_value(fires):
    rule = Rule(lambda x: x + 1, lambda x: x)
    with pytest.raises(ValueError, match=r"fires must be booleans of the shape of values \(2,\)"):
        rule.apply(np.array([1.0, 2.0]), fires)
    assert rule.apply([3.0], np.array([True])).tolist() == [4]


def test_decay_must_be_increasing_and_a_bound_positive():
    with pytest.raises(ValueError, match="fade must be increasing"):
        Rule(lambda x: x + 1, lambda x: np.where(x < 1, x, 0.5 * x), upto=3.0)
    for upto in (-1.0, np.nan, [1.0, 2.0]):
        with pytest.raises(ValueError, match="upto must be > 0"):
            Rule(lambda x: x + 1, lambda x: x, upto=upto)


def test_where_a_rule_is_used_the_value_that_breaks_it_is_named():
    high = Rule(lambda x: np.where(x < 1e7, 2 * x, x), lambda x: 0.9 * x)
    with pytest.raises(ValueError, match=r"grow\(x\) must be > x, got 1e\+09 at x = 1e\+09$"):
        high.apply(np.array([1.0, 1e9]), np.array([True, True]))


def test_a_rate_is_asked_for_no_step_before_its_time():
    table = RuleTable(Additive(lambda step: 2.0 - step), UNITS)
    fires = np.ones((1, 6), dtype=bool)
    assert_array_equal(table.update(np.zeros((1, 6)), fires, 1, ()), np.ones((1, 6)))
    with pytest.raises(ValueError, match="c must be > 0"):
        table.update(np.zeros((1, 6)), fires, 2, ())
