import numpy as np
import pytest

from comparisons.information_bottleneck.models import (
    FACTORS,
    Layerwise,
    LayerwiseFixed,
    layerwise,
    layerwise_fixed_noise,
    mixture_numbers,
    squared_singular_values,
)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (layerwise, Layerwise()),
        (layerwise, Layerwise(rank=10)),
        (layerwise, Layerwise(dim=20, noise=0.05)),
        (layerwise_fixed_noise, LayerwiseFixed()),
    ],
)
def test_the_closed_form_is_the_information_of_the_matrices(model, settings):
    run = model(settings, np.random.default_rng(3))
    np.testing.assert_allclose(run["predicted_input"], run["about_input"], rtol=0, atol=1e-9)


def test_singular_values_start_where_they_do_and_end_at_their_target():
    start, target = np.array([0.1, 2.0, 0.5]), np.array([1.0, 0.0, 3.0])
    values = squared_singular_values(np.array([0.0, 1e3]), start, target)
    np.testing.assert_allclose(values[0], start)
    np.testing.assert_allclose(values[1], [1.0, 2.0 / (1 + 4e3), 3.0])


def test_information_does_not_depend_on_the_size_of_the_representation():
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((40, 5)), np.arange(40) % 2
    numbers = mixture_numbers(features, labels, 0.3)
    assert numbers == pytest.approx(mixture_numbers(1e3 * features, labels, 0.3))
    assert {f"about_input{name}" for name in FACTORS} < numbers.keys()
    assert numbers["about_input_half_noise"] > numbers["about_input"] > numbers["about_input_double_noise"]
