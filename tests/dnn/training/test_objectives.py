import pytest
import torch

from dnn.networks.mlp import MLP, batch_norm_mode
from dnn.training.config import TrainConfig
from dnn.training.objectives import count_classes, evaluate, make_targets, prepare
from tests.dnn.blobs import blobs


def network(n_classes=4):
    return MLP([8, 16, n_classes], rng=torch.Generator().manual_seed(0))


def reader():
    """Logits that are the inputs."""
    layer = torch.nn.Linear(2, 2)
    layer.weight.data, layer.bias.data = torch.eye(2), torch.zeros(2)
    return layer


def test_loss_and_accuracy_of_a_hand_worked_case():
    x, y = torch.tensor([[3.0, 1.0], [0.0, 2.0]]), torch.tensor([0, 0])
    assert evaluate(reader(), x, y, "mse", target_scale=3.0) == (pytest.approx((0 + 1 + 9 + 4) / 4), 0.5)
    expected = (torch.tensor([-2.0, 2.0]).exp() + 1).log().mean()
    assert evaluate(reader(), x, y) == (pytest.approx(float(expected)), 0.5)


def test_evaluation_does_not_depend_on_the_chunk():
    net, split = network(), blobs()
    whole = evaluate(net, split.x_train, split.y_train)
    assert evaluate(net, split.x_train, split.y_train, chunk=7) == pytest.approx(whole, rel=1e-6)


def test_targets_are_the_labels_or_scaled_one_hot_rows():
    labels = torch.tensor([1, 0])
    assert make_targets(labels, 3, "cross_entropy", 2.0, torch.float64) is labels
    rows = make_targets(labels, 3, "mse", 2.0, torch.float64)
    assert rows.dtype == torch.float64
    assert rows.tolist() == [[0, 2, 0], [2, 0, 0]]


def test_a_split_is_prepared_in_the_asked_dtype_and_tokens_stay_integers():
    config = TrainConfig(1, dtype="float64", device="cpu")
    assert [part.dtype for part in prepare(blobs(), config)] == [torch.float64, torch.int64] * 2
    tokens = blobs()._replace(x_train=torch.zeros(64, 8, dtype=torch.int32))
    assert prepare(tokens, config).x_train.dtype == torch.int64


def test_classes_are_the_outputs_of_the_network_and_every_label_needs_one():
    assert count_classes(network(6), blobs()) == 6
    with pytest.raises(ValueError, match=r"labels must be in 0..2, the outputs of the network, got 3"):
        count_classes(network(3), blobs())


def test_r2_of_a_hand_worked_case():
    x = torch.tensor([[3.0, 1.0], [0.0, 2.0]])
    y = torch.tensor([[1.0, 1.0], [3.0, 2.0]])  # variances 1 and 1/4, squared errors 4, 0, 9, 0
    assert evaluate(reader(), x, y, "mse") == (pytest.approx(13 / 4), pytest.approx(1 - (13 / 4) / (5 / 8)))
    assert evaluate(reader(), x, x, "mse") == (0, 1)


@pytest.mark.parametrize(
    ("y", "loss", "message"),
    [
        (torch.ones(2, 2), "mse", "y must vary"),
        (torch.rand(2), "mse", "one column for every output"),
        (torch.rand(2, 2), "cross_entropy", "real targets must have loss 'mse'"),
    ],
)
def test_real_targets_that_do_not_fit_are_refused(y, loss, message):
    with pytest.raises(ValueError, match=message):
        evaluate(reader(), torch.rand(2, 2), y, loss)


def test_a_lone_sample_at_the_end_has_the_batch_statistics_of_those_before_it():
    net, split = MLP([8, 16, 4], batch_norm=True, rng=torch.Generator().manual_seed(0)), blobs(n_train=65)
    with batch_norm_mode(net, "batch"):
        loss, _ = evaluate(net, split.x_train, split.y_train, chunk=32)
        parts = [evaluate(net, split.x_train[part], split.y_train[part])[0] for part in (slice(32), slice(32, 65))]
    assert loss == pytest.approx((32 * parts[0] + 33 * parts[1]) / 65, rel=1e-6)
