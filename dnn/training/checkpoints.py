"""Checkpoints that hold tensors, numbers and strings only, so that reading one cannot run foreign code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from toymodels.run.files import whole
from toymodels.validation import path as checked_path


def save_checkpoint(path: str | Path, state: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Write `state` (nested dicts and lists of tensors, numbers, strings) under a temporary name, then rename it.

    `settings` says which run the state belongs to; :func:`load_checkpoint` compares it.
    """
    with whole(checked_place(path)) as part:
        torch.save({"settings": dict(settings), "state": dict(state)}, part)


def checked_place(checkpoint: str | Path) -> Path:
    """Where a checkpoint can be written; `ValueError` for what would lie in a file.

    Parameters
    ----------
    checkpoint : path
    """
    place = checked_path("checkpoint", checkpoint)
    above = next(folder for folder in place.absolute().parents if folder.exists())
    if not above.is_dir():
        raise ValueError(f"checkpoint must lie in a folder, got {place}, where {above} is a file")
    return place


def load_checkpoint(path: str | Path, settings: Mapping[str, Any], device: torch.device | str = "cpu") -> dict:
    """The state that :func:`save_checkpoint` wrote, on `device`.

    Raises
    ------
    ValueError
        If the file is no such checkpoint, or was written with other settings; the message names the first one.
    FileNotFoundError
        If there is no file.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        written, state = dict(content["settings"]), dict(content["state"])
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"checkpoint must be one written by training, got {path}: {error}") from error
    for name in settings:
        if written.get(name) != settings[name]:
            got = written.get(name)
            raise ValueError(f"checkpoint {path} must have the {name} of this run, {settings[name]!r}, got {got!r}")
    return state
