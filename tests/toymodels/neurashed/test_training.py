import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT
from tests.toymodels.neurashed import oracle
from toymodels import SimulationError
from toymodels.neurashed import Additive, Frozen, Multiplicative, Neurashed, Stochastic, graphs
from toymodels.neurashed.training import initial_values

seeds = st.integers(0, 2**32 - 1)
GROW = Multiplicative(1.1, 0.95)
RULES = {
    "multiplicative": (GROW, ("multiply", 1.1, 0.95)),
    "additive": (Additive(0.3, 0.9), ("add", 0.3, 0.9)),
    "additive without decay": (Additive(0.1), ("add", 0.1, 1.0)),
    "frozen": (Frozen(), ("add", 0.0, 1.0)),
}


def slow_rules(kinds, nodes):
    """Rules for the model and the same for the oracle, one kind per node and for all edges, a rate that varies."""
    of_unit = {node: RULES[kind] for node, kind in zip(nodes, kinds[1:], strict=False)}

    def rate(step):
        return 1.0 + 1 / (step + 1)

    mapping = {"edges": RULES[kinds[0]][0], "default": Multiplicative(rate, 0.9)}
    mapping |= {node: rule for node, (rule, _) in of_unit.items()}

    def rule_of(unit, step):
        if not isinstance(unit[0], int):
            return RULES[kinds[0]][1]
        return of_unit[unit][1] if unit in of_unit else ("multiply", rate(step), 0.9)

    return mapping, rule_of


@given(
    oracle.graphs(),
    seeds,
    st.lists(st.sampled_from(list(RULES)), min_size=1, max_size=5),
    st.sampled_from(["cofire", "union"]),
)
def test_training_is_bit_equal_to_the_oracle(graph, seed, kinds, edge_rule):
    inputs, labels = oracle.samples(graph, seed)
    model, rng = Neurashed(graph), np.random.default_rng(seed)
    rule, rule_of = slow_rules(kinds, model.nodes)
    initial = rng.lognormal(size=len(model.nodes) + len(model.edges))
    batches = [rng.integers(len(inputs), size=rng.integers(1, 4)) for _ in range(12)]
    run = model.train(inputs, labels, rule, n_steps=12, rng=rng, initial=initial, order=batches, edge_rule=edge_rule)
    slow = oracle.train(graph, inputs, labels, rule_of, batches, initial, edge_rule)
    assert_array_equal(np.hstack([run["amplification"], run["edge_weights"]]), slow)


def task_run(rule=GROW, **options):
    task = graphs.three_class()
    defaults = {"n_steps": 30, "rng": np.random.default_rng(3), "initial": (0.1, 0.2), "batch_size": 2}
    return task.model.train(task.inputs, task.labels, rule, **(defaults | options))


@pytest.mark.parametrize("rule", [GROW, Additive(0.1, 0.9), Stochastic(GROW, 0.5)])
@pytest.mark.parametrize("options", [{}, {"sampling": "epoch"}, {"edge_rule": "union"}, {"edge_training": False}])
def test_each_replicate_equals_a_run_of_its_own_bit_for_bit(rule, options):
    together = task_run(rule, replicates=3, rng=np.random.default_rng(5), **options)
    for k, child in enumerate(np.random.default_rng(5).spawn(3)):
        alone = task_run(rule, rng=child, **options)
        assert_array_equal(together["amplification"][:, k], alone["amplification"])
        assert_array_equal(together["edge_weights"][:, k], alone["edge_weights"])


def test_the_same_generator_gives_the_same_run_and_another_a_different_one():
    runs = [task_run(rng=np.random.default_rng(seed))["amplification"] for seed in (1, 1, 2)]
    assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_the_edge_rules_agree_for_single_samples_and_differ_for_batches():
    single = [task_run(edge_rule=rule, batch_size=1)["edge_weights"] for rule in ("cofire", "union")]
    assert_array_equal(*single)
    task = graphs.three_class()
    # one batch of a class-1 and a class-2 input: node (2, 1) fires for class 1, its edge to class 2 only by union
    batch = {"order": [[1, 2]], "n_steps": 1, "initial": 1.0}
    column = task.model.edges.index(((2, 1), (3, 1)))
    assert task_run(edge_rule="cofire", **batch)["edge_weights"][-1, column] == pytest.approx(0.95)
    assert task_run(edge_rule="union", **batch)["edge_weights"][-1, column] == pytest.approx(1.1)


def test_epochs_show_every_sample_equally_often():
    run = task_run(Additive(1.0), sampling="epoch", initial=0, n_steps=14, batch_size=2, edge_training=False)
    task = graphs.three_class()
    counts = 7 * task.model.firing_table(task.inputs).astype(int)
    # batches of two out of four samples: a node fires at most once per batch, at least half as often as its samples
    assert (run["amplification"][-1] <= counts.sum(axis=0)).all()
    single = task_run(Additive(1.0), sampling="epoch", initial=0, n_steps=28, batch_size=1, edge_training=False)
    assert_array_equal(single["amplification"][-1], counts.sum(axis=0))


def test_records_keep_the_start_and_the_end():
    full, thin = task_run(), task_run(every=7)
    assert thin.t.tolist() == [0, 7, 14, 21, 28, 30]
    assert_array_equal(thin["amplification"], full["amplification"][thin.t.astype(int)])


def test_logs_are_recorded_on_request_beyond_the_range_of_floats():
    run = task_run(scale="log", edge_training=False)
    assert_allclose(np.exp(run["log_amplification"]), task_run(edge_training=False)["amplification"], **EXACT)
    assert (run["log_edge_weights"] == 0).all()
    far = {"n_steps": 400, "rule": Multiplicative(10.0, 0.1), "batch_size": 8, "initial": 1.0}
    assert task_run(scale="log", **far)["log_amplification"].max() > 800
    with pytest.raises(SimulationError, match="amplification is not finite"):
        task_run(**far)
    with pytest.raises(SimulationError, match="log_amplification is not finite"):
        task_run(Additive(1.0), scale="log", initial=0.0)


def test_untrained_edges_stay_one_and_frozen_nodes_where_they_were():
    assert (task_run(edge_training=False)["edge_weights"] == 1).all()
    run = task_run({"default": GROW, 1: Frozen(), (2, 0): Frozen()})
    columns = [*range(10, 16), 16]
    assert (run["amplification"][-1, columns] == run["amplification"][0, columns]).all()
    assert (run["amplification"][-1, :10] != run["amplification"][0, :10]).all()


def test_the_most_specific_rule_wins():
    edge = ((2, 0), (3, 0))
    run = task_run(
        {"default": GROW, 0: Additive(1.0), (0, 1): Additive(5.0), "edges": Frozen(), edge: Additive(2.0)},
        order=[[0]],
        n_steps=1,
        initial=1.0,
    )
    model = graphs.three_class().model
    assert run["amplification"][-1, :2].tolist() == [2.0, 6.0]
    assert run["amplification"][-1, model.nodes.index((1, 0))] == pytest.approx(1.1)
    assert run["edge_weights"][-1].tolist() == [3.0, 1.0, 1.0, 1.0, 1.0]


def test_a_stochastic_rule_slows_growth_by_its_probability():
    options = {"order": [[0]] * 200, "n_steps": 200, "initial": 1.0, "replicates": 50, "scale": "log"}
    growth = task_run(Stochastic(GROW, 0.3), **options)["log_amplification"][-1, :, :5]
    error = np.sqrt(0.3 * 0.7 * 200 / growth.size) * np.log(1.1)
    assert abs(growth.mean() - 0.3 * 200 * np.log(1.1)) < 4 * error
    assert growth.std() > 0


def test_rates_may_depend_on_the_step_and_are_checked_when_reached():
    run = task_run(Additive(lambda step: float(step)), order=[[0]] * 4, n_steps=4, initial=0.0)
    assert run["amplification"][:, 0].tolist() == [0, 1, 3, 6, 10]
    with pytest.raises(ValueError, match="a must be > 1"):
        task_run(Multiplicative(lambda step: 3.5 - step), n_steps=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial": 0.0}, r"initial must be > 0 where the rule is multiplicative"),
        ({"initial": -1.0}, "initial must be >= 0"),
        ({"initial": np.nan}, "initial must be finite"),
        ({"initial": np.ones(20)}, "25 entries"),
        ({"initial": (0.2, 0.1)}, "low <= high"),
        ({"initial": (0.2,)}, "low <= high"),
        ({"batch_size": 0}, "batch_size must be >= 1"),
        ({"n_steps": 0}, "n_steps must be >= 1"),
        ({"n_steps": 2.5}, "n_steps must be an integer"),
        ({"every": 0}, "every must be >= 1"),
        ({"replicates": 0}, "replicates must be >= 1"),
        ({"edge_rule": "both"}, "edge_rule must be one of"),
        ({"sampling": "all"}, "sampling must be one of"),
        ({"scale": "db"}, "scale must be one of"),
        ({"order": [[0]]}, "n_steps = 30 batches, got 1"),
        ({"order": [[0]] * 29 + [[]]}, "at least one sample.*step 30"),
        ({"order": [[0]] * 29 + [[4]]}, r"indices 0 ... 3.*step 30"),
        ({"order": [[0.0]] * 30}, "indices"),
        ({"rule": "grow"}, "rule must be a rule"),
        ({"rule": {"default": 1.02}}, "rule must be a rule"),
        ({"rule": {(0, 0): GROW}}, r"none for \(0, 1\) and no 'default'"),
        ({"rule": {"default": GROW, (0, 99): GROW}}, r"got \(0, 99\)"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        task_run(**options)


@pytest.mark.parametrize("labels", [[0, 0, 1, 3], [0, 0, 1, -1], [0, 0, 1], [0.0, 0.0, 1.0, 2.0]])
def test_labels_outside_the_classes_are_refused(labels):
    task = graphs.three_class()
    with pytest.raises(ValueError, match="labels must be"):
        task.model.train(task.inputs, labels, GROW, n_steps=1, rng=np.random.default_rng(0), initial=1.0)


def test_a_range_of_initial_values_may_be_a_single_value():
    generators = [np.random.default_rng(k) for k in range(2)]
    assert_array_equal(initial_values((0.5, 0.5), 3, generators), np.full((2, 3), 0.5))
    low, high = initial_values((0.25, 0.5), 1000, generators).min(), initial_values((0.25, 0.5), 1000, generators).max()
    assert 0.25 <= low < 0.26 < 0.49 < high <= 0.5
    with pytest.raises(ValueError, match="low <= high"):
        initial_values((0.5, 0.25), 3, generators)
