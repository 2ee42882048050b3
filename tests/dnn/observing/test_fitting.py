import math

import pytest
import torch
from torch import nn

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
