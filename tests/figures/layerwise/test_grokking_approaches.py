"""When a late network fits and generalises, what is compared, and the filter of slow gradients."""

import numpy as np
import pytest
import torch

from figures.layerwise.grokking_approaches import APPROACHES, GrokkingApproaches, one_run
from figures.layerwise.grokking_approaches_claims import (
    CLAIMS,
    ORDER,
    better,
    delay,
    delay_beyond,
    final,
    sooner,
    times,
)
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
    assert final(data, "usual", 0).tolist() == [0.8, 0.8]


def test_what_never_generalises_does_so_from_the_last_step_on():
    data = accuracies(decay=4)
    assert times(data, "test", "decay").tolist() == [1000, 1000]
    assert times(data, "test", "decay", latest=True).tolist() == [np.inf, np.inf]
    assert delay(data, "decay") == pytest.approx([2, 2])
    assert delay(data, "decay", longest=True).tolist() == [np.inf, np.inf]
    assert delay_beyond(data, "decay", "usual", longest=True).tolist() == [np.inf, np.inf]
    assert delay_beyond(data, "usual", "decay").tolist() == [-np.inf, -np.inf]
    assert sooner("usual", "decay")(data).tolist() == [1, 1]
    assert sooner("usual", "decay", soonest=True)(data).tolist() == [0, 0]


def test_what_never_fits_does_so_from_the_last_step_on():
    data = accuracies(first=1)
    data["train"][ORDER.index("first")] = 0.1
    assert delay(data, "first").tolist() == [-np.inf, -np.inf]
    assert delay(data, "first", longest=True) == pytest.approx([-2, -2])
    assert final(data, "first", 0.4).tolist() == [0.4, 0.4]
    assert better(data) == pytest.approx([-0.8, -0.8])
    assert better(data, best=True) == pytest.approx([0.2, 0.2])
    data["train"][ORDER.index("first")] = 1.0
    data["train"][ORDER.index("last")] = 0.1
    assert better(data) == pytest.approx([-0.2, -0.2])
    assert better(data, best=True) == pytest.approx([0.8, 0.8])


@pytest.mark.parametrize(("late", "verdict"), [({"rate": 2}, REPRODUCED), ({}, CONTRADICTED), ({"usual": 4}, OPEN)])
def test_a_usual_network_that_never_generalises_decides_nothing(late, verdict):
    assert CLAIM["rate"].judge(accuracies(**late)).verdict == verdict


NEVER = np.inf


def at(**of):
    """Four runs of every approach, of 4000 steps, that fit and generalise at the steps said; the others never do."""
    steps = np.array([1, 30, 300, 400, 900, 1100, 3000, 3900, 4000])
    data = {"steps": steps, "train": [], "test": []}
    for name in ORDER:
        for part, told in zip(("train", "test"), of.get(name, (NEVER, NEVER)), strict=True):
            data[part].append(np.where(steps >= np.broadcast_to(told, 4)[:, None], 0.96, 0.1))
    return {name: np.array(values) for name, values in data.items()}


@pytest.mark.parametrize(
    ("key", "data", "verdict"),
    [
        ("delay", at(usual=(3000, NEVER)), OPEN),  # at least .125 decades
        ("delay", at(usual=(300, NEVER)), REPRODUCED),  # at least 1.125 decades
        ("delay", at(usual=(NEVER, 3000)), CONTRADICTED),
        ("delay", at(), OPEN),
        ("delay", at(usual=(300, [400, 400, 900, NEVER])), CONTRADICTED),  # the median of any is below .5
        ("delay", at(usual=([300, 300, 3000, 3000], [900, 900, NEVER, NEVER])), OPEN),
        ("width", at(usual=(300, 3000), wide=(400, NEVER)), OPEN),  # at least 1 - 1 decades
        ("width", at(usual=(300, 3000), wide=(300, NEVER)), REPRODUCED),  # at least 1.125 - 1
        ("width", at(usual=(300, 3000), wide=(400, 900)), CONTRADICTED),
        ("width", at(usual=(300, NEVER), wide=(30, NEVER)), OPEN),  # one of unknown length less another
        ("width", at(usual=(300, NEVER), wide=(400, 900)), CONTRADICTED),  # .35 less 1.125 or more
        ("large-start", at(usual=(300, 3000), small=(400, NEVER)), CONTRADICTED),  # 1 less 1 or more
        ("large-start", at(usual=(30, NEVER), small=(300, NEVER)), OPEN),
        ("large-start", at(usual=(30, NEVER), small=(300, 400)), REPRODUCED),
        ("decay-sooner", at(usual=(300, 900), decay=(300, NEVER)), CONTRADICTED),
        ("decay-sooner", at(usual=(300, NEVER), decay=(300, NEVER)), OPEN),
        ("decay-sooner", at(usual=(300, NEVER), decay=(300, 900)), REPRODUCED),
        ("decay-sooner", at(usual=(300, NEVER), decay=(300, 3900)), OPEN),
        (
            "decay-sooner",
            at(usual=(300, 3900), decay=(300, [400, 900, NEVER, NEVER])),
            CONTRADICTED,
        ),  # half never, not 2450
        ("decay", at(usual=(300, 3000), decay=(30, 300)), CONTRADICTED),  # ten times as fast, and as late
        ("decay", at(usual=(300, 3000), decay=(300, 900)), REPRODUCED),
        ("decay", at(usual=(300, 3000), decay=(3000, NEVER)), OPEN),  # .125 decades or more
        ("decay", at(usual=(300, NEVER), decay=(300, 3000)), REPRODUCED),  # 1 less 1.125 or more
        ("decay", at(usual=(300, NEVER), decay=(300, NEVER)), OPEN),
        ("filter-beyond-rate", at(usual=(300, 900)), OPEN),
        ("filter-beyond-rate", at(rate=(300, 900)), CONTRADICTED),
        ("filter-beyond-rate", at(filter=(300, 900)), REPRODUCED),
        ("filter-beyond-rate", at(filter=(300, 900), rate=(300, 400)), CONTRADICTED),
        ("first-layer-sooner", at(usual=(300, 900)), CONTRADICTED),
        ("first-layer-sooner", at(), OPEN),
        ("first-layer-alone", at(first=(900, NEVER), last=(900, NEVER)), CONTRADICTED),
        ("first-layer-alone", at(first=(900, 3000), last=(900, NEVER)), REPRODUCED),
        ("first-layer-alone", at(first=(NEVER, NEVER), last=(900, NEVER)), OPEN),
        ("first-layer-alone", at(first=(900, 3000), last=(NEVER, NEVER)), OPEN),
    ],
)
def test_a_step_that_is_not_reached_is_not_taken_for_the_last(key, data, verdict):
    assert CLAIM[key].judge(data).verdict == verdict


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
