"""Wheels and sdists of the checkout as it stands, and environments into which they are installed."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.mutants.table import copy_of_checkout

ROOT = Path(__file__).parents[2]


def run(*words, folder, timeout=300):
    """A program in `folder` that sees nothing of the checkout."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | {"OMP_NUM_THREADS": "1"}
    words = [*map(str, words)]
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def must(*words, folder, timeout=300):
    """What a program prints that has to succeed."""
    done = run(*words, folder=folder, timeout=timeout)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def build(place):
    """Paths of the sdist, of the wheel made from it, and of the wheel made from the checkout itself."""
    checkout = copy_of_checkout()
    try:
        must(sys.executable, "-m", "build", "--outdir", place / "both", checkout, folder=place)
        must(sys.executable, "-m", "build", "--wheel", "--outdir", place / "direct", checkout, folder=place)
    finally:
        shutil.rmtree(checkout)
    return found(place)


def found(place):
    """What `build` has left in a folder, as it returns it; fewer paths where it has not ended."""
    return tuple(path for pattern in ("both/*.gz", "both/*.whl", "direct/*.whl") for path in place.glob(pattern))


def environment(place, *words, python=sys.executable):
    """The interpreter of a new environment in `place`, after `pip install` of these words; nothing is byte-compiled."""
    must(python, "-m", "venv", "--without-pip", place, folder=place.parent)
    install(place, *words)
    return place / "bin" / "python"


def install(place, *words):
    """Put more into an environment, with the pip of this one."""
    pip = [sys.executable, "-m", "pip", "--python", place / "bin" / "python"]
    must(*pip, "install", "--quiet", "--no-compile", *words, folder=place.parent, timeout=900)


def files_of_wheel(wheel):
    """Name -> checksum."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist() if not entry.is_dir()}


def text_in_wheel(wheel, ending):
    """Text of the one file whose name ends so."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(ending))
        return archive.read(name).decode()


def files_of_sdist(sdist):
    """Names below its top folder."""
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
