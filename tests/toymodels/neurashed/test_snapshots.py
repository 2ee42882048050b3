import numpy as np
import pytest

from toymodels.neurashed import DelayedGeneralisation, HierarchicalTask, Multiplicative, local_elasticity
from toymodels.neurashed.snapshots import delayed_snapshots, graph_snapshot

MODEL = DelayedGeneralisation(n_classes=3, n_train=12, n_votes=40, votes_per_sample=4, depth=2, epsilon=0.01, n_test=6)


def graph():
    rng = np.random.default_rng(0)
    task = HierarchicalTask(n_classes=3, depth=2)
    model = task.build(rng)
    inputs, labels = task.sample(12, rng)
    return model, rng.uniform(0.5, 2, len(model.nodes)), rng.uniform(0.5, 2, len(model.edges)), inputs, labels


def test_the_outputs_of_a_graph_are_read_off_its_last_level():
    model, nodes, edges, inputs, labels = graph()
    now = graph_snapshot(model, nodes, edges, inputs)
    np.testing.assert_allclose(now.outputs, model.logits(nodes, edges, model.fire(inputs)), rtol=1e-12)
    np.testing.assert_allclose(now.features @ now.readouts[0].T, now.outputs, rtol=1e-12)
    np.testing.assert_array_equal(now.features > 0, now.firing)
    for given in ({}, {"labels": labels}, {"rule": Multiplicative(1.1, 0.95)}):
        silent = graph_snapshot(model, nodes, edges, inputs, **given)
        assert silent.reason("changes") == "no labels and rule to update by were given"
    assert len(labels) == len(now.outputs)


def test_updates_of_a_graph_are_those_of_its_local_elasticity():
    model, nodes, edges, inputs, labels = graph()
    rule = Multiplicative(1.1, 0.95)
    now = graph_snapshot(model, nodes, edges, inputs, labels, rule)
    size = np.linalg.norm(now.changes, axis=2)
    expected = local_elasticity(model, (nodes, edges), inputs[:10], inputs, rule=rule, labels=labels[:10])
    np.testing.assert_allclose(size / size[np.arange(10), np.arange(10)][:, None], expected, rtol=1e-9)


def test_whatever_needs_a_vector_space_has_a_reason():
    now = graph_snapshot(*graph()[:4])
    for name in ("kernel", "linear_outputs", "neurons", "parameters", "inputs", "predict"):
        assert not now.has(name)
        assert "gives no" not in now.reason(name)


def by_hand(model, n_steps, rng, extra=None):
    """Outputs of the training samples by one update after the other, the way the module tells it."""
    votes = model._draw_votes(model.n_train, rng)
    model._draw_votes(model.n_test, rng)
    edges = rng.uniform(0, 0.1, (model.n_votes, model.n_classes))
    chains = np.full(model.n_classes, float(model.epsilon))
    draws = [*rng.integers(model.n_train, size=n_steps), *([] if extra is None else [extra])]
    for sample in draws:
        label = sample % model.n_classes
        chains *= np.where(np.arange(model.n_classes) == label, model.up, model.down)
        edges[votes[sample], label] += 1
    own = np.eye(model.n_classes)[np.arange(model.n_train) % model.n_classes]
    return edges[votes].sum(axis=1) + own * chains**model.depth


def test_snapshots_of_delayed_generalisation_are_its_run():
    run = MODEL.simulate(200, np.random.default_rng(1), every=100)
    snapshots, labels = delayed_snapshots(MODEL, 200, np.random.default_rng(1), every=100)
    start, *states = snapshots
    accuracy = [(now.outputs.argmax(axis=1) == labels).mean() for now in states]
    np.testing.assert_allclose(accuracy, run["train"])
    np.testing.assert_allclose(start.outputs, by_hand(MODEL, 0, np.random.default_rng(1)), rtol=1e-12)
    np.testing.assert_allclose(states[-1].outputs, by_hand(MODEL, 200, np.random.default_rng(1)), rtol=1e-10)


@pytest.mark.parametrize("base", [0, 4])
def test_an_update_is_one_more_draw(base):
    snapshots, _ = delayed_snapshots(MODEL, 50, np.random.default_rng(2), every=50)
    *_, end = snapshots
    before, after = (by_hand(MODEL, 50, np.random.default_rng(2), extra) for extra in (None, base))
    np.testing.assert_allclose(end.outputs, before, rtol=1e-10)
    np.testing.assert_allclose(end.changes[base], after - before, rtol=1e-8, atol=1e-12)


def test_no_growth_overflows():
    model = DelayedGeneralisation(up=2.0, n_train=8, n_votes=50)
    snapshots, labels = delayed_snapshots(model, 5000, np.random.default_rng(0), every=5000)
    *_, end = snapshots
    assert np.isfinite(end.outputs).all()
    assert end.features.max() == 1
    assert (end.outputs.argmax(axis=1) == labels).any()
    np.testing.assert_array_equal(end.firing.sum(axis=1), model.votes_per_sample + 1)


def test_a_generator_is_left_as_it_was():
    rng = np.random.default_rng(0)
    delayed_snapshots(MODEL, 10, rng)
    assert rng.random() == np.random.default_rng(0).random()


def test_refusals():
    with pytest.raises(ValueError, match="n_steps must be >= 1, got 0"):
        delayed_snapshots(MODEL, 0, np.random.default_rng(0))
    model, nodes, edges, inputs, _ = graph()
    with pytest.raises(ValueError, match="amplification must be >= 0"):
        graph_snapshot(model, -nodes, edges, inputs)
