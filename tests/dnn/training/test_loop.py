from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnn.data import Split, load
from dnn.networks.mlp import MLP, batch_norm_mode, scale_parameters_
from dnn.training.config import TrainConfig
from dnn.training.loop import train
from dnn.training.objectives import evaluate
from tests.dnn.blobs import blobs
from toymodels.trajectory import SimulationError

CPU = {"device": "cpu"}


def network(seed=0, widths=(8, 16, 4), **settings):
    return MLP(list(widths), rng=np.random.default_rng(seed), **settings)


def run(config, net=None, seed=3, split=None, **settings):
    return train(net or network(), split or blobs(), config, np.random.default_rng(seed), **settings)


def bare_loop(net, split, config, optimiser):
    """Full-batch training as anyone would write it."""
    targets = torch.nn.functional.one_hot(split.y_train, 4).float() * config.target_scale
    for _ in range(config.n_steps):
        logits = net(split.x_train)
        if config.loss == "mse":
            loss = ((logits - targets) ** 2).mean()
        else:
            loss = torch.nn.functional.cross_entropy(logits, split.y_train)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


OPTIMISERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.5, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.01),
}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_full_batch_training_is_the_plain_loop(optimiser, loss):
    config = TrainConfig(20, optimiser, 0.05, 0.01, momentum=0.5, loss=loss, target_scale=2.0, **CPU)
    ours, plain = network(), network()
    run(config, ours)
    bare_loop(plain, blobs(), config, OPTIMISERS[optimiser](plain.parameters()))
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_coupled_and_decoupled_decay_differ():
    """With no gradient left Adam with coupled decay moves by lr, AdamW by lr x decay x weight."""
    split = blobs()._replace(x_train=torch.zeros(64, 8))
    for optimiser, shrinkage in (("adam", 0.01), ("adamw", None)):
        net = network()
        before = net.linears[0].weight.detach().clone()
        run(TrainConfig(1, optimiser, 0.01, 0.1, **CPU), net, split=split)
        change = (before - net.linears[0].weight.detach()).abs()
        expected = torch.full_like(change, shrinkage) if shrinkage else 0.001 * before.abs()
        torch.testing.assert_close(change, expected, rtol=1e-3, atol=1e-6)


def test_records_are_what_evaluating_the_network_gives():
    net, split = network(batch_norm=True), blobs()
    config = TrainConfig(30, "sgd", 0.1, loss="mse", target_scale=3.0, records=(0, 30), **CPU)
    result = run(config, net, split=split)
    assert result.clock == "step"
    assert list(result.t) == [0, 30]
    for part, x, y in (("train", split.x_train, split.y_train), ("test", split.x_test, split.y_test)):
        with batch_norm_mode(net, "running"), torch.no_grad():
            logits = net(x)
        targets = 3 * torch.nn.functional.one_hot(y, 4)
        assert result[f"{part}_loss"][-1] == pytest.approx(float(((logits - targets) ** 2).mean()), rel=1e-5)
        assert result[f"{part}_accuracy"][-1] == float((logits.argmax(1) == y).float().mean())
    assert result["train_accuracy"][-1] > 0.9 > result["train_accuracy"][0]


def test_records_may_look_at_the_first_samples_only():
    split = blobs(spread=2.0)
    short = split._replace(x_test=split.x_test[:5], y_test=split.y_test[:5])
    config = TrainConfig(5, records=(5,), **CPU)
    limited = run(replace(config, record_samples=5), split=split)
    assert limited["test_loss"] == run(config, split=short)["test_loss"]
    assert limited["train_loss"] != run(config, split=split)["train_loss"]


@given(size=st.integers(1, 64), seed=st.integers(0, 100))
def test_every_epoch_shows_each_sample_once(size, seed):
    split = blobs()
    seen = []

    class Watching(torch.nn.Linear):
        def forward(self, x):
            if self.training:
                seen.append(x.detach().clone())
            return super().forward(x)

    per_epoch = -(-64 // size)
    config = TrainConfig(2 * per_epoch, "sgd", 1e-9, batch_size=size, records=(0,), **CPU)
    run(config, Watching(8, 4), seed, split)
    for epoch in (seen[:per_epoch], seen[per_epoch:]):
        rows = torch.cat(epoch)
        assert len(rows) == 64
        assert torch.equal(rows.sort(0).values, split.x_train.sort(0).values)
    if size < 64:
        assert not torch.equal(torch.cat(seen[:per_epoch]), torch.cat(seen[per_epoch:]))


def test_same_seed_same_bits_and_global_generators_are_untouched():
    before = torch.get_rng_state()
    config = TrainConfig(40, batch_size=10, **CPU)
    first, second = run(config), run(config)
    other = run(config, seed=4)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(np.array_equal(first[name], second[name]) for name in first.data)
    assert not np.array_equal(first["train_loss"], other["train_loss"])


def test_batch_norm_momentum_leaves_full_batch_training_alone():
    """Running statistics are read in eval mode only, so they cannot move the weights."""
    results = [network(batch_norm=True, bn_momentum=momentum) for momentum in (0.03, 0.1, 1.0)]
    for net in results:
        run(TrainConfig(15, **CPU), net)
    for net in results[1:]:
        for a, b in zip(results[0].parameters(), net.parameters(), strict=True):
            assert torch.equal(a, b)


def test_probes_may_return_numbers_arrays_and_dicts():
    def norms(net, split):
        assert not net.training
        return {"first": net.linears[0].weight.norm().item(), "all": [p.norm().item() for p in net.parameters()]}

    probes = {"norm": norms, "n": lambda net, split: len(split.x_train)}
    result = run(TrainConfig(10, records=(0, 5, 10), **CPU), probes=probes)
    assert result["norm.first"].shape == (3,)
    assert result["norm.all"].shape == (3, 4)
    assert np.array_equal(result["norm.all"][:, 0], result["norm.first"])
    assert list(result["n"]) == [64, 64, 64]


def test_probes_do_not_disturb_training():
    def noisy(net, split):
        with batch_norm_mode(net, "batch"):
            return net(split.x_test).sum().item()

    config = TrainConfig(20, batch_size=16, **CPU)
    plain, probed = (run(config, network(batch_norm=True), probes=p) for p in ({}, {"noisy": noisy}))
    assert np.array_equal(plain["test_loss"], probed["test_loss"])


def test_a_diverging_loss_names_the_step():
    config = TrainConfig(400, "sgd", 1e6, loss="mse", records=(0,), **CPU)
    with pytest.raises(SimulationError, match=r"training loss is not finite at step (\d+)") as caught:
        run(config)
    step = int(str(caught.value).split()[-1])
    run(replace(config, n_steps=step - 1, records=(0,)))  # finite up to the step before
    with pytest.raises(SimulationError, match=f"at step {step}$"):
        run(replace(config, n_steps=step, records=(0,)))


def test_a_probe_that_is_not_finite_names_itself_and_the_step():
    def late(net, split, calls=iter([0.0, 1.0, np.inf])):  # noqa: B008
        return next(calls)

    with pytest.raises(SimulationError, match="late is not finite at step 6"):
        run(TrainConfig(9, records=(0, 3, 6, 9), **CPU), probes={"late": late})


def test_a_diverged_network_is_reported_before_a_probe_refuses_it():
    def refuse(net, split):
        raise ValueError("network must have finite parameters")

    config = TrainConfig(2, "sgd", 1e38, loss="mse", records=(1, 2), **CPU)
    with pytest.raises(SimulationError, match="train_loss is not finite at step 1"):
        run(config, probes={"refuse": refuse})


def test_a_last_step_that_diverges_is_reported():
    config = TrainConfig(1, "sgd", 1e30, loss="mse", target_scale=1e10, records=(0,), **CPU)
    with pytest.raises(SimulationError, match=r"linears\.0\.weight is not finite at step 1"):
        run(config)


def test_early_stopping_returns_to_the_best_weights():
    split = blobs(spread=1.5)
    net = network()
    config = TrainConfig(400, "adam", 0.03, records=tuple(range(0, 401, 5)), patience=6, **CPU)
    result = run(config, net, split=split)
    accuracies = result["test_accuracy"]
    assert len(accuracies) - 1 - accuracies.argmax() == 6
    assert evaluate(net, split.x_test, split.y_test)[1] == accuracies.max()
    assert result.t[-1] < 400


def test_clipping_bounds_the_first_step_of_sgd():
    net = network()
    before = torch.nn.utils.parameters_to_vector(net.parameters()).detach().clone()
    run(TrainConfig(1, "sgd", 1.0, clip_norm=0.01, **CPU), net)
    moved = torch.nn.utils.parameters_to_vector(net.parameters()).detach() - before
    assert float(moved.norm()) == pytest.approx(0.01, rel=1e-3)


def test_double_precision_runs_agree_with_single_at_first():
    results = [run(TrainConfig(5, "sgd", 0.01, dtype=dtype, **CPU)) for dtype in ("float32", "float64")]
    assert results[0]["test_loss"] == pytest.approx(results[1]["test_loss"], rel=1e-4)


def test_subnormals_are_flushed_only_while_training():
    seen = []
    run(TrainConfig(1, **CPU), probes={"p": lambda *_: seen.append(float(torch.tensor(1e-30) * 1e-10)) or 0.0})
    assert seen == [0.0, 0.0]
    assert float(torch.tensor(1e-30) * 1e-10) > 0
    torch.set_flush_denormal(True)
    try:
        run(TrainConfig(1, **CPU))
        assert float(torch.tensor(1e-30) * 1e-10) == 0
    finally:
        torch.set_flush_denormal(False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": torch.full((64, 8), torch.nan)}, "x_train must be finite"),
        ({"y_test": torch.zeros(5, dtype=torch.int64)}, "x_test and y_test must be non-empty and of equal length"),
        ({"y_train": torch.zeros(64)}, r"y_train must be integers >= 0 .* \(real targets take loss='mse'\)"),
        ({"y_train": torch.zeros(64, dtype=torch.complex64)}, "y_train must be real"),
        (
            {"x_train": torch.zeros(64, 8, dtype=torch.complex64)},
            "x_train must be real, got Tensor of torch.complex64",
        ),
        ({"y_train": torch.full((64,), 4)}, "labels must be in 0..3"),
        ({"y_train": torch.full((64,), -1)}, "y_train must be integers >= 0"),
        ({"x_train": torch.zeros(64, 7)}, r"x_train must have a shape and dtype that network takes, got \(1, 7\)"),
        ({"x_test": torch.zeros(32, 9)}, r"x_test must have a shape and dtype that network takes, got \(1, 9\)"),
        ({"x_train": torch.zeros(64, 3, 8)}, r"network must put out logits of shape \(n, K\), got \(1, 3, 4\)"),
    ],
)
def test_bad_data_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        run(TrainConfig(2, **CPU), split=blobs()._replace(**change))


def test_a_batch_larger_than_the_training_set_is_refused():
    with pytest.raises(ValueError, match="batch_size must be <= 64, got 65"):
        run(TrainConfig(2, batch_size=65, **CPU))


def test_digits_are_learnt_in_two_hundred_steps():
    config = TrainConfig(200, lr=3e-3, batch_size=100, records=(0, 200), **CPU)
    result = run(config, network(widths=(784, 32, 10)), split=load("mnist-mini"))
    assert result["test_accuracy"][0] < 0.2
    assert result["test_accuracy"][-1] > 0.8


@pytest.mark.slow
def test_large_initialisation_fits_digits_long_before_it_generalises():
    net = scale_parameters_(network(widths=(784, 200, 200, 10)), 8)
    config = TrainConfig(14_000, loss="mse", weight_decay=1e-3, batch_size=200, records=(2100, 14_000), **CPU)
    result = run(config, net, split=load("mnist-mini"))
    assert result["train_accuracy"][0] > 0.95
    assert result["test_accuracy"][0] < 0.3
    assert result["test_accuracy"][-1] > 0.8


def real(columns=None, seed=0, spread=0.0):
    """Linear targets (n,), or (n, columns), of the blobs."""
    split = blobs(n_train=128, n_test=64, spread=1.0)
    map_ = torch.randn(8, columns or 1, generator=torch.Generator().manual_seed(seed))
    draw = torch.Generator().manual_seed(seed + 1)

    def targets(x):
        y = x @ map_ + spread * torch.randn(len(x), columns or 1, generator=draw)
        return y if columns else y[:, 0]

    return split._replace(y_train=targets(split.x_train), y_test=targets(split.x_test))


@pytest.mark.parametrize("columns", [None, 1, 3])
@pytest.mark.parametrize("batch_size", [None, 20])
def test_real_targets_are_learnt_and_r2_stands_for_accuracy(columns, batch_size):
    net, split = network(widths=(8, columns or 1)), real(columns)
    config = TrainConfig(500, lr=0.05, loss="mse", batch_size=batch_size, records=(0, 500), **CPU)
    result = run(config, net, split=split)
    assert sorted(result.data) == ["test_loss", "test_r2", "train_loss", "train_r2"]
    assert result["test_r2"][0] < 0.5 < 0.99 < result["test_r2"][-1] <= 1
    y, predicted = (np.atleast_2d(v.detach().numpy().T).T for v in (split.y_test, net(split.x_test)))
    loss = ((y - predicted) ** 2).mean()
    assert result["test_loss"][-1] == pytest.approx(loss, rel=1e-3)
    expected = 1 - loss / ((y - y.mean(0)) ** 2).mean()
    assert result["test_r2"][-1] == pytest.approx(expected, abs=1e-5)


def test_the_first_step_on_real_targets_is_that_of_the_plain_loss():
    net, plain, split = network(widths=(8, 16, 1)), network(widths=(8, 16, 1)), real()
    run(TrainConfig(1, "sgd", 0.1, loss="mse", **CPU), net, split=split)
    ((plain(split.x_train)[:, 0] - split.y_train) ** 2).mean().backward()
    for a, b in zip(net.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b - 0.1 * b.grad)


def test_one_hot_rows_as_real_targets_train_as_their_labels_do():
    split = blobs()
    one_hot = [torch.nn.functional.one_hot(y, 4).float() for y in (split.y_train, split.y_test)]
    rows = split._replace(y_train=one_hot[0], y_test=one_hot[1])
    config = TrainConfig(20, loss="mse", batch_size=20, **CPU)
    assert np.array_equal(run(config, split=split)["train_loss"], run(config, split=rows)["train_loss"])


def test_early_stopping_on_real_targets_goes_by_r2():
    config = TrainConfig(4000, lr=0.03, loss="mse", records=tuple(range(0, 4001, 20)), patience=3, **CPU)
    net, split = network(widths=(8, 64, 1)), real(spread=3.0)
    result = run(config, net, split=split)
    assert result.t[-1] < 4000
    assert evaluate(net, split.x_test, split.y_test, "mse")[1] == result["test_r2"].max()


def test_real_targets_go_on_from_a_checkpoint(tmp_path):
    config = TrainConfig(30, loss="mse", batch_size=30, **CPU)
    first = run(config, network(widths=(8, 4, 1)), split=real(), checkpoint=tmp_path / "state.pt")
    again = run(config, network(widths=(8, 4, 1)), split=real(), checkpoint=tmp_path / "state.pt")
    assert np.array_equal(first["test_r2"], again["test_r2"])


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({}, {"loss": "cross_entropy"}, r"y_train must be integers .* \(real targets take loss='mse'\)"),
        ({}, {"target_scale": 2.0}, "target_scale must be 1 for real targets, got 2"),
        ({"y_test": torch.zeros(64, dtype=torch.int64)}, {}, "y_train and y_test must be of one kind"),
        ({"y_test": torch.arange(64.0)[:, None]}, {}, "y_train and y_test must be of one kind and number of columns"),
        ({"y_train": torch.full((128,), torch.nan)}, {}, "y_train must be finite"),
        ({"y_test": torch.ones(64)}, {}, "y_test must vary, or R2 is not defined"),
        ({"y_train": torch.rand(128, 4, 2)}, {}, r"y_train must be real targets of shape \(n,\) or \(n, k\)"),
        ({"y_train": torch.rand(128, 3), "y_test": torch.rand(64, 3)}, {}, "a column for every output of the network"),
    ],
)
def test_bad_real_targets_are_refused(change, settings, message):
    config = TrainConfig(2, **({"loss": "mse"} | settings), **CPU)
    with pytest.raises(ValueError, match=message):
        run(config, network(widths=(8, 4, 1)), split=real()._replace(**change))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_tensors_with_gradient_and_short_floats_train_as_their_values(kind):
    split = blobs()
    plain = split._replace(x_train=split.x_train.to(kind).float(), x_test=split.x_test.to(kind).float())
    expected = run(TrainConfig(5, **CPU), split=plain)
    scale = torch.ones((), requires_grad=True)
    attached = split._replace(
        x_train=split.x_train.to(kind).float() * scale, x_test=split.x_test.to(kind).requires_grad_()
    )
    for given_split in (attached, Split(*(part.numpy() for part in plain))):
        assert np.array_equal(run(TrainConfig(5, **CPU), split=given_split)["test_loss"], expected["test_loss"])
    assert scale.grad is None


def test_probes_may_return_views_of_the_weights_and_tensors_with_gradient():
    """A record is a copy: a view would show the last weights at every step."""
    probes = {
        "view": lambda net, split: net.linears[0].bias.detach().numpy(),
        "tensor": lambda net, split: net.linears[0].bias,
        "short": lambda net, split: {"sum": net.linears[0].bias.bfloat16().sum(), "list": list(net.linears[0].bias)},
    }
    result = run(TrainConfig(10, records=(0, 10), **CPU), probes=probes)
    start = network().linears[0].bias.detach().numpy()
    for name in ("view", "tensor", "short.list"):
        assert np.array_equal(result[name][0], start)
        assert not np.array_equal(result[name][1], start)
    assert result["short.sum"].shape == (2,)


@pytest.mark.parametrize(("n", "batch_size"), [(64, 21), (64, 9), (64, 1), (1, None), (1, 1)])
def test_a_lone_sample_for_batch_norm_is_refused_before_the_run(n, batch_size):
    split = blobs(n_train=n, n_classes=4)
    net = network(batch_norm=True)
    before = [value.clone() for value in net.state_dict().values()]
    config = TrainConfig(100, batch_size=batch_size, **CPU)
    match = (
        rf"batch_size must leave no batch of a single sample .* got {n} training samples with batch_size {batch_size}"
    )
    with pytest.raises(ValueError, match=match):
        run(config, net, split=split)
    assert all(map(torch.equal, before, net.state_dict().values()))
    run(config, split=split)  # without batch norm


def test_what_batch_norm_can_do_with_a_lone_sample_is_not_refused():
    config = TrainConfig(4, batch_size=21, **CPU)
    with pytest.raises(ValueError, match="batch_size must leave no batch"):
        run(config, network(batch_norm=True))
    run(replace(config, n_steps=3), network(batch_norm=True))  # ends before the last batch of the epoch
    split = blobs()
    images = split._replace(x_train=split.x_train.reshape(64, 1, 2, 4), x_test=split.x_test.reshape(32, 1, 2, 4))
    layers = torch.nn.Conv2d(1, 3, 1), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(24, 4)
    run(config, torch.nn.Sequential(*layers), split=images)  # statistics over positions

    class Frozen(torch.nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    run(config, torch.nn.Sequential(torch.nn.Linear(8, 4), Frozen(4)))


def test_a_run_says_with_how_many_threads_it_was_computed(tmp_path):
    before, seen = torch.get_num_threads(), []
    try:
        for n_threads in (2, 1):  # the second goes on from the checkpoint of the first
            torch.set_num_threads(n_threads)
            seen.append(run(TrainConfig(n_steps=4, **CPU), checkpoint=tmp_path / "run.pt").meta["threads"])
    finally:
        torch.set_num_threads(before)
    assert seen == [[2], [1, 2]]
