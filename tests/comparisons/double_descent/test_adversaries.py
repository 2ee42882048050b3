import numpy as np
import pytest

from comparisons.double_descent import STUDY
from comparisons.double_descent.adversaries import FALSE, TRUE

QUICK = STUDY.presets["quick"].question


def judged(case, seed, power=1.0):
    return STUDY.judge([case.run(np.random.default_rng((seed, 0)), power=power)], QUICK)


@pytest.mark.parametrize("case", [*FALSE, *TRUE], ids=lambda case: case.name)
def test_verdict_and_score_do_not_hang_on_the_unit_of_size(case):
    usual = judged(case, 0)
    for power in (0.2, 3.0):
        other = judged(case, 0, power=power)
        assert (other.outcome, other.scores) == (usual.outcome, usual.scores)
