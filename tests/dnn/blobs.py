"""A tiny separable task: four Gaussian blobs in eight dimensions."""

import numpy as np
import torch

from dnn.data import Split


def blobs(n_train=64, n_test=32, n_classes=4, dim=8, spread=0.3, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_classes, dim))

    def draw(n):
        labels = np.arange(n) % n_classes
        x = centres[labels] + spread * rng.normal(size=(n, dim))
        return torch.tensor(x, dtype=torch.float32), torch.tensor(labels)

    return Split(*draw(n_train), *draw(n_test))
