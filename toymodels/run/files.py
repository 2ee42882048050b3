"""The only place that writes a file: whole or not at all, and nothing that stands in the way is lost.

It also opens archives of arrays that come from elsewhere, after a look at how large they would become.

A file is written under a temporary name beside its own and then renamed, so that no reader ever sees half of it and a
full disk or a killed process leaves what was there before.
"""

from __future__ import annotations

import math
import os
import re
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

_OURS = re.compile(r"\.\d+\.[0-9a-f]{8}\.part$")  # what `whole` appends to the name of a file
UNSUSPICIOUS = 2**26  # bytes that an archive may hold however small its file is
MOST_PACKED = 20  # times the size of its file that a larger one may hold; arrays of digits are packed 5 to 1
STALE = 60.0  # seconds after which a temporary file has no writer any more; writing one takes milliseconds


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary path to write to, which takes the place of `path` once the block has ended without an error.

    Parameters
    ----------
    path : path
        Where the file shall be; its folder is made.

    Yields
    ------
    Path
        A name of its own in the same folder, ending in `.part`.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with whole(target) as part:
    ...     _ = part.write_text("1 2 3")
    >>> target.read_text()
    '1 2 3'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write(path: str | Path, content: str | bytes) -> None:
    """Write text or bytes to `path`, whole or not at all."""
    with whole(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def set_aside(path: Path, word: str = "damaged") -> Path:
    """Rename `path` to the first free `NAME.WORD-1`, `NAME.WORD-2`, ... beside it, and return that name."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.{word}-{number}")):
        number += 1
    os.replace(path, aside)
    return aside


def sweep_up(folder: Path) -> None:
    """Remove the temporary files that killed writers of :func:`whole` left in `folder`, by their name and age."""
    for part in folder.glob("*.part"):
        try:
            if _OURS.search(part.name) and time.time() - part.stat().st_mtime > STALE:
                part.unlink()
        except FileNotFoundError:  # another process was faster
            continue


def write_arrays(path: str | Path, entries: Mapping[str, np.ndarray], *, compressed: bool = False) -> None:
    """Write an `.npz` file without pickle: the same bytes for the same entries.

    Parameters
    ----------
    path : path
        As it is, whatever its suffix; usually one that :func:`whole` gave.
    entries : mapping of str to array
        Of numbers or text.
    compressed : bool
        Smaller, and slower to write.

    Raises
    ------
    ValueError
        If an entry holds Python objects, which numpy could only pickle; nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "numbers.npz"
    >>> write_arrays(target, {"a": np.array([1.0, 2.0])})
    >>> with arrays(target) as read:
    ...     read["a"].tolist()
    [1.0, 2.0]
    """
    for name, values in entries.items():
        if (kind := np.asanyarray(values).dtype).hasobject:
            raise ValueError(f"{name} must be an array of numbers or text, got one of {kind}")
    # allow_pickle=False would do the same, but numpy before 2.1 takes it for an entry of that name
    with open(path, "wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **entries)  # pyright: ignore[reportArgumentType]


@contextmanager
def arrays(path: str | Path) -> Iterator[Mapping[str, Any]]:
    """The arrays of an `.npz` file by name, each read when it is asked for; nothing in the file is ever executed.

    Parameters
    ----------
    path : path

    Raises
    ------
    ValueError
        If the file would become suspiciously large, or an array is larger than its part of the file.
    FileNotFoundError
        If there is no file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "numbers.npz"
    >>> np.savez(file, a=[1.0, 2.0])
    >>> with arrays(file) as read:
    ...     read["a"].tolist()
    [1.0, 2.0]
    """
    with open(path, "rb") as opened:
        with zipfile.ZipFile(opened) as archive:
            _require_honest(archive, os.fstat(opened.fileno()).st_size)
        opened.seek(0)
        with np.load(opened, allow_pickle=False) as file:
            yield file


def _require_honest(archive: zipfile.ZipFile, packed: int) -> None:
    total = sum(entry.file_size for entry in archive.infolist())
    if total > max(UNSUSPICIOUS, MOST_PACKED * packed):
        raise ValueError(f"an archive must hold at most {MOST_PACKED} times its size, got {total} bytes in {packed}")
    for entry in archive.infolist():
        with archive.open(entry) as member:
            major, _ = np.lib.format.read_magic(member)  # pyright: ignore[reportArgumentType]
            read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(member)  # pyright: ignore[reportArgumentType]
        if math.prod(shape) * dtype.itemsize > entry.file_size:
            raise ValueError(f"{entry.filename} must be no larger than its file, got shape {shape} of {dtype}")
