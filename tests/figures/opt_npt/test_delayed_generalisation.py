"""Late falls, peaks and transitions of a shallow network."""

import numpy as np
import pytest

from figures.opt_npt.delayed_generalisation_claims import (
    CLAIMS,
    LONG,
    basin_fall,
    delay,
    gradient_change,
    growth,
    is_long,
    noisy_fall,
    norm_left,
    peak_over_rise,
)
from figures.opt_npt.delayed_generalisation_runs import record_before

(PEAK,) = (claim for claim in CLAIMS if claim.key == "delayed_generalisation.peak-at-transition")
STEPS = np.array([1.0, 10, 100, 1000])


@pytest.fixture
def data():
    return {
        "steps": STEPS,
        "train": np.array([[0.1, 1.0, 1.0, 1.0]] * 2),
        "test": np.array([[0.1, 0.2, 0.9, 0.9]] * 2),
        "basin_weight": np.array([[1.0, 0.1, 2.0, 1.5], [1.0, 0.1, 2.0, 2.5]]),
        "noisy": np.array([[[0.1], [0.9], [0.8], [0.7]], [[0.1], [0.2], [0.3], [0.4]]]),
        "norm": np.array([[10.0, 8.0, 4.0, 1.0]] * 2),
        "gradient": np.array([[[0.0, 0], [0.1, 0.2], [1, 1], [0.5, 0.5]]] * 2),
        "first": np.zeros((2, 2)),
    }


def test_late_falls_of_basin_and_noisy_accuracy_are_found_and_early_ones_ignored(data):
    assert basin_fall(data) == pytest.approx([0.25, 0])
    assert noisy_fall(data) == pytest.approx([0.2, 0])


def test_the_norm_is_taken_where_the_test_accuracy_rises(data):
    assert ((norm_left(data) > 0.4) & (norm_left(data) < 0.8)).all()


def test_only_long_runs_can_miss_a_late_decline(data):
    assert not is_long(data)
    assert is_long(data | {"steps": np.array([1.0, LONG])})


def test_before_is_between_fit_and_generalisation(data):
    assert record_before(STEPS, data["train"][0], data["test"][0]) == 1
    assert growth(data, "basin_weight") == pytest.approx([15, 25])
    assert gradient_change(data) == pytest.approx([0.2, 0.2])


def test_a_run_that_never_fits_has_no_delay(data):
    assert (delay(data) > 3).all()
    assert delay(data | {"train": 0.5 * data["train"]}).tolist() == [0, 0]


def test_a_peak_at_the_end_is_a_lower_bound_unless_it_is_late_enough(data):
    assert (peak_over_rise(data) > 1).all()
    assert np.isfinite(peak_over_rise(data)).all()
    rising = data | {"gradient": np.broadcast_to(np.arange(4.0)[None, :, None], (2, 4, 2))}
    assert (peak_over_rise(rising) > 10).all()  # the end is far beyond the transition
    soon = rising | {"test": np.array([[0.1, 0.2, 0.3, 0.8]] * 2)}
    assert np.isinf(peak_over_rise(soon)).all()


@pytest.mark.parametrize(
    ("ratios", "met"),
    [([0.8, 1.25], True), ([0.79, 1], False), ([1.26, 1], False), ([1, np.inf], None), ([9, np.inf], None)],
)
def test_peaks_are_together_with_the_transition_or_open_where_a_run_ends_too_soon(ratios, met):
    assert PEAK.criterion.met_by(ratios) is met


def test_the_sentence_says_what_leaves_it_open():
    open_if = "every run in [0.8, 1.25] (open if a run ends too soon for its peak to tell)"
    assert PEAK.sentence.endswith(f"{open_if}; decided with at least 100,000 steps")
