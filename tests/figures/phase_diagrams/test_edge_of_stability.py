from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.phase_diagrams.edge_of_stability import (
    FIGURE,
    PhaseDiagram,
    broken,
    compute,
    distances_to_the_edge,
    ends,
    log_ratios_below,
)
from toymodels import sweep

SMALL = PhaseDiagram((0.2, 1.0), (2.0, 5.0), (0.1, 0.2), (0.1,), replicates=2)


def made(**values):
    """Two learning rates, one start, two draws."""
    base = {"lr": [0.1, 0.6], "flow": [[[0.5, 0.8]], [[1.5, 3.0]]], "first": [[[0.1, 0.1]], [[0.1, 0.1]]]}
    base |= {"descent": [[[0.5, 0.4]], [[1.1, np.inf]]], "loss": [[[0.0, 0.0]], [[0.01, np.inf]]]}
    return {f"layerwise_{name}": np.array(value) for name, value in (base | values).items()}


def test_quantities_choose_their_runs():
    data = made()
    assert broken(data, "layerwise").tolist() == [[[False, False]], [[False, True]]]
    assert_allclose(distances_to_the_edge(data, "layerwise"), [0.1])
    assert distances_to_the_edge(data, "layerwise", most_lr=0.5).size == 0
    assert_allclose(log_ratios_below(data, "layerwise"), [0, np.log(2)])
    started_above = made(first=[[[0.1, 0.1]], [[0.9, 0.1]]])
    assert distances_to_the_edge(started_above, "layerwise").size == 0


def test_a_chain_that_diverges_still_has_its_flow():
    found = ends("layerwise", np.random.default_rng(0), lr=0.6, start=8.5)
    assert found["descent"] == found["loss"] == np.inf
    small = ends("layerwise", np.random.default_rng(0), lr=0.1, start=8.5)
    assert_allclose([found["flow"], found["first"]], [6 * small["flow"], 6 * small["first"]], rtol=1e-6)
    assert_allclose(small["descent"], small["flow"], rtol=0.01)


@pytest.fixture(scope="module")
def data():
    grid = partial(sweep, jobs=1)
    settings = replace(SMALL, sine_replicates=1)
    return compute(settings, np.random.default_rng(0), grid)


def test_data_have_a_value_for_every_run_and_no_nan(data):
    assert data["layerwise_descent"].shape == (2, 2, 2)
    assert data["condensation_descent"].shape == (2, 1, 1)
    assert not any(np.isnan(values).any() for values in data.values())
    expected = data["layerwise_top"] * 0.2 / 2
    assert_allclose(np.median(data["layerwise_flow"][0], axis=1), expected, rtol=0.15)  # but for the draws
    assert data["layerwise_flattest"] == 4.0


def test_the_picture_has_axes_with_labels(data):
    figure = FIGURE.draw(data, SMALL)
    planes = figure.axes[:3]
    assert all(axes.get_xlabel() and axes.get_ylabel() and axes.get_title() for axes in planes)


def test_every_criterion_can_be_met_and_missed_and_keys_start_with_the_subject():
    for claim in FIGURE.claims:
        assert {True, False} <= {claim.criterion.met_by(np.array([value])) for value in (0.0, 1.0, 1e12)}
        assert claim.key.startswith("edge_of_stability.")
    assert {"quick", "paper"} <= FIGURE.presets.keys()
