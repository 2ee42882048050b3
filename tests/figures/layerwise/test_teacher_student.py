"""What is measured of train and test losses with noisy labels."""

import numpy as np
from numpy.testing import assert_allclose

from figures.layerwise.teacher_student import (
    TeacherStudentRuns,
    average_error,
    compute,
    largest_rise,
    one_set,
    overfits,
    peak,
    samples,
)
from toymodels.layerwise import TeacherStudent
from toymodels.run.sweep import sweep

SMALL = TeacherStudentRuns(dim=20, n_samples=30, n_times=40)


def test_a_data_set_is_best_at_its_own_time():
    for layers in (1, 2):
        run = one_set(SMALL, np.random.default_rng(0), layers)
        assert run["best"] <= run["test"].min() + 1e-12
        assert run["best"] <= run["stopped"]
        assert (np.diff(run["train"]) <= 1e-12).all()


def test_late_losses_peak_where_samples_are_as_many_as_inputs():
    few, equal, many = (samples(SMALL, ratio) for ratio in (0.5, 1.0, 2.0))
    assert equal[0][-1] > max(few[0][-1], many[0][-1])
    assert few[1] > equal[1] > many[1]
    assert (equal[1] <= equal[0]).all()


def test_measures_of_the_claims():
    data = {
        "test": np.array([[[2.0, 4.0], [4.0, 8.0]], [[1.0, 1.0], [1.0, 3.0]]]),
        "best": np.array([[2.0, 4.0], [1.0, 1.0]]),
        "told_test": np.array([3.0, 5.0]),
        "ratios": np.array([0.5, 1.0, 2.0]),
        "cut_loss": np.array([[1.0, 1.0], [1.0, 6.0], [1.0, 2.0]]),
        "stopped_loss": np.array([4.0, 3.0, 2.7]),
    }
    assert_allclose(average_error(data), 0.2)
    assert overfits(0)(data).tolist() == [2, 2]
    assert overfits(1)(data).tolist() == [1, 3]
    assert_allclose(peak(data), 3)
    assert_allclose(largest_rise(data), 0.9)


def test_without_noise_in_the_labels_nothing_peaks():
    clean = TeacherStudentRuns(dim=20, n_samples=30, n_times=40, noise=0.0)
    losses = [samples(clean, ratio)[0][-1] for ratio in (0.5, 1.0, 2.0)]
    assert losses[0] > losses[1] >= losses[2]


def test_the_average_is_stored_under_the_names_of_its_losses():
    few = TeacherStudentRuns(dim=10, n_samples=15, n_times=12, ratios=(0.5, 1.0), replicates=2)
    data, model = compute(few, np.random.default_rng(0), sweep), TeacherStudent(10, 15, 0.5)
    told = model.solve(few.times)
    assert_allclose(data["told_train"], told["train_loss"])
    assert_allclose(data["told_test"], told["test_loss"])
    assert data["told_test"][-1] > data["told_train"][-1]  # a late student fits the noise
    assert_allclose(data["clean_test"], TeacherStudent(10, 15, 0.0).solve(few.times)["test_loss"])
    assert data["train"].shape == data["test"].shape == (2, 2, 12)  # (layers, data sets, times)
    assert data["train"][:, :, -1].max() < data["test"][:, :, -1].min()
