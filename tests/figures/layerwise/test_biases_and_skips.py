"""Flows of linear networks with biases and skip connections."""

from functools import partial

import numpy as np
import pytest

from figures.layerwise.biases_and_skips import (
    CLAIMS,
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


@pytest.mark.parametrize("network", ["plain", "with skip"])
def test_a_first_mode_that_is_not_learnt_tells_no_share_of_the_second(network):
    data = {"modes": np.ones((len(NETWORKS), 2, 4, 3)), "t": np.arange(4.0)}
    assert second_when_first(network)(data).tolist() == [1, 1]
    data["modes"][:, 1, :, 0] = 0.94
    with pytest.raises(ValueError, match=f"data must reach 95% of the first mode, {network}"):
        second_when_first(network)(data)


@pytest.mark.parametrize(
    ("key", "network"), [("weights", "plain"), ("skip-no-plateau", "plain"), ("skip-no-plateau", "with skip")]
)
def test_a_mode_that_never_reaches_half_has_no_half_time(key, network):
    (claim,) = (claim for claim in CLAIMS if claim.key == f"biases_and_skips.{key}")
    data = {"modes": np.ones((len(NETWORKS), 2, 4, 3)), "t": np.arange(4.0)}
    data["modes"][list(NETWORKS).index(network), 1] = 0.49
    with pytest.raises(ValueError, match=f"data must reach half of mode 1, {network}"):
        claim.judge(data)


def test_a_single_mode_follows_the_sigmoid_of_balanced_layers():
    r"""From equal small weights, u' = 2 S u (1 - u / S): half-time ln(S / u0 - 1) / 2 S."""
    settings = BiasesAndSkips(strengths=(4.0,), offset=1.0, start=1e-3, n_times=400)
    run = one_flow(settings, np.random.default_rng(1), "last bias alone")
    modes = run["modes"][:, 0]
    rising = (modes > 0.1) & (modes < 0.9)
    logits = np.log(modes[rising] / (1 - modes[rising]))
    assert np.polyfit(run["t"][rising], logits, 1)[0] == pytest.approx(8.0, rel=0.02)
