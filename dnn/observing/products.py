"""Matrix products by torch, which keeps to the threads that training runs on; numpy has threads of its own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dnn.checks import shareable


def product(first: np.ndarray | Tensor, second: np.ndarray | Tensor) -> np.ndarray:
    """Matrix product of two matrices of one precision.

    Parameters
    ----------
    first : (n, m) array or tensor
    second : (m, k) array or tensor

    Returns
    -------
    (n, k) array
    """
    return (torch.as_tensor(shareable(first)) @ torch.as_tensor(shareable(second))).numpy()
