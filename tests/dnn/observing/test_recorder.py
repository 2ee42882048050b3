import copy
import html
import json
import sys

import numpy as np
import pytest
import torch
from torch import nn

from dnn import Recorder, observe
from dnn.data import load
from dnn.observing.diagnosis import diagnosed, half_way_times
from dnn.observing.recorder import USUAL
from toymodels.trajectory import Trajectory

QUICK = ["accuracy", "loss", "rank_gradient", "nc1", "dead_units", "weight_norm"]


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(784, 20), nn.ReLU(), nn.Dropout(0.1), nn.Linear(20, 10))


def train(module, recorder=None, steps=range(1, 41), optimiser=None):
    split = load("mnist-mini")
    optimiser = optimiser or torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    for step in steps:
        chosen = torch.randint(0, 1000, (50,))
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(split.x_train[chosen]), split.y_train[chosen]).backward()
        optimiser.step()
        if recorder:
            recorder(module, step)
    return module


def test_weights_and_random_numbers_are_the_same_bits_with_and_without():
    plain = train(network())
    after = torch.rand(3)
    watched = train(network(), Recorder(load("mnist-mini"), QUICK, samples=100))
    assert torch.equal(torch.rand(3), after)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), watched.parameters(), strict=True))


def test_a_long_record_of_all_usual_quantities_is_what_observe_sees_and_changes_no_bit():
    split, kept = load("mnist-mini"), {}
    recorder = Recorder(split, samples=150)

    def watch(module, step):
        before = len(recorder.rows)
        recorder(module, step)
        if len(recorder.rows) > before:
            kept[step] = copy.deepcopy(module)

    steps = range(1, 201)
    plain, watched = train(network(), None, steps), train(network(), watch, steps)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), watched.parameters(), strict=True))
    assert recorder.steps == list(kept)
    assert recorder.steps[-1] > 150
    for row, module in zip(recorder.rows, kept.values(), strict=True):
        test = observe(module, (split.x_test, split.y_test), ["accuracy", "loss"], samples=150)
        expected = {**observe(module, split, USUAL, samples=150), **{f"test_{name}": v for name, v in test.items()}}
        assert row == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_records_are_spaced_in_log_time_or_evenly():
    for every, expected in (("log", [1, 2, 3, 4, 6, 8, 11, 14, 18, 23, 29, 37]), (10, [1, 10, 20, 30, 40])):
        recorder = Recorder(load("mnist-mini"), ["weight_norm"], every=every, samples=20)
        train(network(), recorder)
        assert recorder.trajectory().t.tolist() == expected


def test_a_run_is_one_trajectory_and_one_table():
    recorder = Recorder(load("mnist-mini"), QUICK, samples=100)
    train(network(), recorder)
    run = recorder.trajectory()
    assert {"accuracy", "0/rank_gradient", "test_accuracy", "test_loss", "logits/dead_units"} <= set(run.data)
    assert run["accuracy"][-1] > run["accuracy"][0]
    assert recorder.to_dataframe().columns[0] == "step"
    assert len(recorder.to_dataframe()) == len(run.t)


def test_a_resumed_recorder_goes_on_where_it_was():
    whole = Recorder(load("mnist-mini"), QUICK, samples=50)
    train(network(), whole)
    first = Recorder(load("mnist-mini"), QUICK, samples=50)
    module = network()
    optimiser = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    train(module, first, range(1, 21), optimiser)
    second = Recorder(load("mnist-mini"), QUICK, samples=50)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second(module, 20)  # a step that was done before the interruption
    train(module, second, range(21, 41), optimiser)
    assert second.to_dataframe().equals(whole.to_dataframe())


def test_records_of_other_samples_after_a_resumption_are_told():
    x, y = torch.randn(20, 784), torch.arange(20) % 10
    first = Recorder((x, y), ["accuracy"], every=1, samples=20)
    for step in (1, 2):
        first(network(), step)
    assert not {"other samples", "unknown samples"} & set(first.trajectory().meta)
    for data, told in (((x, y), False), ((x.flip(0), y.flip(0)), True), ((x, (y + 1) % 10), True)):
        second = Recorder(data, ["accuracy"], every=1, samples=20)
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        for step in (3, 4):
            second(network(), step)
        assert ("from step 3 on" in second.trajectory().meta.get("other samples", "")) == told
        assert ("of other samples from step 3 on" in second.diagnosis()) == told
    x[0] += 1  # in place, under a recorder that goes on
    second(network(), 5)
    assert "5" in second.trajectory().meta["other samples"]
    third = Recorder((x, y), ["accuracy"], every=1, samples=20, test=(x, y))
    third.load_state_dict({name: first.state_dict()[name] for name in ("steps", "rows", "refused")})
    assert "unknown samples" not in third.trajectory().meta  # of whichever, they are the same
    third(network(), 3)  # a state that does not say of which samples it is
    assert "other samples" not in third.trajectory().meta
    assert third.trajectory().meta["unknown samples"].startswith("before step 3")
    assert "of unknown samples before step 3" in third.diagnosis()
    fourth = Recorder((x, y), ["accuracy"], every=1, samples=20, test=(x, y))
    fifth = Recorder((x, y), ["accuracy"], every=1, samples=20)
    fifth(network(), 1)
    fourth.load_state_dict(fifth.state_dict())
    fourth(network(), 2)  # test samples where there were none
    assert "other samples" not in fourth.trajectory().meta


def test_before_any_record_there_is_nothing():
    with pytest.raises(ValueError, match="got no records"):
        Recorder(load("mnist-mini")).trajectory()
    with pytest.raises(ValueError, match="quantities must be out of"):
        Recorder(load("mnist-mini"), ["nc9"])
    with pytest.raises(ValueError, match="every must be"):
        Recorder(load("mnist-mini"), every=0)


def test_the_report_is_one_page_that_loads_nothing(tmp_path):
    module = network()
    reference = copy.deepcopy(module)
    recorder = Recorder(load("mnist-mini"), [*QUICK, "kernel_distance"], samples=60, reference=reference)
    train(module, recorder)
    path = recorder.report(tmp_path / "report.html")
    text = path.read_text()
    assert path.stat().st_size < 1_000_000
    assert all(name in text for name in recorder.trajectory().data)
    assert not any(word in text for word in ("http://", "https://", "src=", "@import", "url("))
    assert all(html.escape(line) in text for line in recorder.diagnosis().splitlines())


T = np.geomspace(1, 1e4, 60)


def rising(half, low=0.1, high=1.0):
    return low + (high - low) / (1 + (half / T) ** 4)


def says(**curves):
    return diagnosed(Trajectory(T, {name: np.asarray(values) for name, values in curves.items()}, clock="step"))


def test_findings_rest_on_numbers_and_go_no_further():
    text = says(accuracy=rising(10), test_accuracy=rising(1000), kernel_distance=rising(500, 0, 0.6))
    assert "fits: training accuracy reaches 0.95 by step" in text
    assert "decades behind training: delayed" in text
    assert "rich: the tangent kernel has turned by 0.600" in text
    assert "lazy: the tangent kernel has turned by 0.010 only" in says(kernel_distance=rising(500, 0, 0.01))
    assert "lazy or rich cannot be said" in says(accuracy=rising(10))
    assert "does not fit: training accuracy is 0.500 at the end" in says(accuracy=rising(10, 0.1, 0.5))
    assert "at the first record already" in says(accuracy=np.ones(60))
    assert "no rise to speak of" in says(accuracy=rising(10), test_accuracy=np.full(60, 0.2))
    assert "no sign of weight decay" in says(weight_norm=rising(10, 1, 2))
    assert "10 of 10" not in text


@pytest.mark.parametrize(("decades", "word"), [(0.45, "not delayed"), (0.55, "delayed")])
def test_half_a_decade_of_lag_counts_as_delayed(decades, word):
    text = says(accuracy=rising(30), test_accuracy=rising(30 * 10**decades))
    assert f"{decades:.2f} decades behind training: {word}" in text


@pytest.mark.parametrize(
    ("distance", "words"),
    [(0.047, "lazy: "), (0.053, "neither lazy nor rich: "), (0.29, "neither lazy nor rich: "), (0.31, "rich: ")],
)
def test_between_lazy_and_rich_lies_a_twentieth_to_three_tenths_of_a_turn(distance, words):
    found = says(kernel_distance=np.linspace(0, distance, 60)).splitlines()
    assert any(line.startswith(f"{words}the tangent kernel has turned by {distance:.3f}") for line in found)


def test_a_network_that_ends_in_relu_has_dead_logits():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10), nn.ReLU())
    with torch.no_grad():
        module[2].bias.fill_(-1e3)
    recorder = Recorder(load("mnist-mini"), ["dead_units"], every=1, samples=50)
    recorder(module, 1)
    assert "dead: 100.0% of the logits never vary (logits/dead_units)" in recorder.diagnosis()


def test_units_are_called_dead_only_where_there_are_some():
    names = {"dead_units": "50.0% of the units move no logit", "logits/dead_units": "50.0% of the logits never vary"}
    for name, found in names.items():
        assert f"dead: {found} ({name})" in says(**{name: np.linspace(0, 0.5, 60)})
        assert "dead" not in says(**{name: np.linspace(0.5, 0, 60)})


def test_a_run_that_ends_at_step_0_has_no_lag():
    rise = {"accuracy": np.array([0.1, 1.0]), "test_accuracy": np.array([0.1, 1.0])}
    assert "so no lag between them" in diagnosed(Trajectory([-1.0, 0.0], rise, clock="step"))


def test_what_hardly_moves_has_no_half_way_time():
    noise = np.random.default_rng(0).standard_normal(60)
    run = Trajectory(T, {"still": np.ones(60), "noise": noise, "rise": rising(100)}, clock="step")
    assert list(half_way_times(run)) == ["rise"]
    line = Trajectory([1.0, 2.0, 3.0], {"rise": np.array([0.0, 5.0, 10.0])}, clock="step")
    assert half_way_times(line) == {"rise": pytest.approx(2)}
    assert half_way_times(Trajectory([1.0, 3.0], {"rise": np.array([0.0, 10.0])}, clock="step")) == {}
    assert half_way_times(run)["rise"] == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize(("name", "package"), [("lightning", "lightning"), ("huggingface", "transformers")])
def test_integrations_are_asked_for_by_name(name, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"needs {package}: pip install 'toymodels\[integrations\]'"):
        getattr(Recorder(load("mnist-mini"), ["loss"]), name)()


def test_a_step_that_was_recorded_is_not_due_again():
    module, data = network(), load("mnist-mini")
    for every in ("log", 2):
        recorder = Recorder(data, quantities=["loss"], every=every)
        for step in (0, 4):
            recorder(module, step)
        assert [recorder.is_due(step) for step in (0, 2, 4, 6)] == [False, False, False, True]
