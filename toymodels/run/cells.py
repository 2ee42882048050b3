"""Names, seeds and files of the cells of a sweep."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

STALE = 60.0  # seconds after which a temporary file has no writer any more; writing one takes milliseconds


def canonical(value: Any) -> str:
    """JSON that is equal for equal configurations: sorted, without spaces, whole floats as integers."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def seed_sequence(seed: int, replicate: int, point: Mapping[str, Any]) -> np.random.SeedSequence:
    """Entropy of one cell, from nothing but its seed, replicate and point."""
    digest = hashlib.sha256(canonical(point).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.SeedSequence(seed, spawn_key=(replicate, *words))


def display_name(function: Callable) -> str:
    """Dotted name of the function under any partials."""
    while isinstance(function, partial):
        function = function.func
    return f"{_module(function)}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def identity(function: Callable) -> dict[str, Any]:
    """What tells a function from others across processes: its importable name and the arguments bound to it."""
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    while isinstance(function, partial):
        arguments, keywords = [*function.args, *arguments], {**function.keywords, **keywords}
        function = function.func
    name = display_name(function)
    if not inspect.isfunction(function) or "<" in name:
        raise ValueError(f"function must be importable by name to be cached, got {name}")
    return {"name": name, "arguments": arguments, "keywords": keywords}


def open_folder(cache: str | Path) -> Path:
    """The folder of finished cells, absolute, without the temporary files that killed writers left."""
    folder = Path(cache).absolute()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cache must be a folder, got the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    for part in folder.glob("*.part"):
        try:
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()
        except FileNotFoundError:  # another process was faster
            continue
    return folder


def file_of(folder: Path, configuration: str) -> Path:
    """The file of the cell with this configuration."""
    return folder / f"{hashlib.sha256(configuration.encode()).hexdigest()[:32]}.nc"


def write(path: Path, outputs: Mapping[str, np.ndarray], configuration: str) -> None:
    """One netCDF-3 file, the same bytes for the same outputs, under a temporary name until it is whole."""
    from scipy.io import netcdf_file

    part = path.with_name(f"{path.stem}.{os.urandom(8).hex()}.part")
    try:
        with netcdf_file(part, "w") as file:
            file.configuration = configuration  # pyright: ignore[reportAttributeAccessIssue]
            for name, array in sorted(outputs.items()):
                axes = tuple(f"{name}_{i}" for i in range(array.ndim))
                for axis, length in zip(axes, array.shape, strict=True):
                    file.createDimension(axis, length)
                file.createVariable(name, "f8", axes)[...] = array
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read(path: Path, configuration: str) -> dict[str, np.ndarray]:
    """What :func:`write` wrote; `ValueError` for a damaged file or one of another configuration."""
    from scipy.io import netcdf_file

    try:
        with netcdf_file(path, mmap=False) as file:
            stored = file.configuration.decode()  # pyright: ignore[reportAttributeAccessIssue]
            outputs = {name: np.array(variable.data, dtype=float) for name, variable in file.variables.items()}
    except Exception as error:
        raise ValueError(f"cache holds a damaged file, delete {path} to have it computed again: {error}") from error
    if stored != configuration:
        raise ValueError(f"cache holds {path} of another configuration, {stored} instead of {configuration}")
    return outputs


def _module(function: Callable) -> str:
    """Module of a function; the one that runs as a program goes by the name under which others import it."""
    name = getattr(function, "__module__", None) or "builtins"
    if name != "__main__":
        return name
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return spec.name
    return Path(getattr(main, "__file__", "__main__")).stem


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _plain({"type": type(value).__qualname__, **fields})
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"function must be bound to plain values to be cached, got {value!r}")
