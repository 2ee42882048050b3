import math

import pytest
import torch
from torch import nn

from dnn import observe
from dnn.observing.batches import Batch
from dnn.observing.fitting import total_loss
from dnn.observing.passes import View


def of_logits(logits, labels):
    module = nn.Linear(1, len(logits), bias=False)
    module.weight.data = torch.tensor(logits)[:, None]
    return total_loss(View(module, Batch((torch.ones(len(labels), 1),), torch.tensor(labels))))


def test_losses_of_logits_known_by_hand():
    assert of_logits([3.0], [1.0, 3.0, 7.0]) == pytest.approx((4 + 0 + 16) / 2)
    assert of_logits([1.0, 2.0], [[3.0, 2.0], [1.0, 1.0]]) == pytest.approx((4 + 1) / 2)
    assert of_logits([math.log(3)], [1, 0]) == pytest.approx(math.log(4 / 3) + math.log(4))
    assert of_logits([0.0, math.log(3)], [1, 0]) == pytest.approx(math.log(4 / 3) + math.log(4))


@pytest.mark.parametrize(
    ("outputs", "labels", "words"),
    [
        (3, [0, 3, 1], r"needs class labels in 0\.\.2, one for each logit, got 3"),
        (1, [0, 2, 1], r"needs class labels in 0\.\.1, one for each logit, got 2"),
        (3, [0, -100, 1], "needs class labels from 0 on, got -100"),  # which torch would leave out
        (1, [0, -1, 1], "needs class labels from 0 on, got -1"),
        (3, [0.5, 1.0, 2.0], r"needs a real target for every logit, got \(3,\) for \(3, 3\)"),
        (3, [[0, 1, 2]] * 3, "needs integer class labels or real targets, got structured targets"),
    ],
)
def test_labels_that_have_no_logit_have_no_loss(outputs, labels, words):
    module = nn.Linear(2, outputs)
    seen = observe(module, (torch.ones(3, 2), torch.tensor(labels)), ["loss", "nc1"])
    with pytest.raises(KeyError, match=words):
        seen["loss"]
