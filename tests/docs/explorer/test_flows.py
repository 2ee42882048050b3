"""Flows summed by their printed series: against Bessel functions, integrators, and where neurons are known to end."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from docs.explorer.flows import Flow, flows
from tests.docs.explorer.scripts import Script
from toymodels.condensation import condensed_directions
from toymodels.condensation.initial import initial_flow
from toymodels.condensation.initial import potential as potential_of
from toymodels.layerwise import DiagonalNetwork

POINTS = 2000


@pytest.fixture(scope="module")
def decay():
    return Script("decay")


@pytest.fixture(scope="module")
def circle():
    return Script("circle")


def test_the_series_is_the_bessel_functions_at_two_thousand_points(decay):
    rng = np.random.default_rng(0)
    for k in range(POINTS // 200):
        a0, b0, target = rng.uniform(-4, 4, 3)
        mu = 10 ** rng.uniform(-2.5, -0.3)
        last = (40 if k < 2 else 12) / mu  # the page goes to 40, when all has long come to rest
        t = np.sort(10 ** rng.uniform(-3, np.log10(last), 200))
        found = decay.call("decayingMode", t, a0, b0, target, mu)
        run = DiagonalNetwork([target], a0, b0, weight_decay=mu).solve(t)
        kernel = run["ntk"][:, 0]
        for name, own in {"f": "product", "a": "a", "b": "b", "kernel": "ntk"}.items():
            values = np.array([row[name] for row in found])
            size = kernel if own in ("product", "ntk") else np.sqrt(kernel)
            assert np.all(np.abs(values - run[own][:, 0]) <= 1e-12 * size), (name, a0, b0, target, mu)


def test_the_imbalance_dies_as_it_should(decay):
    t = np.array([0.0, 1.0, 30.0])
    found = decay.call("decayingMode", t, 5.0, 0.0, 1.0, 0.1)
    assert_allclose([row["imbalance"] for row in found], 25 * np.exp(-0.2 * t), rtol=1e-13)
    assert_allclose([row["a"] ** 2 - row["b"] ** 2 for row in found], 25 * np.exp(-0.2 * t), rtol=1e-11)


def test_a_flow_without_decay_is_the_undamped_one(decay):
    t = np.geomspace(0.01, 50, 30)
    found = decay.call("decayingMode", t, 0.3, -0.1, 1.3, 0.0)
    assert_allclose(
        [row["f"] for row in found], DiagonalNetwork([1.3], 0.3, -0.1).solve(t)["product"][:, 0], rtol=1e-12
    )


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_printed_recurrence_solves_the_printed_velocity(circle, order):
    rng = np.random.default_rng(order)
    coefficients, t = rng.standard_normal(order + 1), np.linspace(0, 3, 7)
    start = rng.standard_normal(3)
    start /= np.linalg.norm(start)
    velocity = flows()[f"drifting{order}"].numpy()
    ode = solve_ivp(lambda _, y: velocity(*y, *coefficients), (0, 3), start, "DOP853", t, rtol=1e-12, atol=1e-13)
    found = circle.run(
        f"flow((s) => drifting{order}(s, {', '.join(map(str, coefficients))}), {start.tolist()}, {t.tolist()})"
    )
    assert_allclose(found, ode.y.T, atol=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_velocity_is_that_of_the_initial_flow_on_the_sphere(order):
    rng = np.random.default_rng(order)
    x, y = rng.standard_normal(4), rng.standard_normal(4)
    from docs.explorer.formulas import formulas

    terms = formulas()[f"coefficients{order}"].numpy()(x, y)
    coefficients = [np.mean(terms[f"c{j}"]) for j in range(order + 1)]
    for state in rng.standard_normal((20, 3)):
        a, *w = unit = state / np.linalg.norm(state)
        value, gradient = potential_of(x[:, None], y, np.array(w), order)
        pull = np.array([value, *(a * gradient)])
        found = flows()[f"drifting{order}"].numpy()(*unit, *coefficients)
        assert_allclose(found, pull - (pull @ unit) * unit, atol=1e-12)


def test_at_order_1_directions_are_those_of_the_closed_form(circle):
    x, y, theta, a = [0.3, -1.0], [0.5, 0.8], 0.7, 0.35
    c = circle.call("potentialOf", x, y, 1)
    top, t = float(np.hypot(*c)), [0.0, 0.5, 2.0]
    (rows,) = circle.call("drift", c, 1, [{"theta": theta, "a": a}], t)
    # the scaled flow runs 1/top times as long
    run = initial_flow(np.array(x)[:, None], y, [a], [[np.cos(theta), np.sin(theta)]], np.array(t) / top)
    state = np.column_stack([run["a"], run["w"][:, 0]])
    assert_allclose(rows, state / np.linalg.norm(state, axis=1, keepdims=True), atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_ends_are_the_condensed_directions_and_neurons_arrive_there(circle, order, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1.5, 1.5, 4), rng.uniform(-1, 1, 4)
    directions, signs = condensed_directions(x[:, None], y, order)
    c = circle.call("potentialOf", x, y, order)
    found = circle.call("ends", c, order)
    expected = np.arctan2(directions[:, 1], directions[:, 0])
    assert len(found) == len(expected) <= 2 * order
    for end in found:
        gaps = np.abs(np.angle(np.exp(1j * (expected - end["theta"]))))
        assert gaps.min() < 1e-9
        assert end["sign"] == signs[gaps.argmin()]
    neurons = [{"theta": theta, "a": a} for theta in rng.uniform(-3, 3, 2) for a in (0.4, -0.4)]
    states = np.array(circle.call("drift", c, order, neurons, [300.0]))[:, 0]
    turned = np.linalg.norm(states[:, 1:], axis=1) > 0.5  # the others have shrunk to w = 0
    cosine = states[turned, 1:] @ directions.T / np.linalg.norm(states[turned, 1:], axis=1, keepdims=True)
    assert turned.any()
    assert_allclose(cosine.max(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_next_orientation_is_that_of_the_best_fits_residual(circle, order):
    x, y, theta = np.array([-1.2, -0.4, 0.5, 1.1]), np.array([0.9, -0.6, 0.2, 1.0]), 0.9
    z = (np.cos(theta) * x + np.sin(theta)) ** order
    (amplitude,), *_ = np.linalg.lstsq(z[:, None], y)
    fit = circle.call("fitted", x, y, theta, order)
    assert_allclose(fit["amplitude"], amplitude, rtol=1e-12)
    assert_allclose(fit["residual"], y - amplitude * z, atol=1e-14)


def test_a_constant_push_is_refused():
    import sympy

    x = sympy.Symbol("x")
    with pytest.raises(ValueError, match="velocity must have no constant term"):
        Flow("wrong", (x,), (), (x + 1,), "").javascript()
