import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels.neurashed.bottleneck import Q, predicted_rates, train_bottleneck


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
