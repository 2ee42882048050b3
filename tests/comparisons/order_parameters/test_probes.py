import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from comparisons.harness.model import Silent
from comparisons.order_parameters.probes import KNOWN, THEORY, Moment, order_parameters, rank_gradient
from toymodels.condensation.snapshots import two_layer_snapshot
from toymodels.layerwise.snapshots import free_features_snapshot, linear_snapshot
from toymodels.metrics.elasticity import contrast
from toymodels.metrics.separation import activation_overlap
from toymodels.snapshot import Snapshot


def network_and_data(widths, seed=0):
    import torch

    from dnn.networks.mlp import MLP

    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.standard_normal((80, widths[0])).astype(np.float32))
    return MLP(widths, rng=rng), x, np.arange(80) % widths[-1]


def moment_of(network, x, labels, n_train=40, reference=None):
    import torch

    from dnn.training.snapshots import snapshot

    now = snapshot(network, x, torch.from_numpy(labels))
    return Moment(now, now if reference is None else snapshot(reference, x), labels, n_train)


def test_every_order_parameter_of_a_network_is_a_finite_number():
    moment = moment_of(*network_and_data((5, 8, 8, 3)))
    values = order_parameters(moment)
    assert values.keys() == THEORY.keys()
    assert np.isfinite(list(values.values())).all()
    assert values["kernel_distance"] == pytest.approx(0, abs=1e-6)


def test_numbers_are_those_of_the_torch_probes():
    import torch

    from dnn import probes
    from dnn.data import Split
    from dnn.reading.kernels import kernel_accuracy

    network, x, labels = network_and_data((5, 8, 8, 3))
    reference = network_and_data((5, 8, 8, 3), seed=1)[0]
    y = torch.from_numpy(labels)
    split = Split(x[:40], y[:40], x[40:], y[40:])
    values = order_parameters(moment_of(network, x, labels, reference=reference))
    collapse, condensed = probes.collapse(network, split), probes.condensation(network, split, threshold=0.95)
    expected = {
        "weight_norm": float(sum(w.detach().double().square().sum() for w in network.parameters())) ** 0.5,
        "kernel_distance": probes.kernel_distance(network, split, reference=reference),
        "kernel_predictor": kernel_accuracy(network, split, ridge=1e-3),
        "elasticity": probes.elasticity(network, split),
        "clusters": condensed["clusters"],
        "effective_rank": condensed["effective_rank"],
        "rank_gradient_first": probes.rank_gradients(network, split)[0],
        "rank_gradient_last": probes.rank_gradients(network, split)[-1],
        "linear_map_accuracy": probes.linear_map_accuracy(network, split)[0],
        "collapse_nc1": np.log10(collapse["nc1"]),
        "collapse_nc2": collapse["nc2_angle"],
        "within_between": np.log10(collapse["within_between"]),
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert values["kernel_distance"] > 0.01


def test_one_network_is_the_same_in_numpy_and_in_torch():
    import torch
    from torch import nn

    rng = np.random.default_rng(3)
    a, w, x = (rng.standard_normal(shape).astype(np.float32) for shape in (9, (9, 4), (80, 4)))
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    hidden, readout = nn.Linear(4, 9, bias=False), nn.Linear(9, 2, bias=False)
    with torch.no_grad():
        hidden.weight.copy_(torch.from_numpy(w))
        readout.weight.copy_(torch.from_numpy(np.stack([-a, a])))  # class 1 where the output is positive
    network = nn.Sequential(hidden, nn.ReLU(), readout)
    now = two_layer_snapshot(a, w, x)
    ours = order_parameters(Moment(now, now, labels, 40))
    theirs = order_parameters(moment_of(network, torch.from_numpy(x), labels))
    twice = {"weight_norm", "kernel_predictor", "elasticity", "weight_basin"}  # two outputs have more weights to move
    for name in KNOWN.keys() - twice:
        if isinstance(theirs[name], Silent):
            assert ours[name] == theirs[name]
        else:
            assert ours[name] == pytest.approx(theirs[name], rel=1e-4, abs=1e-6), name


@given(
    arrays(np.float32, st.tuples(st.integers(3, 12), st.integers(1, 4)), elements=st.floats(-4, 4, width=16)),
    st.integers(0, 2**31),
)
def test_the_rank_gradient_shares_ties_as_the_torch_reading_does(fields, seed):
    from scipy.stats import rankdata

    from dnn.reading import rank_densities

    rng = np.random.default_rng(seed)
    sign = rng.integers(-1, 2, (3, fields.shape[1])).astype(float)
    labels = rng.permutation(np.arange(len(fields)) % 3)
    ours, ranks = rank_gradient(fields, sign, labels), rankdata(fields, axis=0) - 0.5
    for k in range(3):
        expected = 12 * sign[k] * (ranks[labels == k].mean(axis=0) / len(fields) - 0.5)
        np.testing.assert_allclose(ours[k], expected, rtol=1e-12, atol=1e-12)
    theirs = rank_densities.rank_gradient(fields.astype(float), sign, labels)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_only_what_is_asked_for_is_measured():
    moment = moment_of(*network_and_data((5, 8, 8, 3)))
    assert tuple(order_parameters(moment, ("clusters", "collapse_nc1"))) == ("clusters", "collapse_nc1")
    with pytest.raises(ValueError, match=r"names must be out of weight_norm, .*, got 'temperature'"):
        order_parameters(moment, ["temperature"])


def test_what_has_no_meaning_says_why():
    values = order_parameters(moment_of(*network_and_data((5, 8, 2)), n_train=80))
    why = {name: value.why for name, value in values.items() if isinstance(value, Silent)}
    assert why == {
        "rank_gradient_first": "a single hidden layer is read out, which is also the last",
        "kernel_predictor": "no samples are held out",
        "linear_map_accuracy": "no samples are held out",
        "collapse_nc2": "the means of two classes are a simplex whatever they are",
    }


def test_a_model_that_gives_its_outputs_alone_has_no_order_parameter():
    bare = Snapshot(np.eye(4))
    values = order_parameters(Moment(bare, bare, np.arange(4), 2))
    assert all(isinstance(value, Silent) for value in values.values())
    assert values["kernel_distance"] == Silent("the model gives no kernel")


def test_free_features_and_linear_networks_fill_their_columns():
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    w1, w2, x = rng.standard_normal((6, 5)), rng.standard_normal((3, 6)), rng.standard_normal((30, 5))
    linear = linear_snapshot(w1, w2, x, labels)
    free = free_features_snapshot(w2, w1 @ x.T, labels)
    numbers = {
        name: {key for key, value in order_parameters(Moment(now, now, labels, 20)).items() if isinstance(value, float)}
        for name, now in {"linear": linear, "free": free}.items()
    }
    assert KNOWN.keys() - numbers["linear"] == {"activation_overlap", "linear_map_accuracy", "rank_gradient_first"}
    assert numbers["linear"] - numbers["free"] == {"clusters", "effective_rank", "sample_basin", "weight_basin"}


def test_nothing_that_fires_carries_no_information_and_collapse_has_a_floor():
    features = np.repeat(np.eye(2), 3, axis=0)
    now = Snapshot(np.eye(2)[[0, 0, 0, 1, 1, 1]], features=features)
    moment = Moment(now, now, np.repeat([0, 1], 3), 6)
    assert order_parameters(moment, ["collapse_nc1"])["collapse_nc1"] == pytest.approx(2 * np.log10(2.0**-52))
    dead = Snapshot(np.zeros((6, 2)), features=np.zeros((6, 3)))
    assert order_parameters(Moment(dead, dead, moment.labels, 6), ["mixture_information"]) == {
        "mixture_information": 0.0
    }


@pytest.mark.parametrize(
    ("labels", "n_train", "message"),
    [
        ([0, 1], 2, "labels must have one entry per row, got 2 for 3 rows"),
        ([0, 1, 2], 2, r"labels must be in 0..1, got 2"),
        ([0, 1, 0], 4, "n_train must be <= 3, the number of inputs, got 4"),
        ([0, 1, 0], 0, "n_train must be >= 1, got 0"),
    ],
)
def test_moments_that_do_not_fit_are_refused(labels, n_train, message):
    now = Snapshot(np.zeros((3, 1)))
    with pytest.raises(ValueError, match=message):
        Moment(now, now, np.array(labels), n_train)
    with pytest.raises(ValueError, match=r"start must have outputs of shape \(3, 1\), got \(2, 1\)"):
        Moment(now, Snapshot(np.zeros((2, 1))), np.array([0, 1, 0]), 2)


def test_pathways_overlap_fully_where_a_class_has_units_of_its_own():
    firing = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=bool)
    assert activation_overlap(firing, np.array([0, 0, 1, 1])) == pytest.approx(1)
    assert activation_overlap(np.ones((4, 4), dtype=bool), np.array([0, 0, 1, 1])) == pytest.approx(0)


@pytest.mark.parametrize("n_train", [4, 7])
def test_elasticity_is_that_of_updates_on_training_samples_however_few(n_train):
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((12, 3)), np.arange(12) % 2
    now = two_layer_snapshot(rng.standard_normal(5), rng.standard_normal((5, 4)), x, "tanh")
    decades = []
    for base in range(n_train):  # of the ten inputs that the snapshot has updates for, those that are trained on
        moved = np.abs(now.kernel[base, :n_train]) / now.kernel[base, base]
        own = (labels[:n_train] == labels[base]) & (np.arange(n_train) != base)
        decades.append(np.log10(moved[own].mean() / moved[labels[:n_train] != labels[base]].mean()))
    found = order_parameters(Moment(now, now, labels, n_train), ["elasticity"])
    assert found["elasticity"] == pytest.approx(np.mean(decades))


def test_updates_are_those_on_training_samples():
    """Ten updates are tried; with six training samples only those on the first six count."""
    network, x, labels = network_and_data((5, 8, 8, 3))
    few, more = (order_parameters(moment_of(network, x, labels, n_train=n), ["elasticity"]) for n in (6, 9))
    values = moment_of(network, x, labels).now.changes
    for n, found in ((6, few), (9, more)):
        still = np.zeros((n, 3))
        expected = [contrast(still, values[base, :n], base, labels[:n]) for base in range(n)]
        assert found["elasticity"] == pytest.approx(np.mean(expected))
