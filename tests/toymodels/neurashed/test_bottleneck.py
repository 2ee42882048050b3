import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels.neurashed import bottleneck, graphs
from toymodels.neurashed.bottleneck import RULE, Q, predicted_rates, rules, train_bottleneck


def run(seed=0, **options):
    defaults = {"replicates": 4, "every": 100, "n_draws": 100}
    return train_bottleneck(np.random.default_rng(seed), **(defaults | options))


def test_rates_are_the_multiples_of_ln_q_worked_out_by_hand():
    left, right = [1 / 8, 1 / 2, 1 / 8], [1 / 2, 5 / 4, 1 / 2]
    assert_allclose(predicted_rates() / np.log(Q), [*left, *left, 3 / 4, *left, *left, *right, *right], **EXACT)
    assert_allclose(predicted_rates(shared=False)[6:8] / np.log(Q), 1 / 4, **EXACT)


@pytest.mark.parametrize("shared", [True, False])
def test_the_second_level_learns_the_types_and_then_forgets_all_but_the_class(shared):
    got = run(shared=shared)
    bits = got["level2_input"]
    assert bits[0].max() < 1.2
    assert bits.mean(axis=1).max() > 1.8
    assert_allclose(bits[-1].mean(), 1, atol=0.03)
    assert bits[-1].max() < 1.1
    assert got["level2_label"][-1].min() > 0.99


@pytest.mark.parametrize(
    "control", [{"relative_noise": 0.0}, {"batch_size": 32}], ids=["no relative noise", "large batch"]
)
def test_controls_do_not_forget(control):
    assert run(every=300, **control)["level2_input"][-1].min() > 1.9


def test_without_absolute_noise_there_is_nothing_to_learn():
    bits = run(every=300, absolute_noise=0.0)["level2_input"]
    assert bits[0].min() > 1.9
    assert bits[-1].max() < 1.1


def test_a_shared_seventh_node_drowns_even_the_label_on_the_first_level():
    late = {"n_steps": 1500, "every": 1500, "replicates": 2}
    assert run(**late)["level1_label"][-1].max() < 0.5
    assert run(shared=False, **late)["level1_label"][-1].min() > 0.95


def test_information_never_exceeds_its_entropy_and_the_data_processing_inequality_holds():
    got = run(every=100)
    for level in ("level1", "level2"):
        assert (got[f"{level}_input"] <= 3 + 1e-9).all()
        assert (got[f"{level}_label"] <= 1 + 1e-9).all()
        assert (got[f"{level}_label"] <= got[f"{level}_input"] + 0.05).all()


def test_noise_must_be_somewhere():
    with pytest.raises(ValueError, match="not both be 0"):
        run(absolute_noise=0.0, relative_noise=0.0)
    with pytest.raises(ValueError, match="absolute_noise must be >= 0"):
        run(absolute_noise=-0.1)


def test_noise_of_a_level_has_an_absolute_part_and_one_of_its_strongest_node(monkeypatch):
    monkeypatch.setattr(bottleneck, "gaussian_mixture", lambda means, noise, rng, n, labels: noise + (labels is None))
    options = {"n_steps": 40, "batch_size": 2, "replicates": 3, "every": 10}
    got = train_bottleneck(np.random.default_rng(1), absolute_noise=0.5, relative_noise=2.0, **options)
    task = graphs.information_bottleneck()
    slow = task.model.train(
        task.inputs,
        task.labels,
        rules(),
        rng=np.random.default_rng(1),
        initial=(0.0, 0.01),
        edge_training=False,
        **options,
    )["amplification"]
    for name, level in (("level1", slow[..., :13]), ("level2", slow[..., 13:])):
        noise = 0.5 + 2 * level.max(axis=-1)
        assert_allclose(got[f"{name}_label"], noise, **EXACT)
        assert_allclose(got[f"{name}_input"], noise + 1, **EXACT)
    assert got.t.tolist() == [0, 10, 20, 30, 40]


def test_the_seventh_nodes_alone_have_a_rule_of_their_own():
    for shared, sevenths in ((True, {(0, 6)}), (False, {(0, 6), (0, 7)})):
        table = rules(shared)
        assert set(table) == {"default", *sevenths}
        assert table["default"] == RULE
        for node in sevenths:
            assert_allclose(table[node].coefficients(1), (0.75 * np.log(Q), 1, -0.25 * np.log(Q)))
    assert_allclose(RULE.coefficients(1), (2.75 * np.log(1.022), 1, -0.25 * np.log(1.022)))


def test_either_noise_alone_is_enough():
    for noise in ({"absolute_noise": 0.01, "relative_noise": 0.0}, {"absolute_noise": 0.0, "relative_noise": 0.01}):
        assert np.isfinite(run(n_steps=1, n_draws=5, **noise)["level1_input"]).all()
    with pytest.raises(ValueError, match="relative_noise must be >= 0"):
        run(relative_noise=-0.1)
