import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dnn.extraction.extracting import extract_fields
from dnn.extraction.fields import shuffled
from dnn.extraction.predictions import (
    predict_active,
    predict_dominant,
    predict_elasticity,
    predict_participation,
    random_units,
)
from tests.dnn.extraction.test_extracting import planted
from toymodels.neurashed import Multiplicative, local_elasticity


def explained_part(rng):
    """A planted graph without the node that no rule explains, whose model fires exactly as its data."""
    fields, _, labels = planted(rng)
    fields["high"] = fields["high"][:, :9]
    found = extract_fields(fields, labels)
    return found if found.model is not None and found.agreement == 1.0 else None


@given(st.integers(0, 10_000))
def test_elasticity_is_that_of_a_small_update_of_the_model(seed):
    found = explained_part(np.random.default_rng(seed))
    if found is None:
        return
    bases, tests = np.arange(6), np.arange(20, 40)
    says = found.layers[1].firing[bases].any(axis=1)
    bases = bases[says]
    assert found.model is not None
    rule = Multiplicative(1 + 1e-6)
    labels = found.labels[bases]
    inputs = found.inputs
    wanted = local_elasticity(found.model, found.state, inputs[bases], inputs[tests], rule=rule, labels=labels)
    predicted = predict_elasticity(found, bases, tests)
    assert predicted is not None
    assert_allclose(predicted, wanted, rtol=1e-4, atol=1e-9)


def test_the_oracle_is_asked_in_most_cases():
    assert sum(explained_part(np.random.default_rng(seed)) is not None for seed in range(10)) >= 7


def test_elasticity_is_local_and_1_at_the_base():
    found = explained_part(np.random.default_rng(0))
    assert found is not None
    bases = np.flatnonzero(found.layers[1].firing.any(axis=1))[:10]
    predicted = predict_elasticity(found, bases, np.arange(len(found.labels)))
    assert predicted is not None
    assert_allclose(predicted[np.arange(10), bases], 1.0)
    same = found.labels[bases][:, None] == found.labels
    assert (predicted[~same] == 0).all()  # classes share no node
    assert predicted[same].mean() > 0.5


def test_a_graph_without_paths_says_nothing():
    fields, _, labels = planted(np.random.default_rng(0))
    found = extract_fields(shuffled(fields, np.random.default_rng(0)), labels)
    assert predict_elasticity(found, [0], [1]) is None or not found.paths[-1].any(axis=0).all()
    with pytest.raises(ValueError, match=r"tests must be rows 0\.\.599, got 600"):
        predict_elasticity(found, [0], [600])


@given(st.integers(0, 10_000), st.floats(0.05, 1.0))
def test_the_kept_part_has_its_size_and_the_best_units(seed, share):
    rng = np.random.default_rng(seed)
    fields, _, labels = planted(rng)
    found = extract_fields(fields, labels)
    for kept in (predict_dominant(found, share), predict_active(found, share), random_units(found, rng, share)):
        assert list(kept) == ["low", "high"]
        for mask, nodes in zip(kept.values(), found.layers, strict=True):
            assert mask.sum() == np.ceil(share * len(nodes.activity) - 1e-9)
    dominant, active = predict_dominant(found, share), predict_active(found, share)
    for nodes, strengths in zip(found.layers, found.paths, strict=True):
        worth = nodes.amplification * nodes.firing.mean(axis=0) * strengths.sum(axis=1)
        mask = dominant[nodes.layer]
        if not mask.all():
            assert worth[nodes.node_of[mask]].min() >= worth[nodes.node_of[~mask]].max()
            mask = active[nodes.layer]
            assert nodes.activity[mask].min() >= nodes.activity[~mask].max()


def test_dead_units_are_never_dominant():
    fields, _, labels = planted(np.random.default_rng(0))
    fields["low"][:, 4] = -1.0
    kept = predict_dominant(extract_fields(fields, labels), 17 / 18)
    assert not kept["low"][4]
    assert kept["low"].sum() == 17


def test_small_batches_are_sparser_by_the_law():
    rng = np.random.default_rng(0)
    firing = np.stack([np.ones(400), *(rng.random(400) < 0.3 for _ in range(6))], axis=1)
    field = np.where(firing > 0, 1.0, -1.0)
    found = extract_fields({"hidden": field}, (np.arange(400) % 2), rare=0.0)
    small, middle, full = (predict_participation(found, size, 300, np.random.default_rng(1))[0] for size in (1, 8, 400))
    assert small == pytest.approx(1.0, abs=1e-3)
    assert small < middle < full
    assert full == pytest.approx(7.0, rel=1e-9)  # every node fires in every batch


def test_every_layer_has_its_own_participation():
    rng = np.random.default_rng(0)
    fields, _, labels = planted(rng)
    both = predict_participation(extract_fields(fields, labels), 600, 50, np.random.default_rng(1))
    alone = [
        predict_participation(extract_fields({name: field}, labels), 600, 50, np.random.default_rng(1))[0]
        for name, field in fields.items()
    ]
    assert both == pytest.approx(alone, rel=1e-9)  # a full batch fires all nodes, whatever the order
    assert both[0] > both[1] > 1


def test_without_nodes_there_is_nothing_to_train():
    found = extract_fields({"hidden": -np.ones((20, 3))}, np.arange(20) % 2)
    with pytest.raises(ValueError, match="every layer must have a node, got none in hidden"):
        predict_participation(found, 1, 5, np.random.default_rng(0))
    with pytest.raises(ValueError, match="share must be > 0"):
        predict_dominant(found, 0.0)


def test_rows_that_are_not_there_are_refused():
    fields, _, labels = planted(np.random.default_rng(0))
    found = extract_fields(fields, labels)
    for rows in ([len(labels)], [0, len(labels)]):
        for bases, tests in ((rows, [0]), ([0], rows)):
            with pytest.raises(ValueError, match=rf"must be rows 0\.\.{len(labels) - 1}, got {len(labels)}"):
                predict_elasticity(found, bases, tests)
