import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from dnn.skill_network import SkillNetwork
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
    found = network.calibrated(run)
    assert_allclose([found.initial, found.lr], [0.02, 0.003], rtol=1e-2)
    with pytest.raises(ValueError, match="run must reach three quarters of its first skill"):
        network.calibrated(Trajectory(t[:5], {"skill": run["skill"][:5]}, clock="step"))


def test_crossing_is_interpolated_and_infinite_if_never_reached():
    model = SkillNetwork(n_skills=2, n_bits=6, target=4.0)
    run = Trajectory([0, 10, 20], {"skill": np.array([[0.0, 0.0], [1.0, 0.5], [3.0, 1.0]])}, clock="step")
    assert_allclose(model.crossing_times(run), [15.0, np.inf])
    assert_allclose(model.crossing_times(run, 0.25), [10.0, 20.0])
    with pytest.raises(ValueError, match=r"fraction must be in \(0, 1\), got 1"):
        model.crossing_times(run, 1.0)


def test_same_rng_gives_the_same_run():
    runs = [TINY.simulate(20, np.random.default_rng(3), every=10) for _ in range(2)]
    assert np.array_equal(runs[0]["skill"], runs[1]["skill"])


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
    ],
)
def test_bad_parameters_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        SkillNetwork(**setting)
