"""Settings as frozen dataclasses: a preset, a control and a sweep are all changed settings.

`KEY=VALUE` and {"KEY": value} alike: every key known, every value of the field's type.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from toymodels.validation import described

S = TypeVar("S")
NO_IDENTITY = {"identity": False}  # what tells one run from another leaves the field out
SURROUNDINGS = ("device", "data", "scratch")  # set by their own flags, never a knob


@dataclass(frozen=True)
class Settings:
    """What the settings of every model and figure have besides its own: where to compute and where the data lie.

    Parameters
    ----------
    device : str
        "auto", "cpu" or "cuda"; only torch models look at it.
    data : str, optional
        Folder with data sets, handed to :func:`dnn.data.load`.
    scratch : Path, optional
        Folder of this run for checkpoints, set by the harness.
    """

    device: str = field(default="auto", kw_only=True)
    data: str | None = field(default=None, kw_only=True)
    scratch: Path | None = field(default=None, kw_only=True, metadata=NO_IDENTITY)


def visible(settings: Any) -> dict[str, Any]:
    """The settings that define a run, as a dict in declaration order.

    Parameters
    ----------
    settings : dataclass instance
    """
    names = [field.name for field in dataclasses.fields(settings) if field.name not in SURROUNDINGS]
    return {name: getattr(settings, name) for name in names}


def placed(settings: Any, **surroundings: Any) -> Any:
    """`settings` with those of the `surroundings` that they have: device, data, scratch."""
    known = {name: value for name, value in surroundings.items() if hasattr(settings, name)}
    return dataclasses.replace(settings, **known) if known else settings


def changed(settings: S, changes: Mapping[str, Any], where: str = "") -> S:
    """`settings` with some of them changed; every key known, every value of the type of the present one.

    Parameters
    ----------
    settings : frozen dataclass instance
    changes : mapping of str to value
    where : str
        Prefix of the keys in messages, "layerwise.".

    Raises
    ------
    ValueError
        An unknown key (with the nearest known ones), a value of another type, or one the settings refuse.
    """
    if not isinstance(changes, Mapping):
        raise ValueError(f"settings must map names to values, got {described(changes)}")
    if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
        raise ValueError(f"settings must be a dataclass, got {described(settings)}")
    known = visible(settings)
    typed = {}
    for key, value in changes.items():
        if key not in known:
            raise ValueError(f"settings: no {where + key!r}{_nearest(key, known, where)}")
        present = known[key]
        if present is None and value is not None:
            present = _default_of(settings, key)
        typed[key] = _as_type(where + key, value, present)
    return dataclasses.replace(settings, **typed)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _default_of(settings: Any, key: str) -> Any:
    """A value of the type that a setting has where it is not None: 0.0 for `float | None`; None if any type does."""
    try:
        kind = typing.get_type_hints(type(settings)).get(key)
    except NameError:  # a type that only the checker of types knows
        return None
    usual = [part for part in typing.get_args(kind) if part in (float, int, str, bool, tuple)]
    return usual[0]() if len(usual) == 1 else None


def _nearest(key: str, known: Mapping[str, Any], where: str) -> str:
    near = difflib.get_close_matches(key, known, n=2)
    if near:
        return f"; did you mean {' or '.join(where + name for name in near)}?"
    return f"; known: {', '.join(where + name for name in known) or 'none'}"


def parse(assignments: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """`KEY=VALUE` words of a command line as a dict; a value is a Python literal, or else a string.

    Raises
    ------
    ValueError
        A word without "=", or the same key twice.
    """
    changes: dict[str, Any] = {}
    for word in assignments:
        key, equals, text = word.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"--set takes KEY=VALUE, got {word!r}")
        if key.strip() in changes:
            raise ValueError(f"--set takes every key once, got {key.strip()!r} twice")
        changes[key.strip()] = Text(text)
    return changes


class Text(str):
    """A value as it was typed, whose type is that of the setting it is for."""


def _as_type(key: str, value: Any, present: Any) -> Any:
    """`value` as the type of `present`: whole numbers pass for floats, lists and single values for tuples."""
    given = value
    if isinstance(value, Text):
        value = str(value) if isinstance(present, str | Path) else _literal(value)
    if isinstance(present, Path) and isinstance(value, str):
        value = Path(value)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a numpy number
        value = value.item()
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1:
        value = tuple(value.tolist())
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(present, tuple):
        value = tuple(value) if isinstance(value, list | tuple) else (value,)
    fine = type(value) is type(present) or present is None
    if fine and isinstance(value, float) and math.isnan(value):
        raise ValueError(f"settings: {key} must be a number, got nan")
    if not fine:
        words = str(given) if isinstance(given, Text) else given
        raise ValueError(f"settings: {key} must be of type {type(present).__name__} (now {present!r}), got {words!r}")
    return value


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}.get(text.strip())


def difference(settings: Any, changes: Mapping[str, Any]) -> str:
    """What a control turns, in words: "scale 3 -> 0.03"; several are joined by commas.

    Parameters
    ----------
    settings : dataclass instance
        The settings as they are.
    changes : mapping of str to value
        What they are changed to.
    """
    return ", ".join(
        f"{name.replace('_', ' ')} {_short(getattr(settings, name))} -> {_short(value)}"
        for name, value in changes.items()
    )


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "x".join(_short(part) for part in value)
    return str(value)


@dataclass(frozen=True)
class StudySettings:
    """Everything that a study is run with: a preset with changes.

    Parameters
    ----------
    question : dataclass
        Thresholds and levels; its fields can be read from this object too.
    models : mapping of str to dataclass
        Settings of every model.
    off : mapping of str to dataclass
        Settings of every control.
    changes : mapping of str to value
        What was changed of the defaults.
    """

    question: Any
    models: Mapping[str, Any]
    off: Mapping[str, Any]
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "question":
            raise AttributeError(name)
        return getattr(self.question, name)


def with_data(settings: StudySettings, data: str | None) -> StudySettings:
    """The settings with a folder of data sets in all models that load them.

    Parameters
    ----------
    settings : StudySettings
    data : str, optional
    """

    def placed(each: Mapping[str, Any]) -> dict[str, Any]:
        loading = {name: own for name, own in each.items() if data is not None and hasattr(own, "data")}
        return {**each, **{name: dataclasses.replace(own, data=data) for name, own in loading.items()}}

    return dataclasses.replace(settings, models=placed(settings.models), off=placed(settings.off))
