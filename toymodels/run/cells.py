"""The store of what was computed: one file a finished cell, named after what was asked and how it was computed.

A cell's file lies at `AA/ASKED-IDENTITY.npz`. The first part is a digest of what was asked (function, arguments,
settings, seed, replicate), the second one of the whole identity (also the sources, the device and the versions), so
that the same question under edited code lies beside the old answer and replaces nothing. The file carries its identity
in words and a checksum of its arrays; one that does not fit is set aside, never used and never deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from toymodels.run import files, identity
from toymodels.run.identity import canonical
from toymodels.run.sources import sources
from toymodels.run.torch_settings import torch_settings
from toymodels.run.values import in_words, values_named

HEAD = "cell"  # name of the entry that carries identity, header and checksum
ARRAY = "a/"  # before the name of every array


@dataclass(frozen=True)
class Cell:
    """The identity of one computation.

    Parameters
    ----------
    asked : mapping
        What was asked, in terms of JSON: function, arguments, settings, seed, replicate.
    made_by : mapping
        How it is answered: sources, device, versions, settings of PyTorch that are not the usual ones.
    """

    asked: Mapping[str, Any]
    made_by: Mapping[str, Any]
    name: str = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "name", _name_of({"asked": self.asked, "made_by": self.made_by}))

    @property
    def maker(self) -> str:
        """Digest of how it is answered, the same for every question that the same code answers."""
        return hashlib.sha256(canonical(self.made_by).encode()).hexdigest()[:20]

    @property
    def identity(self) -> dict[str, Any]:
        """Both halves, as they stand in the file."""
        return {"asked": identity.plain(self.asked), "made_by": identity.plain(self.made_by)}


def _name_of(identity: Mapping[str, Any]) -> str:
    """ "AA/ASKED-IDENTITY": two digests of a cell's identity."""
    asked = hashlib.sha256(canonical(identity["asked"]).encode()).hexdigest()[:20]
    whole = hashlib.sha256(canonical({key: identity[key] for key in ("asked", "made_by")}).encode()).hexdigest()[:20]
    return f"{asked[:2]}/{asked}-{whole}"


@dataclass(frozen=True)
class Stored:
    """What a cell's file holds: arrays by name, and a header of plain values."""

    arrays: Mapping[str, np.ndarray]
    header: Mapping[str, Any]


def checksum(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any] | None = None) -> str:
    """SHA-256 over names, types, shapes and bytes of arrays, and over a header if there is one.

    Examples
    --------
    >>> checksum({"a": np.zeros(2)}) == checksum({"a": np.zeros((2, 1))})
    False
    """
    state = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        values = np.asarray(values)
        state.update(f"{name}{values.dtype}{values.shape}".encode() + np.ascontiguousarray(values).tobytes())
    if header is not None:
        state.update(json.dumps(header, sort_keys=True).encode())
    return state.hexdigest()


class CellStore:
    """A folder of finished cells.

    Parameters
    ----------
    folder : path
        Made if missing.
    reuse : bool
        Whether cells that are there are taken; a store that does not reuse only writes.
    log : callable (line), optional
        Hears why a cell that seems to be there is not taken.

    Raises
    ------
    ValueError
        If `folder` is a file or cannot be made or written.
    """

    def __init__(self, folder: str | Path, *, reuse: bool = True, log: Callable[[str], None] | None = None):
        self.folder = Path(folder).absolute()
        self.reuse = reuse
        self._log = log or (lambda line: None)
        self._reasons: Counter[str] = Counter()
        require_folder(self.folder)
        for place in {part.parent for part in self.folder.glob("[0-9a-f][0-9a-f]/*.npz.*.part")}:
            files.sweep_up(place)

    def path(self, cell: Cell) -> Path:
        """Where the file of a cell lies or will lie."""
        return self.folder / f"{cell.name}.npz"

    def find(self, cell: Cell) -> Stored | None:
        """What an earlier call computed for exactly this cell; None if there is nothing, or nothing sound."""
        if not self.reuse:
            return None
        path = self.path(cell)
        self._make_way(path)
        if path.exists():
            try:
                return read(path, cell)
            except ValueError as error:
                self._log(f"{error}; set aside as {files.set_aside(path).name} and computed again")
                return None
        if reason := self._why_not(cell):
            self._reasons[reason] += 1
        return None

    def report(self) -> None:
        """Say once for every reason how many earlier cells are not taken."""
        for reason, count in self._reasons.items():
            self._log(f"{count} finished {'run is' if count == 1 else 'runs are'} computed again: {reason}")
        self._reasons.clear()

    def write(self, cell: Cell, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any] | None = None) -> Path:
        """Write a finished cell, whole or not at all."""
        path = self.path(cell)
        self._make_way(path)
        return write(path, cell, arrays, header or {})

    def _make_way(self, path: Path) -> None:
        """Set aside what is no file where one will lie, or no folder where one is needed: pipes, links to nothing."""
        for place, is_sound in ((path.parent, path.parent.is_dir()), (path, path.is_file())):
            if not is_sound and os.path.lexists(place):
                kind = "folder" if place != path else "file"
                self._log(f"{place} is no {kind}; set aside as {files.set_aside(place).name}")

    def _why_not(self, cell: Cell) -> str:
        """How the newest cell that answers the same question was made differently."""
        folder, stem = self.path(cell).parent, self.path(cell).name.partition("-")[0]
        found = [path for path in folder.glob(f"{stem}-*.npz") if path.is_file()]
        earlier = sorted(found, key=lambda path: path.stat().st_mtime)
        if not earlier:
            return ""
        try:
            return _difference(read_head(earlier[-1])["identity"]["made_by"], identity.plain(cell.made_by))
        except (ValueError, KeyError, TypeError, OSError):
            return "the earlier file cannot be read"


def require_folder(folder: Path) -> None:
    """Make `folder`, and make sure that files can be written there; `ValueError` in one line if not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable-"):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(f"the folder of results must be one that can be written, got {folder}: {reason}") from None


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What changed between two ways of making the same cell, in words."""
    parts = []
    before, after = old.get("sources", {}), new.get("sources", {})
    edited = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    edited = [name for name in edited if not name.endswith("()")] or edited  # a compiled function goes with its lines
    if edited:
        more = f" and {len(edited) - 3} more" if len(edited) > 3 else ""
        parts.append(f"the code of {', '.join(edited[:3])}{more} changed")
    for key in sorted({*old, *new} - {"sources"}):
        if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
            for name in sorted({*old[key], *new[key]}):
                if old[key].get(name) != new[key].get(name):
                    parts.append(f"{name} {old[key].get(name)} -> {new[key].get(name)}")
        elif old.get(key) != new.get(key):
            parts.append(f"{key} {old.get(key)} -> {new.get(key)}")
    return "; ".join(parts) or "what the file says of itself differs"


def write(path: Path, cell: Cell, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> Path:
    """Write one `.npz` without pickle, the same bytes for the same content."""
    header = json.loads(json.dumps(header, default=_to_builtin))
    head = {"identity": cell.identity, "header": header, "checksum": checksum(arrays, header)}
    named = {f"{ARRAY}{name}": values for name, values in arrays.items()}
    with files.whole(path) as part:
        files.write_arrays(part, {HEAD: np.array(json.dumps(head, sort_keys=True)), **named})
    return path


def read(path: Path, cell: Cell | None = None) -> Stored:
    """What :func:`write` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, altered, or that of another cell than `cell`.
    """
    try:
        with files.arrays(path) as file:
            head = json.loads(str(file[HEAD]))
            arrays = {name.removeprefix(ARRAY): file[name] for name in file if name.startswith(ARRAY)}
        header, stored, said = head["header"], head["identity"], head["checksum"]
    except (OSError, MemoryError):  # the file may be sound; nobody could read it now
        raise
    except Exception as error:  # zip, numpy and json raise a dozen kinds for damaged bytes
        raise ValueError(f"{path} is damaged ({type(error).__name__})") from error
    if checksum(arrays, header) != said:
        raise ValueError(f"{path} was altered: its arrays do not fit their checksum")
    name = _name_of(stored) if cell is None else cell.name
    if (cell is not None and canonical(stored) != canonical(cell.identity)) or not str(path).endswith(f"{name}.npz"):
        raise ValueError(f"{path} holds another cell than its name says")
    return Stored(arrays, header)


def read_head(path: Path) -> dict[str, Any]:
    """Identity, header and checksum of a cell's file, without its arrays; `ValueError` if it is damaged."""
    try:
        with files.arrays(path) as file:
            head = json.loads(str(file[HEAD]))
        return {"identity": head["identity"], "header": head["header"], "checksum": head["checksum"]}
    except (OSError, MemoryError):  # the file may be sound; nobody could read it now
        raise
    except Exception as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__})") from error


def made_by(functions: Iterable[Any], device: str = "auto") -> dict[str, Any]:
    """The second half of an identity: sources and constants that can be reached, the device, versions, unusual settings
    of torch.
    """
    functions = list(functions)
    reached, settings, constants = (
        sources(*functions),
        torch_settings(),
        in_words(values_named(*functions)),
    )
    return {
        "sources": reached,
        "device": identity.device_used(device, reached),
        "versions": identity.versions(),
        **({"torch": settings} if settings else {}),
        **({"constants": constants} if constants else {}),
    }


def _to_builtin(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a header must hold plain values, got {type(value).__name__}")
