"""What the benchmarks ran on and with: processor, memory, versions, and how fast it moves bytes and multiplies."""

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from benchmarks.timing import once

LIBRARIES = ("numpy", "scipy", "torch", "networkx")
PEERS = ("torchdiffeq", "foolbox", "curvlinops-for-pytorch", "npeet-plus")
ABSENT = "not installed"
SHAPES = ((1500, 1500, 1500), (500, 1600, 1600), (500, 784, 800), (400, 400, 400))


def processor():
    """Name of the processor, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def memory():
    """GiB of main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def load():
    """Mean number of running programs over the last minute."""
    return os.getloadavg()[0]


def release(name):
    """Version of a package, or that there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ABSENT


@cache
def bandwidth():
    """Bytes a second that a copy of 256 MB reads and writes."""
    source = np.ones(32_000_000)
    target = np.empty_like(source)
    return 2 * source.nbytes / min(once(lambda: np.copyto(target, source)) for _ in range(5))


@cache
def flops(dtype=np.float64):
    """Most additions and multiplications a second, on one thread, of products of matrices in the shapes used here."""
    rng, best = np.random.default_rng(0), 0.0
    for n, k, m in SHAPES:
        a, b = (torch.from_numpy(rng.standard_normal(shape).astype(dtype)) for shape in ((n, k), (k, m)))
        best = max(best, *(2 * n * k * m / once(lambda a=a, b=b: a @ b) for _ in range(5)))
    return best


def described(loads):
    """Lines of the head of the results; `loads` are those at start and end."""
    return [
        f"- processor: {processor()}, {os.cpu_count()} cores, {memory():.0f} GiB of memory",
        f"- threads: {torch.get_num_threads()}; OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}",
        f"- load of the machine: {loads[0]:.1f} at the start, {loads[1]:.1f} at the end",
        f"- Python {platform.python_version()}, " + ", ".join(f"{name} {release(name)}" for name in LIBRARIES),
        "- peers: " + ", ".join(f"{name} {release(name)}" for name in PEERS),
        f"- limits, measured: {bandwidth() / 1e9:.1f} GB/s copied; "
        f"{flops() / 1e9:.0f} and {flops(np.float32) / 1e9:.0f} Gflop/s in products of float64 and float32",
    ]
