import torch
from torch import nn

from dnn.observing.batches import Batch
from dnn.observing.passes import View
from dnn.observing.tangents import kernel_of


def test_the_kernel_of_a_linear_readout_is_the_gram_matrix_whatever_the_number_of_outputs():
    x = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]])
    for outputs in (1, 2, 5):
        module = nn.Linear(2, outputs, bias=False)
        kernel = kernel_of(View(module, Batch((x,), torch.arange(3) % max(outputs, 2))), module)
        assert torch.allclose(torch.from_numpy(kernel), (x @ x.T).double())
