import numpy as np

from figures.condensation.dropout_plateau import ARMS, FIGURE, DropoutPlateau, compute, recorded_steps
from toymodels.run.sweep import sweep

STEPS = {"step": np.array([1, 5, 9])}


def test_steps_are_rising_and_end_with_the_last():
    steps = recorded_steps(DropoutPlateau())
    assert (np.diff(steps) > 0).all()
    assert steps[0] == 1
    assert steps[-1] == 60_000


def test_a_run_that_never_gets_there_counts_with_all_its_steps():
    tiny = DropoutPlateau(batches=2, replicates=2, n_steps=4, width=5)
    data = compute(tiny, np.random.default_rng(0), sweep)
    assert data["loss"].shape == (len(ARMS), 4, 4)
    assert data["reached"].tolist() == [[4] * 4] * 3


def test_the_most_directions_from_a_small_start_are_the_bound():
    data = {**STEPS, "reached": np.array([[1, 1], [1, 1], [2, 2]]), "directions": np.array([[5, 4], [9, 9], [5, 3]])}
    assert [claim.verdict for claim in FIGURE.judge(data)] == ["reproduced"] * 3
    assert FIGURE.judge({**data, "directions": np.array([[6, 6], [9, 9], [5, 3]])})[-1].verdict == "contradicted"


def faster(dropout, small):
    """Verdict and number of the claim that dropout is faster; std 0.1 is never through."""
    return FIGURE.claims[0].judge({**STEPS, "reached": np.array([dropout, [9] * len(dropout), small])})


def test_arms_of_which_neither_gets_there_decide_nothing():
    judged = faster([9, 9, 9, 9], [9, 9, 9, 9])
    assert (judged.verdict, judged.median) == ("open", 1)
    assert faster([5, 5, 9, 9], [9, 9, 9, 9]).verdict == "open"  # the median of 5 and 9 or later is no number
    assert faster([9, 9, 9, 9], [5, 5, 9, 9]).verdict == "open"
    assert faster([9, 9, 9, 9], [5, 5, 5, 9]).verdict == "contradicted"
    assert faster([5, 5, 5, 9], [9, 9, 9, 9]).verdict == "reproduced"


def test_runs_of_two_arms_are_not_paired():
    judged = faster([2, 4, 5, 6, 8], [8, 6, 6, 4, 2])  # run by run 4, 1.5, 1.2, .7 and .25
    np.testing.assert_allclose([judged.median, judged.low, judged.high], [1.2, 0.4, 1.6])
