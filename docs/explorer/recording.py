"""What the pages play back: one grokking run of each family with every order parameter, and a measured phase map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.order_parameters import STUDY
from comparisons.order_parameters.probes import THEORY
from comparisons.order_parameters.question import crossings
from toymodels.condensation.phase_diagram import phase_map
from toymodels.run import files
from toymodels.trajectory import Trajectory

RECORDED = Path(__file__).with_name("recorded.json")
FAMILIES = ("layerwise", "neurashed", "condensation", "dnn")
SEED = 0
MOMENTS = 90  # of a run, at most
GAMMAS, GAMMA_PRIMES, WIDTHS = np.linspace(0.25, 2.25, 9), np.linspace(-1.0, 1.0, 9), (100, 400, 1600)


def thinned(t: np.ndarray) -> np.ndarray:
    """Places of at most MOMENTS times, evenly spread over the records, both ends among them.

    Parameters
    ----------
    t : (n_t,) array
    """
    return np.unique(np.linspace(0, t.size - 1, MOMENTS).round().astype(int))


def played(run: Trajectory) -> dict[str, Any]:
    """A run as the page has it: times, fit and jump, every series to four digits, and why some are silent.

    Parameters
    ----------
    run : Trajectory
        Of the study of order parameters.
    """
    kept, silent = thinned(run.t), run.meta.get("silent") or {}
    fit, jump = crossings(run, STUDY.question)
    names = ["train", "test", *run.meta["order"]]
    return {
        "clock": run.clock,
        "t": _rounded(run.t[kept]),
        "fit": _rounded(np.array([fit]))[0],
        "jump": _rounded(np.array([jump]))[0],
        "series": {name: _rounded(run[name][kept]) for name in dict.fromkeys(names)},
        "theory": {name: THEORY.get(name, "its own") for name in run.meta["order"]},
        "silent": dict(silent),
    }


def recorded(family: str) -> Trajectory:
    """The run of this family at the quick preset.

    Parameters
    ----------
    family : str
    """
    model = STUDY.models[family]
    return model.run(model.settings, np.random.default_rng(SEED))


def measured_plane() -> dict[str, Any]:
    """Slopes of the relative distance against width, measured at three widths."""
    plane = phase_map(GAMMAS, GAMMA_PRIMES, WIDTHS, seed=SEED)
    cells = [
        {"gamma": float(gamma), "prime": float(prime), "slope": float(f"{slope:.4g}")}
        for gamma, row in zip(plane.gammas, plane.slope, strict=True)
        for prime, slope in zip(plane.gamma_primes, row, strict=True)
        if np.isfinite(slope)
    ]
    return {"widths": list(WIDTHS), "cells": cells}


def record(path: Path = RECORDED) -> Path:
    """Run everything and write the file; minutes.

    Parameters
    ----------
    path : Path
    """
    runs = {family: played(recorded(family)) for family in FAMILIES}
    files.write(path, json.dumps({"runs": runs, "plane": measured_plane()}, separators=(",", ":")) + "\n")
    return path


def load(path: Path = RECORDED) -> dict[str, Any]:
    """What was recorded.

    Parameters
    ----------
    path : Path
    """
    return json.loads(path.read_text())


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
