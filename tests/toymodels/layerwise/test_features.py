import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.layerwise.features import UnconstrainedFeatures
from toymodels.layerwise.matrix import LinearNetwork
from toymodels.metrics import collapse

SMALL = UnconstrainedFeatures(n_classes=4, n_per_class=5, width=8, init_scale=0.1, centered=False)


def last(model, t, seed=0):
    run = model.solve([0.0, t], np.random.default_rng(seed))
    return run["features"][-1].T, run["weights"][-1]


def balanced_start(model, scale):
    network = LinearNetwork.balanced(model.targets, model.width, 0.0, scale, np.random.default_rng(1))
    return network, network.w2, network.w1


@pytest.mark.parametrize("centered", [True, False])
def test_a_balanced_start_follows_the_closed_form(centered):
    model = UnconstrainedFeatures(4, 5, 3, 0.1, centered=centered)  # no wider than the targets' rank
    network, weights, features = balanced_start(model, 0.05)
    t = np.array([0.0, 0.5, 2.0, 4.0])
    run, exact = model.flow(t, weights, features), network.solve(t)
    assert_allclose(run["weights"] @ run["features"], exact["map"], atol=1e-8)
    assert_allclose(run["features"].swapaxes(1, 2) @ run["features"], exact["gram_in"], atol=1e-8)
    assert_allclose(run["loss"], exact["loss"], atol=1e-8)


def test_a_balanced_start_collapses_altogether():
    model = UnconstrainedFeatures(4, 5, 8, 0.1, centered=False)
    _, weights, features = balanced_start(model, 0.05)
    ratios = [
        collapse.within_between(h.T, model.labels) for h in model.flow([2.0, 6.0, 10.0], weights, features)["features"]
    ]
    # the within-class part decays at the rate sqrt(n), hence its square at twice that
    assert_allclose(-np.log(ratios[2] / ratios[1]) / 4, 2 * np.sqrt(5), rtol=0.02)


def test_balance_matrix_is_conserved_from_any_start():
    run = SMALL.solve([0.0, 0.7, 5.0], np.random.default_rng(0))
    w, h = run["weights"], run["features"]
    conserved = w.swapaxes(1, 2) @ w - h @ h.swapaxes(1, 2)
    assert_allclose(conserved[1:], conserved[[0, 0]], atol=1e-9)
    assert np.all(np.diff(run["loss"]) < 0)


def test_what_is_left_within_classes_lies_where_the_weights_do_not_look():
    features, weights = last(SMALL, 20.0)
    means = features.reshape(4, 5, 8).mean(axis=1)
    within = features - np.repeat(means, 5, axis=0)
    assert np.linalg.norm(within) > 0.1
    assert np.linalg.norm(within @ weights.T) < 1e-7 * np.linalg.norm(within)


@pytest.fixture(scope="module")
def collapse_by_scale():
    """Collapse of ten classes in 64 dimensions, by the initial length of a feature."""
    results = {}
    for scale in (0.03, 0.1, 0.3):
        model = UnconstrainedFeatures(10, 20, 64, scale / np.sqrt(64))
        results[scale] = (*last(model, 12.0), model.labels)
    return results


def test_neural_collapse_of_a_small_gaussian_start(collapse_by_scale):
    features, weights, labels = collapse_by_scale[0.1]
    assert collapse.nc1(features, labels) < 1e-6
    assert max(collapse.nc2(features, labels)) < 1e-3
    assert collapse.nc3(features, labels, weights) ** 2 < 1e-3
    assert collapse.nc4(features, labels, weights) == 0


def test_the_two_measures_of_within_class_spread_scale_as_2nd_and_6th_power(collapse_by_scale):
    scales = np.array(list(collapse_by_scale))
    runs = [(features, labels) for features, _, labels in collapse_by_scale.values()]
    ratio = [collapse.within_between(*run) for run in runs]
    papyan = [collapse.nc1(*run) for run in runs]
    assert_allclose(np.polyfit(np.log(scales), np.log(ratio), 1)[0], 2, atol=0.15)
    assert_allclose(np.polyfit(np.log(scales), np.log(papyan), 1)[0], 6, atol=0.4)
    assert ratio[1] > 0.01 > 1e4 * papyan[1]  # the second alone overstates the collapse


@pytest.mark.parametrize("centered", [True, False])
@settings(max_examples=8)
@given(
    n_classes=st.integers(2, 6),
    n_per_class=st.integers(2, 12),
    extra=st.integers(3, 20),
    scale=st.floats(1e-3, 1e-2),
    seed=st.integers(0, 2**31),
)
def test_the_spread_left_at_the_end_is_that_outside_the_weights(centered, n_classes, n_per_class, extra, scale, seed):
    model = UnconstrainedFeatures(n_classes, n_per_class, n_classes + extra, scale, centered=centered)
    starts = 4
    rngs = np.random.default_rng(seed).spawn(starts)
    end = 3 * np.log(1 / scale) / np.sqrt(n_per_class)  # past the growth from scale, at the rate sqrt(n)
    ratios = []
    for rng in rngs:
        features = model.solve([end], rng)["features"][-1]
        ratios.append(collapse.within_between(features.T, model.labels))
    degrees = (model.width - n_classes) * n_classes * (n_per_class - 1) * starts
    assert_allclose(np.mean(ratios), model.final_within_between(), rtol=5 * np.sqrt(2 / degrees) + 0.1)


def test_the_spread_left_is_refused_where_none_is():
    with pytest.raises(ValueError, match=r"weight_decay must be 0 .*, got 0.1"):
        UnconstrainedFeatures(4, 5, 8, 0.1, weight_decay=0.1).final_within_between()
    with pytest.raises(ValueError, match=r"width must exceed 3 .*, got 3"):
        UnconstrainedFeatures(4, 5, 3, 0.1).final_within_between()


def test_without_centering_the_means_form_an_orthogonal_frame():
    model = UnconstrainedFeatures(5, 10, 16, 0.01, centered=False)
    features, weights = last(model, 15.0)
    means = features.reshape(5, 10, 16).mean(axis=1)
    gram = means @ means.T
    assert_allclose(gram / gram[0, 0], np.eye(5), atol=1e-3)
    uncentered = weights / np.linalg.norm(weights)
    centered_means = (means - means.mean(axis=0)) / np.linalg.norm(means - means.mean(axis=0))
    assert_allclose(np.sum((uncentered - centered_means) ** 2), 2 - 2 * np.sqrt(4 / 5), rtol=1e-3)


def test_weight_decay_shrinks_the_fit_and_the_spread():
    free = UnconstrainedFeatures(4, 9, 8, 1.0)
    decayed = UnconstrainedFeatures(4, 9, 8, 1.0, weight_decay=0.2)
    features, weights = last(decayed, 30.0)
    singular = np.linalg.svd(weights @ features.T, compute_uv=False)
    assert_allclose(singular[:3], np.sqrt(9) - 0.2, rtol=1e-4)
    assert (
        collapse.within_between(features, decayed.labels)
        < 1e-3
        < collapse.within_between(last(free, 30.0)[0], free.labels)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 5, 3, 0.1), "n_classes must be >= 2, got 1"),
        ((3, 0, 3, 0.1), "n_per_class must be >= 1"),
        ((3, 5, 0, 0.1), "width must be >= 1"),
        ((3, 5, 3, 0.0), "init_scale must be > 0"),
        ((3, 5, 3, 0.1, -1.0), "weight_decay must be >= 0"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        UnconstrainedFeatures(*arguments)


def test_bad_starts_and_times_are_refused():
    with pytest.raises(ValueError, match="t must be finite, got inf"):
        SMALL.solve([np.inf], np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"weights must have shape \(4, 8\), got \(8, 4\)"):
        SMALL.flow([1.0], np.ones((8, 4)), np.ones((8, 20)))
