"""How much faster the closed forms are than integrating the same flow, as ratios within one run.

The integrators get a vectorised right-hand side. Ratios are printed, not asserted: a loaded machine moves them.
"""

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.timing import fastest
from toymodels.layerwise import DiagonalNetwork, LinearNetwork, ScalarNetwork, gram_kernel_distance


def report(name, closed, integrated, goal):
    closed, integrated = fastest(closed, at_least=0.5), fastest(integrated, at_least=0.5)
    print(
        f"\n{name}: {closed * 1e3:.3g} ms against {integrated * 1e3:.3g} ms, x{integrated / closed:.1f} (goal x{goal})"
    )


def two_layers(target, variance, a0, b0, t, method, rtol, share=None):
    """Integrate a diagonal network, or one whose units share the residual when `share` is their normaliser."""
    d = a0.size

    def velocity(_, state):
        a, b = state[:d], state[d:]
        product = a * b if share is None else a @ b / share
        pull = variance * (target - product) / (1 if share is None else share)
        return np.concatenate([pull * b, pull * a])

    return solve_ivp(velocity, (0, t[-1]), np.concatenate([a0, b0]), method, t_eval=t, rtol=rtol, atol=rtol / 100)


def test_scalar_network():
    rng, t = np.random.default_rng(0), np.linspace(0.05, 10, 200)
    a, b = rng.standard_normal((2, 100))
    model = ScalarNetwork(a, b, 2.0, normalizer=10.0)
    report(
        "scalar, width 100, 200 times, against RK45 at 1e-8",
        lambda: model.solve(t),
        lambda: two_layers(2.0, 1.0, a, b, t, "RK45", 1e-8, share=10.0),
        20,
    )


def test_diagonal_network():
    rng, t = np.random.default_rng(0), np.linspace(0.01, 10, 1000)
    a, b = rng.standard_normal((2, 1000))
    target, variance = rng.standard_normal(1000), rng.uniform(0.2, 2, 1000)
    model = DiagonalNetwork(target, a, b, variance)
    # at 1e-11 the integrator is as accurate as tests ask of a closed form, at 1e-8 it is not
    for rtol in (1e-11, 1e-8):
        report(
            f"diagonal, d = 1000, 1000 times, against DOP853 at {rtol:g}",
            lambda: model.solve(t),
            lambda rtol=rtol: two_layers(target, variance, a, b, t, "DOP853", rtol),
            1.5,
        )


def matrix_case(size, t, rtol=1e-8):
    rng = np.random.default_rng(0)
    correlation = rng.standard_normal((size, size)) / np.sqrt(size)
    model = LinearNetwork.balanced(correlation, size, 0.5, 0.1, rng)

    def velocity(_, state):
        w1, w2 = state.reshape(2, size, size)
        error = correlation - w2 @ w1
        return np.concatenate([(w2.T @ error).ravel(), (error @ w1.T).ravel()])

    start = np.concatenate([model.w1.ravel(), model.w2.ravel()])
    return lambda: model.solve(t), lambda: solve_ivp(
        velocity, (0, t[-1]), start, "RK45", t_eval=t, rtol=rtol, atol=rtol / 100
    )


def test_matrix_network():
    sequence = np.linspace(0.2, 10, 50)
    report("matrix 10x10x10, one late time, against RK45 at 1e-8", *matrix_case(10, np.array([10.0])), 20)
    report("matrix 10x10x10, 50 times in sequence", *matrix_case(10, sequence), 2)
    report("matrix 50x50x50, 50 times in sequence", *matrix_case(50, sequence), 1)


def test_large_matrix_network():
    times = np.linspace(0.5, 10, 20)
    for size, goal in ((200, 3), (400, 5)):
        report(f"matrix {size}x{size}x{size}, 20 times, against RK45 at 1e-6", *matrix_case(size, times, 1e-6), goal)


def test_map_of_kernel_distances():
    rng = np.random.default_rng(0)
    correlation = rng.standard_normal((2, 2)) / np.sqrt(10)

    def distance(imbalance, scale):
        run = LinearNetwork.balanced(correlation / scale, 2, imbalance, np.sqrt(scale), rng).solve([0.0, 40.0])
        return gram_kernel_distance(run["gram_in"][0], run["gram_out"][0], run["gram_in"][1], run["gram_out"][1])

    def distances():
        return [distance(lam, scale) for lam in np.linspace(-9, 9, 40) for scale in np.linspace(1, 20, 40)]

    print(f"\n40 x 40 map of kernel distances over imbalance and scale: {fastest(distances):.2f} s (goal 3 s)")
