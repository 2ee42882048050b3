import numpy as np
import pytest
from numpy.testing import assert_array_equal

from toymodels.neurashed import Frozen, HierarchicalTask, Multiplicative, graphs
from toymodels.neurashed.pruning import accuracy, dominant_nodes


def trained(seed, rule=None):
    rng = np.random.default_rng(seed)
    task = HierarchicalTask()
    model = task.build(rng)
    data, test = task.sample(200, rng), task.sample(200, rng)
    rule = rule or Multiplicative(1.05, 0.98)
    order = rng.integers(200, size=(800, 1))
    run = model.train(*data, rule, n_steps=800, rng=rng, initial=0.1, order=order, every=800)
    return model, run, data, test, rng, order


@pytest.mark.parametrize("seed", range(3))
def test_a_third_of_the_nodes_predicts_as_well_as_all_and_the_rest_does_not(seed):
    model, run, _, test, _, _ = trained(seed)
    state = run["amplification"][-1], run["edge_weights"][-1]
    kept = dominant_nodes(model, run["amplification"][-1], 1 / 3)
    whole = accuracy(model, *state, *test)
    assert whole > 0.95
    assert accuracy(model, *state, *test, kept=kept) >= whole - 0.01
    assert accuracy(model, *state, *test, kept=~kept) < 0.6


def test_how_often_nodes_fire_predicts_which_dominate():
    model, run, data, _, _, _ = trained(1)
    frequent = dominant_nodes(model, model.firing_table(data[0]).mean(axis=0), 1 / 3)
    dominant = dominant_nodes(model, run["amplification"][-1], 1 / 3)
    assert (frequent == dominant).mean() > 0.9


def test_a_ticket_trained_alone_ends_as_it_does_within_the_whole():
    model, run, data, _, rng, order = trained(2)
    kept = dominant_nodes(model, run["amplification"][-1], 1 / 3)
    rule = {"default": Multiplicative(1.05, 0.98)}
    rule |= {node: Frozen() for node, keep in zip(model.nodes, kept, strict=True) if not keep}
    alone = model.train(*data, rule, n_steps=800, rng=rng, initial=0.1, order=order, every=800)
    assert_array_equal(alone["amplification"][-1, kept], run["amplification"][-1, kept])


def test_ties_at_zero_do_not_count_as_right():
    task = graphs.worked_example()
    assert accuracy(task.model, np.zeros(13), np.ones(3), task.inputs, task.labels) == 0


def test_dominant_nodes_keep_the_strongest_of_every_level():
    model = graphs.worked_example().model
    strength = np.arange(13.0)
    assert np.flatnonzero(dominant_nodes(model, strength, 0.2)).tolist() == [8, 9, 12]
    assert dominant_nodes(model, strength, 1.0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((np.ones(12), 0.5), "13 entries"), ((np.ones(13), 0.0), "share must be > 0"), ((-np.ones(13), 0.5), "strength")],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        dominant_nodes(graphs.worked_example().model, *arguments)


def test_part_of_a_level_is_rounded_up_and_ties_go_to_the_first():
    model = graphs.build(4, [{0: ([0], "any"), 1: ([1], "any"), 2: ([2], "any")}], [[0, 1, 2]])
    strength = [1.0, 3.0, 3.0, 3.0, 5.0, 0.0, 5.0]
    assert np.flatnonzero(dominant_nodes(model, strength, 0.5)).tolist() == [1, 2, 4, 6]
    assert np.flatnonzero(dominant_nodes(model, strength, 0.51)).tolist() == [1, 2, 3, 4, 6]
    assert np.flatnonzero(dominant_nodes(model, strength, 1e-9)).tolist() == [1, 4]


def test_accuracy_of_a_hand_worked_graph_with_and_without_a_node():
    """Logits of class 0: node 0; of class 1: nodes 1 and 2, the second with half the weight."""
    model = graphs.build(3, [], [[0], [1, 2]])
    state = [3.0, 2.0, 4.0], [1.0, 1.0, 0.5]
    inputs, labels = [[1, 1, 0], [1, 1, 1], [0, 1, 0], [0, 0, 0]], [0, 1, 1, 0]
    assert accuracy(model, *state, inputs, labels) == 0.75  # without any firing node there is a tie
    assert accuracy(model, *state, inputs, labels, kept=[True, True, False]) == 0.5
    assert accuracy(model, *state, inputs, labels, kept=[False, True, True]) == 0.5
