"""The network on 2-parity is trained for the same flow time whatever its decay, and looked at along it."""

import numpy as np
import pytest

from comparisons.parity import USUAL_DECAY, Parity, train_parity


@pytest.mark.parametrize("decay", [0.01, 0.04])
def test_the_flow_time_does_not_depend_on_the_decay(decay):
    seen = []

    def observe(x, y, x_test, y_test, a, w):
        seen.append((x.shape, y.shape, x_test.shape, y_test.shape, a.shape, w.shape))
        return {"largest": float(np.abs(w).max())}

    run = train_parity(Parity(decay=decay, horizon=0.02), np.random.default_rng(0), observe, n_records=5)
    assert len(run.t) == len(seen) == 5
    assert run.t[-1] == pytest.approx(0.02 / USUAL_DECAY, rel=0.1)
    assert run["largest"].shape == (5,)
    ((n, d), labels, (_, d_test), _, (m,), rows), *rest = seen
    assert (labels, d_test, rows) == ((n,), d, (m, d))
    assert rest == [seen[0]] * 4


def test_decay_shrinks_what_the_task_starts_with():
    runs = [
        train_parity(Parity(decay=decay, horizon=0.1), np.random.default_rng(1), lambda *_: {}, 3, init_scale=scale)
        for decay, scale in ((1e-6, 4.0), (0.4, 4.0), (0.4, 2.0))
    ]
    norms = [run["weight_norm"] for run in runs]
    assert norms[1][0] == pytest.approx(4 * norms[2][0], rel=0.1)  # squared
    assert norms[0][-1] == pytest.approx(norms[0][0], rel=0.1)  # lazy
    assert norms[1][-1] < 0.1 * norms[1][0]
    again = train_parity(Parity(decay=0.4, horizon=0.1), np.random.default_rng(1), lambda *_: {}, 3, init_scale=4.0)
    assert np.array_equal(again["weight_norm"], norms[1])
