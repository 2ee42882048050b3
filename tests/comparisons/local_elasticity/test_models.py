from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparisons.harness.model import Model
from comparisons.harness.settings import visible
from comparisons.local_elasticity import STUDY
from comparisons.local_elasticity import models as family
from comparisons.local_elasticity.models import MODELS
from comparisons.local_elasticity.question import pooled_contrast
from tests.tolerances import MONTE_CARLO
from toymodels.metrics.elasticity import relative_change

CHEAP = ["linear", "layerwise", "neurashed", "neurashed disjoint"]
SHORT = {"neurashed": {"rounds": 20}, "condensation": {"horizon": 0.1}, "dnn": {"steps": 8}}


def run_of(name, seed=0, **changes):
    model = MODELS[name]
    return model.run(replace(model.settings, **changes), np.random.default_rng(seed))


@pytest.mark.parametrize("name", [*CHEAP, "condensation", "dnn", "dnn cross-entropy"])
def test_every_model_says_what_the_question_asks(name):
    run = run_of(name, **SHORT.get(name.removesuffix(" cross-entropy"), {}))
    assert {"contrast", "start_contrast", "train"} <= run.data.keys()
    assert np.ptp(run["start_contrast"]) == 0
    assert ((run["train"] >= 0) & (run["train"] <= 1)).all()
    assert isinstance(run.meta["inputs"], float)
    run.header()  # can be written


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if isinstance(model, Model) and model.off])
def test_a_control_differs_by_one_setting(name):
    on, off = visible(MODELS[name].settings), visible(MODELS[name].settings_off)
    assert sum(on[key] != off[key] for key in on) == 1


def test_training_adds_exactly_nothing_to_the_linear_model(tmp_path):
    verdict = STUDY.run(models=["linear"], out=tmp_path).verdicts["linear"]
    assert verdict.scores == (0, 0, 0)


@given(st.integers(0, 99))
@settings(max_examples=10)
def test_the_linear_model_moves_others_by_its_kernel_at_any_weights(seed):
    rng = np.random.default_rng(seed)
    x, _ = family.class_inputs(family.Classes(), rng)
    weights, moved = rng.standard_normal((2, x.shape[1]))
    for base in range(3):
        after = weights + 0.1 * (x[base] @ (moved - weights)) * x[base]
        change = relative_change((x @ weights)[:, None], (x @ after)[:, None], base)
        assert family.kernel_change(x @ x.T)[base] == pytest.approx(change, rel=1e-9, abs=1e-12)


def sampled_rise(classes, dim, rng, n=240):
    """Contrast of the kernel in the end minus that at a random start, on a draw of the inputs."""
    x, labels = family.class_inputs(family.Classes(classes=classes, dim=dim), rng, n)
    start, _ = np.linalg.qr(rng.standard_normal((dim, classes)))
    code = np.eye(dim, classes)
    kernels = (x @ (np.eye(dim) + basis @ basis.T) @ x.T for basis in (start, code))
    first, last = (pooled_contrast(np.abs(kernel) / np.diag(kernel)[:, None], labels) for kernel in kernels)
    return last - first


@given(st.integers(3, 8), st.integers(3, 30), st.integers(0, 99))
@settings(max_examples=15)
def test_what_training_adds_to_the_linear_network_is_predicted(classes, noise, seed):
    dim = classes + noise
    draws = [sampled_rise(classes, dim, rng) for rng in np.random.default_rng(seed).spawn(12)]
    error = np.std(draws, ddof=1) / np.sqrt(len(draws))
    leading = 0.1 / noise  # of the next order in the number of noise coordinates
    assert abs(np.mean(draws) - family.predicted_rise(classes, dim)) < MONTE_CARLO * error + leading


def test_the_prediction_is_that_of_a_white_start_plus_the_scatter_of_a_random_one():
    white = {(6, 24): 0.280, (3, 24): 0.162, (6, 48): 0.225}
    for (classes, dim), rise in white.items():
        extra = family.largest_rise(classes, dim) - np.log10(2)
        assert rise < family.predicted_rise(classes, dim) < rise + extra
    assert family.predicted_rise(60, 240) == pytest.approx(family.largest_rise(60, 240), abs=0.005)


def test_the_linear_network_rises_as_predicted_and_its_control_does_not():
    runs = [run_of("layerwise", seed) for seed in range(8)]
    added = [run["contrast"][-1] - run["start_contrast"][-1] for run in runs]
    assert np.mean(added) == pytest.approx(runs[0].meta["predicted"], abs=0.03)
    lazy = run_of("layerwise", imbalance=20.0)
    assert lazy["contrast"] == pytest.approx(lazy["start_contrast"], abs=1e-3)
    assert "predicted" not in lazy.meta


def graph_of(name, rng):
    """Model, inputs and labels that a run draws first."""
    from toymodels.neurashed import HierarchicalTask
    from toymodels.neurashed.collapse import disjoint_classes

    if name == "neurashed disjoint":
        task = disjoint_classes()
        return task.model, task.inputs, task.labels
    s, task = MODELS[name].settings, HierarchicalTask()
    model = task.build(rng)
    return model, *task.sample(s.classes * s.types, rng)


@pytest.mark.parametrize("name", ["neurashed", "neurashed disjoint"])
def test_the_own_class_of_a_neurashed_model_is_other_inputs(name):
    _, inputs, labels = graph_of(name, np.random.default_rng(0))
    assert len(np.unique(inputs, axis=0)) == len(inputs)
    assert len(np.unique(labels)) >= 3
    assert np.bincount(labels).min() >= 2
    with pytest.raises(ValueError, match="types must be >= 2"):
        family.Neurashed(types=1)


@pytest.mark.parametrize("name", ["neurashed", "neurashed disjoint"])
def test_the_start_of_a_neurashed_model_is_its_untrained_elasticity(name):
    from toymodels.neurashed import Multiplicative, local_elasticity

    rng, s = np.random.default_rng(3), MODELS[name].settings
    model, inputs, labels = graph_of(name, rng)
    rule = Multiplicative(1.022**2.75, 1.022**-0.25)
    values = rng.uniform(0, s.initial, len(model.nodes) + len(model.edges))
    state = values[: len(model.nodes)], values[len(model.nodes) :]
    expected = pooled_contrast(local_elasticity(model, state, inputs, inputs, rule=rule, labels=labels), labels)
    run = run_of(name, 3, rounds=10)
    assert run["start_contrast"][0] == pytest.approx(expected, rel=1e-9)
    assert run_of(name, 3, rounds=10, batch=1000)["start_contrast"][0] == run["start_contrast"][0]


def test_disjoint_classes_gain_what_is_predicted_and_nothing_when_all_are_shown_at_once():
    for seed in range(3):
        run = run_of("neurashed disjoint", seed)
        assert run["contrast"][-1] - run["start_contrast"][-1] == pytest.approx(run.meta["predicted"], abs=1e-9)
        whole = run_of("neurashed disjoint", seed, batch=1000)
        assert whole["contrast"] == pytest.approx(whole["start_contrast"], abs=1e-9)


def test_features_common_to_all_classes_make_updates_less_local():
    for seed in range(3):
        run = run_of("neurashed", seed)
        assert run["contrast"][-1] < run["start_contrast"][-1] - 0.1
        assert run["train"][-1] > 0.99


def test_a_deep_neurashed_model_does_not_overflow():
    assert np.isfinite(run_of("neurashed", depth=100, rounds=5)["contrast"]).all()


def test_the_start_of_the_condensing_network_is_its_kernel_before_training():
    from comparisons.parity import train_parity

    s = replace(MODELS["condensation"].settings, horizon=0.1)
    kept = []

    def observe(x, y, x_test, y_test, a, w):
        kept.append((x, y, a, w))
        return {"nothing": 0.0}

    train_parity(replace(s, horizon=1e-12), np.random.default_rng(1), observe, n_records=2, dim=10, n_samples=100)
    x, y, a, w = (part.astype(float) for part in kept[0])
    half = len(a) // 2
    assert (a[:half] == -a[half:]).all()  # the antisymmetric start, untouched
    assert (w[:half] == w[half:]).all()
    fires = x @ w.T > 0
    kernel = np.maximum(x @ w.T, 0) @ np.maximum(x @ w.T, 0).T + ((fires * a) @ (fires * a).T) * (x @ x.T)
    expected = pooled_contrast(family.kernel_change(kernel), (y > 0).astype(int))
    run = MODELS["condensation"].run(s, np.random.default_rng(1))
    assert run["start_contrast"][0] == pytest.approx(expected, rel=1e-4)


def test_the_start_of_a_network_is_its_untrained_kernel_and_bases_are_rows():
    from dnn.data import load
    from dnn.networks.mlp import MLP

    split = load("mnist-mini")
    x, y = split.x_train[:300], split.y_train[:300]
    network = MLP((784, 200, 200, 10), activation="relu", rng=np.random.default_rng(2))
    change = family.network_change(network, x, y, "mse")
    run = run_of("dnn", 2, steps=8)
    assert run["start_contrast"][0] == pytest.approx(pooled_contrast(change[: family.BASES], y.numpy()), rel=1e-4)
    few = family.network_change(network, x[:40], y[:40], "mse", bases=5)
    assert few == pytest.approx(family.network_change(network, x[:40], y[:40], "mse")[:5], rel=1e-4)


def test_a_change_is_relative_to_that_of_the_base():
    kernel = np.array([[2.0, -1.0, 4.0], [-1.0, 10.0, 5.0], [4.0, 5.0, 100.0]])
    expected = [[1.0, 0.5, 2.0], [0.1, 1.0, 0.5], [0.04, 0.05, 1.0]]
    np.testing.assert_allclose(family.kernel_change(kernel), expected)


@pytest.mark.parametrize("name", ["linear", "layerwise"])
def test_the_training_score_is_the_share_of_the_loss_that_is_gone(name):
    train = MODELS[name].run(MODELS[name].settings, np.random.default_rng(0))["train"]
    assert 0 <= train[0] < 0.05
    assert train[-1] == pytest.approx(1.0, abs=1e-3)
    assert (np.diff(train) >= -1e-12).all()
