"""A study of a closed form, of a torch network and of a long sum, and a digest of every byte in their store.

The closed form and the network have their controls. Whether a network's matrices are cut where a second thread would
show depends on the processor; a sum of a million numbers always is.

Run as a program in surroundings that must not matter; the arguments are the number of jobs, the engine, a start method
of processes ("none" stays in this one) and whether torch is loaded beforehand.
"""

import hashlib
import multiprocessing
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Sum:
    """Of so many numbers."""

    n: int = 1_000_000


def summed(settings, rng):
    """A sum in single precision, whose bits depend on the threads that share it."""
    import torch

    numbers = torch.from_numpy(rng.standard_normal(settings.n).astype(np.float32))
    scores = np.linspace(0, 1, 20)
    return Trajectory(
        np.arange(1.0, 21), {"train": scores, "test": scores}, clock="step", meta={"sum": float(numbers.sum())}
    )


def digest_of_store(folder):
    """SHA-256 over the names and bytes of the cells in a folder, which must be there."""
    paths = sorted(path.relative_to(folder) for path in folder.glob("*/*.npz"))
    assert len(paths) == 5, f"the store holds {len(paths)} cells"
    content = b"".join(path.as_posix().encode() + (folder / path).read_bytes() for path in paths)
    return hashlib.sha256(content).hexdigest()


def run(jobs, engine):
    """Print the digest of the cells of a study."""
    from comparisons import Model
    from comparisons.grokking import STUDY

    settings = {"dnn.steps": 10, "dnn.records": 4}
    models = {name: STUDY.models[name] for name in ("layerwise", "dnn")} | {"sum": Model(summed, Sum())}
    study = replace(STUDY, models=models, picture=None)  # matplotlib is no part of this
    with tempfile.TemporaryDirectory() as out:
        study.run(settings=settings, replicates=1, jobs=jobs, engine=engine, out=out)
        print(digest_of_store(Path(out, "cells")), flush=True)


def main(jobs, engine, start, torch_first):
    """As the module says."""
    if torch_first == "True":
        import torch

        torch.ones(2).sum()
    if start == "none":
        return run(int(jobs), engine)
    multiprocessing.set_start_method(start)
    process = multiprocessing.Process(target=run, args=(int(jobs), engine))
    process.start()
    process.join()
    return process.exitcode


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
