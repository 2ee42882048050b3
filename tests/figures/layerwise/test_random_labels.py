"""Networks on true, partly random and random labels."""

import numpy as np
import pytest

from figures.layerwise.random_labels import RUNS, RandomLabels, fallen, final, one_run


def test_collapse_is_counted_in_decades_of_its_own_start():
    within = np.ones((len(RUNS), 2, 3)) * np.array([10.0, 1.0, 0.1])
    data = {"within": within, "test": within / 10}
    assert fallen("all at random")(data) == pytest.approx([2, 2])
    assert final("test", "lazy")(data) == pytest.approx([0.01, 0.01])


@pytest.mark.parametrize("kind", RUNS)
def test_every_kind_is_trained_on_its_labels(kind):
    settings = RandomLabels(width=8, samples=40, n_steps=5, records=4, device="cpu")
    run = one_run(settings, np.random.default_rng(0), kind)
    assert (run["within"] > 0).all()
    assert run["train"].shape == run["steps"].shape
