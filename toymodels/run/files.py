"""The only place that writes a file: whole or not at all, and nothing that stands in the way is lost.

A file is written under a temporary name beside its own and then renamed, so that no reader ever sees half of it and a
full disk or a killed process leaves what was there before.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OURS = re.compile(r"\.\d+\.[0-9a-f]{8}\.part$")  # what `whole` appends to the name of a file
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
    while (aside := path.with_name(f"{path.name}.{word}-{number}")).exists():
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
