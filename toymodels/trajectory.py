"""The labelled result of everything that runs in time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.run import files
from toymodels.validation import array_of, described, numeric

if TYPE_CHECKING:
    import pandas
    import xarray

_SHOWN = 8  # quantities named in the short form
_WIDTH = 300  # characters of the short form

# names and whole numbers that every version of netCDF can hold, the classic one included
_ATTRIBUTE = re.compile(
    r"(?!(bool|byte|char|double|float|u?int(64)?|real|u?short|string)$)\w([ -&(-.0-~]*[!-&(-.0-~])?", re.A
)
_LARGEST = 2**31 - 1


class SimulationError(RuntimeError):
    """Numbers went bad while a model ran; the message names the quantity and the time.

    Examples
    --------
    >>> Trajectory([0.0, 1.0], {"loss": [1.0, float("inf")]}, clock="step")
    Traceback (most recent call last):
    ...
    toymodels.trajectory.SimulationError: loss is not finite at step 1
    """


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """Named quantities along one clock.

    Parameters
    ----------
    t : (n_t,) array
        Increasing times, finite or with `inf` as the last entry. Neither they nor the quantities can be changed
        through the trajectory: take a copy to edit one.
    data : mapping of str to (n_t, ...) arrays
        Each array's first axis is time. Non-finite entries are refused.
    clock : str
        What `t` counts: "flow time", "step", "epoch", "round". Clocks of different models do not compare.
    meta : mapping, optional
        Anything that can be written as JSON: predictions, settings, notes.

    Raises
    ------
    ValueError
        If shapes do not agree, the times are not increasing, or a quantity is neither of numbers nor of words.
    SimulationError
        If a quantity is not finite; the message names it and the first such time.

    Examples
    --------
    >>> run = Trajectory([0.0, 1.0], {"loss": [1.0, 0.5]}, clock="epoch", meta={"lr": 0.1})
    >>> run
    Trajectory(2 times, epoch 0 to 1: loss)
    >>> run["loss"].tolist(), run.meta
    ([1.0, 0.5], {'lr': 0.1})
    """

    t: np.ndarray
    data: Mapping[str, np.ndarray]
    clock: str = field(kw_only=True)
    meta: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self):
        t = np.atleast_1d(numeric("t", self.t))
        for name, value in (("data", self.data), ("meta", self.meta)):
            if not isinstance(value, Mapping):
                raise ValueError(f"{name} must be a mapping, got {described(value)}")
        if t.ndim != 1 or t.size == 0:
            raise ValueError(f"t must be a non-empty 1-D array, got shape {t.shape}")
        if np.isnan(t).any() or (t.size > 1 and not np.all(t[1:] > t[:-1])):
            raise ValueError(f"t must be strictly increasing, got {t}")
        data = {name: _locked(_numbers(f"data[{name!r}]", values)) for name, values in self.data.items()}
        with np.errstate(all="ignore"):  # finite numbers may add up to an infinite one
            for name, values in data.items():
                if values.ndim == 0 or len(values) != t.size:
                    raise ValueError(f"data[{name!r}] must have {t.size} rows, one per time, got shape {values.shape}")
                _require_finite(name, values, t, self.clock)
        object.__setattr__(self, "t", _locked(t))
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "meta", dict(self.meta))

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            return self.data[name]
        except KeyError:
            raise KeyError(f"no quantity {name!r}; this run has {', '.join(sorted(self.data))}") from None

    def __repr__(self) -> str:
        """One line whatever the run holds: its clock, its times, and its quantities with their shapes."""
        names = [f"{name}{list(values.shape[1:]) if values.ndim > 1 else ''}" for name, values in self.data.items()]
        shown = ", ".join(names[:_SHOWN]) + (f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        times = f"{self.t.size} time{'s' if self.t.size > 1 else ''}, {self.clock} {self.t[0]:g} to {self.t[-1]:g}"
        line = " ".join(f"Trajectory({times}: {shown or 'no quantities'})".split())
        return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 4]}...)"

    def arrays(self) -> dict[str, np.ndarray]:
        """Times as "t" and every quantity as "data/NAME".

        Examples
        --------
        >>> run = Trajectory([1.0, 2.0], {"loss": [1.0, 0.5]}, clock="step")
        >>> {name: values.tolist() for name, values in run.arrays().items()}
        {'t': [1.0, 2.0], 'data/loss': [1.0, 0.5]}
        """
        return {"t": self.t, **{f"data/{name}": values for name, values in self.data.items()}}

    def header(self) -> dict[str, Any]:
        """Clock and meta as plain values of JSON: arrays become lists, keys strings.

        Raises
        ------
        TypeError
            If `meta` holds anything else.

        Examples
        --------
        >>> Trajectory([0.0], {}, clock="step", meta={"lr": np.float64(0.5), "modes": np.arange(2)}).header()
        {'clock': 'step', 'meta': {'lr': 0.5, 'modes': [0, 1]}}
        """
        return json.loads(json.dumps({"clock": self.clock, "meta": self.meta}, sort_keys=True, default=_to_builtin))

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> Trajectory:
        """The run that gave these `arrays` and this `header`; arrays of other names are left out.

        Examples
        --------
        >>> run = Trajectory([1.0, 2.0], {"loss": [1.0, 0.5]}, clock="step")
        >>> Trajectory.from_arrays(run.arrays(), run.header())
        Trajectory(2 times, step 1 to 2: loss)
        """
        data = {name[len("data/") :]: values for name, values in arrays.items() if name.startswith("data/")}
        return Trajectory(arrays["t"], data, clock=header["clock"], meta=header["meta"])

    def to_xarray(self) -> xarray.Dataset:
        """Labelled arrays over `t`, further axes called NAME_0, NAME_1; the values are copies.

        The clock is an attribute, and so are the entries of meta that every netCDF file can hold: numbers (whole ones
        of 32 bits), strings and lists of numbers, under ASCII names without slash or apostrophe. The others are left
        out.

        Raises
        ------
        ValueError
            If a quantity is called "t" or like an axis of another, or an entry of meta "clock".

        Examples
        --------
        >>> run = Trajectory([1.0, 2.0], {"loss": [1.0, 0.5]}, clock="step")
        >>> float(run.to_xarray()["loss"].sel(t=2.0))
        0.5
        """
        import xarray

        axes = {name: tuple(f"{name}_{i}" for i in range(values.ndim - 1)) for name, values in self.data.items()}
        for taken in {"t", *(axis for names in axes.values() for axis in names)} & set(self.data):
            raise ValueError(f"data must not hold a quantity called like an axis, got {taken!r}")
        header = self.header()
        if "clock" in header["meta"]:
            raise ValueError("meta must not hold an entry called like the attribute 'clock'")
        variables = {name: (("t", *axes[name]), values.copy()) for name, values in self.data.items()}
        meta = {name: value for name, value in header["meta"].items() if _is_attribute(name, value)}
        return xarray.Dataset(variables, {"t": ("t", self.t.copy())}, {**meta, "clock": self.clock})

    def to_dataframe(self) -> pandas.DataFrame:
        """One row a time, indexed by `t`; entries of vectors and matrices as columns "NAME[0]", "NAME[0, 1]".

        Raises
        ------
        ValueError
            If a quantity is called like a column of another.

        Examples
        --------
        >>> run = Trajectory([1.0, 2.0], {"w": [[1.0, 2.0], [3.0, 4.0]]}, clock="step")
        >>> list(run.to_dataframe().columns)
        ['w[0]', 'w[1]']
        """
        import pandas

        columns = {}
        for name, values in self.data.items():
            for index in np.ndindex(values.shape[1:]):
                label = f"{name}[{', '.join(map(str, index))}]" if index else name
                if label in columns:
                    raise ValueError(f"data must not hold a quantity called like a column of another, got {label!r}")
                columns[label] = values[(slice(None), *index)]
        return pandas.DataFrame(columns, index=pandas.Index(self.t, name="t"))

    def save(self, path: str | Path) -> None:
        """Write one `.npz` (no pickle) to `path`, whole or not at all."""
        entries = {"t": self.t, "header": np.array(json.dumps(self.header())), **self.arrays()}
        with files.whole(path) as part:
            files.write_arrays(part, entries)

    @staticmethod
    def load(path: str | Path) -> Trajectory:
        """Read what :meth:`save` wrote to `path`; `ValueError` if the file is not such a trajectory."""
        try:
            with files.arrays(path) as file:
                arrays = {name: file[name] for name in file}
            return Trajectory.from_arrays(arrays, json.loads(str(arrays["header"])))
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"path must be a trajectory file, got {path}: {error}") from error


def _numbers(name: str, values: ArrayLike) -> np.ndarray:
    """The values as an array of the type of number that they have; words may name the phases of a run."""
    array = array_of(name, values)
    return array if array.dtype.kind in "biufcU" else numeric(name, array)


def _locked(values: np.ndarray) -> np.ndarray:
    """A view that refuses to be written to; it costs no memory and keeps the layout, hence every sum to the bit."""
    values = values.view()
    values.flags.writeable = False
    return values


def _require_finite(name: str, values: np.ndarray, t: np.ndarray, clock: str) -> None:
    if values.dtype.kind not in "fc" or np.isfinite(np.add.reduce(values, axis=None)) or np.isfinite(values).all():
        return
    good = np.isfinite(values)
    bad = ~good.reshape(len(t), -1).all(axis=1)
    raise SimulationError(f"{name} is not finite at {clock} {t[bad.argmax()]:g}")


def _to_builtin(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"meta must be JSON, got {type(value).__name__}")


def _is_attribute(name: str, value: Any) -> bool:
    """Whether every netCDF file can hold it."""
    if not _ATTRIBUTE.fullmatch(name):
        return False
    if isinstance(value, list):
        return bool(value) and all(_is_number(item) for item in value)
    return isinstance(value, str) or _is_number(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) <= _LARGEST
    return isinstance(value, float)
