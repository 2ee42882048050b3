import numpy as np
import pytest
from numpy.testing import assert_allclose

from toymodels.condensation.network import TwoLayerNetwork
from toymodels.condensation.parity_skills import ParitySkills


@pytest.mark.parametrize("n", [1, 2, 3])
def test_inputs_are_all_vectors_of_signs_and_skills_are_orthogonal(n):
    skills = ParitySkills(n)
    assert len(np.unique(skills.inputs, axis=0)) == 4**n
    assert set(np.unique(skills.inputs)) == {-1.0, 1.0}
    assert_allclose(skills.products.T @ skills.products / 4**n, np.eye(n))
    assert_allclose(skills.products.mean(axis=0), 0)


def test_progress_reads_each_skill_whatever_else_there_is():
    skills = ParitySkills(3)
    rng = np.random.default_rng(0)
    shares = rng.random(3)
    noise = rng.standard_normal(64)
    noise -= skills.products @ (skills.products.T @ noise) / 64
    assert_allclose(skills.progress(skills.products @ (shares * skills.strengths) + noise), shares)


def test_the_start_is_zero_and_even_neurons_come_in_pairs():
    network = ParitySkills(start=0.5).network(np.random.default_rng(0))
    assert_allclose(network(ParitySkills().inputs), 0, atol=1e-12)


@pytest.mark.parametrize("activation", ["xtanh", "tanh"])
def test_steps_follow_the_exact_gradient_of_the_population(activation):
    """Against differences of the loss over all inputs, and the mean of the gradients of many sampled batches."""
    skills = ParitySkills(2, width=6, start=0.4, activation=activation)
    x, y = skills.inputs, skills.targets
    before = skills.network(np.random.default_rng(1))
    lr, h = 0.01, 1e-6
    run = before.train(x, y, 1, lr)
    moved = -(run["w"][1] - run["w"][0]) / lr
    slow = np.zeros_like(before.w)
    for index in np.ndindex(before.w.shape):
        shift = np.zeros_like(before.w)
        shift[index] = h
        up, down = (TwoLayerNetwork(before.a, before.w + sign * shift, activation)(x) for sign in (1, -1))
        slow[index] = (np.mean((up - y) ** 2) - np.mean((down - y) ** 2)) / (4 * h)
    assert_allclose(moved, slow, atol=1e-7)
    rng = np.random.default_rng(2)
    drawn = rng.integers(0, 16, 20_000)
    sampled = before.gradient(x[drawn], y[drawn])[1]
    assert_allclose(sampled, moved, atol=0.05)


def test_training_records_progress_and_loss_together():
    skills = ParitySkills(2, width=40, start=0.1)
    run = skills.train(3000, 0.05, np.random.default_rng(0), n_records=40)
    assert_allclose(run["skills"][0], 0, atol=1e-12)
    assert_allclose(run["skills"][-1], 1, atol=0.01)
    assert run["loss"][0] == pytest.approx((1 + 1 / 9) / 2)
    missing = 0.5 * ((1 - run["skills"]) ** 2 @ skills.strengths**2)
    assert (run["loss"] >= missing - 1e-12).all()  # the rest lies outside the skills


def test_six_skills_are_the_most():
    assert len(ParitySkills(6).inputs) == 4 * len(ParitySkills(5).inputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_skills": 7}, "n_skills must be at most 6, got 7"),
        ({"width": 5}, "width must be even, got 5"),
        ({"ratio": 0.0}, "ratio must be > 0"),
        ({"start": -1.0}, "start must be > 0"),
    ],
)
def test_bad_settings_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        ParitySkills(**changes)
