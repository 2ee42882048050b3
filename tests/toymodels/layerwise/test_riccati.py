import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels.layerwise.riccati import TwoFactorFlow, grown_weights, transition

weight = st.floats(-2, 2)
target = st.floats(-3, 3)
INITIAL = (0.0, 1e-100, 1e-8, 1.0, 1e4)  # square roots of products from 0 to 1e8


def exact(a, b, s, t):
    """Progress and remainder with 400 digits, from y alone."""
    with mpmath.workdps(400):
        a, b, s, t = (mpmath.mpf(float(v)) for v in (a, b, s, t))
        p, q = (a + b) ** 2 / 4, (a - b) ** 2 / 4
        gap = mpmath.sqrt(s**2 + 4 * p * q)
        if gap == 0:
            gone = 2 * t * (p + q)
            return gone / (1 + gone), 1 / (1 + gone)
        e = mpmath.exp(-2 * gap * t)
        top = 2 * e + (1 - e) / gap * (gap + s + 2 * q)
        bottom = 2 * e + (1 - e) / gap * (gap - s + 2 * p)
        y = top / bottom
        f, start = p * y - q / y, p - q
        return (f - start) / (s - start), (s - f) / (s - start)


@pytest.mark.parametrize("a", INITIAL)
@pytest.mark.parametrize("ratio", [0.0, 1.0, -1.0, 0.3, -1e-6])
@pytest.mark.parametrize("s", [-3.0, 0.0, 1e-8, 2.0])
def test_progress_and_remainder_keep_their_relative_accuracy(a, ratio, s):
    b = a * ratio
    t = np.array([1e-280, 1e-8, 0.1, 3.0, 40.0])
    flow = TwoFactorFlow.from_weights(a, b, s)
    t = t[2 * t * flow.gap < 600]  # beyond, what remains is below the smallest float
    state = flow.at(t)
    assert np.all(np.isfinite(state.function))
    if a > 0 and a * b != s:  # else nothing moves
        expected = np.array([[float(v) for v in exact(a, b, s, time)] for time in t])
        # rounding of the exponent r Delta t is amplified by the exponent itself
        tolerance = 1e-14 * (10 + 4 * t * flow.gap)
        assert np.all(np.abs(state.progress - expected[:, 0]) <= tolerance * expected[:, 0])
        assert np.all(np.abs(state.remaining - expected[:, 1]) <= tolerance * expected[:, 1])


@given(weight, weight, target, st.floats(0, 4))
def test_y_drives_both_weights(a, b, s, t):
    flow = TwoFactorFlow.from_weights(a, b, s)
    state = flow.at(np.array([0.0, t + 1e-9]))
    ends = np.array(grown_weights(a, b, state.growth)).T
    expected = integrate(lambda w: (s - w[0] * w[1]) * w[::-1], [a, b], np.array([0.0, t + 1e-9]))
    assert_same_flow(ends[0], np.array([a, b]))
    assert_same_flow(ends[1], expected[1])


@given(weight, weight, target)
def test_residual_obeys_its_equation(a, b, s):
    flow, t, h = TwoFactorFlow.from_weights(a, b, s), np.linspace(0.1, 2, 7), 1e-5
    y = flow.at(t).growth ** 2
    slope = (flow.at(t + h).function - flow.at(t - h).function) / (2 * h)
    speed = 2 * (flow.aligned * y + flow.opposed / y) * (s - flow.at(t).function)
    assert_allclose(slope, speed, rtol=1e-6, atol=1e-7)


@given(weight, weight, target, st.floats(0.05, 0.95))
def test_time_to_a_fraction_inverts_the_progress(a, b, s, part):
    flow = TwoFactorFlow.from_weights(a, b, s)
    t = flow.time_to(part)
    assume(np.isfinite(t) and t < 1e12)
    assert_allclose(flow.at(t).progress, part, rtol=1e-12)


@given(weight, weight, target)
def test_progress_is_monotone_within_0_and_1_and_complements_the_remainder(a, b, s):
    state = TwoFactorFlow.from_weights(a, b, s).at(np.append(np.linspace(0, 9, 40), np.inf))
    assert np.all((state.progress >= 0) & (state.progress <= 1 + 1e-15))
    assert np.all(np.diff(state.progress) >= -1e-14)
    assert_allclose(state.progress + state.remaining, 1, **EXACT)


@pytest.mark.parametrize("t", [0.0, 1e-300, 1e6, np.inf])
@pytest.mark.parametrize("a", [0.0, 1e-100, 1e8])
@pytest.mark.parametrize("b", [0.0, -1e-100, 1e-100, 1e8, -1e8])
@pytest.mark.parametrize("s", [-2.0, 0.0, 1e-150, 3.0])
def test_every_extreme_is_finite_without_warnings(t, a, b, s):
    flow = TwoFactorFlow.from_weights(a, b, s)
    state = flow.at(t)
    assert np.isfinite([state.function, state.progress, state.remaining]).all()
    assert not np.isnan([flow.limit(), flow.time_to(0.5)]).any()


def test_saddles_are_reached_and_never_passed():
    late = np.array([1.0, 10.0, 150.0, np.inf])
    anti = TwoFactorFlow.from_weights(1.0, -1.0, 2.0)  # P = 0, target above
    assert_allclose(anti.at(late).function[:3], -1 / (1.5 * np.exp(4 * late[:3]) - 0.5), rtol=1e-11)
    assert anti.at(np.inf).function == 0
    assert anti.limit() == np.inf
    assert anti.time_to(0.5) == np.inf
    assert np.isfinite(anti.time_to(0.2))
    aligned = TwoFactorFlow.from_weights(1.0, 1.0, -2.0)  # Q = 0, target below
    assert_allclose(aligned.at(late).function, -anti.at(late).function, rtol=1e-13)
    assert aligned.limit() == 0


def test_zero_weights_stay_zero():
    flow = TwoFactorFlow.from_weights(0.0, 0.0, 2.0)
    assert_allclose(flow.at(np.array([1.0, np.inf])).function, 0)
    assert flow.time_to(0.5) == np.inf
    assert flow.limit() == 1


def test_zero_target_decays_algebraically_when_balanced_and_exponentially_otherwise():
    t = np.array([0.5, 7.0, 1e5])
    balanced = TwoFactorFlow.from_weights(1.5, 1.5, 0.0)
    assert_allclose(balanced.at(t).function, 2.25 / (1 + 2 * 2.25 * t), rtol=1e-14)
    unequal = TwoFactorFlow.from_weights(1.5, 0.5, 0.0)
    rate = -np.log(unequal.at(12.0).function / unequal.at(10.0).function) / 2
    assert_allclose(rate, 2 * unequal.gap, rtol=1e-9)


@given(st.floats(-2, 2), st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 3))
def test_transition_matches_the_flow_of_its_two_weights(initial, imbalance, end, t):
    root = np.hypot(imbalance / 2, initial)
    w2 = np.sqrt(max(root + imbalance / 2, 0))
    w1 = np.sqrt(max(root - imbalance / 2, 0)) * (np.sign(initial) or 1.0)
    times = np.array([t / 2, t])
    expected = integrate(lambda w: (end - w[0] * w[1]) * w[::-1], [w1, w2], times).prod(axis=1)
    assume(abs(w1 * w2 - initial) < 1e-12)
    got = transition(times, target=end, initial=initial, imbalance=imbalance)
    assert_same_flow(got, expected)


@given(st.floats(0.01, 2), st.floats(0.1, 3), st.floats(0, 5))
def test_transition_without_imbalance_is_the_sigmoid(initial, end, t):
    sigmoid = end / (1 + (end / initial - 1) * np.exp(-2 * end * t))  # Eq. 9
    got = [transition(t, target=end, initial=initial, imbalance=lam) for lam in (0.0, 1e-9, -1e-9)]
    assert_allclose(got[0], sigmoid, **EXACT)
    assert_allclose(got[1:], sigmoid, rtol=1e-8)
    assert got[1] == got[2]


def test_transition_with_large_imbalance_is_exponential_with_an_error_of_second_order():
    x = np.linspace(0.1, 4, 20)
    errors = []
    for imbalance in (1e2, 1e3, 1e4):
        s = transition(x / imbalance, target=1.3, initial=0.4, imbalance=-imbalance)
        errors.append(np.abs((s - 0.4) / 0.9 + np.expm1(-x)).max())
    assert_allclose(np.log10(np.divide(errors[:-1], errors[1:])), 2, atol=0.05)


def test_transition_broadcasts_and_passes_through_zero_imbalance_smoothly():
    lam = np.array([-1e6, -1e-8, 0.0, 1e-8, 1e6])
    s = transition(np.array([[0.0], [1.0], [np.inf]]), target=2.0, initial=0.1, imbalance=lam)
    assert s.shape == (3, 5)
    assert_allclose(s[0], 0.1, rtol=1e-14)
    assert_allclose(s[2], 2.0, rtol=1e-14)
    assert_allclose(s[1, 1:4], s[1, 2], rtol=1e-12)
    assert_allclose(s[:, 0], s[:, -1], rtol=1e-14)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="t must be >= 0 and not NaN, got -1"):
        transition([0.0, -1.0], target=1.0, initial=0.1, imbalance=0.0)
    with pytest.raises(ValueError, match="imbalance must be finite, got nan"):
        transition(1.0, target=1.0, initial=0.1, imbalance=np.nan)
    for t, message in (("a", "t must be numeric, got 'a'"), ([1j], "t must be real")):
        with pytest.raises(ValueError, match=message):
            transition(t, target=1.0, initial=0.1, imbalance=0.0)
    shapes = r"t, initial, imbalance and target must broadcast, got shapes \(2,\), \(\), \(\), \(3,\)"
    with pytest.raises(ValueError, match=shapes):
        transition([0.0, 1.0], target=np.ones(3), initial=0.1, imbalance=0.0)
    with pytest.raises(ValueError, match="must broadcast"):
        transition(1.0, target=np.ones(3), initial=np.ones(2), imbalance=0.0)
    with pytest.raises(ValueError, match=r"fraction must be in \(0, 1\), got 1"):
        TwoFactorFlow.from_weights(1.0, 1.0, 2.0).time_to(1.0)


def test_a_single_weight_grows_like_one_of_many():
    a, b = grown_weights(1.0, 2.0, 3.0)
    many = grown_weights(np.array([1.0]), np.array([2.0]), np.array([3.0]))
    assert (a, b) == (many[0].item(), many[1].item())
    assert not np.shares_memory(*many)


def test_a_saddle_among_other_flows_is_reached_like_one_alone():
    pairs = [(1.0, -1.0), (0.5, 1.5), (1.0, 1.0)]
    targets = np.array([2.0, 2.0, -2.0])
    together = TwoFactorFlow.from_weights(*np.array(pairs).T, targets)
    for t in (1.0, 150.0, np.inf):
        alone = [TwoFactorFlow.from_weights(*pair, s).at(t) for pair, s in zip(pairs, targets, strict=True)]
        for part in ("function", "progress", "remaining", "growth"):
            assert_allclose(getattr(together.at(t), part), [getattr(each, part) for each in alone], rtol=1e-14)


@pytest.mark.parametrize(
    ("target", "initial", "t"),
    [
        (1e200, 1e-200, [1e-300, 1e-198, 2.2e-198, 4.6e-198, 4.61e-198, 5e-198, 1.0, 1e300]),
        (1e150, 1e-250, [1e-148, 4.6e-148, 4.7e-148, 1.0]),
        (1.0, 1e-320, [1.0, 300.0, 370.0, 400.0]),
        (1e-200, 1e200, [1e-220, 1e-200, 1.0, 1e200, 1e201]),
        (-1e200, -1e-200, [2.2e-198, 4.61e-198, 1.0]),
    ],
)
def test_sigmoids_over_hundreds_of_decades_are_those_of_many_digits(target, initial, t):
    with mpmath.workdps(900):
        end, start = mpmath.mpf(target), mpmath.mpf(initial)
        wanted = [float(end / (1 + (end / start - 1) * mpmath.exp(-2 * abs(end) * mpmath.mpf(time)))) for time in t]
    assert_allclose(transition(t, target=target, initial=initial, imbalance=0), wanted, rtol=1e-12)


def test_numbers_whose_sums_overflow_are_refused():
    with pytest.raises(ValueError, match="target must be at most 1e\\+280 in size, got 1e\\+308"):
        transition([1.0], target=1e308, initial=0.1, imbalance=0.0)
