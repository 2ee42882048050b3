"""What may be struck: small real works that keep what they finish in a folder, go on from it, and end in some bytes.

Every one is a function of the folder; what it returns says all that must not depend on what happened on the way.
"""

import errno
import hashlib
import importlib
import os
from functools import partial
from pathlib import Path

import numpy as np

from toymodels.run import files
from toymodels.run.cells import checksum

FULL = (errno.EFBIG, errno.ENOSPC)
WIDTHS, SCALES, REPLICATES = [2, 3, 4], [0.5, 1.0], 4


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def finished(folder):
    """How many cells lie in a folder."""
    return len(list(Path(folder).rglob("*/*.npz")))


def study(folder, jobs):
    """Grokking of the layerwise model and of a torch network on digits, with their controls: twelve runs."""
    from dataclasses import replace

    from comparisons.grokking import STUDY

    settings = {"dnn.steps": 10, "dnn.records": 4}
    result = replace(STUDY, picture=None).run(
        models=["layerwise", "dnn"], settings=settings, jobs=jobs, out=folder, resume=True, picture=False
    )
    kept = {path.relative_to(folder).as_posix(): digest(path) for path in Path(folder, "cells").glob("*/*.npz")}
    return kept | {"table": digest(result.folder / "verdicts.csv")}


def figure(folder):
    """Figures 3 and 4 of neurashed at small sizes: eighteen cells, their arrays, claims and picture."""
    from figures.harness.running import Request, make

    small = {"n_steps": 40, "replicates": 8, "steps": 60, "collapse_replicates": 2}
    made = make(Request("neurashed/batch_size", changes=small, out=str(folder), resume=True))
    if made.error:
        number = next((number for number in FULL if os.strerror(number) in made.error), None)
        raise OSError(number, made.error) if number else RuntimeError(made.error)
    kept = {path.relative_to(folder).as_posix(): digest(path) for path in Path(folder, "cells").glob("*/*.npz")}
    return kept | {path.name: digest(path) for path in (made.picture, made.picture.with_name("claims.json"))}


def cell(width, scale, rng):
    """Some sums of an orthogonal factor, which show every bit of linear algebra."""
    q, r = np.linalg.qr(scale * rng.standard_normal((40 * width, 40)))
    return {"sum": q.sum(), "diagonal": np.diagonal(r)[:3]}


def sweep_of(folder, jobs):
    """A sweep of 24 cells."""
    from toymodels import sweep

    grid = {"width": WIDTHS, "scale": SCALES}
    runs = sweep(cell, grid, replicates=REPLICATES, jobs=jobs, cache=Path(folder, "cache"), log=lambda line: None)
    return {"sweep": checksum({name: values.values for name, values in runs.data_vars.items()})}


def recorder(folder):
    """A loop of one's own that checkpoints network, optimiser and recorder after every step."""
    import torch

    from dnn import Recorder
    from dnn.data import load

    split, path = load("mnist-mini"), Path(folder, "loop.pt")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(784, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    seen = Recorder(split, ["accuracy", "loss", "weight_norm", "nc1"], every=3, samples=50)
    done = 0
    if path.exists():
        kept = torch.load(path, weights_only=True)
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
        seen.load_state_dict(kept["recorder"])
        done = kept["done"]
    for step in range(done + 1, 31):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(split.x_train[:200]), split.y_train[:200]).backward()
        optimiser.step()
        seen(network, step)
        state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "done": step}
        with files.whole(path) as part:
            torch.save({**state, "recorder": seen.state_dict()}, part)
    run = seen.trajectory()
    return {"records": checksum({"t": run.t, **run.data}), "page": digest(seen.report(Path(folder, "run.html")))}


def training(folder):
    """`dnn.train` with a checkpoint after every chunk of steps."""
    from dnn import MLP, TrainConfig, train
    from dnn.data import load
    from dnn.training import loop

    loop._SAVE_SECONDS = 0.0
    config = TrainConfig(n_steps=40, batch_size=100, records=20, device="cpu")
    rng = np.random.default_rng(0)
    run = train(MLP([784, 16, 10], rng=rng), load("mnist-mini"), config, rng, checkpoint=Path(folder, "run.checkpoint"))
    return {"run": checksum({"t": run.t, **run.data})}


WORKS = {
    "study, 1 job": partial(study, jobs=1),
    "study, 2 jobs": partial(study, jobs=2),
    "figure": figure,
    "sweep, 1 job": partial(sweep_of, jobs=1),
    "sweep, 2 jobs": partial(sweep_of, jobs=2),
    "recorder": recorder,
    "training": training,
}
LOADED = (
    "comparisons.grokking",
    "dnn.observing.looking",
    "dnn.training.loop",
    "figures.harness.running",
    "figures.neurashed.batch_size",
)
PARALLEL = ("study, 2 jobs", "sweep, 2 jobs")
STORED = ("study, 1 job", "figure", "sweep, 1 job")


def prepare():
    """Load what the works need, so that a forked process starts at once; one thread, as in every run."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in LOADED:
        importlib.import_module(name)
    importlib.import_module("torch").set_num_threads(1)
