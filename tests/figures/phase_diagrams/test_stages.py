"""Stages of the diagonal network: against closed forms, read off by loops, and laid out by draw, rank and ratio."""

from itertools import pairwise

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from comparisons.emergence import STUDY
from figures.phase_diagrams.stages import ALPHA, RANKS, compute, equal_ratios, one_layer, power_law
from toymodels.metrics.emergence import rise_of_sigmoid

START = 1e-6
JITTER = 1.25  # every weight is drawn between one over it and it, relative to the square root of the start
SEEDS = st.integers(0, 2**32 - 1)


def ages(start):
    """ln(1 / start - 1), twice the time that a sigmoid at rate 1 takes to its half, at both ends of the draws."""
    return np.log(1 / (start * np.array([JITTER**2, JITTER**-2])) - 1)


@given(SEEDS)
def test_gaps_and_rises_of_a_power_law_are_those_of_sigmoids_of_any_start_drawn(seed):
    stage = power_law(np.random.default_rng(seed))["stage"]
    rank = np.arange(1, RANKS)
    gap = (ALPHA + 1) * np.log10((rank + 1) / rank)
    low, high = ages(START)
    longest, shortest = (rise_of_sigmoid(start) for start in (START * JITTER**2, START / JITTER**2))
    jitter = np.log10(high / low)
    assert stage.shape == (RANKS - 1,)
    assert (stage > (gap - jitter) / np.where(gap > jitter, longest, shortest) - 0.01).all()
    assert (stage < (gap + jitter) / shortest + 0.01).all()


def test_gaps_of_a_power_law_are_those_of_their_frequencies_on_average():
    stages = np.mean([power_law(np.random.default_rng(seed))["stage"] for seed in range(60)], axis=0)
    rank = np.arange(1, RANKS)
    expected = (ALPHA + 1) * np.log10((rank + 1) / rank) / rise_of_sigmoid(START)
    assert_allclose(stages, expected, atol=0.025)


def first_passing(t, skill, level):
    """The first time at which a curve is at a level, log-linear between records."""
    for i in range(1, len(t)):
        if skill[i] >= level:
            part = (level - skill[i - 1]) / (skill[i] - skill[i - 1])
            return t[i - 1] * (t[i] / t[i - 1]) ** part
    raise AssertionError


@given(SEEDS)
def test_rises_and_areas_are_those_of_the_studys_own_skills(seed):
    found = equal_ratios(np.random.default_rng(seed))
    model = STUDY.models["layerwise"]
    run = model.run(model.settings, np.random.default_rng(seed))
    skills = run["skills"].T
    rises = [np.log10(first_passing(run.t, skill, 0.9) / first_passing(run.t, skill, 0.1)) for skill in skills]
    areas = [
        1 - sum((y1 + y0) * (x1 - x0) for (x0, x1), (y0, y1) in zip(pairwise(a), pairwise(b), strict=True))
        for a, b in pairwise(skills)
    ]
    assert_allclose(found["rise"], rises, rtol=1e-9)
    assert_allclose(found["area"], areas, rtol=1e-9)
    shortest, longest = (rise_of_sigmoid(START * JITTER**power) for power in (-2, 2))
    assert (found["rise"] > 0.99 * shortest).all()
    assert (found["rise"] < 1.01 * longest).all()


def test_one_layer_is_scored_as_the_study_scores_it():
    for ratio in (1.5, 12.0):
        cell = one_layer(np.random.default_rng(3), ratio)
        assert cell == {"score": STUDY.score("layerwise one layer")(rng=np.random.default_rng(3), ratio=ratio)["score"]}


class Grid:
    """A grid that says how it is asked, and counts up over its arrays."""

    def __init__(self):
        self.asked = []

    def __call__(self, function, cells, replicates, seed):
        self.asked.append((function, dict(cells), replicates, seed))
        sizes = {"replicate": replicates, **{name: len(values) for name, values in cells.items()}}
        numbers = xarray.DataArray(np.arange(np.prod(list(sizes.values()))).reshape(*sizes.values()), dims=list(sizes))
        return {name: 100 * k + numbers for k, name in enumerate(("rise", "area", "stage", "score"))}


def test_what_is_computed_is_laid_out_by_draw_and_the_scores_by_ratio_first():
    grid = Grid()
    data = compute((1.2, 3.0, 20.0), 2, np.random.default_rng(0), grid)
    assert data["stages_rise"].tolist() == [0, 1]
    assert data["stages_area"].tolist() == [100, 101]
    assert data["stages_by_rank"].tolist() == [200, 201]
    assert data["stages_one_layer"].tolist() == [[300, 303], [301, 304], [302, 305]]
    functions, cells, replicates, seeds = zip(*grid.asked, strict=True)
    assert functions == (equal_ratios, power_law, one_layer)
    assert cells == ({}, {}, {"ratio": (1.2, 3.0, 20.0)})
    assert replicates == (2, 2, 2)
    assert len(set(seeds)) == 3


def test_every_experiment_draws_other_numbers_of_another_generator():
    grid = Grid()
    for seed in (0, 1):
        compute((3.0,), 1, np.random.default_rng(seed), grid)
    assert len({seed for *_, seed in grid.asked}) == 6
    with pytest.raises(TypeError):
        compute((3.0,), 1, np.random.default_rng(0))
