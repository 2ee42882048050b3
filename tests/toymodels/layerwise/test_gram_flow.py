"""Exact saddles, and the three ways to evaluate the matrix solution against each other."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.toymodels.layerwise.flows import assert_same_flow, raw_flow
from toymodels.layerwise.gram_flow import GramFlow, _greedy_directions, _levels, _logarithmic, _ordered_directions
from toymodels.layerwise.gram_spectrum import Spectrum
from toymodels.layerwise.matrix import LinearNetwork

seeds = st.integers(0, 10**6)
LATE = np.array([0.0, 1.0, 40.0, 1000.0, np.inf])


def square(seed, imbalance=0.0):
    """A random square balanced network with its target's singular values (n,), largest first."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    scale = rng.choice([1e-3, 0.3, 2.0])
    net = LinearNetwork.balanced(rng.standard_normal((n, n)), n, imbalance, scale, rng)
    return net, np.linalg.svd(net.correlation, compute_uv=False)


def sign(matrix):
    return np.linalg.slogdet(matrix)[0]


def test_a_mode_of_the_wrong_sign_dies_and_never_returns():
    root = np.sqrt([0.3, 0.1])
    run = LinearNetwork(np.diag(root), np.diag(root * [1, -1]), np.diag([2.0, 1.0])).solve([0.0, 1.0, 40.0, np.inf])
    mode = run["map"][:, 1, 1]
    assert_allclose(mode[:3], -1 / (11 * np.exp(2 * run.t[:3]) - 1), rtol=1e-12)
    assert mode[3] == 0
    assert_allclose(run["loss"][2:], 0.5, rtol=1e-15)


@given(seeds)
def test_the_sign_of_the_determinant_is_conserved_and_decides_where_the_flow_ends(seed):
    net, singular = square(seed)
    run = net.solve(LATE)
    assert sign(run["map"][1]) == sign(run["map"][0])
    right = sign(run["map"][0]) == sign(net.correlation)
    lost = 0.0 if right else singular[-1]
    assert_allclose(run["loss"][-1], lost**2 / 2, rtol=1e-12, atol=1e-13 * singular[0] ** 2)
    if right:
        assert_allclose(run["map"][-1], net.correlation, atol=1e-13 * singular[0])
    else:  # and stays there: the fit of the others is over long before a rounding error could have grown
        assert run["loss"][2] >= lost**2 / 2 * (1 - 1e-12)
        assert np.linalg.matrix_rank(run["map"][-1], tol=1e-10) == len(singular) - 1


@given(seeds)
def test_a_network_with_imbalance_crosses_to_its_target_whatever_its_sign(seed):
    net, singular = square(seed, 0.7)
    assert_allclose(net.solve([np.inf])["map"][0], net.correlation, atol=1e-12 * singular[0])


@given(seeds)
def test_the_rank_of_the_growing_part_is_conserved(seed):
    net, _ = square(seed)
    run = net.solve([0.0, 0.5, 5.0])
    left, _, right = np.linalg.svd(net.correlation)
    ranks = []
    for k in range(3):
        turned = left.T @ run["map"][k] @ right.T
        whole = right @ run["gram_in"][k] @ right.T + left.T @ run["gram_out"][k] @ left
        tolerance = 1e-10 * np.linalg.norm(whole)
        ranks.append(np.linalg.matrix_rank(whole + turned + turned.T, tol=tolerance, hermitian=True))
    wrong = sign(run["map"][0]) != sign(net.correlation)
    assert ranks == [len(left) - wrong] * 3


@given(seeds, st.integers(1, 12), st.booleans())
def test_modes_not_there_or_of_the_wrong_sign_are_never_learned(seed, dim, equal):
    rng = np.random.default_rng(seed)
    left, rotation, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (dim, dim, dim + 1))
    singular = np.sort(rng.uniform(0.3, 3, dim))[::-1]
    if equal:
        singular[: dim // 2 + 1] = singular[0]
    correlation = (left * singular) @ right[:dim]
    signs = rng.choice([-1, 0, 0, 1, 1], dim)
    root = np.sqrt(rng.choice([1e-3, 0.1, 1.0], dim)) * np.abs(signs)
    w1, w2 = (rotation * root) @ right[:dim], (left * (signs * root)) @ rotation.T
    run = LinearNetwork(w1, w2, correlation).solve([1e3, np.inf])
    expected = (left * np.where(signs > 0, singular, 0)) @ right[:dim]
    for k in range(2):
        assert_allclose(run["map"][k], expected, atol=1e-9)


@given(seeds)
def test_a_small_but_real_part_still_grows(seed):
    rng = np.random.default_rng(seed)
    turn = 1e-10 * rng.uniform(0.5, 2)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    unit = rotation @ np.diag([0.0, 1.0])  # mostly along the weaker mode
    run = LinearNetwork(0.3 * unit.T, 0.3 * unit, np.diag([2.0, 1.0])).solve([0.0, 10.0, 60.0, np.inf])
    assert run["map"][1, 0, 0] < 1e-6
    assert_allclose(run["map"][2:, 0, 0], 2.0, rtol=1e-8)


@pytest.mark.parametrize("singular", [(2.0, 1.0), (1.0, 1.0)])
def test_one_unit_with_all_modes_learns_one_direction_beside_a_unit_of_no_weights(singular):
    w1, correlation = np.array([[0.3, 0.3], [0.0, 0.0]]), np.diag(singular)
    network, t = LinearNetwork(w1, w1.T, correlation), np.array([0.0, 0.5, 2.0, 5.0, 20.0])
    single = LinearNetwork(w1[:1], w1[:1].T, correlation)
    for moment in t, [np.inf]:
        assert_allclose(network.solve(moment)["map"], single.solve(moment)["map"], atol=1e-12)
    first, last = raw_flow(network, t)
    assert_same_flow(network.solve(t)["map"], last @ first)


@given(seeds, st.sampled_from([(3, 3, 3), (5, 3, 4), (3, 5, 4), (4, 2, 5), (2, 5, 2)]), st.floats(0.1, 30))
def test_leading_rows_and_logarithmic_basis_agree(seed, shape, t):
    rng, (d, h, c) = np.random.default_rng(seed), shape
    net = LinearNetwork.balanced(rng.standard_normal((c, d)), h, 0.0, 0.3, rng)
    spectrum = Spectrum.of(net.correlation, 0.0, 0.0)
    flow = GramFlow(spectrum, net.w1, net.w2)
    logarithmic = _logarithmic(spectrum, flow._settled.rows, t)
    candidates = [np.concatenate(flow.at(t))]
    if flow._leading is not None and (rows := flow._leading.at(t)) is not None:
        candidates.append(np.concatenate(spectrum.layers(rows)))
    expected = np.concatenate(spectrum.layers(logarithmic))
    for stacked in candidates:
        assert_allclose(stacked @ stacked.T, expected @ expected.T, atol=1e-10)


@given(seeds)
def test_a_wide_balanced_layer_keeps_the_sign_of_the_determinant_too(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    net = LinearNetwork.balanced(rng.standard_normal((n, n)), n + int(rng.integers(1, 4)), 0.0, 0.3, rng)
    wrong = sign(net.w2 @ net.w1) != sign(net.correlation)
    lost = np.linalg.svd(net.correlation, compute_uv=False)[-1] if wrong else 0.0
    assert_allclose(net.solve([np.inf])["loss"], lost**2 / 2, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("n", [3, 150, 301])
def test_large_networks_are_solved_as_small_ones(n):
    rng = np.random.default_rng(0)
    blocks = [LinearNetwork.balanced(rng.standard_normal((3, 3)), 3, 0.5, 0.3, rng) for _ in range(-(-n // 3))]

    def joined(name):
        whole = np.zeros((3 * len(blocks),) * 2)
        for k, block in enumerate(blocks):
            whole[3 * k : 3 * k + 3, 3 * k : 3 * k + 3] = getattr(block, name)
        return whole

    t = [0.3, 6.0, np.inf]
    run = LinearNetwork(joined("w1"), joined("w2"), joined("correlation")).solve(t)
    for k, block in enumerate(blocks):
        part = slice(3 * k, 3 * k + 3)
        for name in ("map", "gram_in", "gram_out"):
            assert_allclose(run[name][:, part, part], block.solve(t)[name], atol=1e-10)


def exact_gram(spectrum, rows, t):
    """Q Q' at the time `t` by the formula as it stands, in 200 digits, in the directions of the spectrum."""
    with mpmath.workdps(200):
        rates, now = [mpmath.mpf(rate) for rate in spectrum.rates], mpmath.mpf(t)
        b = mpmath.matrix(rows.tolist())
        phi = mpmath.diag([mpmath.expm1(2 * rate * now) / (2 * rate) if rate else now for rate in rates])
        grown = mpmath.diag([mpmath.exp(rate * now) for rate in rates]) * b
        inner = mpmath.eye(b.cols) + b.T * phi * b
        return np.array((grown * mpmath.inverse(inner) * grown.T).tolist(), dtype=float)


@pytest.mark.parametrize("t", [0.3, 4.0, 40.0])
@pytest.mark.parametrize(("imbalance", "decay"), [(0.0, 0.0), (0.0, 0.4), (1.3, 0.0), (-0.8, 0.0)])
@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_every_way_is_the_formula_in_many_digits(scale, imbalance, decay, t):
    """Weights that are large and small in turn, so that the order in which directions appear changes with time."""
    rng = np.random.default_rng(5)
    spectrum = Spectrum.of(
        np.diag([2.0, 1.7, 0.6])[:, :3] @ np.linalg.qr(rng.standard_normal((3, 3)))[0], imbalance, decay
    )
    rows = scale * rng.standard_normal((6, 2)) * np.array([1e-5, 1.0, 3.0, 0.5, 1.0, 0.2])[:, None]
    expected = exact_gram(spectrum, rows, t)
    level, common, fade = _levels(spectrum, t)
    norms = np.linalg.norm(rows, axis=1)
    ways = [_logarithmic(spectrum, rows, t)]
    for directions in _ordered_directions, _greedy_directions:
        with np.errstate(divide="ignore"):  # the logarithm of a zero entry
            found = directions(rows, norms, level, common)
        if found is not None:
            logs, signs, sizes = found
            upper = np.concatenate([signs * np.exp(logs), np.diag(np.exp(-common - sizes))])
            ways.append(fade[:, None] * np.linalg.qr(upper)[0][: len(rows)])
    for way in ways:
        assert_allclose(way @ way.T, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    inputs, outputs = spectrum.layers(rows)
    flow = GramFlow(spectrum, inputs.T, outputs)
    stacked = np.concatenate(flow.at(t))
    basis = np.concatenate(spectrum.layers(np.eye(6)))
    assert_allclose(basis.T @ (stacked @ stacked.T) @ basis, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_a_row_that_is_nearly_another_is_taken_for_its_remainder():
    """Two fast rows that differ by 1e-9: where directions are taken greedily, the second is what is left of it."""
    spectrum = Spectrum.of(np.diag([2.0, 1.9, 0.6]), 0.0, 0.0)
    rows = np.zeros((6, 3))
    rows[:3] = [[1.0, 0.5, 0.2], [1.0, 0.5 + 1e-9, 0.2], [0.3, -0.4, 1.0]]
    for t in (1.0, 6.0, 30.0):
        expected = exact_gram(spectrum, rows, t)
        way = _logarithmic(spectrum, rows, t)
        assert_allclose(way @ way.T, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_levels_are_the_logarithms_of_the_growth():
    """log sqrt of (exp(2 mu t) - 1) / 2 mu, and exp(mu t) over that root, for rates of either sign and 0."""
    spectrum = Spectrum.of(np.array([[2.0, 0.0, 0.0]]), 1.0, 0.0)
    rates, t = spectrum.rates, 1.7
    phi = np.where(rates == 0, t, np.expm1(2 * rates * t) / np.where(rates == 0, 1, 2 * rates))
    level, common, fade = _levels(spectrum, t)
    assert_allclose(level + common, np.log(phi) / 2, rtol=1e-13)
    assert_allclose(fade, np.exp(rates * t) / np.sqrt(phi), rtol=1e-13)
    still = Spectrum.of(np.zeros((1, 2)), 0.0, 0.0)
    level, common, fade = _levels(still, 9.0)
    assert_allclose(level, np.log(3.0), rtol=1e-15)
    assert common == 0
    assert_allclose(fade, 1 / 3, rtol=1e-15)
