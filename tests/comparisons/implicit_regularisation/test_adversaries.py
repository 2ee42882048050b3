import numpy as np
import pytest

from comparisons.implicit_regularisation import STUDY
from comparisons.implicit_regularisation.adversaries import FALSE, TRUE

QUICK = STUDY.presets["quick"].question


def judged(case, seed, power=1.0, runs=1):
    return STUDY.judge([case.run(np.random.default_rng((seed, k)), power=power) for k in range(runs)], QUICK)


@pytest.mark.parametrize("case", [*FALSE, *TRUE], ids=lambda case: case.name)
def test_verdict_and_score_do_not_hang_on_the_clock(case):
    usual = judged(case, 0)
    for power in (0.2, 3.0):
        other = judged(case, 0, power=power)
        assert other.outcome == usual.outcome
        assert other.scores == pytest.approx(usual.scores, rel=1e-9)


@pytest.mark.parametrize("case", FALSE, ids=lambda case: case.name)
def test_what_is_false_is_never_shown(case):
    assert all(judged(case, seed, runs=3).outcome != "shown" for seed in range(8))


@pytest.mark.parametrize("case", TRUE, ids=lambda case: case.name)
def test_what_is_true_is_not_missed(case):
    assert [judged(case, seed, runs=3).outcome for seed in range(8)] == ["shown"] * 8
