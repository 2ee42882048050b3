import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.condensation import three_layer_exponents, three_layer_scaling
from toymodels.condensation.three_layer import balanced_exponents


def test_three_layer_slopes_have_the_predicted_exponents_in_the_linear_regime():
    scaling = three_layer_scaling((0.0, 0.0, 0.0, 1.0), [50, 100, 200], np.random.default_rng(0), replicates=8)
    assert_allclose(scaling.predicted, [-0.5, -1.0, -0.5])
    assert_allclose(scaling.slope, scaling.predicted, atol=0.15)


def test_three_layers_leave_the_linear_regime_with_a_larger_scale():
    scaling = three_layer_scaling((0.0, 0.0, 0.0, 1.75), [50, 100, 200], np.random.default_rng(0))
    assert (scaling.slope[[0, 2]] > 0.05).all()


@given(st.tuples(*[st.floats(-1, 1)] * 4), st.floats(-1, 1))
def test_three_layer_exponents_do_not_depend_on_units_of_the_output(exponents, shift):
    a, v, w, scale = exponents
    moved = three_layer_exponents(a + shift, v, w, scale + shift)
    base = three_layer_exponents(a, v, w, scale)
    assert max(moved) <= max(base) + 2 * abs(shift) + 1e-9
    assert_allclose(three_layer_exponents(a, v, w, scale + 1), np.add(base, 1), atol=1e-9)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda rng: three_layer_scaling((0.0, 0.0, 0.0, 1.0), [100], rng), "widths"),
        (lambda rng: three_layer_exponents(0.0, np.nan, 0.0, 1.0), "std_v"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call(np.random.default_rng(0))


def test_balanced_exponents_change_sign_one_layer_after_the_other_and_have_no_jump():
    signs = np.sign([balanced_exponents(scale) for scale in (1.0, 2.25, 3.5)])
    assert_allclose(signs, [[-1, -1, -1], [1, -1, 1], [1, 1, 1]])
    assert_allclose(balanced_exponents(1.5 - 1e-9), balanced_exponents(1.5), atol=1e-8)
    with pytest.raises(ValueError, match="scale must be finite"):
        balanced_exponents(np.nan)
