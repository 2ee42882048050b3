"""Averages over the law of eigenvalues, and the best time to stop, against the suite's teacher and student."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.docs.explorer.scripts import Script
from toymodels.layerwise import TeacherStudent

DIM = 400


@pytest.fixture(scope="module")
def script():
    return Script("generalisation")


@pytest.mark.parametrize("samples", [200, 400, 480, 2000])
@pytest.mark.parametrize("noise", [0.0, 0.5, 1.4])
def test_losses_are_the_teacher_students(script, samples, noise):
    t = np.geomspace(1e-2, 1e4, 9)
    found = [script.call("lossesAt", now, DIM / samples, noise) for now in t]
    run = TeacherStudent(DIM, samples, noise).solve(t)
    assert_allclose([row["train"] for row in found], run["train_loss"], rtol=1e-12, atol=1e-15)
    assert_allclose([row["test"] for row in found], run["test_loss"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("samples", "noise"), [(200, 0.5), (480, 0.5), (400, 1.0), (2000, 1.4)])
def test_the_best_time_to_stop_is_the_suites(script, samples, noise):
    found = script.call("best", DIM / samples, noise)
    t, loss = TeacherStudent(DIM, samples, noise).optimal_stopping()
    assert found["test"] == pytest.approx(loss, rel=1e-9)
    assert found["t"] == pytest.approx(t, rel=1e-4)


def test_without_noise_there_is_no_reason_to_stop(script):
    assert script.call("best", 2.0, 0) == {"t": np.inf, "test": pytest.approx(0.25)}
