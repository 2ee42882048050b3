"""What a network of skills is asked, what comes of it, and how the exact model is set by its first skill."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dnn.networks import skill_network
from figures.layerwise.skill_emergence_runs import (
    SkillEmergence,
    data_curves,
    half_sizes,
    in_data,
    in_time,
    in_width,
    limited,
    width_curves,
)
from toymodels.trajectory import Trajectory

SETTINGS = SkillEmergence(
    target=4.0,
    n_skills=2,
    n_bits=7,
    width=30,
    batch_size=11,
    n_test=13,
    n_steps=100,
    data_sizes=(10, 40, 160),
    data_width=17,
    data_replicates=3,
    widths=(2, 3, 5, 9),
    width_replicates=5,
    limited_steps=70,
    limited_batch=19,
    limited_lr=0.03,
    limited_init=0.07,
    momentum=0.8,
    device="cpu",
)


class Network:
    """A network that says what it is asked, whose first skill is learned at step 40 and whose second never is."""

    made: list
    asked: list

    def __init__(self, *arguments, **options):
        names = [
            "alpha",
            "n_skills",
            "n_bits",
            "target",
            "width",
            "init_scale",
            "lr",
            "batch_size",
            "n_test",
            "momentum",
            "device",
        ]
        Network.made.append(dict(zip(names, arguments, strict=False)) | options)

    def simulate(self, n_steps, rng):
        Network.asked.append({"n_steps": n_steps})
        return Trajectory(np.array([0.0, 40, 100]), {"skill": np.array([[0.0, 0], [2, 1], [4, 1.5]])}, clock="step")

    def calibrated(self, run):
        solved = {"skill": np.stack([run.t / 25, run.t / 50], axis=1)}
        return SimpleNamespace(solve=lambda t: solved, time_to=lambda level: 100 * level * np.array([1.0, 3]))

    def crossing_times(self, run):
        return np.array([40.0, np.inf])

    def final_strengths(self, n_steps, rng, **sizes):
        Network.asked.append({"n_steps": n_steps, **sizes})
        return np.zeros((len(next(iter(sizes.values()))), 2))


@pytest.fixture(autouse=True)
def _network(monkeypatch):
    Network.made, Network.asked = [], []
    monkeypatch.setattr(skill_network, "SkillNetwork", Network)


def test_strengths_in_time_are_shares_of_the_target_and_what_is_not_learned_takes_twice_the_run():
    run = in_time(SETTINGS, np.random.default_rng(0), 0.7)
    assert_allclose(run["t"], [0, 40, 100])
    assert_allclose(run["skill"], [[0, 0], [0.5, 0.25], [1, 0.375]])
    assert_allclose(run["model"], [[0, 0], [0.4, 0.2], [1, 0.5]])
    assert_allclose(run["half"], [40, 200])
    assert_allclose(run["predicted"], [50, 150])
    sizes = {"width": 30, "batch_size": 11, "n_test": 13}
    task = {"alpha": 0.7, "n_skills": 2, "n_bits": 7, "target": 4.0, "device": "cpu"}
    assert Network.made == [sizes | task]
    assert Network.asked == [{"n_steps": 100}]


def test_networks_limited_in_data_and_in_width_differ_in_that_alone():
    task = {"alpha": 0.7, "n_skills": 2, "n_bits": 7, "target": 4.0, "width": 17, "init_scale": 0.07, "lr": 0.03}
    task |= {"batch_size": 19, "n_test": 13, "momentum": 0.8, "device": "cpu"}
    assert in_data(SETTINGS, np.random.default_rng(0), 0.7)["strength"].shape == (3, 2)
    assert in_width(SETTINGS, np.random.default_rng(0), 0.7)["strength"].shape == (4, 2)
    assert Network.made == [task, task]
    assert Network.asked == [{"n_steps": 70, "n_samples": (10, 40, 160)}, {"n_steps": 70, "widths": (2, 3, 5, 9)}]


def limited_by(by_data, by_width):
    """What :func:`limited` makes of strengths (runs, sizes, 2), and how it asked for them."""
    asked = []

    def grid(function, cells, replicates, seed):
        assert isinstance(function, partial)
        assert function.args == (SETTINGS,)
        asked.append((function.func, cells, replicates, seed))
        values = by_data if function.func is in_data else by_width
        return xarray.Dataset({"strength": (("alpha", "replicate", "size", "skill"), np.array(values)[None])})

    return limited(SETTINGS, 7, grid), asked


# halves of the first skill at 20, 40 and 80 examples, the median 40; at 2.5, 3 and 4 units, the median 3
BY_DATA = [
    [[0.0, 0], [1, 0], [1, 0.5]],
    [[0.25, 0], [0.5, 0], [1, 0.4]],
    [[0.0, 0], [0.0, 0], [1, 0.4]],
]
BY_WIDTH = [
    [[0.0, 0], [0.5, 0], [1, 0], [1, 1]],
    [[0.0, 0], [0.5, 0], [1, 0], [1, 0]],
    [[0.5, 0], [1, 0], [1, 0], [1, 0]],
]


def test_the_extended_model_is_set_by_the_median_half_of_the_first_skill():
    found, asked = limited_by(BY_DATA, BY_WIDTH)
    assert asked == [(in_data, {"alpha": [0.6]}, 3, 7), (in_width, {"alpha": [0.6]}, 5, 7)]
    shares = np.array([1, 2**-1.6]) / (1 + 2**-1.6)
    assert_allclose(found["shares"], shares)
    assert_allclose(found["half_data"], [[20, 160], [40, 320], [80, 320]])
    assert_allclose(found["half_width"][:, 0], [3, 3, 2])
    assert_allclose(found["constants"], [40 * shares[0] / 0.75, 6])
    # the first skill is half learned at the median, and complete at four thirds of it
    n = found["n_examples"]
    assert_allclose(np.interp(40, n, found["by_data"][:, 0]), 0.5, atol=1e-3)
    assert (found["by_data"][n > 54, 0] == 1).all()
    assert (found["by_data"][n < 53, 0] < 1).all()
    assert_allclose(found["predicted_by_data"][1], [0.5, 1 - np.sqrt(1 - 0.75 * 2**-1.6)])
    assert_allclose(found["predicted_by_width"], [[1 / 3, 0], [0.5, 0], [5 / 6, 0], [1, 0.5]])
    assert_allclose(found["n_units"][[0, -1]], [0, 9])
    assert_allclose(n[[0, -1]], [10, 160])
    assert_allclose(np.diff(np.log(n)), np.log(16) / 299)
    assert_allclose(found["by_width"], width_curves(found["n_units"], 2, 6))
    assert_allclose(found["strength_by_data"], BY_DATA)
    assert_allclose(found["strength_by_width"], BY_WIDTH)
    assert found["sizes"].tolist() == [10, 40, 160]
    assert found["widths"].tolist() == [2, 3, 5, 9]


STRENGTHS = st.lists(st.floats(0, 1), min_size=4, max_size=4)


@given(STRENGTHS)
def test_a_half_size_is_found_between_the_sizes_around_it_by_walking_up(strengths):
    sizes = np.array([3, 5, 20, 21])
    expected = 42.0
    for i, strength in enumerate(strengths):
        if strength >= 0.5:
            if i == 0:
                expected = 3.0
            else:
                part = (0.5 - strengths[i - 1]) / (strength - strengths[i - 1])
                expected = sizes[i - 1] * (sizes[i] / sizes[i - 1]) ** part
            break
    assert_allclose(half_sizes(sizes, np.array(strengths)[:, None]), [expected])


def test_a_half_size_of_a_single_size_is_it_or_twice_it():
    assert_allclose(half_sizes(np.array([7]), np.array([[0.5, 0.49]])), [7, 14])


@given(st.floats(0.01, 1), st.floats(1, 1e3), st.floats(0, 1e3))
def test_strengths_in_data_rise_to_one_where_the_skill_has_all_its_examples(share, constant, n):
    (strength,) = data_curves(np.array([n]), np.array([share]), constant)[0]
    assert_allclose((1 - strength) ** 2, max(1 - n * share / constant, 0), atol=1e-12)
