import numpy as np
import pytest

from comparisons.adversaries import VARIATIONS
from comparisons.edge_of_stability import STUDY
from comparisons.edge_of_stability.adversaries import FALSE, TRUE

SEEDS = range(8)
QUICK = STUDY.presets["quick"].question
CHANCE = ("random walks", "a walk under a true flow")  # a lone walk may come to rest about the edge


def judged(case, seed, runs=1, **variation):
    return STUDY.judge([case.run(np.random.default_rng((seed, k)), **variation) for k in range(runs)], QUICK)


@pytest.mark.parametrize("case", FALSE, ids=lambda case: case.name)
def test_what_is_false_is_never_shown(case):
    for seed in SEEDS:
        for variation in VARIATIONS.values():
            runs = 3 if case.name in CHANCE else 1
            assert judged(case, seed, runs, **variation).outcome != "shown", (seed, variation)


@pytest.mark.parametrize("case", FALSE, ids=lambda case: case.name)
def test_a_lone_run_deceives_hardly_ever(case):
    shown = [judged(case, seed).outcome == "shown" for seed in range(100)]
    assert sum(shown) <= (8 if case.name in CHANCE else 1)


@pytest.mark.parametrize("case", TRUE, ids=lambda case: case.name)
def test_what_is_true_is_not_missed(case):
    for seed in SEEDS:
        for variation in VARIATIONS.values():
            verdict = judged(case, seed, runs=3, **variation)
            assert verdict.outcome == "shown", (verdict.note, variation)


@pytest.mark.parametrize("case", [*FALSE, *TRUE], ids=lambda case: case.name)
def test_verdict_and_score_do_not_hang_on_the_clock(case):
    usual = judged(case, 0)
    for power in (0.2, 3.0):
        other = judged(case, 0, power=power)
        assert (other.outcome, other.scores) == (usual.outcome, usual.scores)
