"""When a late network fits and generalises, what is compared, and the filter of slow gradients."""

import numpy as np
import pytest
import torch

from figures.layerwise.grokking_approaches import APPROACHES, GrokkingApproaches, one_run
from figures.layerwise.grokking_approaches_claims import CLAIMS, ORDER, delay, final, sooner, times
from figures.layerwise.slow_gradients import amplify_slow_gradients
from toymodels.claims import CONTRADICTED, OPEN, REPRODUCED

CLAIM = {claim.key.partition(".")[2]: claim for claim in CLAIMS}
STEPS = np.array([1, 10, 100, 1000])


def accuracies(**late):
    """Two runs of every approach that fit at step 10 and generalise at step 1000, or at the record named."""
    train = np.array([0.1, 1.0, 1.0, 1.0])
    test = np.array([np.where(np.arange(4) >= late.get(name, 3), 0.8, 0.1) for name in ORDER])
    return {"steps": STEPS, "train": np.tile(train, (len(ORDER), 2, 1)), "test": np.repeat(test[:, None], 2, axis=1)}


def test_the_order_is_that_of_the_runs():
    assert tuple(APPROACHES) == ORDER


def test_times_and_delays_are_read_off_the_records():
    data = accuracies(rate=2)
    assert times(data, "train", "usual").tolist() == [10, 10]
    assert times(data, "test", "rate").tolist() == [100, 100]
    assert delay(data, "usual") == pytest.approx([2, 2])
    assert sooner("rate")(data) == pytest.approx([0.1, 0.1])
    assert sooner("filter", "rate")(data) == pytest.approx([10, 10])
    assert final(data, "usual").tolist() == [0.8, 0.8]


def test_what_never_generalises_counts_as_the_last_step():
    data = accuracies(decay=4)
    assert times(data, "test", "decay").tolist() == [1000, 1000]


@pytest.mark.parametrize(("late", "verdict"), [({"rate": 2}, REPRODUCED), ({}, CONTRADICTED), ({"usual": 4}, OPEN)])
def test_a_usual_network_that_never_generalises_decides_nothing(late, verdict):
    assert CLAIM["rate"].judge(accuracies(**late)).verdict == verdict


def test_slow_gradients_are_amplified_and_fast_ones_hardly():
    slow, fast, frozen = (torch.nn.Parameter(torch.zeros(1)) for _ in range(3))
    frozen.requires_grad_(False)
    handles = amplify_slow_gradients([slow, fast, frozen], memory=0.9, gain=2.0)
    assert len(handles) == 2
    for step in range(200):
        slow.grad = fast.grad = None
        (slow + (-1) ** step * fast + frozen).sum().backward()
    assert slow.grad == pytest.approx(3.0, rel=1e-5)
    assert abs(float(fast.grad)) == pytest.approx(1 + 2 * 0.1 / 1.9, rel=1e-5)
    handles[0].remove()
    slow.grad = None
    slow.sum().backward()
    assert float(slow.grad) == 1.0


@pytest.mark.parametrize(("memory", "gain", "words"), [(1.0, 1, "memory"), (-0.1, 1, "memory"), (0.5, -1, "gain")])
def test_a_filter_out_of_range_is_refused(memory, gain, words):
    with pytest.raises(ValueError, match=words):
        amplify_slow_gradients([torch.nn.Parameter(torch.zeros(1))], memory, gain)


@pytest.mark.parametrize("approach", APPROACHES)
def test_every_approach_trains_what_it_says(approach):
    settings = GrokkingApproaches(width=8, samples=40, n_steps=6, records=4, device="cpu")
    run = one_run(settings, np.random.default_rng(0), approach)
    assert run["train"].shape == run["test"].shape == run["steps"].shape
    assert ((run["test"] >= 0) & (run["test"] <= 1)).all()
