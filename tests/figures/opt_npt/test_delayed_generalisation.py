"""Late falls, peaks and transitions of a shallow network."""

import numpy as np
import pytest

from figures.opt_npt.delayed_generalisation_claims import CLAIMS, is_long
from figures.opt_npt.delayed_generalisation_measures import (
    LONG,
    abruptness,
    basin_fall,
    delay,
    goes_on,
    gradient_change,
    growth,
    noisy_fall,
    norm_left,
    peak_over_rise,
)
from figures.opt_npt.delayed_generalisation_runs import record_before

CLAIM = {claim.key.partition(".")[2]: claim for claim in CLAIMS}
PEAK = CLAIM["peak-at-transition"]
STEPS = np.array([1.0, 10, 100, 1000])


@pytest.fixture
def data():
    return {
        "steps": STEPS,
        "train": np.array([[0.1, 1.0, 1.0, 1.0]] * 2),
        "test": np.array([[0.1, 0.2, 0.9, 0.9]] * 2),
        "basin_weight": np.array([[1.0, 0.1, 2.0, 1.5], [1.0, 0.1, 2.0, 2.5]]),
        "basin_sample": np.full((2, 4), 0.2),
        "noisy": np.array([[[0.1], [0.9], [0.8], [0.7]], [[0.1], [0.2], [0.3], [0.4]]]),
        "norm": np.array([[10.0, 8.0, 4.0, 1.0]] * 2),
        "gradient": np.array([[[0.0, 0], [0.1, 0.2], [1, 1], [0.5, 0.5]]] * 2),
        "first": np.zeros((2, 2)),
    }


def test_late_falls_of_basin_and_noisy_accuracy_are_found_and_early_ones_ignored(data):
    assert basin_fall(data) == pytest.approx([0.25, 0])
    assert noisy_fall(data) == pytest.approx([0.2, 0])


def test_noise_that_is_not_beyond_the_basin_tells_nothing_of_a_decline(data):
    data["basin_sample"][0, -1] = 0.21
    assert noisy_fall(data).tolist() == [np.inf, 0]


def test_a_steady_growth_has_its_share_within_a_doubling(data):
    data["basin_sample"], data["basin_weight"] = (np.stack([3 * STEPS**power] * 2) for power in (0.5, 1.5))
    # both from 10, before generalisation, to 1000, the end: log 2 of log 100
    assert abruptness(data) == pytest.approx(np.full((2, 2), np.log(2) / np.log(100)))
    data["basin_weight"] = np.stack([STEPS**-0.5] * 2)
    assert (abruptness(data)[:, 1] <= 0).all()


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
    one_run = {"test": np.array([[0.1, 0.8, 0.9]]), "gradient": np.arange(3.0)[None, :, None]}
    assert peak_over_rise(one_run | {"steps": np.array([1.0, 4.0, 5.0])}).tolist() == [np.inf]  # at 1.25 to the digit
    assert peak_over_rise(one_run | {"steps": np.array([1.0, 4.0, 5.1])}).tolist() == [5.1 / 4]


@pytest.mark.parametrize(
    ("ratios", "met"),
    [([0.8, 1.25], True), ([0.79, 1], False), ([1.26, 1], False), ([1, np.inf], None), ([9, np.inf], None)],
)
def test_peaks_are_together_with_the_transition_or_open_where_a_run_ends_too_soon(ratios, met):
    assert PEAK.criterion.met_by(ratios) is met


def test_the_sentence_says_what_leaves_it_open():
    open_if = "every run in [0.8, 1.25] (open if a run ends too soon for its peak to tell)"
    assert PEAK.sentence.endswith(f"{open_if}; contradicted only with at least 100,000 steps")


@pytest.mark.parametrize(
    ("fit", "rise", "verdict"), [(320, 0, "reproduced"), (340, 0, "open"), (340, 1, "contradicted")]
)
def test_a_run_that_never_generalises_lags_far_behind_only_if_it_goes_on_for_so_long(fit, rise, verdict):
    steps = np.array([1.0, fit, 1000])
    data = {"steps": steps, "train": np.array([[0.1, 0.95, 1]]), "test": np.array([[0.1, 0.2, 0.2 + 0.3 * rise]])}
    assert delay(data) == pytest.approx([1000 / fit])
    assert CLAIM["delay"].judge(data).verdict == verdict
    assert CLAIM["delay"].judge(data | {"train": np.array([[0.1, 0.5, 0.94]])}).verdict == "open"


@pytest.mark.parametrize(
    ("test", "peak", "verdict"),
    [
        ([0.1, 0.2, 0.3, 0.79, 0.79], 2, "open"),  # never there
        ([0.1, 0.2, 0.3, 0.3, 0.8], 2, "open"),  # there at the end, which may be the peak of what would follow
        ([0.1, 0.2, 0.3, 0.8, 0.8], 2, "contradicted"),  # all that counts as together is seen
        ([0.1, 0.2, 0.3, 0.8, 0.8], 3, "reproduced"),
        ([0.1, 0.2, 0.3, 0.8, 0.8], 4, "contradicted"),
    ],
)
def test_a_run_that_ends_before_its_transition_does_not_say_where_the_peak_is(test, peak, verdict):
    steps = np.array([1, 1000, 10_000, 60_000, LONG])
    gradient = np.zeros((1, 5, 2))
    gradient[:, peak] = 1
    assert PEAK.judge({"steps": steps, "test": np.array([test]), "gradient": gradient}).verdict == verdict


@pytest.mark.parametrize(
    ("best", "norm", "verdict"),
    [(0.5, 3.1, "contradicted"), (0.49, 3.1, "open"), (0.49, 2.9, "reproduced"), (0.5, 2.9, "reproduced")],
)
def test_a_norm_at_the_end_is_an_upper_bound_of_that_at_the_transition(best, norm, verdict):
    data = {"steps": STEPS, "norm": np.array([[10.0, 8, 4, norm]]), "test": np.array([[0.1, 0.2, 0.3, best]])}
    assert norm_left(data) == pytest.approx([norm / 10])
    assert CLAIM["norm-shrinks"].judge(data).verdict == verdict


@pytest.mark.parametrize(
    ("train", "test", "before", "after"),
    [
        ([0.1, 0.95, 1, 1], [0.1, 0.2, 0.4, 0.8], True, True),
        ([0.1, 0.95, 1, 1], [0.1, 0.2, 0.4, 0.79], True, False),  # ends within the transition
        ([0.1, 0.95, 1, 1], [0.1, 0.2, 0.4, 0.49], True, False),
        ([0.1, 0.5, 0.9, 0.94], [0.1, 0.2, 0.4, 0.8], False, False),  # never fits
        ([0.1, 0.5, 0.95, 1], [0.1, 0.2, 0.5, 0.8], False, False),  # fits no sooner than it generalises
    ],
)
def test_before_and_after_are_judged_only_of_runs_that_fit_and_go_through_the_transition(train, test, before, after):
    data = {
        "steps": STEPS,
        "train": np.array([train]),
        "test": np.array([test]),
        "first": np.full((1, 2), 0.05),
        "gradient": np.full((1, 4, 2), 0.05),
        "basin_sample": np.ones((1, 4)),
        "basin_weight": np.ones((1, 4)),
    }
    assert CLAIM["small-gradients"].judge(data).verdict == ("reproduced" if before else "open")
    assert CLAIM["gradients-by-training"].judge(data).verdict == ("contradicted" if before else "open")
    for key in ("sample-basin", "weight-basin", "gradients-rise"):
        assert CLAIM[key].judge(data).verdict == ("contradicted" if after else "open")
    growing = data | {"gradient": np.arange(4.0)[None, :, None] * [1, 1], "basin_sample": 10.0 ** np.arange(4)[None]}
    for key in ("sample-basin", "gradients-rise"):
        assert CLAIM[key].judge(growing).verdict == ("reproduced" if after else "open")


@pytest.mark.parametrize(("best", "verdict"), [(0.8, "reproduced"), (0.79, "open")])
def test_a_test_accuracy_that_never_rose_does_not_decline(best, verdict):
    data = {"steps": np.array([1.0, 10, LONG]), "test": np.array([[0.1, best, 0.7]])}
    assert CLAIM["late-decline"].judge(data).verdict == verdict


def test_long_runs_without_a_transition_leave_the_fluctuation_open(data):
    long = data | {"steps": np.array([1.0, 10, 100, LONG]), "basin_weight": np.ones((2, 4))}
    assert CLAIM["fluctuation"].judge(long).verdict == "contradicted"
    assert CLAIM["fluctuation"].judge(long | {"test": 0.8 * data["test"]}).verdict == "open"
    assert CLAIM["noisy-memory"].judge(data).verdict == "open"  # a short one


def test_long_after_is_counted_from_the_transition():
    steps, test = (
        np.array([1.0, 10, 100, 500]),
        np.array([[0.1, 0.2, 0.8, 0.8], [0.1, 0.8, 0.9, 0.9], [0.1, 0.2, 0.3, 0.7]]),
    )
    assert goes_on({"steps": steps, "test": test}).tolist() == [True, True, False]
    assert goes_on({"steps": steps[:3], "test": test[:, :3]}).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("key", "against"),
    [
        ("scattered-before", 1),
        ("aligned-after", 0),
        ("sample-basin", 0),
        ("weight-basin", 0),
        ("sample-basin-before", 1),
        ("sample-basin-after", 0),
        ("abrupt-basins", 0),
        ("small-gradients", 1),
        ("gradients-rise", 0),
        ("gradients-by-training", 0),
        ("late-decline", 0),
    ],
)
def test_a_run_that_does_not_tell_counts_against_the_claim_and_cannot_contradict_it(key, against):
    """The first run fits at step 10 and generalises at 1000, the second never does either."""
    rng, claim = np.random.default_rng(0), CLAIM[key]
    data = {
        "steps": np.array([1.0, 10, 100, 1000, LONG]),
        "train": np.array([[0.1, 0.95, 1, 1, 1], [0.1, 0.2, 0.5, 0.9, 0.94]]),
        "test": np.array([[0.1, 0.2, 0.4, 0.8, 0.75], [0.1, 0.2, 0.3, 0.4, 0.3]]),
        "first": np.full((2, 2), 0.25),
        "labels": np.repeat([1, 5, 9], 4),
    }
    data |= {f"{part}_cloud": rng.standard_normal((2, 2, 12, 2)) for part in ("train", "test")}
    data |= {f"basin_{space}": 0.25 + np.cumsum(rng.random((2, 5)), axis=1) for space in ("sample", "weight")}
    data["gradient"] = 0.5 + np.cumsum(rng.random((2, 5, 2)), axis=1)
    told, untold = np.split(np.asarray(claim.quantity.measure(data)), 2)
    assert untold.tolist() == [against] * len(untold)
    assert against not in told
    assert f"{against} if " in claim.quantity.words
    assert claim.decisive is not None
    assert not claim.decisive.holds(data)
    of_the_first = {name: value[:1] for name, value in data.items() if name not in ("steps", "labels")}
    assert claim.decisive.holds({**data, **of_the_first})
