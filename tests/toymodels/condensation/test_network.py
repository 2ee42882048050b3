import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels import SimulationError
from toymodels.condensation import TwoLayerNetwork
from toymodels.condensation.activations import ACTIVATIONS
from toymodels.condensation.network import n_outputs_of, require_single

SMOOTH = sorted(set(ACTIVATIONS) - {"relu"})
STEP = 1e-6


def task(seed, n=7, dim=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, dim)), rng.standard_normal(n), rng


def pack(network):
    return np.concatenate([network.a, network.w.ravel()])


def unpack(network, theta):
    return TwoLayerNetwork(theta[: network.width], theta[network.width :].reshape(network.w.shape), network.activation)


def numerical_jacobian(function, theta):
    columns = [(function(theta + STEP * e) - function(theta - STEP * e)) / (2 * STEP) for e in np.eye(len(theta))]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("name", SMOOTH)
def test_activation_and_derivatives_are_those_of_the_symbolic_expression(name):
    z = sympy.Symbol("z", real=True)
    at = np.linspace(-3, 3, 13)
    value, slope = np.empty_like(at), np.empty_like(at)
    ACTIVATIONS[name].fill(at, value, slope)
    expression = ACTIVATIONS[name].symbolic(sympy, z)
    derivatives = (value, slope, ACTIVATIONS[name].curvature(at))
    for order, numbers in enumerate(derivatives):
        derivative = expression.diff(z, order) if order else expression
        exact = [float(derivative.subs(z, point)) for point in at]
        assert_allclose(numbers, exact, rtol=1e-10, atol=1e-13)


@given(st.sampled_from(sorted(ACTIVATIONS)), st.integers(0, 10**6))
def test_gradient_is_the_derivative_of_the_loss(activation, seed):
    x, y, rng = task(seed)
    network = TwoLayerNetwork.random(3, 2, 1.0, activation, rng)
    grad_a, grad_w = network.gradient(x, y)
    numbers = numerical_jacobian(lambda theta: unpack(network, theta).loss(x, y), pack(network))
    if activation == "relu" and np.abs(x @ network.w[:, :-1].T + network.w[:, -1]).min() < 1e-4:
        return  # a kink inside the difference quotient
    assert_allclose(np.concatenate([grad_a, grad_w.ravel()]), numbers, rtol=1e-5, atol=1e-7)


@given(st.sampled_from(SMOOTH), st.integers(0, 10**6))
def test_hessian_is_the_derivative_of_the_gradient(activation, seed):
    x, y, rng = task(seed)
    network = TwoLayerNetwork.random(3, 2, 1.0, activation, rng)

    def gradient(theta):
        grad_a, grad_w = unpack(network, theta).gradient(x, y)
        return np.concatenate([grad_a, grad_w.ravel()])

    hessian = network.hessian(x, y)
    assert_allclose(hessian, hessian.T, **EXACT)
    assert_allclose(hessian, numerical_jacobian(gradient, pack(network)), rtol=1e-5, atol=1e-6)
    top = np.linalg.eigvalsh(numerical_jacobian(gradient, pack(network)))[-1]
    assert_allclose(network.sharpness(x, y), top, rtol=1e-5, atol=1e-5)


def test_jacobian_gives_the_gradient_of_the_loss():
    x, y, rng = task(3)
    network = TwoLayerNetwork.random(4, 2, 1.0, "tanh", rng)
    grad_a, grad_w = network.gradient(x, y)
    expected = network.jacobian(x).T @ (network(x) - y) / len(y)
    assert_allclose(np.concatenate([grad_a, grad_w.ravel()]), expected, **EXACT)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_replicates_together_equal_replicates_alone(activation):
    x, _, rng = task(5)
    y = rng.standard_normal((3, len(x)))
    many = TwoLayerNetwork.random(4, 2, 0.5, activation, rng, replicates=3)
    run = many.train(x, y, 30, 0.05, 10)
    hessian = many.hessian(x, y)
    for k in range(3):
        single = TwoLayerNetwork(many.a[k], many.w[k], activation)
        alone = single.train(x, y[k], 30, 0.05, 10)
        for name in ("a", "w", "loss"):
            assert_allclose(run[name][:, k], alone[name], **EXACT)
        assert_allclose(hessian[k], single.hessian(x, y[k]), **EXACT)
        assert_allclose(many.sharpness(x, y)[k], single.sharpness(x, y[k]), **EXACT)
        assert_allclose(many(x)[k], single(x), **EXACT)


def test_gradient_descent_follows_the_gradient():
    x, y, rng = task(6)
    network = TwoLayerNetwork.random(5, 2, 1.0, "tanh", rng)
    run = network.train(x, y, 3, 0.1, 1)
    assert run.t.tolist() == [0, 1, 2, 3]
    for step in range(3):
        now = TwoLayerNetwork(run["a"][step], run["w"][step], "tanh")
        grad_a, grad_w = now.gradient(x, y)
        assert_allclose(run["a"][step + 1], now.a - 0.1 * grad_a, **EXACT)
        assert_allclose(run["w"][step + 1], now.w - 0.1 * grad_w, **EXACT)
        assert run["loss"][step] == pytest.approx(float(now.loss(x, y)), rel=1e-12)


def test_adam_is_the_published_recursion():
    x, y, rng = task(7)
    network = TwoLayerNetwork.random(3, 2, 1.0, "tanh", rng)
    run = network.train(x, y, 4, 0.01, 1, optimizer="adam")
    theta, first, second = pack(network), 0.0, 0.0
    for step in range(1, 5):
        grad = np.concatenate([part.ravel() for part in unpack(network, theta).gradient(x, y)])
        first, second = 0.9 * first + 0.1 * grad, 0.999 * second + 0.001 * grad**2
        theta = theta - 0.01 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    assert_allclose(np.concatenate([run["a"][-1], run["w"][-1].ravel()]), theta, rtol=1e-10)


def test_dropout_keeps_the_mean_output_and_is_reproducible():
    x, y, rng = task(8)
    network = TwoLayerNetwork.random(6, 2, 1.0, "relu", rng)
    runs = [network.train(x, y, 20, 0.05, 20, 0.5, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert_array_equal(runs[0]["w"], runs[1]["w"])
    assert not np.array_equal(runs[0]["w"], runs[2]["w"])
    copies = TwoLayerNetwork(np.tile(network.a, (4000, 1)), np.tile(network.w, (4000, 1, 1)))
    moved = copies.train(x, y, 1, 0.01, 1, 0.5, np.random.default_rng(2))["a"][1] - network.a
    grad_a = network.gradient(x, y)[0]
    hidden, n = network.hidden(x), len(x)
    expected = -0.01 * (grad_a + network.a * (hidden**2).sum(axis=0) / n)  # gradient of the penalty at keep 1/2
    assert (np.abs(moved.mean(axis=0) - expected) <= MONTE_CARLO * moved.std(axis=0) / np.sqrt(4000)).all()


def test_records_are_taken_where_asked():
    x, y, rng = task(9)
    run = TwoLayerNetwork.random(2, 2, 0.1, "relu", rng).train(x, y, 10, 0.1, every=[3, 7], record=("loss",))
    assert run.t.tolist() == [0, 3, 7, 10]
    assert set(run.data) == {"loss"}


def test_divergence_is_a_simulation_error():
    x, y, rng = task(10)
    with pytest.raises(SimulationError, match="not finite"):
        TwoLayerNetwork.random(5, 2, 1.0, "x2tanh", rng).train(x, y, 500, 50.0, 100)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda net, x, y, rng: TwoLayerNetwork([1.0], [[1.0, np.nan]]), "w"),
        (lambda net, x, y, rng: TwoLayerNetwork([1.0, 2.0], [[1.0, 0.0]]), "w"),
        (lambda net, x, y, rng: TwoLayerNetwork([1.0], [[1.0]]), "w"),
        (lambda net, x, y, rng: TwoLayerNetwork([1.0], [[1.0, 0.0]], "gelu"), "activation"),
        (lambda net, x, y, rng: TwoLayerNetwork.random(2, 1, -1.0, "relu", rng), "std"),
        (lambda net, x, y, rng: net(x[:, :1]), "x"),
        (lambda net, x, y, rng: net.gradient(x, y[:-1]), "y"),
        (lambda net, x, y, rng: net.train(x, y, 0, 0.1), "n_steps"),
        (lambda net, x, y, rng: net.train(x, y, 5, -0.1), "lr"),
        (lambda net, x, y, rng: net.train(x, y, 5, 0.1, 0), "every"),
        (lambda net, x, y, rng: net.train(x, y, 5, 0.1, [9]), "every"),
        (lambda net, x, y, rng: net.train(x, y, 5, 0.1, dropout=1.0, rng=rng), "dropout"),
        (lambda net, x, y, rng: net.train(x, y, 5, 0.1, dropout=0.1), "rng"),
        (lambda net, x, y, rng: net.train(x, y, 5, 0.1, optimizer="sgd"), "optimizer"),
        (lambda net, x, y, rng: net.train(x, y, 5, 0.1, record=("v",)), "record"),
    ],
)
def test_bad_input_is_named(call, name):
    x, y, rng = task(11)
    network = TwoLayerNetwork.random(3, 2, 1.0, "relu", rng)
    with pytest.raises(ValueError, match=f"^{name} "):
        call(network, x, y, rng)


def test_random_weights_have_the_standard_deviations_and_shapes_asked_for():
    def drawn(std, **options):
        return TwoLayerNetwork.random(400, 3, std, "tanh", np.random.default_rng(1), **options)

    unit, scaled = drawn(1.0), drawn((0.5, 3.0))
    assert_allclose(scaled.a, 0.5 * unit.a)
    assert_allclose(scaled.w, 3 * unit.w)
    assert_allclose([unit.a.std(), unit.w.std()], 1, atol=MONTE_CARLO / np.sqrt(400))
    assert unit.output_bias is None
    assert (unit.width, unit.dim, unit.n_outputs) == (400, 3, None)
    many = drawn(1.0, replicates=2, n_outputs=5, output_bias=True)
    assert (many.width, many.dim, many.n_outputs) == (400, 3, 5)
    assert (many.a.shape, many.w.shape) == ((2, 400, 5), (2, 400, 4))
    assert_array_equal(many.output_bias, np.zeros((2, 5)))
    assert drawn(1.0, replicates=2, output_bias=True).output_bias.shape == (2,)


def test_a_hand_worked_relu_network_at_its_fit_is_as_sharp_as_its_slopes():
    """relu(2 x + 1) / 2 at x = 1 and -3: outputs 3/2 and 0, slopes (3, 1/2, 1/2) and none."""
    network = TwoLayerNetwork([0.5], [[2.0, 1.0]])
    x = [[1.0], [-3.0]]
    assert_allclose(network(x), [1.5, 0])
    assert_allclose(network.sharpness(x, [1.5, 0.0]), (9 + 1 / 4 + 1 / 4) / 2, **EXACT)
    biased = TwoLayerNetwork([[0.5, 2.0]], [[2.0, 1.0]], output_bias=[1.0, -1.0])
    assert_allclose(biased(x), [[2.5, 5], [1, -1]])
    assert_allclose(biased.strength, [np.sqrt(4.25)])
    assert_allclose(biased.shift, [[1, -1]])
    assert_array_equal(network.shift, [[0]])
    stacked = TwoLayerNetwork(np.ones((3, 2)), np.ones((3, 2, 2)))
    assert_array_equal(stacked.shift, np.zeros((3, 1, 1)))  # for every network of the stack
    assert_allclose(biased.loss(x, [[2.5, 4.0], [1.0, 2.0]]), (1 + 9) / 4)


def test_a_network_of_the_same_kind_keeps_activation_and_bias():
    network = TwoLayerNetwork([[1.0, 2.0]], [[3.0, 4.0]], "tanh", [5.0, 6.0])
    same = network.with_weights(np.array([[7.0, 8.0]]), np.array([[9.0, 1.0]]))
    assert_array_equal(same.a, [[7, 8]])
    assert_array_equal(same.output_bias, [5, 6])
    assert same.activation == "tanh"
    moved = network.with_weights(same.columns, same.w, np.array([[0.5, 0.25]]))
    assert_array_equal(moved.output_bias, [0.5, 0.25])
    plain = TwoLayerNetwork([1.0], [[3.0, 4.0]]).with_weights(
        np.array([[7.0]]), np.array([[9.0, 1.0]]), np.ones((1, 1))
    )
    assert_array_equal(plain.a, [7])
    assert plain.output_bias is None


def test_targets_tell_how_many_outputs_a_network_needs():
    assert n_outputs_of([1.0, 2.0]) is None
    assert n_outputs_of([[1.0], [2.0]]) == 1
    assert n_outputs_of(np.ones((4, 3))) == 3
    for y in (1.0, np.ones((2, 3, 4))):
        with pytest.raises(ValueError, match=r"y must have shape \(n,\) or \(n, K\)"):
            n_outputs_of(y)


def test_replicates_are_refused_where_one_network_is_needed():
    require_single(TwoLayerNetwork([1.0], [[1.0, 0.0]]))
    require_single(TwoLayerNetwork([[1.0, 2.0]], [[1.0, 0.0]]))
    with pytest.raises(ValueError, match=r"network must be a single network, got leading axes \(1,\)"):
        require_single(TwoLayerNetwork([[1.0]], [[[1.0, 0.0]]]))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (3, 2), (2, 4), (4, 1)])
def test_targets_are_common_to_all_replicates_or_of_each(shape):
    network = TwoLayerNetwork(np.ones((2, 1)), np.ones((2, 1, 2)))
    x = np.arange(3.0)[:, None]
    if shape in ((3,), (2, 3)):
        assert network.loss(x, np.zeros(shape)).shape == (2,)
    else:
        with pytest.raises(ValueError, match=r"y must have shape \(3,\) or \(2, 3\), got "):
            network.loss(x, np.zeros(shape))


@pytest.mark.parametrize("name", ["__call__", "hidden", "loss", "gradient", "jacobian", "hessian", "sharpness"])
def test_what_overflows_is_refused_by_name(name):
    network = TwoLayerNetwork([1e200, 1.0], [[1e200, 0.0], [1e250, 1.0]], "relu")
    data = ([[1e70]],) if name in ("__call__", "hidden", "jacobian") else ([[1e70]], [1.0])
    with pytest.raises(ValueError, match=r"a and w must not be so large that the .* overflows, got up to 1e\+250"):
        getattr(network, name)(*data)


def test_more_weights_than_memory_holds_are_refused():
    for sizes in (
        {"width": 10**12, "dim": 1},
        {"width": 1, "dim": 10**12},
        {"width": 10, "dim": 1, "replicates": 10**9},
    ):
        with pytest.raises(ValueError, match="width must leave at most 1000000000 weights, got"):
            TwoLayerNetwork.random(**sizes, std=1.0, activation="relu", rng=np.random.default_rng(0))
