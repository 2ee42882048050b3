import numpy as np

from figures.condensation.dropout import FIGURE, Dropout, compute
from toymodels.run.sweep import sweep

TINY = Dropout(batches=2, replicates=2, n_steps=3, width=6)


def test_both_arms_begin_with_the_same_networks():
    data = compute(TINY, np.random.default_rng(0), sweep)
    assert data["directions"].shape == data["all_directions"].shape == data["penalty"].shape == (2, 4)
    assert (data["directions"] <= data["all_directions"]).all()
    np.testing.assert_allclose(data["line"][0], data["line"][1], atol=0.02)  # three steps apart
    assert len({tuple(row) for row in data["theta"].round(1)}) == 1


def test_as_many_directions_refute_and_one_run_of_two_leaves_it_open():
    data = {"directions": np.array([[9, 8], [5, 8]]), "penalty": np.array([[1.0, 1.0], [0.4, 0.6]])}
    assert [claim.verdict for claim in FIGURE.judge(data)] == ["open"] * 2
    data = {"directions": np.array([[9, 8], [9, 8]]), "penalty": np.array([[1.0, 1.0], [0.6, 0.6]])}
    assert [claim.verdict for claim in FIGURE.judge(data)] == ["contradicted"] * 2
