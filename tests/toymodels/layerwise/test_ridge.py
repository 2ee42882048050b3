import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation.random_features import ridge_weights
from toymodels.layerwise import TeacherStudent, ridge_error


@given(st.integers(20, 400), st.integers(20, 400), st.floats(0, 2), st.sampled_from([1e-3, 1.0, 50.0]))
def test_no_other_ridge_is_better_than_noise_times_dimensions(d, n, noise, ridge):
    assert ridge_error(d, n, noise, noise**2 * d + 1e-9) <= ridge_error(d, n, noise, ridge) + 1e-9


@pytest.mark.parametrize("n", [30, 90, 110, 400])
def test_without_a_ridge_it_is_where_the_flow_ends(n):
    end = TeacherStudent(dim=100, n_samples=n, noise=0.5).solve([np.inf])["test_loss"][0]
    assert_allclose(ridge_error(100, n, 0.5), 2 * end, rtol=1e-10)
    assert_allclose(ridge_error(100, n, 0.5, 1e-9), 2 * end, rtol=1e-6)


@pytest.mark.parametrize("ridge", [3.0, 30.0])
@pytest.mark.parametrize("n", [60, 120, 240])
def test_it_is_the_mean_over_data_sets(n, ridge):
    model, rng, draws = TeacherStudent(dim=120, n_samples=n, noise=0.5), np.random.default_rng(0), 40
    sets = [model.draw(rng) for _ in range(draws)]
    errors = [((ridge_weights(each.x, each.y, ridge) - each.teacher) ** 2).sum() for each in sets]
    assert abs(np.mean(errors) - ridge_error(120, n, 0.5, ridge)) < 4 * np.std(errors, ddof=1) / np.sqrt(draws)


def test_a_strong_ridge_learns_nothing_and_many_samples_everything():
    assert_allclose(ridge_error(50, 40, 0.5, 1e12), 1, rtol=1e-6)
    assert ridge_error(50, 10**7, 0.5) < 1e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10, 10, 0.5), "ridge must be > 0"),
        ((0, 10, 0.5), "dim must be"),
        ((10, 0, 0.5), "n_samples must be"),
        ((10, 5, -1.0), "noise must be"),
        ((10, 5, 1.0, -1.0), "ridge must be"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ridge_error(*arguments)


@pytest.mark.parametrize(("name", "value"), [("noise", 1e200), ("ridge", 1e200), ("noise", [1.0, 2.0]), ("ridge", "1")])
def test_what_has_no_finite_square_or_is_no_number_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        ridge_error(20, 10, **{"noise": 0.5, name: value})


def test_an_error_beyond_all_numbers_is_refused():
    assert np.isfinite(ridge_error(50, 50, 1e50, ridge=1e-100))
    with pytest.raises(
        ValueError, match=r"noise and ridge must give a finite error, got 1e\+100 and 1e-300 for 50 samples of 50"
    ):
        ridge_error(50, 50, 1e100, ridge=1e-300)


@pytest.mark.parametrize("n", [1, 2, 50])
def test_as_many_samples_as_inputs_without_noise_tell_everything(n):
    assert ridge_error(n, n, 0.0) == 0
    small, smaller = ridge_error(n, n, 0.0, ridge=1e-8), ridge_error(n, n, 0.0, ridge=1e-12)
    assert smaller == pytest.approx(small / 100, rel=1e-3)  # goes as the root of the ridge
    assert ridge_error(n, n, 0.0, ridge=1e-200) == pytest.approx(small * 1e-96, rel=1e-3)
    assert ridge_error(n, n, 1e-3, ridge=1e-200) == pytest.approx(1e-6 * ridge_error(n, n, 1.0, ridge=1e-200), rel=1e-9)
