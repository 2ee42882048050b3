"""The labelled result of everything that runs in time."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


class SimulationError(RuntimeError):
    """Numbers went bad while a model ran; the message names the quantity and the time."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Named quantities along one clock.

    Parameters
    ----------
    t : (n_t,) array
        Increasing times, finite or with `inf` as the last entry.
    data : mapping of str to (n_t, ...) arrays
        Each array's first axis is time. Non-finite entries are refused.
    clock : str
        What `t` counts: "flow time", "step", "epoch", "round". Clocks of different models do not compare.
    meta : mapping, optional
        Anything that can be written as JSON: predictions, settings, notes.

    Raises
    ------
    ValueError
        If shapes do not agree or the times are not increasing.
    SimulationError
        If a quantity is not finite; the message names it and the first such time.
    """

    t: np.ndarray
    data: Mapping[str, np.ndarray]
    clock: str = field(kw_only=True)
    meta: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self):
        t = np.atleast_1d(np.asarray(self.t, dtype=float))
        if t.ndim != 1 or t.size == 0:
            raise ValueError(f"t must be a non-empty 1-D array, got shape {t.shape}")
        if np.isnan(t).any() or (t.size > 1 and not np.all(t[1:] > t[:-1])):
            raise ValueError(f"t must be strictly increasing, got {t}")
        data = {name: np.asarray(values) for name, values in self.data.items()}
        for name, values in data.items():
            if values.ndim == 0 or len(values) != t.size:
                raise ValueError(f"data[{name!r}] must have {t.size} rows, one per time, got shape {values.shape}")
            _require_finite(name, values, t, self.clock)
        object.__setattr__(self, "t", t)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "meta", dict(self.meta))

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self.data[name]
        except KeyError:
            raise KeyError(f"no quantity {name!r}; this run has {', '.join(sorted(self.data))}") from None

    def save(self, path: str | Path) -> None:
        """Write one `.npz` (no pickle) under a temporary name, then rename it to `path`."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        header = json.dumps({"clock": self.clock, "meta": self.meta}, sort_keys=True, default=_to_builtin)
        arrays = {f"data/{name}": values for name, values in self.data.items()}
        try:
            with open(part, "wb") as file:
                np.savez(file, t=self.t, header=np.array(header), **arrays)  # pyright: ignore[reportArgumentType]
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    @staticmethod
    def load(path: str | Path) -> Trajectory:
        """Read what :meth:`save` wrote to `path`; `ValueError` if the file is not such a trajectory."""
        try:
            with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                data = {name[len("data/") :]: file[name] for name in file.files if name.startswith("data/")}
                return Trajectory(file["t"], data, clock=header["clock"], meta=header["meta"])
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"path must be a trajectory file, got {path}: {error}") from error


def _require_finite(name: str, values: np.ndarray, t: np.ndarray, clock: str) -> None:
    if values.dtype.kind not in "fc" or (good := np.isfinite(values)).all():
        return
    bad = ~good.reshape(len(t), -1).all(axis=1)
    raise SimulationError(f"{name} is not finite at {clock} {t[bad.argmax()]:g}")


def _to_builtin(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"meta must be JSON, got {type(value).__name__}")
