import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.toymodels.layerwise.flows import assert_same_flow, integrate, raw_flow
from toymodels.layerwise.matrix import LinearNetwork
from toymodels.layerwise.scalar import ScalarNetwork
from toymodels.layerwise.tasks import output_bias, task_sequence

seeds = st.integers(0, 10**6)


@given(seeds, st.sampled_from([0.0, 0.5, 4.0]), st.booleans())
def test_every_task_goes_on_from_the_weights_of_the_one_before(seed, imbalance, white):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((9, 3))
    covariance = None if white else x.T @ x / 9
    targets = rng.standard_normal((3, 2, 3)) if white else rng.standard_normal((3, 2, 3)) @ covariance
    start = LinearNetwork.balanced(targets[0], 2, imbalance, 0.3, rng)
    start = LinearNetwork(start.w1, start.w2, targets[2], covariance=covariance)
    run = task_sequence(start, targets, [1.0, 0.7, 1.2], n_times=2)
    assert run.meta["method"] == ("closed form" if white else "integrated")
    assert run["task"].tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert_allclose(run.t, [0, 0.5, 1, 1.35, 1.7, 2.3, 2.9])
    w1, w2 = start.w1[None], start.w2[None]
    best = targets if white else targets @ np.linalg.inv(covariance)
    weight = np.eye(3) if white else covariance
    for k, span in enumerate((1.0, 0.7, 1.2)):
        net = LinearNetwork(w1[-1], w2[-1], targets[k], covariance=covariance)
        w1, w2 = raw_flow(net, np.array([0, span / 2, span]))
        product = w2 @ w1
        assert_same_flow(run["map"][2 * k : 2 * k + 3], product, 1e-10)
        error = best - product[:, None]
        losses = 0.5 * np.einsum("tkij,jl,tkil->tk", error, weight, error)
        assert_same_flow(run["losses"][2 * k : 2 * k + 3], losses, 1e-10)


@given(seeds, st.integers(1, 4), st.floats(-5, -1), st.sampled_from([15.0, 30.0, 100.0, np.inf]))
def test_a_small_start_decides_when_a_later_task_turns_the_sign(seed, hidden, scale, first_task):
    """The sums and differences of the layers never forget: a network of two units of the same sums goes on exactly."""
    w1, w2 = 10**scale * np.random.default_rng(seed).standard_normal((2, hidden))
    sign = 1.0 if w1 @ w2 >= 0 else -1.0
    middle = ScalarNetwork(a0=w1, b0=w2, target=sign).solve([first_task])
    aligned, opposed = np.sqrt([middle["aligned"][0], -middle["opposed"][0]])
    exact = ScalarNetwork(a0=[aligned, opposed], b0=[aligned, -opposed], target=-sign)
    network = LinearNetwork(w1[:, None], w2[None], np.array([[sign]]))
    reversed_task = network.continued(first_task, np.array([[-sign]]))
    times = [exact.time_to(fraction) for fraction in (0.55, 0.75, 0.95)] + [80.0]
    known = 1e-6 + 30 * np.finfo(float).eps / min(aligned, opposed)  # what rounded weights can say of their differences
    assert_allclose(reversed_task.solve(times)["map"].ravel(), exact.solve(times)["function"], atol=known)


def test_a_reversed_target_is_learned_by_a_heavy_layer_only():
    rng = np.random.default_rng(0)
    target = np.diag([2.0, 1.0])
    for imbalance, relearned in ((0.0, False), (3.0, True)):
        start = LinearNetwork.aligned(target, [0.1, 0.1], 2, imbalance)
        losses = task_sequence(start, [target, -target], 50.0, n_times=1)["losses"]
        assert losses[1, 0] < 1e-8
        # balanced, the determinant of each mode keeps its sign: the modes die and do not come back
        assert_allclose(losses[2, 1], 0 if relearned else 2.5, atol=1e-8)
    general = LinearNetwork.balanced(target, 2, 0.0, 0.1, rng)
    assert task_sequence(general, [target], 50.0, n_times=1)["losses"].shape == (2, 1)


@given(seeds)
def test_the_bias_and_the_weights_do_not_see_each_other(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((8, 2))
    x -= x.mean(axis=0)
    y = rng.standard_normal((8, 2)) + rng.standard_normal(2)
    w1, w2, bias = rng.standard_normal((3, 2)), rng.standard_normal((2, 3)), rng.standard_normal(2)
    t = np.array([0.0, 0.4, 1.5])

    def velocity(state):
        first, last, shift = state[:6].reshape(3, 2), state[6:12].reshape(2, 3), state[12:]
        error = (y - x @ (last @ first).T - shift) / 8
        slope = error.T @ x
        return np.concatenate([(last.T @ slope).ravel(), (slope @ first.T).ravel(), error.sum(axis=0)])

    states = integrate(velocity, np.concatenate([w1.ravel(), w2.ravel(), bias]), t)
    assert_same_flow(output_bias(t, mean=y.mean(axis=0), initial=bias), states[:, 12:], 1e-10)
    maps = states[:, 6:12].reshape(3, 2, 3) @ states[:, :6].reshape(3, 3, 2)
    assert_same_flow(LinearNetwork.from_data(w1, w2, x, y).solve(t)["map"], maps, 1e-10)


def test_the_bias_ends_at_the_mean():
    assert output_bias([0.0, np.inf], mean=3.0, initial=1.0).tolist() == [1.0, 3.0]


NET = LinearNetwork.aligned(np.eye(2), [0.1, 0.1], 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: task_sequence(NET, np.eye(2), 1.0, 1), r"correlations must have 3 dimension"),
        (lambda: task_sequence(NET, np.ones((2, 3, 2)), 1.0, 1), r"correlations must be matrices of shape \(2, 2\)"),
        (lambda: task_sequence(NET, np.ones((2, 2, 2)), 0.0, 1), "duration must be > 0"),
        (lambda: task_sequence(NET, np.ones((2, 2, 2)), [1.0, 1.0, 1.0], 1), r"duration must be a number or have"),
        (lambda: task_sequence(NET, np.ones((2, 2, 2)), 1.0, 0), "n_times must be >= 1"),
        (lambda: output_bias([-1.0], mean=1.0), "t must be >= 0 and not NaN, got -1"),
        (lambda: output_bias([1.0], mean=np.ones(2), initial=np.ones(3)), "initial must have the shape of mean"),
        (lambda: NET.continued(np.array([0.0, 1.0]), np.eye(2)), "t must be one time, got 2"),
        (lambda: NET.continued(1.0, np.eye(3)), r"correlation must have shape \(2, 2\)"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
