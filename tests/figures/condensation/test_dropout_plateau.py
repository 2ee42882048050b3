import numpy as np

from figures.condensation.dropout_plateau import ARMS, FIGURE, DropoutPlateau, compute, recorded_steps
from toymodels.run.sweep import sweep


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
    data = {"reached": np.array([[1, 1], [1, 1], [2, 2]]), "directions": np.array([[5, 4], [9, 9], [5, 3]])}
    assert [claim.verdict for claim in FIGURE.judge(data)] == ["reproduced"] * 3
    assert FIGURE.judge({**data, "directions": np.array([[6, 6], [9, 9], [5, 3]])})[-1].verdict == "contradicted"
