import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from tests.toymodels.metrics.test_collapse import LOOSE, clouds
from toymodels.metrics import separation
from toymodels.metrics.collapse import nc1
from toymodels.metrics.separation import fuzziness, law_of_separation


@given(clouds())
def test_fuzziness_is_the_trace_of_its_definition(cloud):
    features, labels, _ = cloud
    n = len(labels)
    means = np.array([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])[labels]
    within, between = features - means, means - features.mean(axis=0)
    pseudo_inverse = np.linalg.pinv(between.T @ between / n, rcond=1e-10, hermitian=True)
    assert_allclose(fuzziness(features, labels), np.trace(within.T @ within / n @ pseudo_inverse), rtol=1e-5)


@given(clouds(balanced=True))
def test_fuzziness_of_balanced_classes_is_the_number_of_classes_times_nc1(cloud):
    features, labels, _ = cloud
    assert_allclose(fuzziness(features, labels), (labels.max() + 1) * nc1(features, labels), **LOOSE)


@given(clouds(), st.floats(0.1, 10.0))
def test_fuzziness_does_not_change_under_rotation_shift_scale_or_repetition(cloud, scale):
    features, labels, rng = cloud
    rotation = np.linalg.qr(rng.standard_normal((features.shape[1],) * 2))[0]
    moved = np.vstack(2 * [scale * features @ rotation + rng.standard_normal(features.shape[1])])
    assert_allclose(fuzziness(moved, np.r_[labels, labels]), fuzziness(features, labels), **LOOSE)


@given(st.floats(0.05, 3.0), st.floats(1e-6, 1e6), st.integers(2, 30))
def test_an_exact_law_is_recovered(rate, start, n_layers):
    by_layer = start * rate ** np.arange(n_layers)
    law = law_of_separation(by_layer)
    assert_allclose(law.rate, rate, rtol=1e-9)
    if abs(rate - 1) > 1e-3:
        assert_allclose(law.correlation, np.sign(rate - 1), rtol=1e-6)


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=12), st.floats(1e-3, 1e3))
def test_the_law_is_bounded_scale_free_and_reverses_with_the_layers(by_layer, scale):
    law, backwards = law_of_separation(by_layer), law_of_separation(by_layer[::-1])
    assert abs(law.correlation) <= 1 + 1e-12
    assert_allclose(law_of_separation(np.multiply(scale, by_layer)).rate, law.rate, rtol=1e-9)
    assert_allclose(backwards.rate, 1 / law.rate, rtol=1e-9)
    assert_allclose(backwards.correlation, -law.correlation, **EXACT)


def test_layers_that_do_not_separate_have_rate_one():
    assert law_of_separation([0.3, 0.3, 0.3]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("by_layer", "message"),
    [([1.0], "by_layer must hold at least 2 layers"), ([1.0, 0.0], "by_layer must be > 0"), ([[1.0, 2.0]], "by_layer")],
)
def test_bad_layers_are_refused(by_layer, message):
    with pytest.raises(ValueError, match=message):
        law_of_separation(by_layer)


def test_overlap_of_firing_needs_two_classes_and_two_samples_of_one():
    for labels in ([0, 0, 0], [0, 1, 2]):
        with pytest.raises(ValueError, match="labels must hold two samples of a class and another class"):
            separation.activation_overlap([[1, 0], [1, 0], [0, 1]], labels)


def test_rates_that_no_number_holds_are_refused():
    for layers in ([1e-300, 1e300], [1e300, 1e-300]):
        with pytest.raises(ValueError, match=r"by_layer must change by less than 2\^1022 a layer, got 2\^-?1993"):
            law_of_separation(layers)
