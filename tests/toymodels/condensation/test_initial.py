import pickle

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from tests.tolerances import FLOW
from toymodels import SimulationError
from toymodels.condensation import (
    TwoLayerNetwork,
    initial_descent,
    initial_flow,
    multiplicity,
    potential,
)
from toymodels.condensation.initial import Multiplicity

MULTIPLICITY = {"tanh": 1, "xtanh": 2, "x2tanh": 3, "sigmoid": 1, "softplus": 1}
seeds = st.integers(0, 10**6)


def task(seed, n=12, dim=1, m=5):
    rng = np.random.default_rng(seed)
    data = rng.uniform(-1, 1, (n, dim)), rng.standard_normal(n)
    return *data, 0.1 * rng.standard_normal(m), 0.1 * rng.standard_normal((m, dim + 1))


@pytest.mark.parametrize(("activation", "p"), MULTIPLICITY.items())
def test_multiplicity_of_known_activations(activation, p):
    assert multiplicity(activation) == p


def test_multiplicity_of_an_expression():
    z = sympy.Symbol("z")
    assert multiplicity(z**4 * sympy.exp(z)) == 4
    assert multiplicity(sympy.cos(z)) == 2


@pytest.mark.parametrize(("activation", "series"), [("sigmoid", (0.5, 0.25)), ("softplus", (np.log(2), 0.5))])
def test_multiplicity_remembers_the_series(activation, series):
    p = pickle.loads(pickle.dumps(multiplicity(activation)))
    assert (p, type(p)) == (1, Multiplicity)
    assert (p.at_zero, p.coefficient) == pytest.approx(series)
    cosine = multiplicity(sympy.cos(sympy.Symbol("z")))
    assert (cosine, cosine.at_zero, cosine.coefficient) == (2, 1, -0.5)
    assert (multiplicity("tanh").at_zero, multiplicity("tanh").coefficient) == (0, 1)


def test_the_flow_of_powers_is_refused_for_an_activation_that_does_not_vanish():
    with pytest.raises(ValueError, match=r"p must be of an activation that vanishes at 0, got s\(0\) = 0.5"):
        initial_flow(*task(0), [0.0, 1.0], multiplicity("sigmoid"))


@pytest.mark.parametrize(
    "activation", ["relu", abs(sympy.Symbol("z")), sympy.sqrt(sympy.Symbol("z")), sympy.Integer(1), "gelu"]
)
def test_an_activation_without_taylor_series_is_refused(activation):
    with pytest.raises(ValueError, match="activation"):
        multiplicity(activation)


def test_an_activation_flat_at_the_origin_is_refused():
    z = sympy.Symbol("z")
    with pytest.raises(ValueError, match="non-zero derivative"):
        multiplicity(z**20)


@given(seeds, st.integers(1, 4), st.integers(1, 3))
def test_the_gradient_is_that_of_the_potential(seed, p, dim):
    x, y, _, w = task(seed, dim=dim)
    value, gradient = potential(x, y, w, p)
    assert_allclose((w * gradient).sum(axis=1), p * value, rtol=1e-9, atol=1e-14)  # Euler's theorem
    direction = np.random.default_rng(seed).standard_normal(dim + 1)
    up, down = (potential(x, y, w + s * 1e-6 * direction, p)[0] for s in (1, -1))
    assert_allclose((up - down) / 2e-6, gradient @ direction, rtol=1e-5, atol=1e-8)


@given(seeds, st.integers(1, 3))
def test_the_flow_matches_the_ode_and_conserves_its_invariant(seed, p):
    x, y, a0, w0 = task(seed)
    t = np.linspace(0, 2, 5)
    run = initial_flow(x, y, a0, w0, t, p)
    for k in range(len(a0)):

        def rhs(_, state):
            value, gradient = potential(x, y, state[1:], p)
            return [value, *(state[0] * gradient)]

        ode = solve_ivp(rhs, (0, 2), [a0[k], *w0[k]], "DOP853", t, rtol=1e-11, atol=1e-14)
        assert_allclose(run["a"][:, k], ode.y[0], atol=FLOW)
        assert_allclose(run["w"][:, k], ode.y[1:].T, atol=FLOW)
    invariant = run["a"] ** 2 - (run["w"] ** 2).sum(axis=2) / p
    assert_allclose(invariant, np.broadcast_to(invariant[0], invariant.shape), atol=1e-7)


@given(seeds)
def test_flow_restarts_where_it_stopped(seed):
    x, y, a0, w0 = task(seed)
    half = initial_flow(x, y, a0, w0, [1.5])
    again = initial_flow(x, y, half["a"][0], half["w"][0], [1.0])
    whole = initial_flow(x, y, a0, w0, [0.0, 2.5])
    assert_allclose(whole["w"][0], w0, atol=1e-15)
    assert_allclose(whole["w"][1], again["w"][0], rtol=1e-9, atol=1e-12)


def test_discrete_closed_form_follows_a_real_tanh_network_from_a_small_start():
    x, y, a0, w0 = task(1, dim=3, m=50)
    network = TwoLayerNetwork(1e-5 * a0, 1e-5 * w0, "tanh")
    rate = np.linalg.norm(np.c_[x, np.ones(len(x))].T @ y) / len(y)
    run = network.train(x, y, 200, 0.05 / rate, 40)
    theory = initial_descent(x, y, network.a, network.w, run.t, 0.05 / rate)
    for row in range(len(run.t)):
        if 1.05 ** run.t[row] < 1e3:
            scale = np.abs(theory["w"][row]).max()
            assert_allclose(run["w"][row], theory["w"][row], atol=1e-4 * scale)
    v = np.c_[x, np.ones(len(x))].T @ y
    cosines = run["w"][-1] @ v / np.linalg.norm(run["w"][-1], axis=1) / np.linalg.norm(v)
    assert np.abs(cosines).mean() > 0.99
    assert (np.sign(cosines) == np.sign(run["a"][-1])).all()


def test_a_quadratic_activation_blows_up_in_finite_time():
    x, y, a0, w0 = task(2)
    with pytest.raises(SimulationError, match="blows up near"):
        initial_flow(x, y, 30 * a0, 30 * w0, [0.0, 1e4], p=2)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x, y, a, w: potential(x, y[:-1], w), "y"),
        (lambda x, y, a, w: potential(x, y, w[:, :1]), "u"),
        (lambda x, y, a, w: potential(x, y, w, 0), "p"),
        (lambda x, y, a, w: initial_flow(x, y, a, w[:-1], [1.0]), "w0"),
        (lambda x, y, a, w: initial_flow(x, y, a, w, [np.inf]), "t"),
        (lambda x, y, a, w: initial_flow(x, y, a, w, [1.0, 0.5]), "t"),
        (lambda x, y, a, w: initial_descent(x, y, a, w, [1], 0.0), "lr"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call(*task(0))


def test_growth_beyond_the_range_of_numbers_is_a_simulation_error():
    x, y, a0, w0 = task(4)
    with pytest.raises(SimulationError, match="not finite"):
        initial_descent(x, y, a0, w0, [0, 10**6], 1.0)
    with pytest.raises(SimulationError, match="not finite"):
        initial_flow(x, y, a0, w0, [0.0, 1e6])


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        (lambda z: z, lambda z: z / 2, None),
        (lambda z: z, lambda z: sympy.exp(z) - 1, (1, 0.0, 1.0)),
        (lambda z: z**2, lambda z: -(z**2), None),
        (lambda z: 3 + z**3, lambda z: 3 + sympy.sin(z) ** 3, (3, 3.0, 1.0)),
    ],
)
def test_pieces_that_meet_at_zero_count_by_both_of_their_sides(above, below, expected):
    z = sympy.Symbol("z")
    activation = sympy.Piecewise((above(z), z > 0), (below(z), True))
    if expected is None:
        with pytest.raises(ValueError, match="must have a Taylor series at 0"):
            multiplicity(activation)
    else:
        found = multiplicity(activation)
        assert (int(found), found.at_zero, found.coefficient) == expected


def test_the_flow_at_its_start_and_at_one_is_that_of_a_longer_run():
    rng = np.random.default_rng(0)
    x, y, a0, w0 = (
        rng.standard_normal((5, 2)),
        rng.standard_normal(5),
        rng.standard_normal(4),
        rng.standard_normal((4, 3)),
    )
    whole = initial_flow(x, y, 0.01 * a0, 0.01 * w0, [0, 0.5, 1, 2], 2)
    for k, t in ((1, [0]), (3, [0, 0.5, 1])):
        part = initial_flow(x, y, 0.01 * a0, 0.01 * w0, t, 2)
        assert_allclose(part["w"], whole["w"][:k], rtol=1e-9)
        assert_allclose(part["a"], whole["a"][:k], rtol=1e-9)


@pytest.mark.parametrize("activation", [np.sign, object(), None, [1], 3])
def test_what_is_no_expression_is_refused(activation):
    with pytest.raises(ValueError, match="activation must be"):
        multiplicity(activation)
