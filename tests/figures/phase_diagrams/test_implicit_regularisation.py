"""Cells of the plane are the study's own runs, and the line is where the closed form passes the thresholds."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.implicit_regularisation import STUDY
from figures.phase_diagrams.implicit_regularisation import (
    CLAIMS,
    EXPONENTS,
    FIGURE,
    PhaseDiagram,
    compute,
    predicted_curve,
    score_of,
    side_of_the_line,
)
from toymodels import sweep

SMALL = PhaseDiagram(
    lrs=(0.003, 0.02), batches=(1, 40), steps=1000, replicates=1, relu_lrs=(0.01,), relu_batches=(1, 40), relu_steps=100
)


@pytest.fixture(scope="module")
def data():
    return compute(SMALL, np.random.default_rng(0), partial(sweep, jobs=1))


def test_a_cell_is_a_run_of_the_study():
    cell = score_of("layerwise", 500, np.random.default_rng(1), batch=2, lr=0.01)
    score = STUDY.score("layerwise")(batch=2, lr=0.01, steps=500, rng=np.random.default_rng(1))
    assert_allclose([cell["score"], cell["predicted"]], [score["score"], score["predicted"]])


def test_all_cells_are_there_and_the_exponent_is_that_of_the_start(data):
    assert data["layerwise_score"].shape == (2, 2, 1)
    assert data["condensation_score"].shape == (1, 2, 1)
    assert_allclose(data["layerwise_exponent"][1, 0], 2 * 0.02**2 * 1000 * 0.25)
    assert_allclose(data["layerwise_exponent"][:, 0], 40 * data["layerwise_exponent"][:, 1])
    assert "condensation_predicted" not in data


def test_the_lines_are_where_the_closed_form_passes_the_thresholds(data):
    assert_allclose(np.interp(data["critical"], EXPONENTS, data["curve"]), [0.1, 0.3], atol=0.02)
    assert (np.diff(data["curve"]) > -1e-6).all()


def test_the_closed_form_begins_at_nothing_and_ends_at_the_sparse_solution():
    curve = predicted_curve(STUDY.models["layerwise"].settings, np.random.default_rng(2))
    assert abs(curve[0]) < 1e-3
    assert 0.7 < curve[-1] < 1.2


def test_runs_on_the_wrong_side_are_seen(data):
    assert side_of_the_line(data | {"critical": np.array([1e9, 2e9])}).all()
    assert not side_of_the_line(data | {"critical": np.array([1e-12, 2e-12])}).any()


def test_it_is_drawn_and_judged(data):
    assert len(FIGURE.draw(data, SMALL).axes) == 4
    assert len(FIGURE.judge(data)) == len(CLAIMS)
