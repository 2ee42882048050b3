import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels.layerwise.diagonal import DiagonalNetwork
from toymodels.layerwise.skills import SkillModel

models = st.builds(
    SkillModel, st.floats(0.2, 2), st.integers(1, 8), st.floats(0.5, 5), st.floats(1e-3, 0.4), st.floats(0.1, 2)
)


@given(models)
def test_skills_match_the_flow_of_their_two_factors(model):
    t, shares = np.linspace(0, 3, 5), model.frequencies
    root = np.full(model.n_skills, np.sqrt(model.initial))
    expected = integrate(lambda a: model.lr * shares * a * (model.target - a**2), root, t) ** 2
    run = model.solve(t)
    assert_same_flow(run["skill"], expected)
    assert_same_flow(run["loss"], 0.5 * (model.target - expected) ** 2 @ shares)
    assert_allclose(model.loss_in_time(t), run["loss"], **EXACT)


@given(models)
def test_each_skill_is_a_coordinate_of_the_diagonal_network(model):
    t, root = np.array([0.0, 2.0, 30.0]), np.sqrt(model.initial)
    diagonal = DiagonalNetwork(np.full(model.n_skills, model.target), root, root, model.lr * model.frequencies)
    assert_allclose(model.solve(t)["skill"], diagonal.solve(t)["product"], rtol=1e-11)


@given(models, st.floats(0.1, 0.9))
def test_skills_emerge_in_the_inverse_order_of_their_frequency(model, fraction):
    when = model.time_to(fraction)
    assert_allclose(when / when[0], model.frequencies[0] / model.frequencies, **EXACT)


def test_half_times_of_the_emergence_experiment():
    when = SkillModel(0.6, 5).time_to(0.5)
    assert_allclose(when / when[0], [1, 3.03, 5.80, 9.19, 13.1], rtol=4e-3)


def test_sigmoid_of_the_paper():
    model, t = SkillModel(0.6, 5, target=5.0, initial=0.01, lr=0.1), np.linspace(0, 50, 11)
    c = 5.0 / 0.01 - 1
    printed = 5.0 / (1 + c * np.exp(-2 * 0.1 * np.outer(t, model.frequencies) * 5.0))
    assert_allclose(model.solve(t)["skill"], printed, rtol=1e-11)


def test_training_on_a_sample_learns_exactly_the_skills_in_it():
    counts = np.array([5, 3, 0, 1])
    model = SkillModel(0.6, 4)
    skill = model.solve([np.inf], counts / counts.sum())["skill"][0]
    assert_allclose(skill, np.where(counts > 0, model.target, model.initial), rtol=1e-12)


def test_expected_loss_in_data_is_the_mean_over_samples():
    model, rng, n = SkillModel(0.6, 30), np.random.default_rng(0), 12
    counts = rng.multinomial(n, model.frequencies, size=4000)
    losses = 0.5 * model.target**2 * (counts == 0) @ model.frequencies
    error = losses.std() / np.sqrt(losses.size)
    assert abs(losses.mean() - model.loss_in_data(n)) < 4 * error


def test_loss_in_parameters_counts_the_skills_left_out():
    model = SkillModel(0.5, 6)
    expected = [0.5 * 25 * model.frequencies[n:].sum() for n in range(7)]
    assert_allclose(model.loss_in_parameters(np.arange(7)), expected, rtol=1e-12, atol=1e-15)


def slope(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[0]


@pytest.mark.parametrize("alpha", [0.6, 0.9])
def test_measured_slopes_are_the_exponents(alpha):
    model = SkillModel(alpha, 100_000, target=1.0, initial=0.01)
    x, exponents = np.geomspace(1e3, 1e4, 8), model.exponents()
    assert_allclose(-slope(x, model.loss_in_time(x)), exponents["time"], atol=0.01)
    assert_allclose(-slope(x, model.loss_in_data(x)), exponents["data"], atol=0.01)
    n = np.array([30, 100, 300])
    assert_allclose(-slope(n, model.loss_in_parameters(n)), exponents["parameters"], atol=0.03)


def test_best_split_of_compute_follows_its_exponent():
    alpha = 0.6
    model = SkillModel(alpha, 30_000, target=5.0, initial=0.01)
    times = np.geomspace(1e1, 1e5, 60)
    rooms = np.unique(np.geomspace(3, 3000, 60).astype(int))
    shares, gap = model.frequencies, model.target - model.initial
    state = np.array([shares * (gap * model._flow.at(t * shares).remaining) ** 2 / 2 for t in times])
    learned = np.cumsum(state, axis=1)[:, rooms - 1]
    loss = learned + model.loss_in_parameters(rooms)
    compute = np.outer(times, rooms)
    grid = np.geomspace(1e4, 1e6, 8)
    envelope = [loss[(compute < c) & (compute > c / 2)].min() for c in grid]
    assert_allclose(-slope(grid, envelope), model.exponents()["compute"], atol=0.02)


@pytest.mark.parametrize(("alpha", "published"), [(0.3, 1.29), (0.6, 1.20), (0.9, 1.06)])
def test_time_constant_is_the_published_one(alpha, published):
    assert_allclose(SkillModel(alpha, 10, 1.0, 0.01).constants()["time"] / 0.5, published, atol=5e-3)


def test_losses_approach_their_asymptotes():
    model = SkillModel(0.9, 200_000, target=1.0, initial=0.01)
    constants, exponents = model.constants(), model.exponents()
    for name, loss in (("time", model.loss_in_time(1e4)), ("data", model.loss_in_data(1e4))):
        assert_allclose(loss / (constants[name] * 1e4 ** -exponents[name]), 1, atol=0.03)
    assert_allclose(model.loss_in_parameters(300) / (constants["parameters"] * 300**-0.9), 1, atol=0.03)


def test_no_data_and_no_room_leave_the_whole_loss():
    for model in (SkillModel(0.6, 1), SkillModel(0.6, 50)):
        assert_allclose(model.loss_in_data([0]), 12.5, rtol=1e-12)
        assert_allclose(model.loss_in_parameters(0), 12.5, rtol=1e-12)
    assert SkillModel(0.6, 1).loss_in_data(1) == 0


endless = st.builds(
    SkillModel, st.floats(0.2, 3), st.just(np.inf), st.floats(0.5, 5), st.floats(1e-3, 6), st.floats(0.1, 2)
)


@given(endless, st.floats(0, 1e5))
def test_infinitely_many_skills_are_the_first_million_and_a_tail_between_bounds(model, x):
    last = 1_000_000
    shares = model.frequency(np.arange(1, last + 1))[::-1]
    rest = 2 * model.loss_in_parameters(last) / model.target**2  # the frequency of all others
    gap = model.target - model.initial

    def lost(share):
        return 0.5 * (gap * model._flow.at(model.lr * share * x).remaining) ** 2

    def missed(share):
        return 0.5 * model.target**2 * np.exp(x * np.log1p(-share))

    for loss, function in ((model.loss_in_time(x), lost), (model.loss_in_data(x), missed)):
        head = shares @ function(shares)
        bounds = np.sort([head + rest * function(shares[0]), head + rest * function(0.0)])
        assert bounds[0] * (1 - 1e-12) <= loss <= bounds[1] * (1 + 1e-12)


@given(endless, st.integers(1, 10**6))
def test_room_for_more_skills_takes_their_frequencies_off_the_loss(model, n):
    step = model.loss_in_parameters(n - 1) - model.loss_in_parameters(n)
    assert_allclose(step, 0.5 * model.target**2 * model.frequency(n), rtol=1e-7, atol=1e-15 * model.target**2)


@pytest.mark.parametrize("target", [1.0, 5.0])
def test_infinitely_many_skills_obey_the_laws_where_a_hundred_thousand_bend_them(target):
    x = np.geomspace(1e3, 1e4, 8)
    model, finite = (SkillModel(0.3, number, target=target, initial=0.1 * target) for number in (np.inf, 100_000))
    assert_allclose(slope(x, model.loss_in_time(x)), -0.3 / 1.3, atol=1e-9)
    assert_allclose(slope(x, model.loss_in_data(x)), -0.23072, atol=5e-6)
    assert_allclose(slope(x.round(), model.loss_in_parameters(x.round())), -0.299944, atol=5e-7)
    if target == 1:
        assert_allclose(slope(x, finite.loss_in_time(x)), -0.2756, atol=1e-4)


@given(st.floats(0.1, 2), st.floats(0.3, 3), st.floats(0.1, 10))
def test_infinitely_many_skills_meet_their_asymptotes(alpha, target, lr):
    model = SkillModel(alpha, np.inf, target=target, initial=0.01 * target, lr=lr)
    constants, exponents, late = model.constants(), model.exponents(), 10.0 ** (10 * (alpha + 1))
    for name, law, x in (("time", model.loss_in_time, late / (lr * target)), ("data", model.loss_in_data, late)):
        assert_allclose(law(x) / (constants[name] * x ** -exponents[name]), 1, rtol=1e-6)


def test_many_skills_approach_infinitely_many():
    t = [0.0, 3.0, 50.0]
    all_of_them = SkillModel(1.0, np.inf).loss_in_time(t)
    gaps = [np.abs(SkillModel(1.0, number).loss_in_time(t) - all_of_them).max() for number in (100, 1000, 10_000)]
    assert_allclose(np.divide(gaps[:-1], gaps[1:]), 10, rtol=0.05)


@pytest.mark.parametrize("alpha", [0.01, 0.3, 5.0, 1000.0])
def test_infinitely_many_skills_at_the_ends_of_time_and_data(alpha):
    model = SkillModel(alpha, np.inf, target=1.0, initial=0.01)
    ends = np.array([0.0, 1e300, 1e308])
    for loss, whole in ((model.loss_in_time(ends), 0.99**2 / 2), (model.loss_in_data(ends), 0.5)):
        assert_allclose(loss[0], whole, rtol=1e-12)
        assert np.all(np.isfinite(loss))
        assert np.all(loss[1:] < loss[0])
    assert_allclose(model.loss_in_parameters(0), 0.5, rtol=1e-12)


def test_what_has_an_entry_per_skill_is_refused_for_infinitely_many():
    model = SkillModel(0.3, np.inf)
    assert model.is_infinite
    for wanted in (lambda: model.frequencies, lambda: model.solve([1.0]), lambda: model.time_to(0.5)):
        with pytest.raises(ValueError, match=r"n_skills must be finite for .*, which has an entry per skill, got inf"):
            wanted()


def test_frequencies_by_rank():
    model = SkillModel(0.6, 7)
    assert_allclose(model.frequency(np.arange(1, 8)), model.frequencies, **EXACT)
    with pytest.raises(ValueError, match="k must be >= 1, got 0"):
        model.frequency(0)
    with pytest.raises(ValueError, match="k must be <= n_skills = 7, got 8"):
        model.frequency(8)


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3).filter(any))
def test_counts_over_their_sum_are_shares_and_absent_skills_stay(counts):
    model = SkillModel(0.6, 3)
    skill = model.solve([0.0, np.inf], np.array(counts) / sum(counts))["skill"][1]
    assert_allclose(skill, np.where(np.array(counts) > 0, model.target, model.initial))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 5), "alpha must be > 0, got 0"),
        ((0.6, 0), "n_skills must be >= 1"),
        ((0.6, 5.0), r"n_skills must be an integer, got 5\.0"),
        ((0.6, np.nan), "n_skills must be an integer, got nan"),
        ((torch.tensor(1.0, requires_grad=True), 5), "alpha must not require a gradient"),
        ((0.6, 5, 0.0), "target must be > 0, got 0"),
        ((0.6, 5, 1.0, 0.0), "initial must be > 0"),
        ((0.6, 5, 1.0, 0.1, -1.0), "lr must be > 0"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SkillModel(*arguments)


def test_bad_arguments_are_refused():
    model = SkillModel(0.6, 5)
    with pytest.raises(ValueError, match="n must be <= n_skills = 5, got 6"):
        model.loss_in_parameters(6)
    with pytest.raises(ValueError, match=r"n must be integers, got 1\.5"):
        model.loss_in_parameters(1.5)
    with pytest.raises(ValueError, match=r"frequencies must have shape \(5,\)"):
        model.solve([1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"frequencies must be shares, of sum <= 1, got a sum of 81"):
        model.solve([1.0], [50, 20, 10, 1, 0])
    with pytest.raises(ValueError, match=r"frequencies must be >= 0, got -0\.5"):
        model.solve([1.0], [1.0, 0.5, 0.0, 0.0, -0.5])
    with pytest.raises(ValueError, match="frequencies must not be masked"):
        model.solve([1.0], np.ma.masked_greater(model.frequencies, 0))
    with pytest.raises(ValueError, match="t must not be masked"):
        model.loss_in_time(np.ma.masked_equal([1.0], 1))
    with pytest.raises(ValueError, match="t must be >= 0"):
        model.loss_in_time(-1.0)
    with pytest.raises(ValueError, match="initial must be < target = 5, got 6"):
        SkillModel(0.6, 5, initial=6.0).constants()
