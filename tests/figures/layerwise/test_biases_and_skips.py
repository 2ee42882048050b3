"""Flows of linear networks with biases and skip connections."""

from functools import partial

import numpy as np
import pytest

from figures.layerwise.biases_and_skips import (
    FIGURE,
    NETWORKS,
    BiasesAndSkips,
    half_times,
    offset_deviation,
    one_flow,
    second_when_first,
)
from toymodels.run.sweep import sweep

SETTINGS = BiasesAndSkips(n_times=60, replicates=2)


@pytest.fixture(scope="module")
def data():
    return FIGURE.compute(SETTINGS, np.random.default_rng(3), partial(sweep, jobs=1))


def test_a_last_bias_alone_is_exponential(data):
    assert offset_deviation("last bias alone")(data).max() < 1e-6
    assert (data["carried"][list(NETWORKS).index("last bias alone")] == 0).all()


def test_both_biases_carry_the_offset_in_the_end(data):
    for k in range(len(NETWORKS)):
        assert (data["offset"][k] + data["carried"][k])[:, -1] == pytest.approx(1, abs=1e-3)


def test_modes_are_learnt_in_stages_and_a_skip_takes_the_plateau(data):
    assert (half_times(data, "plain", 1) > 1.5 * half_times(data, "plain", 0)).all()
    assert (half_times(data, "with skip", 0) < half_times(data, "plain", 0)).all()
    assert (second_when_first("plain")(data) < second_when_first("with skip")(data)).all()


def test_a_single_mode_follows_the_sigmoid_of_balanced_layers():
    r"""From equal small weights, u' = 2 S u (1 - u / S): half-time ln(S / u0 - 1) / 2 S."""
    settings = BiasesAndSkips(strengths=(4.0,), offset=1.0, start=1e-3, n_times=400)
    run = one_flow(settings, np.random.default_rng(1), "last bias alone")
    modes = run["modes"][:, 0]
    rising = (modes > 0.1) & (modes < 0.9)
    logits = np.log(modes[rising] / (1 - modes[rising]))
    assert np.polyfit(run["t"][rising], logits, 1)[0] == pytest.approx(8.0, rel=0.02)
