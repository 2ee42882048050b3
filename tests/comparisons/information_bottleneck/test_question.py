from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.information_bottleneck import STUDY
from comparisons.information_bottleneck.question import details
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"]
T = np.geomspace(1, 1e4, 60)
LABEL = np.ones(60)


def rising(half, low, high):
    return low + (high - low) / (1 + (half / T) ** 4)


BOTTLENECK = rising(10, 1, 6) - rising(1000, 0, 3)


def judged(about_input, about_label=LABEL, more=None, **meta):
    data = {"about_input": about_input, "about_label": about_label, **(more or {})}
    return STUDY.judge([Trajectory(T, data, clock="step", meta=meta)], QUICK)


def test_the_score_is_the_share_of_the_peak_that_is_lost():
    verdict = judged(BOTTLENECK, predicted=0.5, samples=1000)
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(0.5, abs=0.01)
    assert verdict.predicted == 0.5
    assert verdict.note == "I(X;T) 1.00 -> 6.00 -> 3.00 bits, I(Y;T) 1.00 -> 1.00"


@pytest.mark.parametrize(
    ("about_input", "about_label", "meta", "reason"),
    [
        (rising(1000, 6, 3), LABEL, {}, "forgets, but never fitted"),
        (BOTTLENECK, rising(1000, 1, 0), {}, "forgets the label too"),
        (BOTTLENECK, LABEL, {"samples": 80}, "at the estimator's ceiling, log2 80 = 6.32 bits"),
        (np.zeros(60), LABEL, {}, "carries no information about the input"),
        (BOTTLENECK + rising(4000, 0, 1.4), LABEL, {}, "comes back after its peak"),
        (np.where(np.arange(60) < 3, 1.0, 6 - 2.5 * (np.arange(60) > 50)), LABEL, {}, "fluctuates after its peak"),
    ],
)
def test_conditions_are_named_when_they_decide(about_input, about_label, meta, reason):
    verdict = judged(about_input, about_label, **meta)
    assert verdict.outcome == "unclear"
    assert verdict.note.startswith(reason)


def test_another_outcome_at_another_noise_is_named():
    other = {"about_input_double_noise": rising(10, 1, 3), "about_label_double_noise": LABEL}
    assert judged(BOTTLENECK, more=other).note.startswith("shown, but absent at twice the noise")
    same = {"about_input_double_noise": 0.5 * BOTTLENECK, "about_label_double_noise": LABEL}
    assert judged(BOTTLENECK, more=same).outcome == "shown"


def test_a_noise_at_the_ceiling_contradicts_nothing():
    other = {"about_input_half_noise": np.full(60, 9.9), "about_label_half_noise": LABEL}
    assert judged(BOTTLENECK, more=other, samples=1000).outcome == "shown"


def test_a_loss_within_the_spread_over_draws_is_none():
    verdict = judged(BOTTLENECK, more={"draw_spread": np.full(60, 1.0)})
    assert verdict.note.startswith("the loss is within 3 spreads over draws of the noise")


def test_a_frozen_representation_loses_no_more_than_the_estimators_noise(tmp_path):
    verdict = STUDY.run(models=["frozen"], out=tmp_path).verdicts["frozen"]
    assert verdict.outcome == "absent"
    assert max(verdict.scores) < 0.02


def test_other_estimates_are_printed_where_a_run_has_them():
    curves = {"about_input": [1.0, 3.0, 2.0], "about_label": [0.0, 1.0, 1.0], "binned_input": [4.0, 6.0, 5.0]}
    runs = {"mine": [Trajectory([1.0, 2.0, 3.0], curves, clock="step")]}
    assert "mine: binned I(X;T) 4.00 -> 6.00 -> 5.00" in details(SimpleNamespace(runs=runs))


def test_an_oscillation_that_ends_in_a_trough_is_none():
    k = np.arange(60)
    wave = (3.5 - 2.5 * np.cos(2 * np.pi * (k - 59) / 15)) * (1 + 1e-6 * k)
    assert judged(wave).note.startswith("rises and falls before its peak too")


def test_next_to_nothing_is_no_information():
    assert judged(1e-9 * BOTTLENECK).note.startswith("carries no information about the input")
    assert judged(BOTTLENECK, 0.001 * LABEL).note.startswith("never learned the label")


def test_a_peak_of_two_records_above_a_small_loss_is_none():
    """Without them a sixth is lost, which is more than nothing and less than a bottleneck."""
    bits = rising(10, 1, 4) - rising(1000, 0, 0.7)
    bits[30:32] = 6.0
    verdict = judged(bits)
    assert verdict.outcome == "unclear"
    assert verdict.note.startswith("the peak stands on two records only")
