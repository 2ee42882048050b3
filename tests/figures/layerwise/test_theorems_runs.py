"""Experiments behind the theorems: against scalar flows of their own, and with flows that break what is proved."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from figures.layerwise import theorems_runs
from figures.layerwise.theorems_runs import (
    SAMPLES,
    START,
    STRENGTHS,
    Theorems,
    aligned,
    balanced,
    conserved,
    half_times,
    limit,
    scalar,
    skills,
    worst_step_or_end,
)

SETTINGS = Theorems(n_times=60)


class Drawn:
    """A generator whose uniform numbers are those given, in their order, within the bounds that are asked for."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def uniform(self, low, high):
        number = self.numbers.pop(0)
        assert low <= number <= high
        return number


def mode(start, target, imbalance, t):
    """A product a b at times t, by its own equation: d(ab)/dt = (a^2 + b^2) (target - ab), a^2 - b^2 conserved."""

    def rate(_, theta):
        return np.hypot(imbalance, 2 * theta) * (target - theta)

    return solve_ivp(rate, (0, t[-1]), [start], t_eval=t, rtol=1e-11, atol=1e-13).y[0]


class TestAligned:
    @pytest.mark.parametrize("imbalance", [-30.0, -0.5, 0.0, 2.0])
    def test_each_mode_is_that_of_its_own_scalar_flow(self, imbalance):
        run = aligned(SETTINGS, np.random.default_rng(1), imbalance)
        t = run["t"]
        assert t.shape == (60,)
        assert_allclose([t[0], t[-1]], [0, 12 / np.hypot(0.5, imbalance / 2)])
        expected = np.stack([mode(START, strength, imbalance, t) for strength in STRENGTHS], axis=1)
        assert_allclose(run["modes"], expected, atol=1e-7)
        assert_allclose(run["half"], half_times(t, expected), rtol=1e-6)
        assert run["missed"] == pytest.approx(worst_step_or_end(expected), abs=1e-6)

    def test_the_error_is_of_the_whole_map_over_the_strongest_mode(self, monkeypatch):
        def still(w1, w2, correlation, covariance, t):
            return (w + 1e-9 * np.linspace(0, 1, len(t))[:, None, None] for w in (w1, w2))  # both by as much

        monkeypatch.setattr(theorems_runs, "two_layers", still)
        run = aligned(SETTINGS, np.random.default_rng(2), 0.0)
        assert_allclose(run["modes"], START, rtol=1e-5)
        assert_allclose(run["error"], np.linalg.norm(STRENGTHS - START) / 2, rtol=0.01)
        assert_allclose(run["missed"], (2 - START) / 2, rtol=1e-6)
        assert run["heavy"] == pytest.approx(1, rel=1e-3)
        assert np.isinf(run["half"]).all()

    @pytest.mark.parametrize(("imbalance", "expected"), [(-3.0, 1 / 3), (0.0, 3), (3.0, 3)])
    def test_the_heavier_layer_is_the_second_from_a_positive_imbalance_on(self, imbalance, expected, monkeypatch):
        def moved(w1, w2, correlation, covariance, t):
            heavier, lighter = (w1, w2) if imbalance < 0 else (w2, w1)
            assert_allclose(heavier @ heavier.T - lighter @ lighter.T, abs(imbalance) * np.eye(3), atol=1e-12)
            for size, w in zip((2, 6), (w1, w2), strict=True):
                yield w[None] + size * np.linspace(0, 1, len(t))[:, None, None] * np.eye(3)

        monkeypatch.setattr(theorems_runs, "two_layers", moved)
        assert_allclose(aligned(SETTINGS, np.random.default_rng(3), imbalance)["heavy"], expected)

    def test_halves_come_in_the_order_of_the_modes_from_a_balanced_start_and_together_from_far_off(self):
        balanced_start = aligned(Theorems(n_times=400), np.random.default_rng(4), 0.0)["half"]
        assert_allclose(balanced_start, np.log(STRENGTHS / START - 1) / (2 * STRENGTHS), rtol=1e-3)
        far = aligned(Theorems(n_times=400), np.random.default_rng(4), -100.0)["half"]
        assert_allclose(far, np.log(2 * (1 - START / STRENGTHS)) / 100, rtol=1e-3)


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ([[0, 0, 0], [2, 1, 0.5]], 0),
        ([[0, 0, 0], [2.2, 1, 0.5]], 0.1),  # beyond its target
        ([[0, 0, 0], [2, 1, 0.4]], 0.2),
        ([[0, 0.7, 0], [2, 0.4, 0], [2, 1, 0.5]], 0.3),
    ],
)
def test_what_is_missed_is_a_share_of_the_own_target(modes, expected):
    assert worst_step_or_end(np.array(modes, dtype=float)) == pytest.approx(expected)


@given(st.floats(0.05, 0.95), st.floats(1.0, 9.0))
def test_half_times_scale_with_the_clock_and_are_infinite_below_a_half(end, clock):
    t = np.linspace(0, clock, 7)
    ramp = end * STRENGTHS * (t / clock)[:, None]
    expected = clock * 0.5 / end if end >= 0.5 else np.inf
    assert_allclose(half_times(t, ramp), [expected] * 3)


class TestLimit:
    @pytest.mark.parametrize("imbalance", [0.01, 1.0, 300.0])
    @pytest.mark.parametrize(("power", "target"), [(-1.5, 0.8), (-1.0, 2.0)])
    def test_distances_are_those_of_the_scalar_flow(self, imbalance, power, target):
        found = limit(Theorems(n_times=300), Drawn(power, target), imbalance)
        start = 10**power
        t = np.linspace(0, 10 / np.hypot(target, imbalance / 2), 300)
        theta = mode(start, target, imbalance, t)
        odds = start / (target - start) * np.exp(2 * target * t)
        sigmoid, exponential = target * odds / (1 + odds), target - (target - start) * np.exp(-imbalance * t)
        assert_allclose(found["sigmoid"], np.abs(theta - sigmoid).max() / target, atol=1e-7)
        assert_allclose(found["exponential"], np.abs(theta - exponential).max() / target, atol=1e-7)


@pytest.mark.parametrize(("start", "target"), [(0.01, 2.0), (10.0, 0.5)])
def test_a_balanced_way_does_not_depend_on_its_target(start, target):
    one, other = (balanced(Theorems(), Drawn(each), start)["exponential"] for each in (target, 1.25))
    assert one == pytest.approx(other, rel=1e-4)


class TestConserved:
    def test_a_drift_is_a_share_of_how_far_the_larger_square_moves(self, monkeypatch):
        def flow(a0, b0, target, variance, t):
            assert a0.shape == b0.shape == target.shape == variance.shape == (4,)
            grown = np.outer(t, [0.0, 0.3, 0.1, 0.2])  # of a^2, from 4 to at most 7; of b^2 from 1, to 11 in all
            return np.sqrt(4 + grown), np.sqrt(1 + t)[:, None] * np.ones(4)

        monkeypatch.setattr(theorems_runs, "products", flow)
        run = conserved(SETTINGS, np.random.default_rng(5), "diagonal")
        assert_allclose(run["t"], np.linspace(0, 10, 60))
        assert_allclose(run["drift"], run["t"] / 10)  # of the product whose first square stays

    def test_a_drift_of_matrices_is_of_their_largest_entry(self, monkeypatch):
        def flow(w1, w2, correlation, covariance, t):
            assert (w1.shape, w2.shape, correlation.shape, covariance.shape) == ((4, 5), (3, 4), (3, 5), (5, 5))
            assert np.linalg.matrix_rank(covariance) == 5
            first, second = np.zeros((len(t), 4, 5)), np.zeros((len(t), 3, 4))
            first[:, 0, 0], second[:, 0, 1], second[:, 0, 0] = 0.1 * t, 0.2 * t, 0.3
            return first, second

        monkeypatch.setattr(theorems_runs, "two_layers", flow)
        run = conserved(SETTINGS, np.random.default_rng(5), "matrix")
        # W1 W1' has .01 t^2 in one entry; W2' W2 has .04 t^2 in another one, and .06 t beside the diagonal
        assert_allclose(run["drift"], 0.04 * run["t"] ** 2 / 4 * np.ones(60) + 0 * run["t"], atol=0.15)
        assert_allclose(run["drift"][-1], 1)
        assert_allclose(run["drift"][:20], np.maximum(0.06 * run["t"], 0.04 * run["t"] ** 2)[:20] / 4)

    def test_inputs_are_not_white_and_as_many_as_said(self, monkeypatch):
        seen = []

        def flow(w1, w2, correlation, covariance, t):
            seen.append(covariance)
            return np.ones((len(t), 4, 5)) * t[:, None, None], np.ones((len(t), 3, 4)) * t[:, None, None]

        monkeypatch.setattr(theorems_runs, "two_layers", flow)
        for seed in range(200):
            conserved(SETTINGS, np.random.default_rng(seed), "matrix")
        assert_allclose(np.mean(seen, axis=0), np.eye(5), atol=0.1)
        assert_allclose(np.var(seen, axis=0)[~np.eye(5, dtype=bool)], 1 / SAMPLES, rtol=0.4)


class TestScalar:
    @pytest.mark.parametrize("ratio", [-2.0, 0.5, 10.0])
    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_growth_is_that_of_its_own_equation(self, ratio, seed):
        run = scalar(Theorems(n_times=50, units=6), np.random.default_rng(seed), ratio)
        rng = np.random.default_rng(seed)
        a0, b0 = 10 ** rng.uniform(-1, 0.5) * rng.standard_normal((2, 6))
        target = ratio * (a0 @ a0 + b0 @ b0) / 2
        plus, minus = (((a0 + sign * b0) ** 2).sum() / 4 for sign in (1, -1))

        def rate(_, log_gamma):  # a + b grows as sqrt(gamma), a - b shrinks as it: ab = plus gamma - minus / gamma
            return 2 * (target - plus * np.exp(log_gamma) + minus * np.exp(-log_gamma))

        end = (target + np.sqrt(target**2 + 4 * plus * minus)) / (2 * plus)
        assert_allclose(run["gamma"][0], 1)
        longest = 40 / np.sqrt(target**2 + 4 * plus * minus)
        whole = solve_ivp(rate, (0, longest), [0.0], rtol=1e-10, atol=1e-12, dense_output=True)
        t = np.linspace(0, longest, 200_000)
        gamma = np.exp(whole.sol(t)[0])
        product = plus * gamma - minus / gamma
        way = (product - product[0]) / (target - product[0])
        reached = np.interp(0.999, way, t)
        assert_allclose(run["gamma"], np.exp(whole.sol(np.linspace(0, reached, 50))[0]), rtol=1e-4)
        assert max(run["solution"], run["limit"]) < 1e-6
        assert run["backward"] == run["unexpected"] == 0
        assert abs(run["gamma"][-1] / end - 1) < 0.01

    def flow(self, monkeypatch, change):
        real = theorems_runs.scalar_network

        def changed(a0, b0, target, normalizer, t):
            return change(*real(a0, b0, target, normalizer, t))

        monkeypatch.setattr(theorems_runs, "scalar_network", changed)
        return scalar(Theorems(n_times=50, units=6), np.random.default_rng(3), 5.0)

    def test_another_solution_is_as_far_off_as_it_is(self, monkeypatch):
        expected = []

        def other(a, b):
            off = np.zeros_like(a)
            off[:, 0] = 0.25 * np.linspace(0, 1, len(a))
            expected.append(0.25 / np.abs(a + off).max())
            return a + off, b - off  # the sum, and so the growth, stays

        run = self.flow(monkeypatch, other)
        assert run["solution"] == pytest.approx(expected[0], rel=1e-6)
        assert run["limit"] < 1e-6
        assert run["backward"] == 0

    def test_steps_back_are_counted_one_by_one(self, monkeypatch):
        def back(a, b):
            if len(a) < 50:
                return a, b
            order = np.arange(50)
            order[[10, 11, 30, 31]] = [11, 10, 31, 30]
            return a[order], b[order]

        assert self.flow(monkeypatch, back)["backward"] == 2

    def test_an_end_elsewhere_is_told_as_a_share_of_the_limit(self, monkeypatch):
        run = self.flow(monkeypatch, lambda a, b: (1.1 * a, 1.1 * b) if len(a) == 2 else (a, b))
        assert run["limit"] == pytest.approx(0.21, rel=1e-5)

    def test_a_bend_where_none_is_told_is_unexpected(self, monkeypatch):
        assert self.flow(monkeypatch, lambda a, b: (a, b))["unexpected"] == 0
        monkeypatch.undo()
        run = self.flow(monkeypatch, lambda a, b: (np.repeat(a[:1], len(a), 0), np.repeat(b[:1], len(b), 0)))
        assert (run["inflection"], run["unexpected"]) == (0, 1)


@pytest.mark.parametrize("alpha", [0.3, 1.5])
def test_every_skill_is_read_at_its_half_and_over_that_of_the_first(alpha, monkeypatch):
    settings = Theorems(n_skills=4, n_times=20)
    products = skills(settings, np.random.default_rng(6), alpha)["product"]
    assert_allclose(products, 1, rtol=0.01)

    def flow(a0, b0, target, frequency, t):  # skills that rise as t / 3, t / 6, ...
        assert_allclose(frequency, np.arange(1, 5.0) ** -(alpha + 1))
        assert len(t) == 200
        return np.minimum(t[:, None] / (3 * np.arange(1, 5)), 1), np.ones((len(t), 4))

    monkeypatch.setattr(theorems_runs, "products", flow)
    t = skills(settings, np.random.default_rng(6), alpha)["product"]
    assert_allclose(t, np.arange(1, 5) * np.arange(1, 5.0) ** -(alpha + 1), rtol=1e-6)
