import numpy as np

from figures.harness.pooled_runs import each_left_out


def test_every_run_is_left_out_once_of_the_arrays_that_have_runs_and_of_no_other():
    data = {"loss": np.array([[1.0, 2, 6], [10, 20, 60]]), "rate": np.array([[1.0, 2, 3]]), "t": np.arange(3.0)}

    def measure(data):
        assert data["t"].size == 3
        return (data["loss"][1] * data["rate"][0]).sum()

    np.testing.assert_array_equal(each_left_out(measure, "loss", "rate", axis=1)(data), [220, 190, 50])
    assert data["loss"].shape == (2, 3)


def test_the_median_without_one_run_may_lie_on_the_other_side_of_a_bound():
    left = each_left_out(lambda data: float(np.median(data["error"])), "error")
    np.testing.assert_allclose(left({"error": np.array([0.05, 0.09, 0.3])}), [0.195, 0.175, 0.07])


def test_a_single_run_has_its_own_value():
    data = {"loss": np.array([[3.0], [5.0]])}
    np.testing.assert_array_equal(each_left_out(lambda data: data["loss"].sum(), "loss", axis=1)(data), [8])
