import numpy as np

from figures.condensation.optimistic_sample_size import compute, draw
from figures.condensation.optimistic_sample_size_claims import CLAIMS, at_size
from figures.condensation.optimistic_sample_size_runs import OptimisticSampleSize
from toymodels.run.sweep import sweep

TINY = OptimisticSampleSize(replicates=2, targets=2, n_steps=5, pairs=3)


def test_a_tiny_run_is_computed_judged_and_drawn():
    data = compute(TINY, np.random.default_rng(0), sweep)
    assert data["recovered"].shape == (3, 4, 2)
    judged = {claim.key: claim.judge(data).verdict for claim in CLAIMS}
    assert judged["optimistic_sample_size.rank"] == "reproduced"
    assert judged["optimistic_sample_size.merge-relu"] == "reproduced"
    assert judged["optimistic_sample_size.formula"] == "contradicted"  # five steps fit nothing
    assert len(draw(data, TINY).axes) == 3


def test_a_size_is_found_by_its_number_of_samples():
    data = {"n": np.array([2, 8]), "recovered": np.arange(12).reshape(3, 2, 2)}
    assert at_size(data, 8).tolist() == [6, 7]
    assert at_size(data, 2, arm=2).tolist() == [8, 9]
