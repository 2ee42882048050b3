import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from toymodels.condensation.classes import ClassTask, _gradients, _Replicates
from toymodels.condensation.delayed import DelayedTask
from toymodels.condensation.delayed import _Replicates as _ScalarReplicates
from toymodels.metrics.collapse import nc2, within_between

SMALL = {"dim": 8, "n_samples": 60, "width": 40, "n_test": 200}


def rngs(n, first=0):
    return [np.random.default_rng(seed) for seed in range(first, first + n)]


def cube(dim):
    return np.array(list(itertools.product([-1.0, 1.0], repeat=dim)))


def test_four_classes_condense_into_four_groups_and_collapse():
    for run in ClassTask().train(rngs(2), 40):
        fitted = run["train"] == 1
        assert fitted[fitted.argmax() :].all()
        assert run["test"][fitted.argmax()] < 0.95
        assert run["test"][-1] == 1
        assert run["effective_rank"][-1] == pytest.approx(2, abs=0.1)
        assert run["n_clusters"][0] > 90
        assert 4 <= run["n_clusters"][-1] <= 12
        needed = 2 * 2**0.5  # of the four groups, see the next test; decay takes its share, the sample another
        assert run["path_norm"][-1] == pytest.approx(needed * (1 - 0.02 * needed), rel=0.03)


def test_four_neurons_fit_the_signs_with_collapsed_features():
    task = ClassTask(dim=4)
    x = cube(4)
    w = np.pad(cube(2), ((0, 0), (0, 2))) / 2
    features = np.maximum(x @ w.T, 0)
    labels = task.labels(x)
    assert within_between(features, labels) == 0
    assert_allclose(nc2(features, labels), 0, atol=1e-12)
    assert_allclose(features @ task.targets, task.targets[labels], atol=1e-12)
    assert np.sum(np.linalg.norm(w, axis=1)) == pytest.approx(2 * 2**0.5)  # the readout has length 1 each


@pytest.mark.parametrize("seed", range(3))
def test_parities_cannot_collapse_whatever_the_weights(seed):
    task = ClassTask("parities", dim=6)
    x = cube(6)
    w = np.random.default_rng(seed).standard_normal((50, 6))
    assert within_between(np.maximum(x @ w.T, 0), task.labels(x)) >= 1
    tuned = np.array([[1, 1, 0, 0, 0, 0], [-1, -1, 0, 0, 0, 0], [1, -1, 0, 0, 0, 0], [-1, 1, 0, 0, 0, 0]])
    assert within_between(np.maximum(x @ tuned.T, 0), ClassTask("parities", 1, dim=6).labels(x)) == pytest.approx(2)


@pytest.mark.parametrize("task", ["signs", "parities"])
def test_gradients_are_those_of_finite_differences(task):
    rng = np.random.default_rng(0)
    model = ClassTask(task, n_bits=3, dim=7, n_samples=12)
    x = 2.0 * rng.integers(0, 2, (2, 12, 7)) - 1
    y = model.targets[np.stack([model.labels(part) for part in x])]
    a, w = rng.standard_normal((2, 8, 5)), rng.standard_normal((2, 5, 7))

    def loss(a, w):
        f = np.maximum(x @ w.swapaxes(1, 2), 0) @ a.swapaxes(1, 2)
        return ((f - y) ** 2).sum() / 2 / 12

    for which, gradient in enumerate(_gradients(x, y, a, w)):
        for index in np.ndindex(gradient.shape):
            step = np.zeros_like(gradient)
            step[index] = 1e-6
            moved = [loss(*((a + s * step, w) if which == 0 else (a, w + s * step))) for s in (1, -1)]
            assert_allclose((moved[0] - moved[1]) / 2e-6, gradient[index], rtol=1e-5, atol=1e-7)


def test_two_classes_by_parity_are_the_network_with_one_output():
    scalar = _ScalarReplicates(DelayedTask(**SMALL), rngs(2))
    vector = _Replicates(ClassTask("parities", n_bits=1, **SMALL), rngs(2))
    sign = np.array([-1, 1], dtype=np.float32) / np.sqrt(np.float32(2))
    assert_array_equal(vector.x, scalar.x)
    assert_allclose(vector.y, scalar.y[..., None] * sign, rtol=1e-6)
    vector.a, vector.w = scalar.a[:, None, :] * sign[:, None], scalar.w
    assert_allclose(vector.step_limit(), scalar.step_limit(), rtol=1e-4)
    vector.advance(5.0)
    scalar.advance(5.0)
    assert_allclose(vector.a, scalar.a[:, None, :] * sign[:, None], atol=1e-4)
    assert_allclose(vector.w, scalar.w, atol=1e-4)


def test_the_start_is_zero_and_centred():
    start = _Replicates(ClassTask(**SMALL), rngs(2))
    assert_allclose(start.predict(start.x_test), 0, atol=1e-6)
    assert_allclose(start.a.sum(axis=1), 0, atol=1e-6)
    assert_allclose(np.linalg.norm(start.a, axis=1), 4 / np.sqrt(40), rtol=1e-5)
    assert_allclose(np.linalg.norm(start.y, axis=2), 1, rtol=1e-6)


def test_steps_are_below_what_the_whole_tangent_kernel_allows():
    state = _Replicates(ClassTask(**SMALL), rngs(1))
    x, a, w = state.x[0].astype(float), state.a[0].astype(float), state.w[0].astype(float)
    z = np.maximum(x @ w.T, 0)
    active = (z > 0).astype(float)
    pairs = np.einsum("im,jm,km,lm->ikjl", active, active, a, a, optimize=True)
    kernel = np.einsum("ij,kl->ikjl", z @ z.T, np.eye(4)) + pairs * (x @ x.T)[:, None, :, None]
    top = np.linalg.eigvalsh(kernel.reshape(240, 240))[-1] / 60
    assert state.step_limit()[0] <= 0.8 / top * (1 + 1e-5)


def test_a_replicate_does_not_depend_on_its_neighbours():
    task = ClassTask(**SMALL, horizon=0.3)

    def observe(x, labels, x_test, labels_test, a, w):
        return {"largest": float(np.abs(a).max()), "test_share": float((labels_test == 0).mean())}

    together, alone = task.train(rngs(3), 12, observe), task.train(rngs(1, first=1), 12, observe)
    assert "largest" in alone[0].data
    for name in alone[0].data:
        assert_array_equal(together[1][name], alone[0][name])


def test_half_the_step_gives_the_same_flow(monkeypatch):
    task = ClassTask(**SMALL, horizon=0.4)
    usual = task.train(rngs(1), 10)[0]
    limit = _Replicates.step_limit
    monkeypatch.setattr(_Replicates, "step_limit", lambda self: limit(self) / 4)
    fine = task.train(rngs(1), 10)[0]
    assert_allclose(usual["weight_norm"], fine["weight_norm"], rtol=2e-3)
    assert_allclose(usual["loss"][:4], fine["loss"][:4], rtol=0.05)


def test_labels_are_binary_numbers():
    x = np.array([[1, 1, -1, 1], [-1, 1, 1, 1], [1, -1, -1, 1]])
    assert ClassTask(dim=4).labels(x).tolist() == [3, 1, 2]
    assert ClassTask("parities", dim=4).labels(x).tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", "xor"),
        ("n_bits", 0),
        ("n_bits", 5),
        ("dim", 1),
        ("n_samples", 3),
        ("width", 7),
        ("init_scale", 0),
        ("weight_decay", 0),
        ("horizon", -1),
        ("n_test", 0),
    ],
)
def test_bad_settings_are_named(field, value):
    with pytest.raises(ValueError, match=field):
        ClassTask(**{field: value})


def test_a_training_set_without_a_class_is_an_error():
    with pytest.raises(ValueError, match="every class"):
        ClassTask(n_bits=4, n_samples=16).train(rngs(1))


def test_no_generators_is_an_error():
    with pytest.raises(ValueError, match="rngs"):
        ClassTask().train([])


def test_measures_are_those_of_loops():
    task = ClassTask(n_bits=1, dim=3, n_samples=9, width=6, n_test=5)
    now = _Replicates(task, rngs(2))
    now.a = now.a * np.linspace(0.5, 2, 6, dtype=np.float32)
    got = now.measure(1.0)
    for k in range(2):
        a, w = now.a[k].astype(float), now.w[k].astype(float)
        for name, x, labels in (("train", now.x[k], now.labels[k]), ("test", now.x_test[k], now.labels_test[k])):
            outputs = [sum(a[:, j] * max(0.0, w[j] @ row) for j in range(6)) for row in x]
            right = [int(output[1] > output[0]) == label for output, label in zip(outputs, labels, strict=True)]
            assert got[name][k] == pytest.approx(np.mean(right))
            if name == "train":
                off = [np.sum((f - task.targets[label]) ** 2) for f, label in zip(outputs, labels, strict=True)]
                assert got["loss"][k] == pytest.approx(np.mean(off) / 2, rel=1e-4)
        assert got["weight_norm"][k] == pytest.approx((a**2).sum() + (w**2).sum(), rel=1e-5)
        path = sum(np.linalg.norm(a[:, j]) * np.linalg.norm(w[j]) for j in range(6))
        assert got["path_norm"][k] == pytest.approx(path, rel=1e-5)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_targets_are_the_vertices_of_a_simplex(k):
    targets = ClassTask(n_bits=k, dim=8, n_samples=30).targets
    n = 2**k
    assert targets.shape == (n, n)
    assert_allclose(targets @ targets.T, np.eye(n) - (1 - np.eye(n)) / (n - 1), atol=1e-12)
    assert_allclose(targets.sum(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize(("scale", "first"), [(4.0, 0.05 / 16), (0.5, 0.05)])
def test_records_go_from_before_the_fit_to_the_horizon(scale, first):
    times = ClassTask(init_scale=scale, weight_decay=0.05, horizon=2.0).record_times(9)
    assert_allclose(times[[0, -1]], [first, 40])
    assert_allclose(np.diff(np.log(times)), np.log(40 / first) / 8)
    assert ClassTask(init_scale=0.5, weight_decay=1.0, horizon=0.25).record_times(2)[0] == pytest.approx(0.025)


def test_settings_may_be_at_the_end_of_their_range():
    assert ClassTask("parities", n_bits=4, dim=8, n_samples=16).n_classes == 16
    assert ClassTask("signs", n_bits=4, dim=4, n_samples=16, width=2, n_test=1).n_classes == 16
    for settings in ({"task": "parities", "dim": 7}, {"task": "signs", "dim": 3}):
        with pytest.raises(ValueError, match="dim must be >= "):
            ClassTask(n_bits=4, n_samples=16, **settings)
