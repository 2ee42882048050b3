from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.local_elasticity import STUDY
from comparisons.local_elasticity.question import details, pooled_contrast
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


TURNS = (-1.0) ** np.arange(60)  # records that lie above and below in turn by a: they scatter by 2.42 a


def steps(*parts):
    """A curve of levels, each from a record on."""
    curve = np.empty(60)
    for value, since in parts:
        curve[since:] = value
    return curve


def test_a_contrast_is_the_ratio_of_means():
    change = np.array([[1.0, 0.1, 0.1, 1.0, 0.1, 0.1, 0.4]])  # of means 0.4 and 0.2, both of median 0.1
    assert pooled_contrast(change, np.array([0, 0, 0, 0, 1, 1, 1])) == pytest.approx(np.log10(2))


def test_half_way_is_the_middle_record():
    assert judged(steps((0.1, 0), (0.6, 25)), train=None).outcome == "shown"
    assert judged(steps((0.1, 0), (0.6, 31)), train=None).outcome == "absent"


@pytest.mark.parametrize(
    ("train", "kept"),
    [
        (steps((0.1, 0), (0.97, 10), (0.90, 56)) + 0.01 * TURNS, True),  # three scatters are 0.073
        (steps((0.1, 0), (0.97, 10), (0.865, 56)) + 0.01 * TURNS, False),
        (steps((0.1, 0), (0.95, 10), (0.84, 56)) + 0.03 * TURNS, False),  # and at most a tenth
    ],
)
def test_a_fit_is_kept_within_three_scatters_and_a_tenth(train, kept):
    note = judged(rising(2, 0.1, 0.6), train=train).note
    assert note.startswith("the training score never reaches") == (not kept)


@pytest.mark.parametrize(
    ("contrast", "start", "reason"),
    [
        (steps((0.4, 0), (0.6, 10)), START, "most of it, 0.30 decades, is there at the first record; contrast 0.10"),
        (steps((0.3, 0), (0.4, 1), (0.6, 10)), START, ""),  # 0.2 of 0.5
        (0.35 * FITTED + 0.021 * TURNS, 0 * START, ""),  # five scatters are 0.25
        (0.25 * FITTED + 0.022 * TURNS, 0 * START, "what training added is within 5 scatters of the curve"),
        (steps((0.1, 0), (0.8, 10)), steps((0.1, 0), (0.25, 30)), "the untrained contrast is no constant, it changes"),
        (steps((0.1, 0), (0.8, 10)), steps((0.1, 0), (0.15, 30)), ""),
        (steps((0.1, 0), (0.4, 10), (0.8, 40)), START, "the contrast wanders after the fit"),  # up by 0.4 of 0.7
        (steps((0.1, 0), (0.5, 10), (0.8, 40)), START, ""),  # by 0.3
    ],
)
def test_a_larger_contrast_was_learned_or_not(contrast, start, reason):
    verdict = judged(contrast, start)
    assert (verdict.outcome, verdict.note[: len(reason)]) == ("unclear" if reason else "shown", reason)


def three_runs(**metas):
    runs = []
    for k, (start, fit, end) in enumerate(((0.1, 0.3, 0.3), (0.2, 0.4, 0.5), (0.6, 0.9, 1.2))):
        meta = {name: values[k] for name, values in metas.items()}
        contrast = start + steps((0.0, 0), (fit, 10), (end, 50))
        data = {"contrast": contrast, "start_contrast": np.full(60, start), "train": steps((0.1, 0), (1.0, 20))}
        runs.append(Trajectory(T, data, clock="step", meta=meta))
    return runs


def test_numbers_are_medians_over_runs():
    verdict = STUDY.judge(three_runs(inputs=(0.1, 0.2, 0.9), ceiling=(1.0, 2.0, 9.0), predicted=(3.0, 4.0, 8.0)), QUICK)
    assert verdict.note == (
        "contrast 0.20 untrained, 0.70 trained; added 0.40 at the fit, 0.50 at the end; centred inputs alone 0.20; "
        "ceiling 2.00"
    )
    assert (verdict.predicted, verdict.measured) == (4.0, pytest.approx(0.5))
    assert STUDY.judge(three_runs(predicted=(3.0, None, 8.0)), QUICK).predicted is None


def test_one_run_of_three_that_added_next_to_nothing_is_counted():
    runs = three_runs()
    runs[0] = Trajectory(T, {**runs[0].data, "contrast": 0.15 + 0 * T}, clock="step")
    note = STUDY.judge(runs, QUICK).note
    assert note.startswith("training added less than 0.1 decades (1 of 3 runs); contrast 0.20 untrained")


def test_details_are_medians_over_runs_of_means_over_digits():
    def of(four, nine, zero, layers):
        meta = {"four_to_4": four, "four_to_9": nine, "four_to_0": zero, "fuzziness": layers}
        return Trajectory([1.0], {"contrast": [0.0]}, clock="step", meta=meta)

    runs = [of([0, 0, 3], [2], [0.1], [9, 1]), of([1, 1, 4], [3], [0.2], [8, 2]), of([9], [7], [0.9], [1, 6])]
    text = details(SimpleNamespace(runs={"dnn": runs, "linear": three_runs()[:1], "none": []}))
    assert text.splitlines()[1:] == [
        "  dnn: step on a 4 moves 4s 2.00, 9s 3.00, 0s 0.20; separation fuzziness by layer 8 -> 2"
    ]
    assert details(SimpleNamespace(runs={"none": []})) == ""


@pytest.mark.parametrize(
    ("name", "contrast", "start", "at", "beyond", "reason"),
    [
        ("most_change", steps((0, 0), (0.25, 10), (0.5, 40)), 0 * START, 0.5, 0.49, "the contrast wanders"),
        ("absent_below", steps((0, 0), (1, 10)), steps((0, 0), (0.125, 30)), 0.125, 0.12, "the untrained contrast is"),
    ],
)
def test_what_lies_just_at_a_condition_passes_it(name, contrast, start, at, beyond, reason):
    run = Trajectory(T, {"contrast": contrast, "start_contrast": start, "train": FITTED}, clock="step")
    found = [STUDY.judge([run], replace(QUICK.question, **{name: value})) for value in (at, beyond)]
    assert found[0].outcome == "shown", found[0].note
    assert found[1].note.startswith(reason)


def test_half_of_it_may_be_there_at_the_first_record():
    assert judged(steps((0.25, 0), (0.5, 10)), 0 * START).outcome == "shown"
    assert judged(steps((0.26, 0), (0.5, 10)), 0 * START).note.startswith("most of it, 0.26 decades")
