import numpy as np
from numpy.testing import assert_allclose

from figures.neurashed.batch_size import BatchSize, collapse
from figures.neurashed.batch_size_claims import law_error


def test_a_collapse_run_records_epochs_in_steps():
    run = collapse(BatchSize(steps=20), np.random.default_rng(0), name="three")
    assert_allclose(run["steps"], np.arange(2, 21, 2))
    assert run["within"].shape == (10,)


def test_the_error_of_the_law_is_relative_and_taken_at_the_end():
    data = {"log_ratio_multiplicative": np.array([[0.0, -9.0], [0.0, -6.0]]), "law": np.array([[0.0, -10.0], [0, -5]])}
    assert_allclose(law_error(data), [0.1, 0.2])
