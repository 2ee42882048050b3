"""A study of a closed form and of a torch network, each with its control, and a digest of every byte in their store.

Run as a program in surroundings that must not matter; the arguments are the number of jobs, the engine, a start method
of processes ("none" stays in this one) and whether torch is loaded beforehand.
"""

import hashlib
import multiprocessing
import sys
import tempfile
from dataclasses import replace
from pathlib import Path


def digest_of_store(folder):
    """SHA-256 over the names and bytes of the cells in a folder, which must be there."""
    paths = sorted(path.relative_to(folder) for path in folder.glob("*/*.npz"))
    assert len(paths) == 4, f"the store holds {len(paths)} cells"
    content = b"".join(path.as_posix().encode() + (folder / path).read_bytes() for path in paths)
    return hashlib.sha256(content).hexdigest()


def run(jobs, engine):
    """Print the digest of the cells of a study."""
    from comparisons.grokking import STUDY

    settings = {"dnn.steps": 10, "dnn.records": 4}
    study = replace(STUDY, picture=None)  # matplotlib is no part of this
    with tempfile.TemporaryDirectory() as out:
        study.run(models=["layerwise", "dnn"], settings=settings, replicates=1, jobs=jobs, engine=engine, out=out)
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
