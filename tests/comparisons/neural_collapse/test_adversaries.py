"""Every made-up variability is what its name says, and is turned down for that reason."""

import numpy as np
import pytest

from comparisons.adversaries import judged
from comparisons.neural_collapse import STUDY
from comparisons.neural_collapse.adversaries import FALSE, TRUE
from comparisons.neural_collapse.question import first_perfect

CASES = {case.name: case for case in (*FALSE, *TRUE)}
ASKED = STUDY.question


def made(name, seed=0, **variation):
    return CASES[name].run(np.random.default_rng(seed), **variation)


@pytest.mark.parametrize(
    ("name", "outcome", "note"),
    [
        ("constant", "absent", "angles off a simplex by 0.5 -> 0.02"),
        ("a spike at the end", "absent", "angles off a simplex by 0.5 -> 0.02"),
        ("a narrow spike at the fit", "unclear", "the fall is from a rise of two records at the fit"),
        ("oscillating", "absent", "angles off a simplex by 0.5 -> 0.02"),
        ("never fitting", "unclear", "training error 0 was not reached, or not kept"),
        ("starting at the answer", "absent", "angles off a simplex by 0.01 -> 0.01"),
        ("variability without simplex", "unclear", "variability, no simplex: angles 0.39 -> 0.39"),
        ("a fall that stops high", "unclear", "variability stops at 1e+02 of that between classes; angles"),
        ("dying network", "unclear", "training error 0 was not reached, or not kept"),
        ("two classes", "unclear", "the angles of two classes say nothing"),
        ("collapses", "shown", "angles off a simplex by 0.5 -> 0.02"),
        ("with noise", "shown", "angles off a simplex by 0.5 -> 0.02"),
    ],
)
def test_a_case_is_turned_down_for_what_it_is_called_after(name, outcome, note):
    verdict = judged("neural_collapse", CASES[name], seed=0)
    assert verdict.outcome == outcome
    assert verdict.note.startswith(note)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("never fitting", "dying network")])
def test_all_but_two_fit_for_good_after_a_decade(name):
    run = made(name, n_records=400)
    start = first_perfect(run)
    assert 15 < run.t[start] < 60
    assert (run["train"][start:] == 1).all()
    assert run["train"][0] == pytest.approx(0.1, abs=0.01)


def test_what_never_fits_comes_near_and_what_dies_had_fitted_most():
    run = made("never fitting", decades=6)
    assert run["train"][-1] == pytest.approx(0.99, abs=1e-6)
    run = made("dying network", n_records=400, decades=6)
    assert 0.95 < run["train"].max() < 1
    assert run["train"][-1] == pytest.approx(0.1, abs=1e-3)
    for name in ("never fitting", "dying network"):
        assert made(name, decades=7)["within_between"][-1] == pytest.approx(0.01, rel=0.01)


def test_the_angles_close_after_the_fit_unless_another_thing_is_said():
    t, angles = made("constant", n_records=400, decades=6).t, made("constant", n_records=400, decades=6)["nc2_angle"]
    assert angles[0] == pytest.approx(0.5)
    assert angles[-1] == pytest.approx(0.02)
    assert np.interp(200, t, angles) == pytest.approx(0.26, abs=1e-3)
    assert set(made("variability without simplex")["nc2_angle"]) == {0.385}
    assert set(made("two classes")["nc2_angle"]) == {0.0}
    assert made("two classes").meta == {"classes": 2}
    answer = made("starting at the answer")
    assert (answer["within_between"] < ASKED.most_variability).all()
    assert (answer["nc2_angle"] < ASKED.most_angle).all()


def test_random_numbers_and_walks_are_these():
    logs = np.log10(made("random", n_records=4000)["within_between"])
    assert (logs.mean(), logs.std()) == (pytest.approx(-1, abs=0.05), pytest.approx(1, abs=0.05))
    run = made("uniform noise", n_records=4000)
    for name in ("within_between", "nc2_angle"):
        np.testing.assert_allclose(np.quantile(run[name], [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.03)
    assert abs(np.corrcoef(run["within_between"], run["nc2_angle"])[0, 1]) < 0.05
    walk = made("random walk")
    assert (walk["within_between"][0], walk["nc2_angle"][0]) == (1.0, 0.5)
    ends = [made("random walk", seed)["nc2_angle"] for seed in range(20)]
    assert (min(map(np.min, ends)), max(map(np.max, ends))) == (0.0, 1.0)


def test_spikes_are_one_record_at_the_end_and_two_at_the_fit():
    ratio = made("a spike at the end")["within_between"]
    assert np.flatnonzero(ratio != 1).tolist() == [59]
    assert ratio[-1] == 1e-3
    run = made("a narrow spike at the fit")
    start = first_perfect(run)
    assert np.flatnonzero(run["within_between"] == 1).tolist() == [start, start + 1]
    assert set(np.delete(run["within_between"], [start, start + 1])) == {0.05}


def test_an_oscillation_spans_two_decades_and_ends_low():
    logs = np.log10(made("oscillating", n_records=600)["within_between"])
    assert (logs.max(), logs.min()) == (pytest.approx(0), pytest.approx(-2))
    assert logs[-1] == pytest.approx(-2)
    assert np.count_nonzero(np.diff(np.sign(logs + 1))) > 10


@pytest.mark.parametrize(
    ("name", "start", "end", "scatter"),
    [("a fall that stops high", 3, 2, 0), ("collapses", 0, -2, 0), ("with noise", 0, -2, 0.05)],
)
def test_a_fall_is_a_sigmoid_of_log_time_well_after_the_fit(name, start, end, scatter):
    run = made(name, n_records=4000, decades=6)
    logs = np.log10(run["within_between"])
    np.testing.assert_allclose([logs[:400].mean(), logs[-400:].mean()], [start, end], atol=0.01)
    assert logs[:400].std() == pytest.approx(scatter, abs=0.005)
    middle = logs[np.abs(np.log10(run.t / 300)) < 0.05]
    assert middle.mean() == pytest.approx((start + end) / 2, abs=0.03)
