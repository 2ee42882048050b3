"""When the tail of a deep network has become linear, and when the lag ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.opt_npt.linearised_tail import CLAIMS, FIGURE, SHARE, LinearisedTail, convergence, jumped, over_jump

CURVES = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


@given(CURVES)
def test_convergence_is_the_start_of_the_last_unbroken_stay(curve):
    steps = np.arange(len(curve)) * 2.0
    (first,) = convergence(steps, curve[None], np.ones((1, len(curve))))
    near = curve >= SHARE
    if np.isinf(first):
        assert not near[-1]
    else:
        start = int(first / 2)
        assert near[start:].all()
        assert start == 0 or not near[start - 1]


def rising_at(steps, *when):
    """Curves (replicates, n) of 0 before a step and 1 from it on."""
    return (steps >= np.array(when)[:, None]).astype(float)


@pytest.mark.filterwarnings("error")
def test_convergence_over_a_jump_that_is_not_reached_is_0_and_leaves_its_claims_open():
    steps = np.arange(0, 40, 4.0)
    pruned, running, batch = (
        rising_at(steps, *when) for when in ((12, 12, np.inf, 0), (8, np.inf, np.inf, 0), (4, 4, 4, 0))
    )
    both = {"running": np.stack([pruned, running], 2), "batch": np.stack([pruned, batch], 2)}
    data = {"steps": steps, "tail": np.array(1), **both}
    assert over_jump(data, "running").tolist() == [1.5, 0, 0, 0]
    assert over_jump(data, "batch").tolist() == [1.5, 0, 0, 0]
    assert not jumped(data)
    assert {claim.verdict for claim in FIGURE.judge(data)} == {"open"}
    FIGURE.draw(data | {"running": 0 * both["running"]}, LinearisedTail(n_hidden=1))


@pytest.mark.parametrize(("jumps", "verdict"), [((24, 24, 24), "contradicted"), ((24, 24, 25), "open")])
def test_a_tail_that_never_converges_refutes_only_where_the_run_goes_on_to_half_as_long_again_as_the_jump(
    jumps, verdict
):
    steps = np.arange(0, 37.0)
    never, running, batch = (rising_at(steps, *when) for when in ([np.inf] * 3, jumps, [4] * 3))
    both = {"running": np.stack([never, running], 2), "batch": np.stack([never, batch], 2)}
    judged = CLAIMS[0].judge({"steps": steps, "tail": np.array(1), **both})
    assert judged.verdict == verdict
    assert judged.median == np.inf
