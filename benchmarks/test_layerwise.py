"""How much faster the closed forms are than integrating the same flow, as ratios within one run.

The integrators get a vectorised right-hand side. Ratios are recorded, not asserted: a loaded machine moves them.
"""

import tracemalloc

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from benchmarks import machine
from benchmarks.timing import together
from toymodels.layerwise import DiagonalNetwork, LinearNetwork, ScalarNetwork, gram_kernel_distance


def diagonal_case(d, n_times, seed=0):
    """Target, variances, both layers and times."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, d))
    return rng.standard_normal(d), rng.uniform(0.2, 2, d), a, b, np.linspace(0.01, 10, n_times)


def two_layers(target, variance, a0, b0, t, method, rtol, share=None):
    """Integrate a diagonal network, or one whose units share the residual when `share` is their normaliser."""
    d = a0.size

    def velocity(_, state):
        a, b = state[:d], state[d:]
        product = a * b if share is None else a @ b / share
        pull = variance * (target - product) / (1 if share is None else share)
        return np.concatenate([pull * b, pull * a])

    return solve_ivp(velocity, (0, t[-1]), np.concatenate([a0, b0]), method, t_eval=t, rtol=rtol, atol=rtol / 100)


def two_layers_in_torch(odeint, target, variance, a0, b0, t, method, rtol):
    """The same flow of a diagonal network by an integrator of torchdiffeq."""
    target, variance, a0, b0, t = map(torch.from_numpy, (target, variance, a0, b0, np.r_[0.0, t]))

    def velocity(_, state):
        a, b = state
        pull = variance * (target - a * b)
        return torch.stack([pull * b, pull * a])

    return odeint(velocity, torch.stack([a0, b0]), t, rtol=rtol, atol=rtol / 100, method=method)[1:]


def test_scalar_network(record):
    rng, t = np.random.default_rng(0), np.linspace(0.05, 10, 200)
    a, b = rng.standard_normal((2, 100))
    model = ScalarNetwork(a, b, 2.0, normalizer=10.0)
    measured = together(lambda: model.solve(t), lambda: two_layers(2.0, 1.0, a, b, t, "RK45", 1e-8, share=10.0))
    record("scalar network, width 100, 200 times", measured[0], "scipy RK45 at 1e-8", measured[1], goal=20)


@pytest.mark.parametrize("rtol", [1e-11, 1e-8])
def test_diagonal_network(record, rtol):
    """At 1e-11 the integrator is as accurate as tests ask of a closed form, at 1e-8 it is not."""
    *case, t = diagonal_case(1000, 1000)
    target, variance, a, b = case
    model = DiagonalNetwork(target, a, b, variance)
    measured = together(lambda: model.solve(t), lambda: two_layers(*case, t, "DOP853", rtol))
    state = two_layers(*case, t, "DOP853", rtol).y.T
    far = f"apart by {abs(model.solve(t)['a'] - state[:, :1000]).max():.0e}"
    goal = 2 if rtol == 1e-11 else None
    name = "diagonal network, d = 1000, 1000 times"
    record(name, measured[0], f"scipy DOP853 at {rtol:g}", measured[1], goal=goal, note=far)


@pytest.mark.parametrize("method", ["dopri8", "dopri5"])
def test_diagonal_network_against_torchdiffeq(record, method):
    *case, t = diagonal_case(1000, 1000)
    target, variance, a, b = case
    model = DiagonalNetwork(target, a, b, variance)
    name, peer = "diagonal network, d = 1000, 1000 times", f"torchdiffeq {method} at 1e-11"
    try:
        from torchdiffeq import odeint
    except ImportError:
        record(name, *together(lambda: model.solve(t)), peer, goal=2)
        return
    state = two_layers_in_torch(odeint, *case, t, method, 1e-11).numpy()
    measured = together(lambda: model.solve(t), lambda: two_layers_in_torch(odeint, *case, t, method, 1e-11), repeats=5)
    far = f"apart by {abs(model.solve(t)['a'] - state[:, 0]).max():.0e}"
    record(name, measured[0], peer, measured[1], goal=2, note=far)


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


@pytest.mark.parametrize(("size", "n_times", "goal"), [(10, 1, 20), (10, 50, 2), (50, 50, 1)])
def test_matrix_network(record, size, n_times, goal):
    times = np.array([10.0]) if n_times == 1 else np.linspace(0.2, 10, n_times)
    measured = together(*matrix_case(size, times))
    name = f"matrix network {size} x {size} x {size}, {n_times} time{'s' * (n_times > 1)}"
    record(name, measured[0], "scipy RK45 at 1e-8", measured[1], goal=goal)


@pytest.mark.parametrize(("size", "goal"), [(200, 3), (400, 5)])
def test_large_matrix_network(record, size, goal):
    measured = together(*matrix_case(size, np.linspace(0.5, 10, 20), 1e-6))
    record(
        f"matrix network {size} x {size} x {size}, 20 times", measured[0], "scipy RK45 at 1e-6", measured[1], goal=goal
    )


def test_map_of_kernel_distances(record):
    rng = np.random.default_rng(0)
    correlation = rng.standard_normal((2, 2)) / np.sqrt(10)

    def distance(imbalance, scale):
        run = LinearNetwork.balanced(correlation / scale, 2, imbalance, np.sqrt(scale), rng).solve([0.0, 40.0])
        return gram_kernel_distance(run["gram_in"][0], run["gram_out"][0], run["gram_in"][1], run["gram_out"][1])

    def distances():
        return [distance(lam, scale) for lam in np.linspace(-9, 9, 40) for scale in np.linspace(1, 20, 40)]

    record("map of 40 x 40 kernel distances over imbalance and scale", *together(distances), at_most=3)


def test_growth_of_a_diagonal_network(record):
    """Everything a run holds has to be written once."""
    sizes, seconds, peaks, held = (1000, 3000, 10_000, 30_000), [], [], []
    for d in sizes:
        target, variance, a, b, t = diagonal_case(d, 200)
        model = DiagonalNetwork(target, a, b, variance)
        seconds.append(min(together(lambda model=model, t=t: model.solve(t))[0]))
        tracemalloc.start()
        run = model.solve(t)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        held.append(sum(run[name].nbytes for name in run.data))
    because = "its arrays, written once"
    least, name = [n_bytes / machine.bandwidth() for n_bytes in held], "diagonal network, 200 times"
    record.growth(name, "d", sizes, seconds, least, because)
    record.growth(f"{name}, peak memory", "d", sizes, peaks, held, because, unit="bytes")


def test_growth_of_a_matrix_network(record):
    """A time of N x N x N takes at least the two products with which the error is read."""
    sizes, seconds = (50, 100, 200, 400), []
    for size in sizes:
        solve, _ = matrix_case(size, np.linspace(0.5, 10, 20))
        seconds.append(min(together(solve)[0]))
    least = [20 * 2 * 2 * size**3 / machine.flops() for size in sizes]
    record.growth("matrix network N x N x N, 20 times", "N", sizes, seconds, least, "two products a time")
