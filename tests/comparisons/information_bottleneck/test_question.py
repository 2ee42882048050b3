from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.information_bottleneck import STUDY
from comparisons.information_bottleneck.question import details, estimator_bias
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


TURNS = (-1.0) ** np.arange(60)  # records that lie above and below in turn by a: they scatter by 2.42 a


def through(*points):
    """Bits on straight lines in log time through (decade, bits)."""
    decades, bits = zip(*points, strict=True)
    return np.interp(np.log10(T), decades, bits)


PEAK = through((0, 1), (1, 6), (1.5, 6), (3, 3), (4, 3))


@pytest.mark.parametrize(
    ("about_input", "about_label", "reason"),
    [
        (PEAK, 2 * LABEL, ""),
        (PEAK, through((0, 2), (2, 2), (4, 1.85)), ""),  # a tenth of 2 is 0.2
        (PEAK, through((0, 2), (2, 2), (4, 1.75)), "forgets the label too"),
        (np.r_[1.0, np.maximum(PEAK[1:], 4.5)], LABEL, ""),  # without the first record a quarter of 6 is gained
        (np.r_[1.0, 6 - 3 * np.arange(59) / 58], LABEL, "that it fitted rests on the first record alone"),
        (through((0, 1), (0.5, 4), (1, 2), (1.5, 6), (4, 3)), LABEL, ""),  # back by 2 of 5 before the peak
        (
            through((0, 1), (0.4, 5.5), (0.6, 5.5), (0.9, 2), (1.1, 2), (1.5, 6), (4, 3)),
            LABEL,
            "rises and falls before its peak too",
        ),
        (through((0, 1), (1, 6), (3.4, 3), (4, 3.5)), LABEL, ""),  # back by a sixth
        (through((0, 1), (1, 6), (3.4, 3), (4, 4)), LABEL, "comes back after its peak"),
        (PEAK + 0.2 * TURNS, LABEL, ""),  # five scatters are 2.4
        (PEAK + 0.32 * TURNS, LABEL, "the loss is within 5 scatters of the curve"),  # 3.9 of 3.6
    ],
)
def test_a_loss_is_a_bottleneck_or_not(about_input, about_label, reason):
    verdict = judged(about_input, about_label)
    assert (verdict.outcome, verdict.note[: len(reason)]) == ("unclear" if reason else "shown", reason), verdict.note


def test_a_loss_of_three_spreads_is_one():
    assert judged(PEAK, more={"draw_spread": np.full(60, 0.6)}).outcome == "shown"  # 3 sqrt(2) 0.6 = 2.5
    assert judged(PEAK, more={"draw_spread": np.full(60, 0.8)}).outcome == "unclear"  # 3.4


def test_a_peak_may_lie_half_a_bit_below_what_can_be_told_apart():
    assert judged(PEAK, samples=100).outcome == "shown"  # 6.64 bits
    assert judged(PEAK, samples=90).note == "at the estimator's ceiling, log2 90 = 6.49 bits"
    assert judged(PEAK, samples=1).note == "at the estimator's ceiling, log2 1 = 0.00 bits"
    with pytest.raises(ValueError, match=r"meta\['samples'\] must be >= 1, got 0.5"):
        judged(PEAK, samples=0.5)


def test_numbers_are_medians_over_runs():
    runs = []
    for start, peak, end, label, predicted in ((1, 5, 2, 1, 0.5), (2, 8, 4, 2, 0.6), (3, 40, 10, 6, 0.9)):
        bits = through((0, start), (1, peak), (1.5, peak), (3, end), (4, end))
        data = {"about_input": bits, "about_label": label * through((0, 0.5), (1, 1), (4, 1))}
        runs.append(Trajectory(T, data, clock="step", meta={"predicted": predicted}))
    verdict = STUDY.judge(runs, QUICK)
    assert verdict.note == "I(X;T) 2.00 -> 8.00 -> 4.00 bits, I(Y;T) 1.00 -> 2.00"
    assert (verdict.predicted, verdict.measured) == (0.6, pytest.approx(0.6))  # of losses 0.6, 0.5 and 0.75
    untold = Trajectory(T, runs[0].data, clock="step")
    assert STUDY.judge([untold, *runs[1:]], QUICK).predicted is None


def test_other_estimates_are_medians_over_runs():
    runs = [
        Trajectory([1.0, 2.0, 3.0], {"binned_label": np.multiply(k, [1.0, 3.0, 2.0])}, clock="step") for k in (1, 2, 6)
    ]
    lines = details(SimpleNamespace(runs={"mine": runs, "none": []})).splitlines()
    assert lines[:2] == [
        "other estimates in bits, start -> peak -> end, median over replicates:",
        "  mine: binned I(Y;T) 2.00 -> 6.00 -> 4.00",
    ]


def test_estimators_stand_beside_a_known_truth():
    """Of a Gaussian with noise 1/2, 1/2 log2 5 bits a dimension; bins of a hundredth each tell all samples apart."""
    one, three = estimator_bias(dims=(1, 3))
    assert one.startswith("  dimension 1: truth 1.16, ")
    assert three.startswith("  dimension 3: truth 3.48, ")
    assert one.endswith("(log2 n = 8.64)")
    mixture, ksg, binned = (float(part.split()[1].rstrip(",")) for part in one.split(", ")[1:4])
    assert (mixture, ksg) == (pytest.approx(1.16, abs=0.1), pytest.approx(1.16, abs=0.15))
    assert binned == pytest.approx(4.0, abs=0.4)  # the entropy of 30 bins


def falling(*before, last=((2, 59),)):
    """Levels, each from a record on, up to a peak of 4 till record 20, and straight lines through the last."""
    curve = np.empty(60)
    for value, since in (*before, (4, 12)):
        curve[since:] = value
    bits, records = zip((4, 20), *last, strict=True)
    curve[20:] = np.interp(np.arange(20, 60), records, bits)
    return curve


LABELLED = np.where(np.arange(60) < 40, 2.0, 1.75)
BACK = falling((1, 0), last=((2, 45), (2, 50), (2.25, 51), (2.25, 59)))


@pytest.mark.parametrize(
    ("name", "about_input", "about_label", "at", "beyond", "reason"),
    [
        ("label_kept", falling((1, 0)), LABELLED, 0.875, 0.88, "forgets the label too"),
        ("least_gain", falling((3, 0)), LABEL, 0.25, 0.26, "forgets, but never fitted"),
        ("headroom", 1.25 * falling((1, 0)), LABEL, 1.0, 1.1, "at the estimator's ceiling, log2 64 = 6.00 bits"),
        ("most_setback", BACK, LABEL, 1 / 7, 0.14, "comes back after its peak"),
    ],
)
def test_what_lies_just_at_a_condition_passes_it(name, about_input, about_label, at, beyond, reason):
    run = Trajectory(T, {"about_input": about_input, "about_label": about_label}, clock="step", meta={"samples": 64})
    found = [STUDY.judge([run], replace(QUICK.question, **{name: value})) for value in (at, beyond)]
    assert found[0].outcome == "shown", found[0].note
    assert found[1].note.startswith(reason)


def test_half_of_the_way_to_the_peak_may_be_lost_before_it():
    assert judged(falling((0, 0), (2, 3), (0, 8))).outcome == "shown"
    assert judged(falling((0, 0), (2.1, 3), (0, 8))).note.startswith("rises and falls before its")
