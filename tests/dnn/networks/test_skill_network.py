import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from dnn.networks.skill_network import SkillNetwork
from toymodels import SimulationError, Trajectory
from toymodels.layerwise import SkillModel

TINY = SkillNetwork(n_skills=2, n_bits=6, width=64, init_scale=0.05, lr=0.03, batch_size=256, n_test=500)


def test_labels_are_the_parity_of_the_three_bits_of_the_asked_skill():
    model, generator = SkillNetwork(n_skills=3, n_bits=11, target=2.0), torch.Generator().manual_seed(0)
    asked = torch.tensor([0, 1, 2] * 50)
    inputs, labels = model.sample(asked, generator)
    assert inputs.shape == (150, 14)
    assert torch.equal(inputs[:, :3].argmax(dim=1), asked)
    for x, k, label in zip(inputs.numpy(), asked, labels, strict=True):
        bits = x[3 + 3 * k : 6 + 3 * k]
        assert label == 2.0 * (-1) ** bits.sum()
    assert {0.0, 1.0} == set(inputs.numpy().ravel())


def test_skills_emerge_in_the_order_of_their_frequency():
    run = TINY.simulate(2500, np.random.default_rng(0), every=25)
    assert_allclose(run["skill"][0], 0, atol=0.1)
    half = TINY.crossing_times(run)
    assert np.isfinite(half).all()
    assert half[0] < half[1]
    assert run["skill"][-1, 0] > 0.9 * TINY.target


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_half_times_are_inverse_to_the_frequencies_as_the_skill_model_predicts(seed):
    model = SkillNetwork()
    half = model.crossing_times(model.simulate(5500, np.random.default_rng(seed)))
    predicted = model.skill_model.time_to(0.5)
    assert_allclose(half / half[0], predicted / predicted[0], rtol=0.25)


def test_calibration_on_the_first_skill_recovers_the_model_behind_a_run():
    truth, network = SkillModel(0.6, 3, target=5.0, initial=0.02, lr=0.003), SkillNetwork()
    t = np.arange(0, 4000, 2)
    run = Trajectory(t, {"skill": truth.solve(t)["skill"]}, clock="step")
    calibrated = network.calibrated(run)
    assert_allclose([calibrated.initial, calibrated.lr], [0.02, 0.003], rtol=1e-2)
    with pytest.raises(ValueError, match="run must reach three quarters of its first skill"):
        network.calibrated(Trajectory(t[:5], {"skill": run["skill"][:5]}, clock="step"))


def test_crossing_is_interpolated_and_infinite_if_never_reached():
    model = SkillNetwork(n_skills=2, n_bits=6, target=4.0)
    run = Trajectory([0, 10, 20], {"skill": np.array([[0.0, 0.0], [1.0, 0.5], [3.0, 1.0]])}, clock="step")
    assert_allclose(model.crossing_times(run), [15.0, np.inf])
    assert_allclose(model.crossing_times(run, 0.25), [10.0, 20.0])
    with pytest.raises(ValueError, match=r"fraction must be in \(0, 1\), got 1"):
        model.crossing_times(run, 1.0)


def test_a_skill_past_the_level_at_first_crosses_at_the_first_record():
    model = SkillNetwork(n_skills=2, n_bits=6, target=4.0)
    run = Trajectory([5, 10, 20], {"skill": np.array([[2.5, 0.0], [1.0, 1.0], [3.5, 3.0]])}, clock="step")
    assert_allclose(model.crossing_times(run), [5.0, 15.0])
    with pytest.raises(ValueError, match=r"run must start below a quarter of its first skill, got 2\.5"):
        model.calibrated(run)


def test_a_fixed_set_is_drawn_once_and_no_sample_comes_from_outside():
    drawn, sample = [], SkillNetwork.sample

    class Watched(SkillNetwork):
        def sample(self, skill, generator):
            drawn.append(len(skill))
            return sample(self, skill, generator)

    task = Watched(n_skills=2, n_bits=30, width=8, batch_size=64, n_test=10)
    task.simulate(30, np.random.default_rng(0), every=10, n_samples=7)
    assert drawn == [10, 10, 7]
    drawn.clear()
    task.simulate(2, np.random.default_rng(0), every=1)
    assert drawn == [10, 10, 64, 64, 64]


@pytest.mark.parametrize("n_samples", [None, 40])
def test_same_rng_gives_the_same_run(n_samples):
    runs = [TINY.simulate(20, np.random.default_rng(3), every=10, n_samples=n_samples) for _ in range(2)]
    assert np.array_equal(runs[0]["skill"], runs[1]["skill"])
    several = [
        TINY.final_strengths(20, np.random.default_rng(3), n_samples=n_samples and [n_samples, 5], widths=[3, 64])
        for _ in range(2)
    ]
    assert np.array_equal(*several)


def test_a_skill_absent_from_the_set_is_not_learned():
    task = SkillNetwork(30.0, 2, 6, width=64, init_scale=0.05, lr=0.01, batch_size=100, n_test=500, momentum=0.9)
    assert task.skill_model.frequencies[1] < 1e-8
    strengths = task.final_strengths(1500, np.random.default_rng(0), n_samples=[300])[0]
    assert strengths[0] > 0.9
    assert abs(strengths[1]) < 0.2


def test_more_data_and_more_units_teach_the_first_skill():
    task = SkillNetwork(0.6, 2, 6, width=64, init_scale=0.05, lr=0.01, batch_size=100, n_test=500, momentum=0.9)
    by_data = task.final_strengths(1500, np.random.default_rng(0), n_samples=[5, 1000])[:, 0]
    by_width = task.final_strengths(1500, np.random.default_rng(0), widths=[1, 25])[:, 0]
    for few, many in (by_data, by_width):
        assert few < 0.3
        assert many > 0.9


def test_strengths_of_one_network_are_the_last_of_its_run():
    for n_samples in (None, 40):
        run = TINY.simulate(20, np.random.default_rng(3), every=20, n_samples=n_samples)
        strengths = TINY.final_strengths(20, np.random.default_rng(3), n_samples=n_samples and [n_samples])
        assert np.array_equal(strengths[0], run["skill"][-1] / TINY.target)


def test_divergence_is_reported():
    model = SkillNetwork(n_skills=1, n_bits=3, width=50, init_scale=1.0, lr=10.0, batch_size=50, n_test=50)
    with pytest.raises(SimulationError, match="skill is not finite at step"):
        model.simulate(200, np.random.default_rng(0), every=10)


def test_published_sizes():
    model = SkillNetwork.published()
    assert (model.n_skills, model.n_bits, model.width, model.batch_size) == (5, 32, 1000, 4000)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_bits": 8}, "n_bits must be >= 9, 3 per skill, got 8"),
        ({"alpha": 0.0}, "alpha must be > 0"),
        ({"width": 1.5}, "width must be an integer"),
        ({"lr": np.inf}, "lr must be finite"),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\), got 1"),
    ],
)
def test_bad_parameters_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        SkillNetwork(**setting)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"n_samples": [0]}, "n_samples must be >= 1, got 0"),
        ({"n_samples": [10, 2.5]}, "n_samples must be an integer, got 2.5"),
        ({"n_samples": []}, "n_samples must not be empty"),
        ({"widths": [4, -1]}, "widths must be >= 1, got -1"),
        ({"n_samples": [10, 20], "widths": [4]}, "widths must be as many as n_samples = 2, got 1"),
    ],
)
def test_bad_limits_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        TINY.final_strengths(5, np.random.default_rng(0), **limits)


@pytest.mark.parametrize(("n_samples", "message"), [(0, ">= 1, got 0"), (True, "an integer"), (1.5, "an integer")])
def test_bad_set_sizes_are_refused(n_samples, message):
    with pytest.raises(ValueError, match=f"n_samples must be {message}"):
        TINY.simulate(5, np.random.default_rng(0), n_samples=n_samples)
