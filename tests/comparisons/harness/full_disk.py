"""A disk that is full after the first run: every later file is refused by the operating system's own error."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comparisons import Model
from comparisons.harness import command
from comparisons.harness.settings import Settings
from tests.comparisons.harness.toy import STUDY
from toymodels.run import cells
from toymodels.trajectory import Trajectory


@dataclass(frozen=True)
class Big(Settings):
    folder: str = ""


def big(s, rng):
    """Once one run is stored, this process can write no file of the store any more."""
    if list(Path(s.folder).glob("cells/*/*.npz")):
        cells.np.savez = refuse
    return Trajectory(np.arange(1.0, 5000.0), {"score": rng.random(4999)}, clock="step")


def refuse(file, *arrays, **named):
    file.write(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file.name)


def main(folder, jobs):
    study = STUDY.adding(big=Model(big, Big(folder=folder)))
    return command.main(study, ["--models", "big", "--replicates", "4", "--jobs", jobs, "--out", folder])
