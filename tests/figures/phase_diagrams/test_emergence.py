"""Cells of the planes are the study's own runs, and the lines are where the closed forms pass the thresholds."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from comparisons.emergence import STUDY
from figures.phase_diagrams import stages
from figures.phase_diagrams.emergence import (
    CLOSED,
    FIGURE,
    SETTINGS,
    PhaseDiagram,
    compute,
    errors,
    on_their_side,
    predicted_rise,
    score_of,
    trends,
)
from toymodels import sweep
from toymodels.metrics.emergence import stage_of

SMALL = PhaseDiagram((1e-6, 1e-2), (1.2, 3.0), (0.1, 0.5), (2, 4), (0.01, 0.5), (1.5, 3.0), replicates=1)


@pytest.fixture(scope="module")
def data():
    return compute(SMALL, np.random.default_rng(0), partial(sweep, jobs=1))


def test_a_cell_is_a_run_of_the_study():
    cell = score_of("layerwise", np.random.default_rng(1), start=1e-4, ratio=2.0)
    score = STUDY.score("layerwise")(rng=np.random.default_rng(1), start=1e-4, ratio=2.0)
    assert cell == {"score": score["score"], "predicted": score["predicted"]}


def test_the_rarest_class_is_learned_in_the_steps_of_its_cell():
    for start, ratio in ((0.01, 9), (0.5, 2)):
        settings = SETTINGS["neurashed"](start, ratio)
        assert np.isfinite(STUDY.score("neurashed")(rng=np.random.default_rng(0), **settings)["score"])


def test_all_cells_are_there_without_nan(data):
    assert data["layerwise_score"].shape == data["condensation_score"].shape == (2, 2, 1)
    assert "condensation_predicted" not in data
    assert not any(np.isnan(values).any() for values in data.values())


@pytest.mark.parametrize("family", CLOSED)
def test_on_its_lines_the_closed_form_is_at_the_thresholds(data, family):
    starts, ratios = data[f"{family}_line"], data[f"{family}_critical"]
    found = [[stage_of(r, predicted_rise(family, s)) for s, r in zip(starts, row, strict=True)] for row in ratios]
    assert_allclose(found, np.repeat([[0.6], [1.0]], len(starts), axis=1))


def test_quantities_know_right_from_wrong(data):
    exact = data | {f"{family}_score": data[f"{family}_predicted"] for family in CLOSED}
    assert on_their_side(exact).all()
    assert all(errors(exact, family).max() == 0 for family in CLOSED)
    wrong = data | {f"{family}_score": 1.6 - data[f"{family}_predicted"] for family in CLOSED}
    assert not on_their_side(wrong).any()
    assert errors(wrong, "layerwise").max() > 0.2
    rising = np.arange(4.0).reshape(2, 2, 1)
    assert_allclose(trends(data | {"condensation_score": rising}), -1)
    assert_allclose(trends(data | {"condensation_score": -rising}), 1)


def test_rare_skills_of_a_power_law_are_as_far_apart_as_their_frequencies_say():
    found = stages.power_law(np.random.default_rng(0))["stage"]
    rank = np.arange(1, stages.RANKS)
    expected = stage_of(10.0, predicted_rise("layerwise", 1e-6)) * 1.6 * np.log10((rank + 1) / rank)
    assert_allclose(found, expected, atol=0.3)


def test_it_is_drawn_and_judged_with_keys_of_its_subject(data):
    figure = FIGURE.draw(data, SMALL)
    assert all(axes.get_xlabel() and axes.get_ylabel() and axes.get_title() for axes in figure.axes[:4])
    assert len(FIGURE.judge(data)) == len(FIGURE.claims)
    assert all(claim.key.startswith("emergence.") for claim in FIGURE.claims)
