"""Rows of the planes are the study's own curves, and the lines are where the closed form passes the thresholds."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.double_descent import STUDY
from figures.phase_diagrams.double_descent import (
    FIGURE,
    PhaseDiagram,
    compute,
    curve_of,
    on_their_side,
    places,
    predicted_height,
)
from toymodels import sweep

SMALL = PhaseDiagram((1e-4, 1.0), (1e-6, 0.1), replicates=1, greedy_replicates=1, digit_replicates=1)


@pytest.fixture(scope="module")
def data():
    """Of smaller networks, put where the study has its own."""
    models = dict(STUDY.models)
    small = {
        "dnn": {"samples": 60, "widths": (20, 40, 50, 75, 100, 300)},
        "layerwise two layers": {"steps": 300, "samples": (8, 16, 36, 44, 60, 120)},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, changes in small.items():
            patch.setitem(STUDY.models, name, replace(models[name], settings=replace(models[name].settings, **changes)))
        yield compute(SMALL, np.random.default_rng(0), partial(sweep, jobs=1))


def test_a_row_is_a_run_of_the_study():
    row = curve_of("condensation", np.random.default_rng(1), ridge=1e-3)
    score = STUDY.score("condensation")(rng=np.random.default_rng(1), ridge=1e-3)
    assert row["score"] == score["score"]
    assert row["place"] == score["measured"]
    assert row["error"].shape == (16,)


def test_all_rows_are_there_without_nan(data):
    assert data["layerwise_error"].shape == data["condensation_error"].shape == (2, 1, 16)
    assert data["greedy_score"].shape == data["digits_score"].shape == (2, 1)
    assert not any(np.isnan(values).any() for values in data.values())


def test_the_peak_is_predicted_at_the_thresholds_on_its_lines(data):
    assert_allclose([predicted_height(ridge) for ridge in data["critical"]], [0.3, 0.5], atol=0.01)
    assert predicted_height(1.0) == 0
    assert predicted_height(0.0) > 0.8


def test_quantities_know_right_from_wrong(data):
    right = data | {"layerwise_score": np.array([[0.8], [0.0]])}
    assert on_their_side(right).tolist() == [1, 1]
    assert on_their_side(right | {"layerwise_score": np.array([[0.1], [0.6]])}).tolist() == [0, 0]
    at = {"layerwise_place": np.array([[2.0], [1.0]]), "condensation_place": np.array([[30.0], [60.0]])}
    shown = {"layerwise_score": np.array([[0.8], [0.0]]), "condensation_score": np.array([[0.8], [0.0]])}
    assert_allclose(places(data | at | shown), [2, 2])


def test_it_is_drawn_and_judged_with_keys_of_its_subject(data):
    figure = FIGURE.draw(data, SMALL)
    assert all(axes.get_xlabel() and axes.get_ylabel() and axes.get_title() for axes in figure.axes[:3])
    assert len(FIGURE.judge(data)) == len(FIGURE.claims)
    assert all(claim.key.startswith("double_descent.") for claim in FIGURE.claims)
