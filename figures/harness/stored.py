"""The data from which verdicts were judged, kept beside the pictures: only the arrays that the claims read.

One file a figure, `data/PAPER/SUBJECT.npz` in the gallery; its entries are "PRESET/SEED/NAME", and in newer files
"PRESET/SEED/@NAME": the settings, and the digest of the code that computed them. Judging them again needs no run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from figures.harness.figure import Data, PaperFigure
from toymodels.run import files

LIMIT = 300_000  # bytes of a file
ORIGIN = "@"  # before the name of what tells how the arrays were computed


class _TooLargeError(Exception):
    """Takes back what was written."""


class Read(Mapping):
    """Arrays by name that remembers which of them were looked at.

    >>> data = Read({"a": np.ones(2), "b": np.zeros(3)})
    >>> data["a"].sum(), sorted(data.names)
    (np.float64(2.0), ['a'])
    """

    def __init__(self, arrays: Data):
        self._arrays = arrays
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> np.ndarray:
        self.names.add(name)
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def read_by_claims(figure: PaperFigure, data: Data) -> dict[str, np.ndarray]:
    """The arrays without which a figure's claims cannot be judged, nor what their data can decide."""
    read = Read(data)
    figure.judge(read)
    for claim in figure.claims:
        if claim.decisive is not None:
            claim.decisive.holds(read)
    return {name: np.asarray(data[name]) for name in sorted(read.names)}


def path_of(gallery: Path, figure: str) -> Path:
    """Where a figure's data lie."""
    return gallery / "data" / f"{figure}.npz"


def write(
    gallery: Path,
    figure: str,
    preset: str,
    seed: int,
    arrays: Mapping[str, np.ndarray],
    origin: Mapping[str, str] | None = None,
) -> Path | None:
    """Keep the data of one size and seed, and how they were computed, beside those of the others.

    None, and the others alone, if the file would grow too large: then nothing is left that the ledger no longer says.
    """
    path = path_of(gallery, figure)
    place = f"{preset}/{seed}/"
    others = {name: values for name, values in _entries(path).items() if not name.startswith(place)}
    own = {place + name: values for name, values in arrays.items()}
    own |= {f"{place}{ORIGIN}{name}": np.array(words) for name, words in (origin or {}).items()}
    if arrays and _fits(path, others | own):
        return path
    if others:
        _fits(path, others)
    else:
        path.unlink(missing_ok=True)
    return None


def _fits(path: Path, entries: Mapping[str, np.ndarray]) -> bool:
    """Write the entries, unless the file would be too large."""
    try:
        with files.whole(path) as part:
            files.write_arrays(part, entries, compressed=True)
            if part.stat().st_size > LIMIT:
                raise _TooLargeError
    except _TooLargeError:
        return False
    return True


def read(gallery: Path, figure: str) -> dict[tuple[str, int], dict[str, np.ndarray]]:
    """(preset, seed) -> arrays by name of a figure; empty if nothing is kept of it."""
    return {where: arrays for where, (arrays, _) in read_with_origin(gallery, figure).items()}


def read_with_origin(gallery: Path, figure: str) -> dict[tuple[str, int], tuple[dict[str, np.ndarray], dict[str, str]]]:
    """(preset, seed) -> arrays by name, and how they were computed ("settings", "made_by"; empty of older files)."""
    found: dict[tuple[str, int], tuple[dict[str, np.ndarray], dict[str, str]]] = {}
    for entry, values in _entries(path_of(gallery, figure)).items():
        preset, seed, name = entry.split("/", 2)
        arrays, origin = found.setdefault((preset, int(seed)), ({}, {}))
        if name.startswith(ORIGIN):
            origin[name.removeprefix(ORIGIN)] = str(values)
        else:
            arrays[name] = values
    return found


def _entries(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
