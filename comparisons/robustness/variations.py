"""What is varied of a row: its seed, and every number in its settings that is not the knob, doubled and halved."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from comparisons.harness.model import OFF, Model
from comparisons.harness.running import Row
from comparisons.harness.settings import difference, visible
from comparisons.harness.study import Study
from toymodels.run.engine import in_words
from toymodels.run.sources import sources

FACTORS = (2, 0.5)
PRESET = "quick"
BASE = "base"  # the row as it is committed, at seed 0


@dataclass(frozen=True, eq=False)
class Case:
    """One row with one thing changed.

    Parameters
    ----------
    study : Study
    model, row : str
        "layerwise" and "layerwise (off)".
    what : str
        "base", "seed 3" or "samples 50 -> 25".
    seed : int
    run : Row, optional
        What is run; None if its settings were refused.
    refused : str
        Why they were.
    """

    study: Study
    model: str
    row: str
    what: str
    seed: int = 0
    run: Row | None = None
    refused: str = ""

    def __str__(self):
        return f"{self.study.name} {self.row} {self.what}"


def turned(value: Any, factor: float) -> Any:
    """`value` times `factor`; None for what is no number, is zero or infinite, or would stay as it is.

    Parameters
    ----------
    value : Any
        Whole numbers are rounded, positive ones to at least 1; a tuple of numbers is scaled in all its parts.
    factor : float

    Examples
    --------
    >>> turned(5, 0.5), turned(1, 0.5), turned((8, 0.5), 2), turned(True, 2)
    (2, None, (16, 1.0), None)
    """
    if isinstance(value, tuple):
        if not all(isinstance(part, int | float) and not isinstance(part, bool) for part in value):
            return None
        parts = [turned(part, factor) for part in value]
        scaled = tuple(old if new is None else new for old, new in zip(value, parts, strict=True))
        return None if scaled == value else scaled
    if isinstance(value, bool) or not isinstance(value, int | float) or not value or not math.isfinite(value):
        return None
    if isinstance(value, float):
        return value * factor
    least = 1 if value > 0 else -math.inf
    scaled = max(round(value * factor), least)
    return None if scaled == value else scaled


def nuisance(model: Model, settings: Any) -> dict[str, list[Any]]:
    """Every setting that is a number and not the knob, with the values that it is changed to.

    Parameters
    ----------
    model : Model
        What its control changes is the knob.
    settings : dataclass
        Its settings before the change.
    """
    values = {name: value for name, value in visible(settings).items() if name not in (model.off or {})}
    others = {name: [turned(value, factor) for factor in FACTORS] for name, value in values.items()}
    return {name: kept for name, both in others.items() if (kept := [value for value in both if value is not None])}


def uses_torch(study: Study, name: str) -> bool:
    """Whether a model of a study trains a network of :mod:`dnn`, which takes minutes where the theories take seconds.

    Parameters
    ----------
    study : Study
    name : str
    """
    model = study.models[name]
    reached = sources(model.run, model.settings)
    return any(name == "dnn" or name.startswith("dnn.") for name in reached)


def chosen(study: Study, models: Collection[str] | None, with_dnn: bool) -> list[str]:
    """The models of a study that are varied.

    Parameters
    ----------
    study : Study
    models : collection of str, optional
        Named ones, of which the study may lack some; without any, all but those on request.
    with_dnn : bool
        Whether networks in torch are taken without being named.
    """
    if models is None:
        known = study.chosen(None)
        return [name for name in known if _is_run(study, name) and (with_dnn or not uses_torch(study, name))]
    named = []
    for name in models:
        try:
            named.append(study.model_named(name))
        except ValueError:
            continue
    return [name for name in study.models if name in named and _is_run(study, name)]


def _is_run(study: Study, name: str) -> bool:
    return isinstance(study.models[name], Model)


def cases(study: Study, model: str, seeds: int) -> list[Case]:
    """The base, the other seeds, and every nuisance parameter both ways, each of the model and of its control.

    Parameters
    ----------
    study : Study
    model : str
        As the study has it.
    seeds : int
        From 0, the base's, on.
    """
    settings = study.settings(preset=PRESET).models[model]
    made = [*_rows(study, model, BASE, {}, 0)]
    for seed in range(1, seeds):
        made += _rows(study, model, f"seed {seed}", {}, seed)
    for name, values in nuisance(study.models[model], settings).items():
        for value in values:
            made += _rows(study, model, difference(settings, {name: value}), {f"{model}.{name}": value}, 0)
    return made


def _rows(study: Study, model: str, what: str, changes: dict[str, Any], seed: int) -> Sequence[Case]:
    """The model and its control, with the same `changes`."""
    try:
        rows = study.rows(model, study.settings(changes, PRESET))
    except Exception as error:  # of settings that check themselves
        reason = str(error) if isinstance(error, ValueError) else in_words(error)
        names = [model, model + OFF] if study.models[model].off is not None else [model]
        return [Case(study, model, row, what, seed, refused=reason) for row in names]
    return [Case(study, model, name, what, seed, row) for name, row in rows.items() if isinstance(row, Row)]
