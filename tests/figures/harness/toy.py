"""A figure in a blink."""

from dataclasses import dataclass

import numpy as np

from comparisons.harness.settings import Settings
from figures.harness.figure import PaperFigure
from toymodels.claims import Claim, Quantity, median


@dataclass(frozen=True)
class Toy(Settings):
    n_times: int = 5
    level: float = 1.0


def compute(settings, rng, grid):
    cells = grid(cell, {"x": [1.0, 2.0]}, replicates=2, seed=int(rng.integers(2**32)))
    return {"values": settings.level * cells["value"].values, "n": np.array(settings.n_times)}


def cell(x, rng):
    return {"value": x + 0.1 * rng.random()}


def missing(settings, rng, grid):
    raise FileNotFoundError("no mnist here")


def singular(settings, rng, grid):
    return {"values": np.linalg.inv(np.zeros((2, 2)))}


def draw(data, settings):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot(data["values"].ravel())
    return figure


def claim(key="figure.large", criterion=None, measure=lambda data: data["values"].ravel(), **more):
    words, asked = Quantity("value", measure), median > 1 if criterion is None else criterion
    return Claim(key, "Figure 0", "It is large.", words, asked, why="because", **more)


def figure(name="toys/figure", claims=None, **more):
    fields = {"compute": compute, "draw": draw, "caption": "A toy.", "presets": {"quick": Toy(), "paper": Toy(50)}}
    return PaperFigure(name, claims=(claim(),) if claims is None else claims, **{**fields, **more})


FIGURE = figure()
