"""Faults that were found by hand, each with what must come of it."""

import numpy as np
import pytest
import torch

from comparisons.grokking.question import Question
from comparisons.harness.settings import changed, parse
from dnn.networks.mlp import MLP
from dnn.reading.linear_maps import sign_agreement
from dnn.reading.projection import center_cosines, class_means
from dnn.reading.rank_densities import MOST_BINS, rank_gradient, top_density
from toymodels.layerwise.riccati import transition
from toymodels.metrics.collapse import nc1
from toymodels.metrics.information import binned, quantised
from toymodels.run.sweep import sweep

NAN = torch.tensor([[0.0, float("nan")], [1.0, 1.0]])
LABELS = torch.tensor([0, 1])


@pytest.mark.parametrize("factor", [1e-310, 1e-200, 1e200])
def test_collapse_has_no_unit(factor):
    features = np.array([[0.0], [2.0], [10.0], [12.0]])
    assert nc1(features * factor, [0, 0, 1, 1]) == pytest.approx(0.02, rel=1e-3 if factor < 1e-300 else 1e-12)


def test_labels_need_no_room_of_their_own():
    import tracemalloc

    tracemalloc.start()
    assert quantised([0, 1, 0, 1], [0, 10**9, 0, 10**9]) == 1.0
    assert binned([0.1, 0.9, 0.2, 0.8], [0, 10**9, 0, 10**9], edges=[0, 0.5, 1]) == 1.0
    with pytest.raises(ValueError, match="labels must hold every class"):
        nc1(np.eye(3), [0, 1, 10**9])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("n_samples", [50, 5000])
@pytest.mark.parametrize("factor", [1e-310, 1e-300, 1e300])
def test_ranks_have_no_unit(n_samples, factor):
    rng = np.random.default_rng(0)
    fields, labels = rng.standard_normal((n_samples, 3)), rng.integers(0, 2, n_samples)
    sign = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])
    scaled, plain = rank_gradient(factor * fields, sign, labels), rank_gradient(fields, sign, labels)
    np.testing.assert_allclose(scaled, plain, atol=0.02)  # counted in buckets where there are many


def test_a_share_so_small_that_nothing_could_be_in_it_is_refused():
    with pytest.raises(ValueError, match=rf"share must be in \[1/{MOST_BINS}, 1\], got 1e-09"):
        top_density(np.eye(4), np.ones((2, 4)), [0, 1, 0, 1], share=1e-9)


@pytest.mark.parametrize("measure", [class_means, center_cosines])
def test_features_that_are_not_finite_are_refused(measure):
    with pytest.raises(ValueError, match="features must be finite"):
        measure(NAN, LABELS)


def test_inputs_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="x must be finite"):
        sign_agreement(MLP([2, 4, 2], rng=np.random.default_rng(0)), NAN)


def test_a_network_is_a_module_and_hands_nan_on():
    logits = MLP([2, 4, 2], rng=np.random.default_rng(0))(NAN)
    assert torch.isnan(logits[0]).all()
    assert torch.isfinite(logits[1]).all()


@pytest.mark.parametrize("words", ["train_level=2", "late_share=-1", "full_level=1.5"])
def test_levels_of_a_question_are_shares(words):
    with pytest.raises(ValueError, match=rf"{words.partition('=')[0]} must be in \[0, 1\], got"):
        changed(Question(), parse([words]))


@pytest.mark.parametrize("text", ["-" * 100_000 + "1", "(" * 100_000, "---...1"])
def test_a_value_that_is_no_literal_is_refused_however_long(text):
    with pytest.raises(ValueError, match="settings: least_rise must be of type float"):
        changed(Question(), parse([f"least_rise={text}"]))


def test_the_flow_from_a_subnormal_start_ends_at_its_target():
    end = transition([0.0, np.inf], target=1.0, initial=1e-310, imbalance=0.0)
    np.testing.assert_allclose(end, [1e-310, 1.0], rtol=1e-12)


def test_more_cells_than_anybody_has_room_for_are_refused_at_once():
    with pytest.raises(ValueError, match="grid must have at most 10000000 cells, got 1 points x 1000000000 replicates"):
        sweep(lambda rng: {"a": 1.0}, {}, replicates=10**9)
