"""Faults that were found by hand, each with what must come of it."""

import pickle
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch

import comparisons
from comparisons import Model, Verdict
from comparisons.grokking.question import Question
from comparisons.harness.settings import changed, parse
from dnn import (
    MLP,
    Recorder,
    TrainConfig,
    extract,
    observe,
    probes,
    project,
    pruned_accuracy,
    train,
    train_ensemble,
    weight_basin,
)
from dnn.data import Split, load
from dnn.reading.linear_maps import sign_agreement
from dnn.reading.projection import center_cosines, class_means
from dnn.reading.rank_densities import MOST_BINS, rank_gradient, top_density
from figures.harness.registry import find
from figures.harness.running import Request, make
from tests.comparisons.harness.toy import STUDY
from tests.figures.harness.toy import FIGURE
from toymodels.condensation.random_features import ridge_weights
from toymodels.layerwise import UnconstrainedFeatures, entropy_interpolator
from toymodels.layerwise.label_noise import label_noise_descent, predicted_beta
from toymodels.layerwise.riccati import transition
from toymodels.layerwise.symbolic.printing import numpy_function
from toymodels.metrics.collapse import nc1
from toymodels.metrics.emergence import gaps_and_rises, rise_of_sigmoid, stage_of
from toymodels.metrics.information import binned, quantised
from toymodels.run.sweep import sweep
from toymodels.trajectory import SimulationError

SPLIT = Split(torch.eye(4)[:, :2] + 1, torch.tensor([0, 1, 1, 0]), torch.eye(4)[:, :2], torch.tensor([0, 1, 1, 0]))
CONFIG, RNG = TrainConfig(n_steps=2, records=2), np.random.default_rng(0)


@dataclass(frozen=True)
class Optional:
    depth: float | None = None


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


X, Y = torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 0.0]]), torch.tensor([0, 1, 1])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((X * NAN[0, 1], Y, X, Y), "x_train must be finite, got nan among its entries"),
        ((X, Y, X + 1j, Y), "x_test must be real, got Tensor of torch.complex64"),
        ((X, ["a", "b", "c"], X, Y), "y_train must be a tensor, got"),
        ((X, None, X, Y), "y_train must be a tensor, got None"),
        ((X, Y, X, torch.tensor(1)), "y_test must be a tensor of samples, got"),
        ((X, Y[:2], X, Y), "x_train and y_train must be non-empty and of equal length, got 3 and 2"),
        ((X, Y, X[:0], Y[:0]), "x_test and y_test must be non-empty and of equal length, got 0 and 0"),
    ],
)
def test_a_split_is_checked_where_it_is_made(parts, message):
    with pytest.raises(ValueError, match=message):
        Split(*parts)
    with pytest.raises(ValueError, match=message):
        Split(X, Y, X, Y)._replace(**dict(zip(Split._fields, parts, strict=True)))


def test_a_split_takes_arrays_and_survives_a_copy():
    split = Split(X.numpy(), Y.numpy(), X.tolist(), Y.tolist())
    assert all(isinstance(part, torch.Tensor) for part in split)
    again = pickle.loads(pickle.dumps(split))
    assert isinstance(again, Split)
    assert torch.equal(again.x_test, X)


def test_samples_are_read_in_the_precision_of_the_network():
    network = MLP([2, 4, 2], rng=np.random.default_rng(0))
    single, double = (pruned_accuracy(network, Split(x, Y, x, Y)) for x in (X, X.double()))
    assert np.array_equal(single, double)
    torch.testing.assert_close(project(network, X.double()), project(network, X))
    with pytest.raises(ValueError, match="x must be finite, got inf among its entries"):
        project(network, 1e200 * X.double())  # too large for single precision


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: train(3, SPLIT, CONFIG, RNG), "network must be a torch module, got 3"),
        (lambda net: train(net, SPLIT, None, RNG), "config must be a TrainConfig, got None"),
        (lambda net: train(net, SPLIT, CONFIG, None), "rng must be a numpy Generator"),
        (lambda net: train(net, None, CONFIG, RNG), "split must be a Split"),
        (lambda net: train(net, SPLIT, CONFIG, RNG, probes="abc"), "probes must map names to functions, got 'abc'"),
        (lambda net: train_ensemble(None, SPLIT, CONFIG, [RNG]), "networks must be a sequence, got None"),
        (lambda net: train_ensemble([net], SPLIT, CONFIG, [0]), "rngs must be a numpy Generator"),
        (lambda net: observe("net", SPLIT), "module must be a torch module, got 'net'"),
        (lambda net: observe(net, SPLIT, 3), "quantities must be names, got 3"),
        (lambda net: observe(net, SPLIT, layers=["a"]), r"layers must be a str, got \['a'\]"),
        (lambda net: extract(net, X[:0], Y[:0]), "x must hold at least one sample"),
        (lambda net: extract(net, X, [0, 1, 10**9]), "labels must be < 65536, got 1000000000"),
        (lambda net: extract(net, X, Y, shuffles=10**9), "shuffles must be <= 10000, got 1000000000"),
        (
            lambda net: weight_basin(net, X, net(X).argmax(1), RNG, draws=10**9),
            "draws must be <= 10000, got 1000000000",
        ),
        (lambda net: probes.information(net, SPLIT, bins=10**9), "bins must be <= 65536, got 1000000000"),
        (lambda net: probes.basins(net, SPLIT, draws="1"), "draws must be an integer, got '1'"),
        (lambda net: probes.condensation(net, SPLIT, threshold=None), "threshold must be numeric, got None"),
        (lambda net: MLP(None), "widths must be a sequence of integers, got None"),
        (lambda net: MLP([2, 2], ["relu"]), "activation must be one of"),
        (lambda net: MLP([2, 2], batch_norm=np.ones(2)), "batch_norm must be True or False, got ndarray"),
        (lambda net: Recorder(SPLIT).is_due("1"), "step must be an integer, got '1'"),
        (lambda net: Recorder(SPLIT).load_state_dict(None), "state must be that of a Recorder, .*, got None"),
        (lambda net: load("mnist-mini", root=3), "root must be a path, got 3"),
    ],
)
def test_networks_and_what_is_done_with_them_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(MLP([2, 4, 2], rng=np.random.default_rng(0)))


def test_half_a_state_of_a_recorder_is_refused():
    with pytest.raises(ValueError, match="state must have as many rows as steps, got 1 and 0"):
        Recorder(SPLIT).load_state_dict({"steps": [1], "rows": [], "refused": {}})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: STUDY.run(preset=None), "preset must be one of quick, paper, got None"),
        (lambda: STUDY.run(preset=["quick"]), "preset must be one of quick, paper, got"),
        (lambda: STUDY.run(out=3), "out must be a path, got 3"),
        (lambda: STUDY.run(resume=np.zeros(2)), "resume must be True or False, got ndarray"),
        (lambda: STUDY.score("late")(rng=None), "rng must be a numpy Generator"),
        (lambda: changed(Optional(), {"depth": "3"}), "settings: depth must be of type float"),
        (lambda: changed(Optional(), None), "settings must map names to values, got None"),
        (lambda: Verdict("shown", (1 + 1j,)), "scores must be real"),
        (lambda: Verdict("shown", ("1",)), "scores must be numeric"),
        (lambda: Verdict("shown", (1.0,), (0.1,)), "thresholds must be two numbers"),
        (lambda: Verdict("shown", predicted="1"), "predicted must be numeric"),
        (lambda: Verdict.from_scores(None, 0.1, 0.2), "scores must be numeric, got None"),
        (lambda: Verdict.from_scores([1.0], None, 0.2), "absent_below must be numeric, got None"),
        (lambda: Model(STUDY.judge, settings=3), "settings must be a dataclass, got 3"),
        (lambda: comparisons.load(3), "folder must be a path, got 3"),
        (lambda: make(Request(FIGURE, jobs=0)), "jobs must be >= 1, got 0"),
        (lambda: make(Request(FIGURE, engine="spark")), "engine must be local, dask or dask:ADDRESS, got 'spark'"),
        (lambda: make(Request(FIGURE, changes=3)), "settings must map names to values, got 3"),
        (lambda: find(None), "word must be a str, got None"),
    ],
)
def test_studies_and_figures_are_refused_by_name(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        call()
    assert not list(tmp_path.rglob("*.npz"))


def test_a_setting_that_is_none_may_become_a_number():
    assert changed(Optional(), {"depth": 3}).depth == 3.0
    assert changed(Optional(), {"depth": None}).depth is None


def test_an_infinite_patience_is_not_asked_for():
    """The flow of features to a time that no integrator reaches is given up after a second."""
    start = time.process_time()
    with pytest.raises(SimulationError, match="features need more than 100000 evaluations to flow time 1e\\+200"):
        UnconstrainedFeatures(3, 4, 6, 0.1).solve([0.0, 1e200], np.random.default_rng(0))
    assert time.process_time() - start < 10


def test_a_sigmoid_from_a_subnormal_start_has_the_rise_of_its_logarithm():
    length = 310 * np.log(10)
    assert rise_of_sigmoid(1e-310) == pytest.approx(np.log10((length + np.log(9)) / (length - np.log(9))), rel=1e-9)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_ridge_weights_have_the_inverse_unit_of_their_features(factor):
    features, y = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]]), np.array([1.0, 2.0, 3.0])
    scaled, plain = ridge_weights(factor * features, y), ridge_weights(features, y)
    np.testing.assert_allclose(factor * scaled, plain, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ridge_weights([[1e-310]], [1.0]), "features must not be so small beside y that weights overflow"),
        (lambda: entropy_interpolator([[1.0, 2.0]], [1.0], 1e-310), "beta must be >= 1e-150, whose square is a float"),
        (lambda: entropy_interpolator([[1e200, 2.0]], [1.0], 1.0), "x must be at most 1e\\+75 in size"),
        (lambda: label_noise_descent([[1.0]], [1.0], 0.1, 10, 0.1, 1, 0.1, None), "rng must be a numpy Generator"),
        (lambda: label_noise_descent([[1.0]], [1.0], 0.1, 10**9, 0.1, 1, 0.1, RNG), "n_steps must be <= 100000000"),
        (lambda: predicted_beta([[1.0]], 0.1, 10, 1e200, 1, 0.1), "lr must be at most 1e\\+75 in size"),
        (lambda: gaps_and_rises(3), "passing must have 2 dimension"),
        (lambda: gaps_and_rises(np.ones((2, 3))), "passing must have a row for each of 3 levels, got shape"),
        (lambda: stage_of(3.0, 1e-310), "rise must not be so small that the score overflows"),
        (lambda: numpy_function("f", "x", None, [], ""), "definitions must be a sequence of Definition, got None"),
    ],
)
def test_models_refuse_what_overflows_or_never_ends(call, message):
    with pytest.raises(ValueError, match=message):
        call()
