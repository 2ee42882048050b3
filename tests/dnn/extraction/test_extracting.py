import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dnn.extraction.extracting import extract, extract_fields
from dnn.extraction.nodes import phi
from dnn.networks.mlp import MLP
from tests.dnn.observing.kinds import CLASSES, N, kinds

KINDS = kinds()


def planted(rng, n=600, copies=3):
    """Fields of two layers that a graph made: class c has features 2c and 2c + 1, whose union fires the node above.

    The last node of the upper layer fires by a coin, which no threshold explains.
    """
    labels = rng.integers(3, size=n)
    low = np.zeros((n, 6), dtype=bool)
    for feature in range(6):
        low[:, feature] = (labels == feature // 2) & (rng.random(n) < 0.45)
    high = np.stack([low[:, 0] | low[:, 1], low[:, 2] | low[:, 3], low[:, 4] | low[:, 5]], axis=1)
    coin = rng.random(n) < 0.5
    layers = {"low": low, "high": np.column_stack([high, coin])}
    return {name: _field(states, copies, rng) for name, states in layers.items()}, layers, labels


def _field(states, copies, rng):
    wide = np.repeat(states, copies, axis=1)
    return np.where(wide, 1.0, -1.0) * rng.uniform(0.5, 1.5, wide.shape)


@given(st.integers(0, 10_000))
def test_a_planted_graph_is_found_again(seed):
    fields, layers, labels = planted(np.random.default_rng(seed))
    for states in layers.values():  # once in a hundred draws chance makes two features one
        assume((phi(states, states) - np.eye(len(states.T)) < 0.45).all())
    found = extract_fields(fields, labels)
    for nodes, states in zip(found.layers, layers.values(), strict=True):
        assert [units.tolist() for units in nodes.units] == np.arange(3 * len(states.T)).reshape(-1, 3).tolist()
        assert (nodes.firing == states).all()
    wanted = {(f, f // 2) for f in range(6)}
    assert {(f[1], g[1]) for (f, g) in found.edges if f[0] == "low" and g[1] < 3} >= wanted
    assert found.unexplained == (("high", 3),)
    assert found.explained == 0.75
    assert found.model is not None
    assert len(found.model.nodes) == 10
    assert found.model.skip == any(f == ("high", 3) for f, _ in found.edges)  # of level 0, but below the classes
    assert found.agreement > 0.98


@given(st.integers(0, 10_000))
def test_the_model_fires_as_the_data_and_has_the_extracted_state(seed):
    fields, _, labels = planted(np.random.default_rng(seed))
    found = extract_fields(fields, labels)
    model, (amplification, weights) = found.model, found.state
    assert model is not None
    names = [model.graph.nodes[node]["name"] for node in model.nodes]
    for (layer, node), value in zip((name.split("/") for name in names), amplification, strict=True):
        place = ["low", "high"].index(layer)
        assert value == found.amplification[place][int(node)]
    for (source, target), value in zip(model.edges, weights, strict=True):
        layer, node = model.graph.nodes[source]["name"].split("/")
        assert layer == "high"
        assert value == found.edges[(layer, int(node)), ("class", target[1])]
    assert (model.firing_table(found.inputs)[:, : model.offsets[1]] == found.inputs).all()


def test_a_graph_without_paths_has_no_model_and_says_so():
    rng = np.random.default_rng(0)
    found = extract_fields({"hidden": rng.normal(size=(200, 5))}, np.arange(200) % 3)
    assert found.model is None
    assert found.explained is None
    with pytest.raises(ValueError, match="every class must have a path into it for a model, got none for"):
        found.inputs  # noqa: B018


def test_shuffling_with_the_same_generator_gives_the_same_graph():
    fields, _, labels = planted(np.random.default_rng(0))
    first, second = (extract_fields(fields, labels, rng=np.random.default_rng(3)) for _ in range(2))
    assert first.edges == second.edges


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_module_is_extracted(kind):
    network, x = KINDS[kind]
    if kind in refused():
        return
    found = extract(network, x, torch.arange(N) % CLASSES)
    assert all(nodes.firing.shape == (N, len(nodes)) for nodes in found.layers)
    assert "paths" in repr(found)


def refused():
    from dnn.extraction.fields import fields_of

    names = []
    for name, (network, x) in KINDS.items():
        try:
            fields_of(network, x)
        except ValueError:
            names.append(name)
    return names


def test_few_kinds_have_no_hidden_layer():
    assert len(refused()) <= 3


def test_a_wide_network_is_extracted_in_seconds():
    import time

    network = MLP([784, 200, 200, 10], rng=np.random.default_rng(0))
    x = torch.rand(1000, 784, generator=torch.Generator().manual_seed(0))
    start = time.process_time()
    extract(network, x, torch.arange(1000) % 10)
    assert time.process_time() - start < 10


def test_bad_arguments_are_named():
    network = MLP([4, 5, 3], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="labels must be integers"):
        extract(network, torch.zeros(6, 4), torch.linspace(0, 1, 6))
    with pytest.raises(ValueError, match="fields must hold a layer"):
        extract_fields({}, [0, 1])
    with pytest.raises(ValueError, match="one entry per row"):
        extract(network, torch.zeros(6, 4), torch.zeros(5, dtype=torch.long))


def test_edges_are_the_paths():
    fields, _, labels = planted(np.random.default_rng(0))
    found = extract_fields(fields, labels)
    assert len(found.edges) == sum(int((strengths > 0).sum()) for strengths in found.paths)
    assert_allclose(sum(found.edges.values()), sum(strengths.sum() for strengths in found.paths))


def test_nodes_of_one_layer_need_no_rule_and_all_agree():
    fields, _, labels = planted(np.random.default_rng(0))
    found = extract_fields({"low": fields["low"]}, labels)
    assert found.model is not None
    assert found.agreement == 1.0


@given(st.integers(0, 10_000))
def test_rules_of_every_layer_are_those_of_that_layer(seed):
    rng = np.random.default_rng(seed)
    low = np.tile(np.array(list(np.ndindex(2, 2, 2, 2))) > 0, (20, 1))  # no feature says anything about another
    middle = np.column_stack([low[:, 0] & low[:, 1], low[:, 2] | low[:, 3]])
    high = np.column_stack([middle[:, 0] | middle[:, 1], middle[:, 0] & middle[:, 1], ~middle.any(axis=1)])
    fields = {name: _field(states, 3, rng) for name, states in (("low", low), ("middle", middle), ("high", high))}
    found = extract_fields(fields, middle.sum(axis=1))
    assert [rules.least.tolist() for rules in found.rules] == [[2, 1], [1, 2, 0]]
    assert found.unexplained == (("high", 2),)
    assert found.agreement == 1.0


def test_classes_that_no_path_leads_to_are_named():
    labels = np.arange(240) % 3
    hidden = np.where(labels[:, None] == 0, 1.0, -1.0) * np.random.default_rng(0).uniform(0.5, 1.5, (240, 3))
    found = extract_fields({"hidden": hidden}, labels)
    lost = np.flatnonzero(~found.paths[-1].any(axis=0)).tolist()
    assert lost == [1, 2]
    with pytest.raises(ValueError, match=r"got none for \[1, 2\]"):
        found.inputs  # noqa: B018
