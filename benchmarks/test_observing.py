"""What observing costs: a recorder along training, one record of a transformer, streams, kernels."""

import copy
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from benchmarks.timing import together
from dnn import Recorder, observe, quantities
from dnn.data import load
from dnn.observing.recorder import USUAL

STEPS = 12_500
STREAM = """
import sys
import torch
from torch import nn
from dnn import observe

def peak():
    with open("/proc/self/status") as lines:  # what getrusage says begins with the peak of the process that forked
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

torch.set_num_threads(1)
torch.manual_seed(0)
layers = [nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)]
module = nn.Sequential(*layers)
x, y = torch.randn(250, 784), torch.arange(250) % 10
nn.functional.cross_entropy(module(x), y).backward()  # a step of training, all that the module itself takes
observe(module, (x, y), ["accuracy"])
before = peak()
batches = ((torch.randn(250, 784), torch.randint(10, (250,))) for _ in range(int(sys.argv[1]) // 250))
seen = observe(module, batches, samples=None)
print(peak() - before, len(seen))
"""


def adamw(parameters):
    return torch.optim.AdamW(parameters, 1e-3, weight_decay=0.01)


def sgd(parameters):
    return torch.optim.SGD(parameters, 0.1)


# how arXiv:2210.01117 trains this network on 1,000 digits, and two cheaper ways
TRAININGS = {"AdamW": (adamw, 200), "SGD": (sgd, 100), "SGD of few": (sgd, 50)}


def seconds(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def chain():
    torch.manual_seed(0)
    layers = [nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)]
    return nn.Sequential(*layers)


def trained(training, recorder, n_steps=STEPS):
    """A run; nothing but the recorder differs from one without."""
    split, module = load("mnist-mini"), chain()
    make, batch_size = TRAININGS[training]
    optimiser = make(module.parameters())
    for step in range(1, n_steps + 1):
        chosen = torch.randint(0, len(split.x_train), (batch_size,))
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(split.x_train[chosen]), split.y_train[chosen]).backward()
        optimiser.step()
        if recorder:
            recorder(module, step)
    return module


class Timed:
    """A recorder, and how long it took."""

    def __init__(self):
        self.recorder, self.seconds = Recorder(load("mnist-mini")), 0.0

    def __call__(self, module, step):
        start = time.process_time()
        self.recorder(module, step)
        self.seconds += time.process_time() - start


@pytest.mark.parametrize("training", TRAININGS)
def test_a_recorder_along_training(record, training):
    """Two runs of a minute differ by more than a recorder costs: its own seconds are beside those of the rest."""
    trained(training, Recorder(load("mnist-mini")), 20)
    timed = Timed()
    whole = seconds(lambda: trained(training, timed))
    n_records, share = len(timed.recorder.steps), timed.seconds / (whole - timed.seconds)
    note = f"{share:.1%} of the training, {n_records} records of {timed.seconds / n_records * 1e3:.0f} ms"
    name = f"784-200-200-10, {STEPS:,} steps of {training} on {TRAININGS[training][1]} samples, recorded"
    record(name, whole, "without the recorder", whole - timed.seconds, goal=1 / 1.03, note=note)


class Vision(nn.Module):
    """A transformer of two layers of 64 on 49 patches of 4 x 4."""

    def __init__(self):
        super().__init__()
        self.patches, self.place = nn.Conv2d(1, 64, 4, 4), nn.Parameter(0.02 * torch.randn(49, 64))
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
        self.layers, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(64, 10)

    def forward(self, x):
        tokens = self.patches(x.view(-1, 1, 28, 28)).flatten(2).transpose(1, 2) + self.place
        return self.head(self.layers(tokens).mean(1))


def test_a_record_of_a_transformer(record):
    torch.manual_seed(0)
    split, module = load("mnist-mini"), Vision()
    reference = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.02 * torch.randn(parameter.shape)
    curvature = ("sharpness", "hessian_trace")
    costly = [name for name in quantities() if name not in (*USUAL, *curvature) and "kernel" not in name]
    left = [name for name in costly if "basin" not in name]
    observe(module, split, ["accuracy"])
    name = "transformer of 2 layers of 64 on 1,000 digits, a record of"
    (usual,) = together(lambda: observe(module, split, USUAL, reference=reference))
    record(f"{name} the usual quantities", usual, at_most=3)
    for names in (left, curvature):
        more = seconds(lambda names=names: observe(module, split, names, reference=reference))
        record(f"{name} {', '.join(names)}", more)


def test_a_stream_of_many_samples(record):
    for n_samples in (6_000, 60_000):
        start = time.perf_counter()
        run = subprocess.run([sys.executable, "-c", STREAM, str(n_samples)], capture_output=True, text=True, check=True)
        megabytes, n_numbers = run.stdout.split()
        note = f"{float(megabytes):.0f} MiB above a step of training (goal 300), {n_numbers} numbers"
        taken = time.perf_counter() - start
        record(f"stream of {n_samples:,} samples through 784-200-200-10, wall clock with the start", taken, note=note)


def test_the_kernel_distance_of_a_small_convolutional_network(record):
    torch.manual_seed(0)
    convolutions = [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)]
    module = nn.Sequential(nn.Unflatten(1, (1, 28, 28)), *convolutions, nn.Flatten(), nn.Linear(400, 10))
    reference = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.02 * torch.randn(parameter.shape)
    split = load("mnist-mini")
    n_parameters = sum(values.numel() for values in module.parameters())
    (durations,) = together(lambda: observe(module, split, ["kernel_distance"], reference=reference))
    record(f"kernel distance of 100 digits, convolutions with {n_parameters:,} parameters", durations, at_most=0.3)
