"""Ensembles: what is drawn, what a run is given to record, and from which moments order parameters are read."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from comparisons.grokking import models as grokking
from comparisons.harness.model import Silent
from comparisons.order_parameters import models
from comparisons.order_parameters.probes import KNOWN, SAMPLES, Moment, order_parameters
from toymodels.condensation.snapshots import two_layer_snapshot
from toymodels.layerwise import SparseRegression
from toymodels.snapshot import Snapshot
from toymodels.trajectory import Trajectory


class Fixed:
    """A generator whose numbers are known."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def random(self):
        return self.numbers.pop(0)


def test_numbers_are_spread_around_the_middle_on_a_log_scale():
    assert models.spread_out(Fixed(0.5), 3.0, 16.0) == 3.0
    assert models.spread_out(Fixed(0.0), 3.0, 16.0) == pytest.approx(3 / 4)
    assert models.spread_out(Fixed(1.0), 3.0, 16.0) == pytest.approx(3 * 4)
    rng = np.random.default_rng(0)
    drawn = np.log([models.spread_out(rng, 2.0, 9.0) for _ in range(500)])
    assert stats.kstest(drawn, stats.uniform(np.log(2 / 3), np.log(9)).cdf).pvalue > 0.01
    assert models.spread_out(rng, 0.7, 1) == 0.7
    for spread in (0.5, np.nan, -2, np.inf):
        with pytest.raises(ValueError, match=f"spread must be >= 1 and finite, .* got {spread:g}"):
            models.spread_out(rng, 1.0, spread)


@given(*(st.floats(0, 1),) * 2)
def test_scale_and_decay_are_drawn_apart(first, second):
    settings = models.Layerwise(scale=4.0, decay=0.03, samples=20, scale_spread=3.0, decay_spread=5.0)
    own = models.scale_and_decay(settings, Fixed(first, second))
    assert own.scale == pytest.approx(4 * 3 ** (first - 0.5))
    assert own.decay == pytest.approx(0.03 * 5 ** (second - 0.5))
    assert replace(own, scale=4.0, decay=0.03) == settings


def test_what_a_model_does_not_record_itself_is_missing():
    assert models.missing([]) == list(KNOWN)
    own = ["weight_norm", "clusters", "something else"]
    assert models.missing(own) == [name for name in KNOWN if name not in ("weight_norm", "clusters")]
    assert models.missing(list(KNOWN)) == []


def two_layers(n_times=3, n=30, seed=0):
    """Snapshots of a small network at its start and at some times, with labels and a run."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3))
    shots = [two_layer_snapshot(rng.standard_normal(6), rng.standard_normal((6, 3)), x) for _ in range(n_times + 1)]
    labels = np.arange(n) % 2
    t = 10.0 ** np.arange(n_times)
    data = {"train": t / 200, "test": t / 300, "weight_norm": 7 + t}
    return Trajectory(t, data, clock="step", meta={"order": ["old"], "own": 5}), shots, labels


def test_order_parameters_are_read_at_every_time_against_the_start():
    run, shots, labels = two_layers()
    made = models.with_order(run, iter(shots), labels, 20, ["weight_norm"])
    names = [name for name in KNOWN if name != "weight_norm"]
    for place, now in enumerate(shots[1:]):
        values = order_parameters(Moment(now, shots[0], labels, 20), names)
        for name, value in values.items():
            if isinstance(value, Silent):
                assert made.meta["silent"][name] == value.why
                assert name not in made.data
            else:
                assert made[name][place] == value
    assert made.meta["silent"].keys() >= {"rank_gradient_first", "collapse_nc2"}
    assert made.meta["order"] == ["weight_norm", *(name for name in names if name not in made.meta["silent"])]
    assert made["weight_norm"].tolist() == [8.0, 17.0, 107.0]  # its own stays
    assert (made.meta["own"], made.clock) == (5, "step")
    assert made["kernel_distance"].min() > 1e-4  # each from the start
    assert run.meta == {"order": ["old"], "own": 5}


def test_what_is_silenced_is_not_measured():
    run, shots, labels = two_layers()
    dead = [replace(each, changes=None, silent={**each.silent, "changes": "no updates"}) for each in shots]
    reasons = {"elasticity": "all units are dead at some moment", "clusters": "they have no weights"}
    made = models.with_order(run, shots, labels, 20, ["weight_norm"], silent=reasons)
    plain = models.with_order(run, dead, labels, 20, ["weight_norm"])
    assert {name: made.meta["silent"][name] for name in reasons} == reasons
    assert plain.meta["silent"]["elasticity"] == "no updates"
    assert not set(reasons) & (set(made.data) | set(made.meta["order"]))
    assert set(plain.meta["silent"]) - {"elasticity"} == set(made.meta["silent"]) - set(reasons)


def test_rows_become_series():
    t = np.array([1.0, 2.0])
    run = Trajectory(t, {"train": t / 2}, clock="step", meta={"level": 3})
    rows = [
        {"clusters": 4.0, "collapse_nc1": Silent("no classes"), "sample_basin": 0.5},
        {"clusters": 2.0, "collapse_nc1": Silent("still none"), "sample_basin": 0.75},
    ]
    made = models.with_rows(run, rows, ["train"], note="mine")
    assert {name: values.tolist() for name, values in made.data.items()} == {
        "train": [0.5, 1.0],
        "clusters": [4.0, 2.0],
        "sample_basin": [0.5, 0.75],
    }
    assert made.meta == {
        "level": 3,
        "note": "mine",
        "order": ["train", "clusters", "sample_basin"],
        "silent": {"collapse_nc1": "no classes"},
    }


def shares_of(values, count):
    """Whether accuracies are shares of so many samples, and of no fewer."""
    wholes = np.rint(values * count)
    np.testing.assert_allclose(values * count, wholes, atol=1e-9)
    return np.gcd.reduce(wholes.astype(int)) < count


def test_a_diagonal_network_of_the_ensemble_is_one_of_the_grokking_study(monkeypatch):
    times = SparseRegression.default_times
    monkeypatch.setattr(models, "SAMPLES", 20)
    monkeypatch.setattr(SparseRegression, "default_times", lambda model: times(model)[::30])
    settings = models.Layerwise(scale=2.0, decay=0.05, samples=30, scale_spread=1.5, decay_spread=3.0)
    rng = np.random.default_rng(4)
    first, second = deepcopy(rng).random(2)
    own = grokking.Layerwise(scale=2 * 1.5 ** (first - 0.5), decay=0.05 * 3 ** (second - 0.5), samples=30)
    after = deepcopy(rng)
    after.random(2)
    run, plain = models.layerwise(settings, rng), grokking.layerwise(own, after)
    np.testing.assert_array_equal(run.t, plain.t)
    for name in plain.data:
        np.testing.assert_allclose(run[name], plain[name], rtol=1e-9)
    assert run.meta["order"][: len(plain.meta["order"])] == plain.meta["order"]
    measured = set(run.meta["order"]) | set(run.meta["silent"])
    assert measured >= set(KNOWN) - {"weight_norm"}
    assert shares_of(run["kernel_predictor"], 20)  # of as many held-out samples
    later = run["kernel_predictor"][-1]
    assert later > run["kernel_predictor"][0]  # the kernel learns what matters


def test_routes_of_the_ensemble_are_those_of_the_grokking_study():
    settings = models.Neurashed(epsilon=1e-2, growth=1.05, steps=60, epsilon_spread=9.0, growth_spread=4.0)
    rng = np.random.default_rng(7)
    first, second = deepcopy(rng).random(2)
    own = grokking.Neurashed(epsilon=1e-2 * 9 ** (first - 0.5), growth=1 + 0.05 * 4 ** (second - 0.5), steps=60)
    after = deepcopy(rng)
    after.random(2)
    run, plain = models.neurashed(settings, rng), grokking.neurashed(own, after)
    for name in plain.data:
        np.testing.assert_allclose(run[name], plain[name], rtol=1e-9)
    assert not {"kernel_predictor", "linear_map_accuracy"} & set(run.data)  # all samples are trained on
    assert np.isfinite([run[name] for name in run.meta["order"]]).all()


def test_a_network_on_parity_is_looked_at_as_long_as_its_horizon(monkeypatch):
    monkeypatch.setattr(models, "SAMPLES", 50)
    settings = models.Condensation(horizon=0.05, records=4, decay=0.03, scale=4.0, scale_spread=1.2, decay_spread=2.0)
    rng = np.random.default_rng(2)
    _, second = deepcopy(rng).random(2)
    decay = 0.03 * 2 ** (second - 0.5)
    run = models.condensation(settings, rng)
    assert len(run.t) == 4
    assert run.t[-1] == pytest.approx(0.05 / decay, rel=0.05)
    assert run.meta["order"][: len(grokking.TWO_LAYER_ORDER)] == grokking.TWO_LAYER_ORDER
    assert set(run.meta["order"]) | set(run.meta["silent"]) >= set(KNOWN)
    assert shares_of(run["linear_map_accuracy"], 50)
    other = models.condensation(settings, np.random.default_rng(2))
    assert all(np.array_equal(run[name], other[name]) for name in run.data)
    wider = models.condensation(replace(settings, scale=8.0), np.random.default_rng(2))
    ratio = wider["weight_norm"][0] / run["weight_norm"][0]
    assert ratio == pytest.approx(4, rel=0.05)  # squared, and hardly trained


@pytest.fixture
def small(monkeypatch):
    """Digits of four pixels and three classes, a narrow network, and a training loop that only looks."""
    import torch

    from dnn import data
    from dnn.training import loop

    rng = np.random.default_rng(0)
    calls = []

    def split(n_train=90, n_test=60):
        x = torch.from_numpy(rng.standard_normal((n_train + n_test, 4)).astype(np.float32))
        y = torch.arange(n_train + n_test) % 3
        return data.Split(x[:n_train], y[:n_train], x[n_train:], y[n_train:])

    samples = split()

    def train(network, split, config, rng, *, probes, checkpoint):
        calls.append((network, split, config, checkpoint))
        rows = []
        for place in range(len(config.records)):
            with torch.no_grad():
                network.linears[0].weight *= 1 + 0.5 * place
            rows.append({name: probe(network, split) for name, probe in probes.items()})
        series = {f"order.{name}": np.array([row["order"][name] for row in rows]) for name in rows[0]["order"]}
        t = np.array(config.records, dtype=float)
        return Trajectory(t, series | {"train_accuracy": t / t[-1], "test_accuracy": t / (2 * t[-1])}, clock="step")

    monkeypatch.setattr(models, "WIDTHS", (4, 6, 5, 3))
    monkeypatch.setattr(data, "load", lambda name: samples if name == "mnist-mini" else None)
    monkeypatch.setattr(loop, "train", train)
    return calls, split


def test_a_network_trains_longer_the_later_its_jump(small):
    from dnn.networks.mlp import MLP

    calls, _ = small
    settings = models.Digits(
        scale=3.0, decay=0.2, lr=0.07, scale_spread=1.5, decay_spread=4.0, steps=400, records=5, level=0.6
    )
    rng = np.random.default_rng(5)
    again = deepcopy(rng)
    run = models.digits(settings, rng)
    network, _, config, checkpoint = calls[0]
    first, second = again.random(2)
    scale, decay = 3 * 1.5 ** (first - 0.5), 0.2 * 4 ** (second - 0.5)
    steps = round(400 * (scale / 3) ** 3 * (0.2 / decay) ** (2 / 3))
    assert (config.n_steps, config.records[-1]) == (steps, steps)
    assert config.records[0] == round(steps / 16)
    np.testing.assert_allclose(np.diff(np.log(config.records)), np.log(16) / 4, atol=0.03)
    assert (config.optimiser, config.lr, config.loss, config.batch_size) == ("adamw", 0.07, "mse", 100)
    assert config.weight_decay == pytest.approx(decay)
    start = MLP((4, 6, 5, 3), rng=again)
    np.testing.assert_allclose(network.linears[1].weight.detach(), scale * start.linears[1].weight.detach(), rtol=1e-6)
    assert checkpoint is None
    assert (run.clock, run.meta["test_level"], run.meta["silent"]) == ("step", 0.6, {})
    assert run.meta["order"] == list(KNOWN)  # none is without meaning
    assert run["train"].tolist() == (run.t / run.t[-1]).tolist()
    assert run["test"].tolist() == (run.t / run.t[-1] / 2).tolist()
    assert run["kernel_distance"][0] == pytest.approx(0, abs=1e-9)  # as it was made
    assert (np.diff(run["kernel_distance"]) > 0).all()  # each from the start
    assert (np.diff(run["weight_norm"]) > 0).all()


def test_a_network_trains_for_sixteen_steps_at_least(small, tmp_path):
    calls, _ = small
    settings = models.Digits(scale=1.0, steps=2, records=40, scale_spread=1.0, decay_spread=1.0, scratch=tmp_path)
    models.digits(settings, np.random.default_rng(0))
    _, _, config, checkpoint = calls[0]
    assert config.records == tuple(range(1, 17))  # no step is recorded twice
    assert checkpoint == tmp_path / "checkpoint.pt"


@pytest.mark.parametrize(("n_train", "n_test"), [(90, 60), (SAMPLES + 7, SAMPLES + 5), (SAMPLES, 30)])
def test_moments_are_of_the_first_samples_of_each_part(small, n_train, n_test):
    import torch

    from dnn.networks.mlp import MLP
    from dnn.training.snapshots import snapshot

    _, split = small
    split = split(n_train, n_test)
    reference = MLP((4, 6, 5, 3), rng=np.random.default_rng(1))
    network, seen = deepcopy(reference), [min(n, SAMPLES) for n in (n_train, n_test)]
    moment = models._network_moments(reference)
    first = moment(network, split)
    assert first.n_train == seen[0]
    assert len(first.labels) == sum(seen)
    assert first.labels.tolist() == torch.cat([split.y_train[: seen[0]], split.y_test[: seen[1]]]).tolist()
    with torch.no_grad():
        expected = network(torch.cat([split.x_train[: seen[0]], split.x_test[: seen[1]]])).numpy()
        network.linears[0].weight *= 2
        reference.linears[0].weight *= 3
    np.testing.assert_allclose(first.now.outputs, expected, rtol=1e-5, atol=1e-6)
    second = moment(network, split)
    assert second.start is first.start  # which is looked at only once
    assert isinstance(second.start, Snapshot)
    np.testing.assert_allclose(second.start.outputs, expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(second.now.outputs, expected)
    other = snapshot(network, torch.cat([split.x_train[: seen[0]], split.x_test[: seen[1]]]))
    np.testing.assert_allclose(second.now.outputs, other.outputs)
