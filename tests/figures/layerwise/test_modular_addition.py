"""Times to fit and to generalise, and what a run that ends too early leaves open."""

import numpy as np
from numpy.testing import assert_allclose

from figures.layerwise.modular_addition import CLAIMS, delay, gain, usual_generalises

CLAIM = {claim.key.partition(".")[2]: claim for claim in CLAIMS}


def accuracies():
    """Three runs each that fit at once and do not generalise."""
    return {"steps": np.array([1, 10, 100]), "test": np.zeros((2, 3, 3)), "train": np.ones((2, 3, 3))}


def test_runs_that_end_too_early_leave_the_modular_task_undecided():
    data = accuracies()
    assert_allclose(delay(data), 2.0)
    assert not usual_generalises(data)
    data["test"][0, :2, 1:] = 1.0
    assert usual_generalises(data)
    assert_allclose(delay(data), [1, 1, 2])


def test_light_embeddings_are_contradicted_by_usual_networks_that_generalise_sooner():
    data = accuracies()
    assert CLAIM["light-embeddings"].judge(data).verdict == "open"
    data["test"][0, :, 1:] = 1.0
    assert_allclose(gain(data), 10)
    assert CLAIM["light-embeddings"].judge(data).verdict == "contradicted"
    data["test"][1] = 1.0
    assert_allclose(gain(data), 0.1)
    assert CLAIM["light-embeddings"].judge(data).verdict == "reproduced"
