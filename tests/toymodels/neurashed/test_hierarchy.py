import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from toymodels.neurashed import HierarchicalTask, Multiplicative
from toymodels.neurashed.pruning import accuracy

tasks = st.builds(
    HierarchicalTask,
    n_classes=st.integers(1, 4),
    n_shared=st.integers(1, 3),
    n_class=st.integers(2, 4),
    n_specific=st.integers(2, 8),
    class_per_sample=st.integers(1, 2),
    specific_per_sample=st.integers(1, 2),
    depth=st.integers(2, 4),
)


@given(tasks, st.integers(0, 999))
def test_samples_fire_consistent_pathways_that_reach_their_class(task, seed):
    rng = np.random.default_rng(seed)
    model = task.build(rng)
    inputs, labels = task.sample(9, rng)
    firing = model.fire(inputs)
    model.check([*firing, labels[:, None] == np.arange(task.n_classes)])
    assert (inputs.sum(axis=1) == task.n_shared + task.class_per_sample + task.specific_per_sample).all()
    own = [task.nodes_of(label)[0] for label in labels]
    assert firing[1][np.arange(9), np.array(own) - (task.n_shared if task.depth == 2 else 0)].all()


@given(tasks, st.integers(0, 999))
def test_no_node_of_another_class_fires(task, seed):
    rng = np.random.default_rng(seed)
    model = task.build(rng)
    inputs, labels = task.sample(task.n_classes, rng)
    for x, label in zip(inputs, labels, strict=True):
        others = {index for other in range(task.n_classes) if other != label for index in task.nodes_of(other)}
        assert not {index for _, index in model.pathway(x)} & others


def test_training_generalises_to_new_samples():
    task, rng = HierarchicalTask(), np.random.default_rng(0)
    model = task.build(rng)
    run = model.train(
        *task.sample(200, rng), Multiplicative(1.05, 0.98), n_steps=500, rng=rng, initial=0.1, sampling="epoch"
    )
    state = run["amplification"][-1], run["edge_weights"][-1]
    assert accuracy(model, *state, *task.sample(200, rng)) > 0.95


def test_the_same_generator_draws_the_same_task():
    task = HierarchicalTask()
    draws = [task.sample(20, np.random.default_rng(4))[0] for _ in range(2)]
    assert_array_equal(*draws)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 1}, "depth must be >= 2"),
        ({"class_per_sample": 5}, "class_per_sample must be <= n_class = 4"),
        ({"n_specific": 2}, "specific_per_sample must be <= n_specific = 2"),
        ({"n_classes": 0}, "n_classes"),
    ],
)
def test_bad_sizes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HierarchicalTask(**options)
