"""A ResNet18 fits a thousand digits, recorded on the way.

python docs/observing/resnet18.py [--steps 400] [--out resnet18.html]

About three minutes on one core; the page that it writes needs no network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch.nn import functional as F

from dnn import Recorder, data
from dnn.networks.convolutional import ResNet18

QUANTITIES = ["rank_gradient", "nc1", "within_between", "nc2_angle", "effective_rank", "cosine_excess"]
QUANTITIES += ["dead_units", "weight_norm", "accuracy", "loss"]


def record(steps: int, seed: int = 0) -> Recorder:
    """Train with momentum in batches of 50 and look at about ten steps a decade.

    Parameters
    ----------
    steps, seed : int
    """
    torch.manual_seed(seed)
    split = data.load("mnist-mini")
    x, y = split.x_train, split.y_train
    network = ResNet18(width=16)
    recorder = Recorder(split, QUANTITIES, samples=200)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    for step in range(1, steps + 1):
        batch = torch.randint(0, len(y), (50,))
        optimiser.zero_grad()
        F.cross_entropy(network(x[batch]), y[batch]).backward()
        optimiser.step()
        recorder(network, step)
    return recorder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("resnet18.html"))
    options = parser.parse_args()
    recorder = record(options.steps)
    print(recorder.diagnosis())
    print(recorder.report(options.out))
