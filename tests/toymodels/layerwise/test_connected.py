"""Networks of any wiring against the raw flow, and against the networks that two of the wirings are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels.layerwise import ConnectedNetwork, DiagonalNetwork, LinearNetwork, ScalarNetwork
from toymodels.trajectory import SimulationError

seeds = st.integers(0, 10**6)
T = np.array([0.0, 0.2, 1.0, 6.0])


def drawn(seed, share=0.5, scale=0.5, wiring=None, white=False):
    rng = np.random.default_rng(seed)
    h, d = rng.integers(1, 6, 2) if wiring is None else wiring.shape
    wiring = rng.random((h, d)) < share if wiring is None else wiring
    w1, w2 = scale * rng.standard_normal((h, d)) * wiring, scale * rng.standard_normal(h)
    variance = 1.0 if white else rng.uniform(0.2, 2, d)
    return ConnectedNetwork(rng.standard_normal(d), w1, w2, wiring, variance)


def raw(network, t):
    """w1 (n_t, h, d) and w2 (n_t, h) by the gradients written out unit by unit."""
    h, d = network.w1.shape

    def velocity(state):
        w1, w2 = state[: h * d].reshape(h, d), state[h * d :]
        slope1, slope2 = np.zeros((h, d)), np.zeros(h)
        error = [network.target[i] - sum(w2[j] * w1[j, i] for j in range(h)) for i in range(d)]
        for j, i in zip(*np.nonzero(network.connections), strict=True):
            slope1[j, i] = network.variance[i] * error[i] * w2[j]
            slope2[j] += network.variance[i] * error[i] * w1[j, i]
        return np.append(slope1.ravel(), slope2)

    states = integrate(velocity, np.append(network.w1.ravel(), network.w2), t)
    return states[:, : h * d].reshape(-1, h, d), states[:, h * d :]


@given(seeds, st.floats(0, 1), st.floats(-2, 0.3))
def test_any_wiring_follows_the_raw_flow(seed, share, scale):
    network = drawn(seed, share, 10**scale)
    run, (w1, w2) = network.solve(T), raw(network, T)
    assert_same_flow(run["w1"], w1, 1e-8)
    assert_same_flow(run["w2"], w2, 1e-8)


@given(seeds, st.floats(0, 1))
def test_features_sum_to_the_function_units_conserve_and_the_loss_falls(seed, share):
    network = drawn(seed, share)
    run = network.solve(T)
    assert_allclose(run["features"].sum(axis=1), run["map"], atol=1e-14)
    assert not run["features"][:, ~network.connections].any()
    conserved = run["w2"] ** 2 - np.sum(run["w1"] ** 2, axis=2)
    assert_allclose(conserved, np.tile(conserved[0], (len(T), 1)), atol=1e-9)
    assert np.all(np.diff(run["loss"]) <= 1e-12)


@given(seeds)
def test_all_connections_are_the_linear_network_and_single_ones_the_diagonal(seed):
    full = drawn(seed, wiring=np.ones((3, 4), dtype=bool), white=True)
    same = LinearNetwork(full.w1, full.w2[None], full.target[None])
    assert_allclose(full.solve(T)["map"], same.solve(T)["map"][:, 0], atol=1e-9)
    diagonal = drawn(seed, wiring=np.eye(4, dtype=bool))
    w1 = np.diagonal(diagonal.w1)
    exact = DiagonalNetwork(diagonal.target, w1, diagonal.w2, diagonal.variance)
    late = np.append(T, np.inf)
    assert_allclose(diagonal.solve(late)["map"], exact.solve(late)["product"], rtol=1e-12, atol=1e-14)
    assert diagonal.method == "closed form"
    one_input = drawn(seed, wiring=np.ones((5, 1), dtype=bool))
    variance = float(one_input.variance[0])
    scalar = ScalarNetwork(one_input.w2, one_input.w1[:, 0], one_input.target[0], variance=variance)
    assert_allclose(one_input.solve(late)["features"][:, :, 0], scalar.solve(late)["features"], atol=1e-14)


@given(seeds)
def test_parts_without_common_inputs_or_units_do_not_know_of_each_other(seed):
    blocks = np.kron(np.eye(2), np.ones((2, 3))).astype(bool)
    whole = drawn(seed, wiring=blocks)
    run = whole.solve(T)
    part = ConnectedNetwork(whole.target[:3], whole.w1[:2, :3], whole.w2[:2], blocks[:2, :3], whole.variance[:3])
    assert_allclose(run["map"][:, :3], part.solve(T)["map"], atol=1e-10)


def test_one_unit_is_exact_at_infinity_and_lone_units_and_inputs_stay():
    wiring = np.array([[True, True, False], [False, False, False]])
    network = ConnectedNetwork([1.0, -2.0, 5.0], 0.1 * wiring, [0.2, 0.7], wiring)
    run = network.solve([0.0, np.inf])
    assert network.method == "closed form"
    assert_allclose(run["map"][-1], [1, -2, 0], atol=1e-12)
    assert_allclose(run["w2"][:, 1], 0.7)
    assert_allclose(run["loss"][-1], 12.5)


def test_descent_tends_to_the_flow_in_first_order():
    network = drawn(3, share=0.7, scale=0.3)
    end = network.solve([2.0])["map"][0]
    coarse, fine = (np.abs(network.simulate(n, 2 / n)["map"][-1] - end).max() for n in (200, 400))
    assert 1.8 < coarse / fine < 2.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w2": [1.0]}, r"w1 must have shape \(entries of w2, entries of target\) = \(1, 2\), got \(2, 2\)"),
        ({"target": [1.0, np.nan]}, "target must be finite"),
        ({"connections": np.ones((2, 2))}, r"connections must be bool of shape \(2, 2\), got float64"),
        ({"connections": np.ones((1, 2), dtype=bool)}, "connections must be bool"),
        ({"connections": np.eye(2, dtype=bool)}, "w1 must be 0 where there is no connection, got up to 1"),
        ({"variance": -1.0}, "variance must be >= 0"),
        ({"w1": np.ma.masked_equal(np.ones((2, 2)), 1)}, "w1 must not be masked"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    whole = {"target": [1.0, 2.0], "w1": np.ones((2, 2)), "w2": [1.0, 1.0], "connections": np.ones((2, 2), dtype=bool)}
    with pytest.raises(ValueError, match=message):
        ConnectedNetwork(**whole | change)


def test_infinity_is_refused_where_units_share_some_inputs():
    with pytest.raises(ValueError, match="t must be finite with units that share some of their inputs, got inf"):
        drawn(0, wiring=np.array([[True, True], [False, True]])).solve([np.inf])


def test_units_that_share_inputs_are_at_rest_once_they_have_learnt():
    wiring = np.array([[1, 1, 0], [0, 1, 1]], bool)
    network = ConnectedNetwork([1.0, -2.0, 0.5], np.full((2, 3), 0.3) * wiring, [0.4, -0.2], wiring)
    run = network.solve([50.0, 1e4, 1e200])
    assert run.meta["method"] == "integrated"
    assert run["map"][1:] == pytest.approx(np.tile([1.0, -2.0, 0.5], (2, 1)), abs=1e-11)
    assert run["w1"][2] == pytest.approx(run["w1"][1], abs=1e-11)


def test_a_flow_that_never_learns_its_target_is_not_followed_for_ever(monkeypatch):
    monkeypatch.setattr("toymodels.layerwise.connected.MOST_EVALUATIONS", 2000)
    wiring = np.array([[1, 1, 0], [1, 1, 0]], bool)
    network = ConnectedNetwork([1.0, -2.0, 0.5], 0.3 * wiring, [0.4, 0.2], wiring, [1.0, 2.0, 1.0])
    assert np.isfinite(network.solve([3.0])["map"]).all()
    stuck = ConnectedNetwork([1e-9, 1e-9, 0.5], 0.3 * wiring * [[1, -1, 0], [1, -1, 0]], [0.0, 0.0], wiring)
    with pytest.raises(SimulationError, match="more than 2000 evaluations to flow time 1e"):
        stuck.solve([1e12])
