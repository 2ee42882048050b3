import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from toymodels.validation import (
    choice,
    described,
    detached,
    finite,
    fraction,
    non_negative,
    numeric,
    of_ordinary_size,
    positive,
    positive_int,
    times,
)

numbers = st.floats(allow_nan=False, allow_infinity=False)
arrays = hnp.arrays(float, hnp.array_shapes(min_dims=0), elements=numbers)


@given(arrays)
def test_finite_arrays_pass_unchanged(values):
    assert_array_equal(finite("x", values), values, strict=True)
    assert_array_equal(finite("x", values, ndim=values.ndim), values, strict=True)


@given(arrays, st.sampled_from([np.nan, np.inf, -np.inf]))
def test_one_bad_entry_is_named(values, bad):
    values.flat[-1] = bad
    for check in (finite, positive, non_negative):
        with pytest.raises(ValueError, match=f"x must be finite, got {bad} among its entries"):
            check("x", values)


@given(arrays)
def test_signs_are_checked_at_the_smallest_entry(values):
    smallest = values.min()
    for check, passes in ((positive, smallest > 0), (non_negative, smallest >= 0)):
        if passes:
            assert_array_equal(check("x", values), values, strict=True)
        else:
            with pytest.raises(ValueError, match=r"x must be >=? 0, got"):
                check("x", values)


@given(arrays, st.integers(0, 5))
def test_the_number_of_dimensions_is_checked(values, ndim):
    if ndim != values.ndim:
        with pytest.raises(ValueError, match=rf"x must have {ndim} dimension\(s\)"):
            finite("x", values, ndim=ndim)


@pytest.mark.parametrize("value", ["abc", [[1], [1, 2]], object(), None])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"x must be (numeric|finite)"):
        finite("x", value)


@pytest.mark.parametrize("value", [1j, [1j], np.array([1.0, 0j]), [np.complex128(1)], np.complex64(2)])
@pytest.mark.parametrize("check", [numeric, finite, positive, non_negative, lambda name, t: times(t, name=name)])
def test_complex_numbers_do_not_lose_their_imaginary_part(check, value):
    with pytest.raises(ValueError, match=r"x must be real, got"):
        check("x", value)


def test_numeric_arrays_may_hold_nan_and_infinity_and_are_not_copied():
    values = np.array([np.nan, np.inf])
    assert numeric("x", values) is values
    assert numeric("x", [1, 2], np.float32).dtype == np.float32


def test_empty_arrays_are_refused():
    with pytest.raises(ValueError, match=r"x must not be empty, got shape \(0,\)"):
        finite("x", [])


def test_complex_numbers_pass_when_asked_for():
    assert finite("x", [1j], dtype=complex).tolist() == [1j]


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_integers_are_checked_against_their_minimum(value, minimum):
    if value >= minimum:
        assert positive_int("n", np.int64(value), minimum=minimum) == value
        assert type(positive_int("n", np.int64(value), minimum=minimum)) is int
    else:
        with pytest.raises(ValueError, match=f"n must be >= {minimum}, got {value}"):
            positive_int("n", value, minimum=minimum)


@pytest.mark.parametrize("value", [1.0, True, np.bool_(True), "1", None, np.float64(2), [1]])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(ValueError, match="n must be an integer, got"):
        positive_int("n", value)


@given(numbers, st.booleans())
def test_fractions_lie_in_the_unit_interval(value, closed):
    if 0 < value < 1 or (closed and value in (0, 1)):
        assert fraction("p", value, closed=closed) == value
    else:
        with pytest.raises(ValueError, match=r"p must be in [\[(]0, 1[\])], got"):
            fraction("p", value, closed=closed)


@given(st.lists(st.floats(0, 1e6), min_size=1, unique=True), st.booleans())
def test_increasing_times_pass_with_infinity_at_the_end(values, forever):
    t = sorted(values) + [np.inf] * forever
    assert_array_equal(times(t), t)


def test_a_single_time_becomes_an_array():
    assert_array_equal(times(3), [3.0], strict=True)


@pytest.mark.parametrize(
    ("t", "message"),
    [
        ([], "t must be a non-empty 1-D array"),
        ([[1.0]], "t must be a non-empty 1-D array"),
        ([-1.0, 0.0], "t must be >= 0 and not NaN"),
        ([0.0, np.nan], "t must be >= 0 and not NaN"),
        ([1.0, 1.0], "t must be strictly increasing"),
        ([np.inf, np.inf], "t must be strictly increasing"),
        ([np.inf, 1.0], "t must be strictly increasing"),
        ("a", "t must be numeric, got 'a'"),
    ],
)
def test_bad_times_are_refused(t, message):
    with pytest.raises(ValueError, match=message):
        times(t)


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool])
@pytest.mark.parametrize("attached", [False, True])
def test_tensors_leave_their_gradient_and_type_behind(kind, attached):
    values = torch.tensor([[1.0, 0.0], [0.5, 3.0]]).to(kind)
    if attached and kind.is_floating_point:
        values = (2 * values.requires_grad_()) / 2
    expected = values.detach().double().numpy()
    assert_array_equal(finite("x", values), expected, strict=True)
    assert_array_equal(numeric("x", list(values)), expected, strict=True)
    assert_array_equal(numeric("x", [tuple(row) for row in values]), expected, strict=True)


def test_whole_numbers_and_arrays_pass_detaching_as_they_are():
    values = np.arange(3)
    assert detached(values) is values
    assert detached(torch.arange(3)).dtype == np.int64
    assert detached(torch.tensor(1.5, requires_grad=True)) == 1.5
    assert_array_equal(finite("x", torch.tensor([1j, 2]).conj(), dtype=complex), [-1j, 2])


@pytest.mark.parametrize("check", [finite, positive_int, lambda name, value: choice(name, value, ["a"])])
@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(100, 100, dtype=torch.complex64, requires_grad=True),
        np.full((100, 100), "text"),
        [["text"] * 1000] * 1000,
        "text" * 1000,
    ],
)
def test_no_message_holds_a_whole_array(check, value):
    if check is not finite and not isinstance(value, list | str):
        assert len(described(value)) < 100
        return
    with pytest.raises(ValueError, match=r"^x must be .{0,400}$"):
        check("x", value)


def test_messages_about_times_name_the_place():
    t = np.arange(10_000.0)
    t[5000] = 4999
    with pytest.raises(ValueError, match=r"^t must be strictly increasing, got 4999 after 4999$"):
        times(t)
    t[5000] = -1
    with pytest.raises(ValueError, match=r"^t must be >= 0 and not NaN, got -1 among its entries$"):
        times(t)


def test_the_name_of_the_times_can_be_chosen():
    with pytest.raises(ValueError, match="epochs must be >= 0"):
        times([-1.0], name="epochs")


def test_a_choice_is_one_of_those_allowed():
    assert choice("mode", "rich", ["lazy", "rich"]) == "rich"
    with pytest.raises(ValueError, match="mode must be one of lazy, rich, got 'rihc'"):
        choice("mode", "rihc", ["lazy", "rich"])


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e-99, 1.0, 1e99, 1e200, 1e308])
def test_arrays_without_a_unit_are_brought_to_where_their_squares_are_numbers(size):
    array = np.array([[0.0, -0.5 * size], [0.25 * size, size]])
    scaled = of_ordinary_size(array)
    assert 1e-100 < np.abs(scaled).max() < 1e100
    factor = scaled[1, 1] / size if size > 1e-300 else 1.0
    assert np.frexp(factor)[0] == 0.5  # a power of two
    np.testing.assert_allclose(scaled / scaled[1, 1], array / size, rtol=1e-3 if size < 1e-300 else 1e-15)
    assert (scaled is array) == (1e-100 < size < 1e100)
    assert of_ordinary_size(np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("minimum", [1, 2])
def test_counts_are_below_two_to_the_53(minimum):
    assert positive_int("n", 2**53 - 1, minimum=minimum) == 2**53 - 1
    with pytest.raises(ValueError, match=r"n must be < 2\^53"):
        positive_int("n", 2**53, minimum=minimum)
    assert positive_int("seed", 2**60, minimum=0) == 2**60
