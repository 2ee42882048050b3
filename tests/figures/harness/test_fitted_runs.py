import numpy as np
import pytest

from figures.harness.fitted_runs import NOT_FITTED, unless_unfitted, when_fitted
from toymodels.claims import every_run, median


def test_runs_that_have_not_fitted_are_marked():
    np.testing.assert_array_equal(when_fitted(np.array([0.3, 0.9]), np.array([0.5, 1.0]), 0.95), [NOT_FITTED, 0.9])


@pytest.mark.parametrize(
    ("values", "met"), [([0.6, 0.7], True), ([0.4, 0.3], False), ([NOT_FITTED, 0.9], None), ([NOT_FITTED, 0.1], None)]
)
def test_one_run_that_has_not_fitted_leaves_the_claim_open(values, met):
    for criterion in (every_run > 0.5, median > 0.5):
        assert unless_unfitted(criterion).met_by(values) is met
    assert "(open if a run has not fitted)" in str(unless_unfitted(median > 0.5))
