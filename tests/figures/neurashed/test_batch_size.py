import numpy as np
from numpy.testing import assert_allclose

from figures.neurashed.batch_size import RULES, BatchSize, collapse, sparsity
from figures.neurashed.batch_size_claims import law_error, one_over_three
from toymodels.neurashed.sparsity import train_with_batch_size


def test_a_collapse_run_records_epochs_in_steps():
    run = collapse(BatchSize(steps=20), np.random.default_rng(0), name="three")
    assert_allclose(run["steps"], np.arange(2, 21, 2))
    assert run["within"].shape == (10,)


def test_the_error_of_the_law_is_relative_and_taken_at_the_end():
    data = {"log_ratio_multiplicative": np.array([[0.0, -9.0], [0.0, -6.0]]), "law": np.array([[0.0, -10.0], [0, -5]])}
    assert_allclose(law_error(data), [0.1, 0.2])


def test_the_sparsity_of_a_batch_size_is_the_mean_over_models_along_training():
    settings = BatchSize(n_steps=6, replicates=4)
    found = sparsity(settings, np.random.default_rng(0), 2, "multiplicative")
    options = {"n_steps": 6, "initial": settings.initial, "replicates": 4}
    run = train_with_batch_size(2, RULES["multiplicative"], np.random.default_rng(0), **options)
    assert run["effective_number"].shape == (7, 4)
    assert_allclose(found["nodes"], run["effective_number"].mean(axis=1))
    assert_allclose(found["log_ratio"], run["log_ratio"].mean(axis=1))
    assert_allclose(found["end"], run["effective_number"][-1])


def test_runs_of_different_batch_sizes_are_not_paired():
    ends = {
        "within_iid": np.array([[9.0, 1.0], [9.0, 2.0], [9.0, 6.0]]),
        "within_three": np.array([[8.0], [1.0], [4.0]]),
    }
    assert_allclose(one_over_three(ends), [0.25, 0.5, 1.5])
