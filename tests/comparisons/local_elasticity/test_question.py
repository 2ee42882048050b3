import numpy as np
import pytest

from comparisons.local_elasticity import STUDY
from comparisons.local_elasticity.question import pooled_contrast
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"]
T = np.geomspace(1, 1e4, 60)
START = np.full(60, 0.1)


def rising(half, low, high):
    return low + (high - low) / (1 + (half / T) ** 4)


FITTED = rising(10, 0, 1)


def judged(contrast, start=START, train=FITTED, **meta):
    data = {"contrast": contrast, "start_contrast": start} | ({} if train is None else {"train": train})
    return STUDY.judge([Trajectory(T, data, clock="step", meta=meta)], QUICK)


def test_the_score_is_what_training_added_at_the_fit_and_at_the_end():
    verdict = judged(rising(5, 0.1, 0.5) + rising(1000, 0, 0.1), predicted=0.5, inputs=0.04, ceiling=0.6)
    assert verdict.outcome == "shown"
    assert verdict.score == pytest.approx(0.4, abs=0.01)
    assert (verdict.predicted, verdict.measured) == (0.5, pytest.approx(0.5, abs=0.01))
    assert verdict.note == (
        "contrast 0.10 untrained, 0.60 trained; added 0.40 at the fit, 0.50 at the end; centred inputs alone 0.04; "
        "ceiling 0.60"
    )


def test_an_untrained_kernel_and_what_comes_before_or_after_the_fit_alone_are_not_elastic():
    assert judged(np.full(60, 1.3), np.full(60, 1.3)).outcome == "absent"
    assert judged(rising(1000, 0.1, 0.6)).outcome == "absent"
    assert judged(rising(5, 0.1, 0.6) - rising(1000, 0, 0.5)).outcome == "absent"


def test_a_run_without_a_training_score_is_judged_over_its_second_half():
    verdict = judged(rising(20, 0.1, 0.6), train=None)
    assert verdict.outcome == "shown"
    assert "added 0.50 half-way, 0.50 at the end" in verdict.note
    assert judged(rising(3000, 0.1, 0.6), train=None).outcome == "absent"


def test_a_run_that_never_fits_is_unclear():
    reason = "the training score never reaches and keeps its level in 1 of 1 runs"
    assert judged(rising(5, 0.1, 0.5), train=0.9 * FITTED).note == reason
    with pytest.raises(ValueError, match=r"train must be at most 1, a fraction, got 100 \(a percentage\?\)"):
        judged(rising(5, 0.1, 0.5), train=100 * FITTED / FITTED[-1])
    assert judged(rising(5, 0.1, 0.5), train=0.9 * FITTED, train_level=0.8).outcome == "shown"


def test_a_contrast_that_wanders_is_unclear():
    wave = rising(5, 0.1, 0.6) + 0.2 * np.sin(2 * np.log(T)) * FITTED
    assert judged(wave).note.startswith("the contrast wanders after the fit")


def test_the_contrast_is_pooled_over_bases_without_the_base_itself():
    change = np.array([[1.0, 0.5, 0.1], [0.5, 1.0, 0.1]])
    assert pooled_contrast(change, np.array([0, 0, 1])) == pytest.approx(np.log10(5))
