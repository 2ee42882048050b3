import numpy as np

from figures.condensation.optimistic_sample_size import compute, draw
from figures.condensation.optimistic_sample_size_claims import CLAIMS, at_size
from figures.condensation.optimistic_sample_size_runs import LARGE, NARROW, WIDE, OptimisticSampleSize
from toymodels.run.sweep import sweep

TINY = OptimisticSampleSize(replicates=2, targets=2, n_steps=5, pairs=3)


def test_a_tiny_run_is_computed_judged_and_drawn():
    data = compute(TINY, np.random.default_rng(0), sweep)
    assert data["recovered"].shape == (3, 4, 2)
    judged = {claim.key: claim.judge(data).verdict for claim in CLAIMS}
    assert judged["optimistic_sample_size.rank"] == "reproduced"
    assert judged["optimistic_sample_size.merge-relu"] == "reproduced"
    unfitted = ("formula", "fewer", "far-fewer-than-parameters", "width", "small-start", "aligned")
    assert {judged[f"optimistic_sample_size.{name}"] for name in unfitted} == {"open"}  # five steps fit nothing
    assert len(draw(data, TINY).axes) == 3


def test_a_size_is_found_by_its_number_of_samples():
    data = {"n": np.array([2, 8]), "recovered": np.arange(12).reshape(3, 2, 2)}
    assert at_size(data, 8).tolist() == [6, 7]
    assert at_size(data, 2, arm=2).tolist() == [8, 9]


def test_networks_that_do_not_fit_count_for_no_claim():
    """Recovered from 2 samples never, from 8 in the small start's arms only; of some batches no network fits."""
    recovered = np.zeros((3, 2, 4))
    recovered[:2, 1] = 0.9
    data = {"n": np.array([2, 8]), "recovered": recovered, "fitted": np.full((3, 2, 4), 0.5), "rank": 2 - recovered}
    claims = {claim.key.partition(".")[2]: claim for claim in CLAIMS}

    def verdict(name, arm=None, size=0):
        fitted = data["fitted"].copy()
        fitted[() if arm is None else (arm, size, 2)] *= arm is None
        return claims[name].judge({**data, "fitted": fitted}).verdict

    assert {verdict(name) for name in ("fewer", "small-start", "aligned", "width")} == {"reproduced"}
    assert verdict("fewer", WIDE) == verdict("width", NARROW) == verdict("width", WIDE, 1) == "open"
    assert verdict("small-start", LARGE, 1) == verdict("aligned", LARGE, 1) == "open"
    assert verdict("fewer", LARGE) == verdict("small-start", LARGE) == verdict("small-start", NARROW, 1) == "reproduced"


def test_a_difference_of_all_networks_contradicts():
    recovered = np.zeros((3, 2, 4))
    recovered[LARGE] = 1
    data = {"n": np.array([2, 8]), "recovered": recovered, "fitted": np.ones((3, 2, 4))}
    (claim,) = (claim for claim in CLAIMS if claim.key.endswith("small-start"))
    assert (claim.judge(data).verdict, claim.judge(data).median) == ("contradicted", -1)
