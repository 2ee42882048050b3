"""Times to fit and to generalise, and what a run that ends too early leaves open."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.layerwise.modular_addition import CLAIMS, PUBLISHED, delay, gain, usual_generalises

CLAIM = {claim.key.partition(".")[2]: claim for claim in CLAIMS}


def accuracies(modulus=31):
    """Three runs each that fit at once and do not generalise."""
    data = {"steps": np.array([1, 10, 100]), "test": np.zeros((2, 3, 3)), "train": np.ones((2, 3, 3))}
    return data | {"modulus": np.array(modulus)}


def test_runs_that_end_too_early_leave_the_modular_task_undecided():
    data = accuracies()
    assert_allclose(delay(data), 2.0)
    assert not usual_generalises(data)
    data["test"][0, :2, 1:] = 1.0
    assert usual_generalises(data)
    assert_allclose(delay(data), [1, 1, 2])


@pytest.mark.parametrize(("modulus", "verdict"), [(31, "open"), (PUBLISHED, "contradicted")])
def test_only_the_published_modulus_contradicts_light_embeddings(modulus, verdict):
    data = accuracies(modulus)
    assert CLAIM["light-embeddings"].judge(data).verdict == "open"
    data["test"][0, :, 1:] = 1.0
    assert_allclose(gain(data), 10)
    assert CLAIM["light-embeddings"].judge(data).verdict == verdict
