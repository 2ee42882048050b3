import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import ORDER
from tests.toymodels.layerwise.flows import assert_same_flow, integrate
from toymodels.layerwise import DeepMode, ScalarChain, ScalarNetwork
from toymodels.trajectory import SimulationError

T = np.array([0.0, 0.2, 1.0, 3.0])
sizes = st.floats(0.05, 2.0)
weights = st.builds(lambda size, sign: sign * size, sizes, st.sampled_from([-1.0, 1.0]))
few = settings(max_examples=25)
chains = st.builds(ScalarChain, st.lists(weights, min_size=2, max_size=5), st.floats(-3, 3))


def slopes(w):
    return np.array([np.prod(np.delete(w, i)) for i in range(len(w))])


def descent_direction(w, target):
    return (target - np.prod(w)) * slopes(w)


def numeric_hessian(w, target, h=1e-5):
    columns = [
        descent_direction(w - h * axis, target) - descent_direction(w + h * axis, target) for axis in np.eye(len(w))
    ]
    return np.array(columns) / (2 * h)


@few
@given(chains)
def test_solution_matches_the_raw_flow(chain):
    expected = integrate(lambda w: descent_direction(w, chain.target), chain.weights, T)
    run = chain.solve(T)
    assert_same_flow(run["weights"], expected)
    assert_same_flow(run["function"], np.prod(expected, axis=1))
    assert_same_flow(run["residual"], chain.target - np.prod(expected, axis=1))
    assert_same_flow(run["ntk"], [np.sum(slopes(w) ** 2) for w in expected])


@few
@given(chains)
def test_sharpness_is_the_top_eigenvalue_of_the_numeric_hessian(chain):
    for run in (chain.solve(T), chain.simulate(3, 0.01)):
        tops = [np.linalg.eigvalsh(numeric_hessian(w, chain.target))[-1] for w in run["weights"]]
        assert_allclose(run["sharpness"], tops, rtol=1e-6, atol=1e-6)
    assert chain.sharpness_at_start == run["sharpness"][0]


@few
@given(chains)
def test_the_minimum_is_where_the_flow_ends(chain):
    assume(chain.start * chain.target > 0.01)
    w = chain.minimum
    assert_allclose(np.prod(w), chain.target, rtol=1e-12)
    assert_allclose(w**2 - w[0] ** 2, chain.weights**2 - chain.weights[0] ** 2, rtol=1e-9, atol=1e-11)
    assert (np.sign(w) == np.sign(chain.weights)).all()
    assert_allclose(chain.sharpness_at_minimum, chain.target**2 * np.sum(1 / w**2), rtol=1e-9)
    late = chain.solve([60 / np.min([chain.sharpness_at_minimum, np.sum(slopes(chain.weights) ** 2)]), np.inf])
    assert_allclose(late["weights"], [w, w], rtol=1e-8)
    assert_allclose(late["sharpness"], chain.sharpness_at_minimum, rtol=1e-8)
    assert_allclose(late["ntk"], chain.sharpness_at_minimum, rtol=1e-8)


@few
@given(chains)
def test_squares_keep_their_differences_and_the_loss_falls(chain):
    run = chain.solve(np.linspace(0, 5, 30))
    squares = run["weights"] ** 2
    assert_allclose(squares - squares[:, :1], np.tile(squares[0] - squares[0, 0], (30, 1)), rtol=1e-9, atol=1e-10)
    assert (np.diff(run["loss"]) <= 1e-12).all()
    assert_allclose(run["loss"], run["residual"] ** 2 / 2)


@few
@given(chains)
def test_restarting_half_way_gives_the_same_end(chain):
    half, whole = chain.solve([0.7]), chain.solve([2.0])
    rest = ScalarChain(half["weights"][0], chain.target).solve([1.3])
    for name in ("weights", "function", "ntk", "sharpness"):
        assert_allclose(rest[name], whole[name], rtol=1e-7, atol=1e-8)


@few
@given(chains, st.randoms(use_true_random=False))
def test_order_and_pairs_of_signs_do_not_matter(chain, random):
    run, order = chain.solve(T), list(range(chain.depth))
    random.shuffle(order)
    permuted = ScalarChain(chain.weights[order], chain.target).solve(T)
    assert_allclose(permuted["weights"], run["weights"][:, order], rtol=1e-8, atol=1e-9)
    signs = np.r_[-1.0, np.ones(chain.depth - 1)]
    for flipped, target in ((signs, -chain.target), (signs * signs[::-1], chain.target)):
        other = ScalarChain(flipped * chain.weights, target).solve(T)
        assert_allclose(other["weights"], flipped * run["weights"], rtol=1e-8, atol=1e-9)
        assert_allclose(other["sharpness"], run["sharpness"], rtol=1e-7, atol=1e-8)


@few
@given(sizes, weights, st.floats(-3, 3))
def test_two_weights_are_the_scalar_network(a, b, target):
    run, network = ScalarChain([a, b], target).solve(T), ScalarNetwork([a], [b], target).solve(T)
    assert_same_flow(run["function"], network["function"])
    assert_same_flow(run["weights"], np.hstack([network["a"], network["b"]]))
    assert_same_flow(run["ntk"], network["ntk"])


@few
@given(st.integers(2, 5), st.floats(0.3, 1.5), st.floats(0.3, 3))
def test_equal_weights_are_the_deep_mode(depth, size, target):
    run, mode = ScalarChain([size] * depth, target).solve(T), DeepMode(depth, target, size**depth).solve(T)
    assert_same_flow(run["function"], mode["product"])


@few
@given(weights, weights, st.floats(0, 1))
def test_the_flow_of_two_weights_at_most_doubles_the_sharpness_at_zero_and_at_most_quadruples_any(a, b, share):
    from_zero = ScalarChain([a, 0.0], b)
    assert from_zero.sharpness_at_minimum <= 2 * from_zero.sharpness_at_start * (1 + 1e-9)
    assume(share > 0.01)
    on_its_way = ScalarChain([a, b], a * b / share)
    assert on_its_way.sharpness_at_minimum <= 4 * on_its_way.sharpness_at_start * (1 + 1e-9)


def test_two_equal_weights_half_way_quadruple_their_sharpness():
    chain = ScalarChain([1.0, 1.0], 2.0)
    assert_allclose(chain.sharpness_at_minimum, 4 * chain.sharpness_at_start)


def test_the_flow_of_four_weights_may_sharpen_sixteenfold():
    chain = ScalarChain([5.0, 0.1, 0.1, 0.1])
    assert chain.sharpness_at_minimum / chain.sharpness_at_start > 16


@few
@given(chains)
def test_one_step_from_the_minimum_multiplies_the_distance_by_one_less_lr_times_sharpness(chain):
    assume(abs(chain.target) > 0.1)
    assume(chain.start * chain.target > 0)
    minimum, top = chain.minimum, chain.sharpness_at_minimum
    along = slopes(minimum) / np.linalg.norm(slopes(minimum))
    for edge in (0.5, 1.0, 1.5):
        lr, shift = 2 * edge / top, 1e-7 * np.abs(minimum).min()
        moved = ScalarChain(minimum + shift * along, chain.target).simulate(1, lr)["weights"][1] - minimum
        assert_allclose(moved, (1 - 2 * edge) * shift * along, atol=1e-4 * shift)


@few
@given(chains)
def test_no_minimum_is_flatter_than_that_of_equal_weights(chain):
    assume(chain.start * chain.target > 0.01)
    assert chain.sharpness_at_minimum >= chain.sharpness_of_the_flattest * (1 - 1e-9)
    size = abs(chain.target) ** (1 / chain.depth)
    equal = ScalarChain(np.r_[np.sign(chain.target), np.ones(chain.depth - 1)] * size, chain.target)
    assert_allclose(equal.sharpness_at_start, chain.sharpness_of_the_flattest, rtol=1e-9)


def test_descent_leaves_a_minimum_above_the_edge_and_settles_at_one_below():
    chain = ScalarChain([5.0, 0.1, 0.1, 0.1])
    edge = 2 / chain.sharpness_at_minimum
    below, above = (ScalarChain(chain.minimum * 1.001).simulate(4000, c * edge) for c in (0.95, 1.3))
    assert below["loss"][-1] < 1e-20
    assert below["sharpness"][-1] * 0.95 * edge / 2 == pytest.approx(0.95, abs=0.01)
    assert np.median(above["sharpness"][-800:]) * 1.3 * edge / 2 == pytest.approx(1, abs=0.01)


def test_gradient_descent_is_first_order_in_the_step():
    chain = ScalarChain([1.2, 0.5, -0.4], -1.5)
    end = chain.solve([2.0])["weights"][0]
    errors = [np.abs(chain.simulate(round(2 / lr), lr)["weights"][-1] - end).max() for lr in (0.02, 0.01, 0.005)]
    assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1, **ORDER)


def test_a_smallest_weight_crosses_zero_alone_and_two_are_stuck():
    alone = ScalarChain([2.0, -0.1, 1.0], 1.5).solve([0.0, np.inf])
    assert alone["function"][1] == pytest.approx(1.5)
    assert alone["weights"][1, 1] > 0
    tied = ScalarChain([2.0, -0.1, 0.1], 1.5).solve([0.0, 1e3, np.inf])
    assert_allclose(tied["function"][1:], 0, atol=1e-12)
    assert_allclose(tied["weights"][2], [np.sqrt(4 - 0.01), 0, 0], atol=1e-15)
    assert (ScalarChain([0.0, 0.0, 1.0], 1.0).solve([0.0, 5.0, np.inf])["function"] == 0).all()
    assert_allclose(ScalarChain([0.0, 1.0], 1.0).solve([np.inf])["function"], 1.0)
    start = ScalarChain([2.0, 0.5], 1.0)
    assert_allclose(start.solve(T)["weights"], [[2.0, 0.5]] * 4, rtol=1e-14)


def test_a_run_that_diverges_is_an_error():
    with pytest.raises(SimulationError, match="function is not finite at step"):
        ScalarChain([5.0, 0.1, 0.1, 0.1]).simulate(2000, 2.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0],), "weights must be at least 2, got 1"),
        (([],), "weights must not be empty"),
        (([[1.0, 2.0]],), "weights must have 1 dimension"),
        (([1.0, np.nan],), "weights must be finite"),
        (([1.0, 1.0], np.inf), "target must be finite"),
        (([1.0, 1.0], [1.0]), "target must have 0 dimension"),
    ],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ScalarChain(*arguments)


@pytest.mark.filterwarnings("error")
def test_a_time_that_no_integrator_reaches_is_named_without_a_warning():
    with pytest.raises(SimulationError, match=r"flow time 1e\+300 is not reached"):
        ScalarChain([0.5, 0.8, 1.0]).solve([1e-300, 1.0, 1e300])
