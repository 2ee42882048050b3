"""Every printed formula: its JavaScript is its numpy, and its numpy what the suite computes, at 2,000 points."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from docs.explorer.formulas import formulas
from tests.docs.explorer.scripts import PAGES, Script
from toymodels.condensation import coordinates, distance_exponent
from toymodels.condensation.initial import potential
from toymodels.condensation.phase_diagram import critical_gamma
from toymodels.layerwise import DiagonalNetwork, LinearModel, transition
from toymodels.layerwise.spectrum import marchenko_pastur

POINTS = 2000
RELATIVE = 1e-12


def drawn(*columns, seed=0):
    """(POINTS, k) arguments: a column is (low, high), with a third entry "log" for a spread over decades."""
    rng = np.random.default_rng(seed)
    spread = [rng.uniform(*(np.log10(column[:2]) if column[2:] else column), POINTS) for column in columns]
    return np.column_stack(
        [10**values if column[2:] else values for column, values in zip(columns, spread, strict=True)]
    )


WEIGHT, TIME = (-3, 3), (1e-3, 30, "log")
ARGUMENTS = {
    "mode": [TIME, WEIGHT, WEIGHT, (-3, 3)],
    "timeTo": [WEIGHT, WEIGHT, (-3, 3), (0.01, 0.99)],
    "startOf": [(0.03, 10, "log"), (-1, 1), (0.1, 3)],
    "weightsOf": [(1e-8, 3, "log"), (0, 4)],
    "oneLayer": [TIME, WEIGHT, WEIGHT],
    "decayed": [TIME, WEIGHT, WEIGHT, (0.003, 0.5, "log"), (1e-3, 1e3, "log")],
    "passage": [(2, 10), (-1, 1), (0.003, 0.5, "log"), (0.01, 1, "log")],
    "plane": [(-0.5, 2.5), (-1.5, 1.5)],
    "initialisation": [(10, 1e6, "log"), (0, 2.5), (-1.25, 1.25), (-2, 2)],
    "law": [(-3400, 150), (0.1, 10, "log")],
    "losses": [TIME, (1e-6, 10, "log"), (0.1, 10, "log"), (0, 2)],
} | {
    f"{name}{p}": [(-np.pi, np.pi), *[WEIGHT] * (p + 1)] if name == "potential" else [WEIGHT, WEIGHT]
    for name in ("potential", "coefficients")
    for p in (1, 2, 3)
}
SCRIPTS = {}


def script(formula):
    """The script of a page that uses this formula."""
    (name, *_) = (page.name for page in PAGES.values() if formula in page.uses)
    if name not in SCRIPTS:
        SCRIPTS[name] = Script(name)
    return SCRIPTS[name]


@pytest.mark.parametrize("name", formulas())
def test_the_printed_javascript_is_the_printed_numpy(name):
    points = drawn(*ARGUMENTS[name])
    found, expected = script(name).rows(name, points), formulas()[name].numpy()(*points.T)
    assert list(found) == list(formulas()[name].results)
    for result, values in found.items():
        exact = np.broadcast_to(expected[result], POINTS)
        assert np.isfinite(exact).mean() > 0.9
        # of the size of what is summed: a result may cross 0
        assert_allclose(values, exact, rtol=RELATIVE, atol=RELATIVE * np.nanmedian(np.abs(exact)), err_msg=result)


def test_a_mode_is_that_of_the_diagonal_network():
    points = drawn(*ARGUMENTS["mode"])
    found = formulas()["mode"].numpy()(*points.T)
    for row, (t, a0, b0, target) in enumerate(points):
        run = DiagonalNetwork([target], a0, b0).solve([t])
        size = 1e-300 + run["ntk"][0, 0]
        for name, own in {"f": "product", "a": "a", "b": "b", "kernel": "ntk"}.items():
            assert abs(found[name][row] - run[own][0, 0]) <= RELATIVE * max(size, abs(run[own][0, 0])), (name, row)


@pytest.mark.parametrize(("a0", "b0", "target"), [(0.5, -0.5, 1.0), (0.5, 0.5, -1.0), (0.0, 0.0, 1.0), (0.4, 0.4, 0.0)])
def test_weights_at_a_saddle_stay_numbers(a0, b0, target):
    t = np.array([0.0, 1.0, 50.0])
    found = formulas()["mode"].numpy()(t, a0, b0, target)
    run = DiagonalNetwork([target], a0, b0).solve(t)
    assert_allclose(found["a"], run["a"][:, 0], rtol=1e-12, atol=1e-15)
    assert_allclose(found["b"], run["b"][:, 0], rtol=1e-12, atol=1e-15)


def test_half_way_is_that_of_the_diagonal_network():
    points = drawn(*ARGUMENTS["timeTo"])
    found = formulas()["timeTo"].numpy()(*points.T)["time"]
    expected = [DiagonalNetwork([s], a0, b0).time_to(part)[0] for a0, b0, s, part in points]
    assert_allclose(found, expected, rtol=1e-10)


def test_the_kernel_grows_as_the_map_says():
    points = drawn((0.03, 10, "log"), (-0.99, 0.99), (0.1, 3))[:200]
    found = formulas()["startOf"].numpy()(*points.T)
    for row, target in enumerate(points[:, 2]):
        a0, b0 = found["a0"][row], found["b0"][row]
        kernel = DiagonalNetwork([target], a0, b0).solve([0.0, np.inf])["ntk"][:, 0]
        assert found["growth"][row] == pytest.approx(kernel[1] / kernel[0], rel=1e-12)
        assert found["imbalance"][row] == pytest.approx(a0**2 - b0**2, rel=1e-9, abs=1e-12)


def test_weights_of_a_product_move_as_the_transition():
    points = drawn((1e-8, 3, "log"), (0, 4), TIME)[:300]
    made = formulas()["weightsOf"].numpy()(*points[:, :2].T)
    f = formulas()["mode"].numpy()(points[:, 2], made["a0"], made["b0"], 1.0)["f"]
    expected = transition(points[:, 2], target=1.0, initial=points[:, 0], imbalance=points[:, 1])
    assert_allclose(f, expected, rtol=1e-11)


def test_one_layer_is_the_linear_model():
    points = drawn(*ARGUMENTS["oneLayer"])[:200]
    found = formulas()["oneLayer"].numpy()(*points.T)["theta"]
    expected = [LinearModel([s], theta0=start).solve([t])["theta"][0, 0] for t, start, s in points]
    assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_the_plane_is_that_of_the_phase_diagram():
    points = np.vstack([drawn(*ARGUMENTS["plane"]), [[1.0, 0.0], [1.0, -1.0], [1.5, 0.5], [2.25, 1.25]]])
    found = formulas()["plane"].numpy()(*points.T)
    assert_allclose(found["exponent"], [distance_exponent(*point) for point in points], atol=1e-12)
    assert_allclose(found["critical"], critical_gamma(points[:, 1]), rtol=1e-15)


def test_an_initialisation_has_the_coordinates_it_is_for():
    for m, gamma, prime, _ in drawn(*ARGUMENTS["initialisation"])[:200]:
        made = formulas()["initialisation"].numpy()(m, gamma, prime, 0.0)
        place = coordinates(round(m), made["std_a"], made["std_w"], made["scale"])
        share = np.log(m) / np.log(round(m))
        assert_allclose(place, (gamma * share, prime * share), atol=1e-9)


@pytest.mark.parametrize("ratio", [0.2, 1.0, 5.0])
def test_the_law_is_that_of_marchenko_and_pastur(ratio):
    nodes = formulas()["law"].numpy()(np.arange(-3400, 150), ratio)
    expected = marchenko_pastur(ratio)
    assert_allclose(nodes["eigenvalue"], expected.eigenvalues, rtol=1e-12)
    assert_allclose(nodes["mass"], expected.masses, rtol=1e-11, atol=1e-300)
    assert float(nodes["none"]) == pytest.approx(expected.null, abs=1e-15)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_potential_is_that_of_the_initial_flow(order):
    rng = np.random.default_rng(order)
    x, y, theta = rng.standard_normal(5), rng.standard_normal(5), rng.uniform(-np.pi, np.pi, POINTS)
    terms = formulas()[f"coefficients{order}"].numpy()(x, y)
    coefficients = [np.mean(terms[f"c{j}"]) for j in range(order + 1)]
    found = formulas()[f"potential{order}"].numpy()(theta, *coefficients)
    u = np.column_stack([np.cos(theta), np.sin(theta)])
    value, gradient = potential(x[:, None], y, u, order)
    across = np.column_stack([-u[:, 1], u[:, 0]])
    assert_allclose(found["height"], value, atol=1e-12)
    assert_allclose(found["slope"], np.sum(gradient * across, axis=1), atol=1e-12)
