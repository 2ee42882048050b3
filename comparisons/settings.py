"""`--set KEY=VALUE` on a dataclass: every key known, every value of the field's type."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import json
from pathlib import Path
from typing import Any, TypeVar

P = TypeVar("P")
HIDDEN = ("device", "data", "scratch")  # set by their own flags, never part of a run's identity


def override(params: P, assignments: list[str]) -> P:
    """`params` with "KEY=VALUE" assignments applied; the type is that of the present value.

    Raises
    ------
    ValueError
        No "=", an unknown key (with the nearest known ones), or a value of another type.
    """
    changes = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"--set takes KEY=VALUE, got {assignment!r}")
        if key not in visible(params):
            near = difflib.get_close_matches(key, visible(params), n=2)
            hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(visible(params))}"
            raise ValueError(f"--set: no parameter {key!r}{hint}")
        changes[key] = _parse(key, text, getattr(params, key))
    return dataclasses.replace(params, **changes)  # pyright: ignore[reportArgumentType]


def visible(params: Any) -> dict[str, Any]:
    """The parameters that define a run, as a dict in declaration order."""
    fields = [field.name for field in dataclasses.fields(params) if field.name not in HIDDEN]
    return {name: getattr(params, name) for name in fields}


def canonical(params: Any) -> str:
    """One string per set of parameters, the same on every machine."""
    return json.dumps(visible(params), sort_keys=True, default=str)


def _parse(key: str, text: str, present: Any) -> Any:
    if isinstance(present, str | Path):
        return type(present)(text)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(present, tuple) and isinstance(value, int | float | list):
        value = tuple(value) if isinstance(value, list) else (value,)
    if type(value) is not type(present):
        raise ValueError(f"--set {key} must be of type {type(present).__name__} (now {present!r}), got {text!r}")
    return value
