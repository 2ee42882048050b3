from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from toymodels.validation import (
    array_of,
    choice,
    counts,
    described,
    detached,
    finite,
    flag,
    fraction,
    generator,
    non_negative,
    numeric,
    of_ordinary_size,
    path,
    plain_fields,
    positive,
    positive_int,
    require_room,
    text,
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


@given(st.lists(st.integers(0, 5), max_size=5), st.integers(0, 3), st.integers(0, 4))
def test_counts_are_so_many_integers_from_a_minimum_on(values, minimum, at_least):
    if len(values) >= at_least and all(value >= minimum for value in values):
        for form in (values, tuple(values), np.array(values, dtype=int)):
            assert counts("widths", form, minimum=minimum, at_least=at_least) == tuple(values)
    else:
        with pytest.raises(ValueError, match=r"widths must be (at least|>=) "):
            counts("widths", values, minimum=minimum, at_least=at_least)


@pytest.mark.parametrize("value", [3, "12", b"12", {1, 2}, np.zeros((2, 2), int), np.array(3), [[1], [2]]])
def test_counts_are_a_flat_sequence(value):
    with pytest.raises(ValueError, match="widths must be a sequence of integers, got"):
        counts("widths", value)


def test_counts_say_how_many_there_must_be_and_which_is_too_small():
    with pytest.raises(ValueError, match=r"^widths must be at least 3 integer\(s\), got 2$"):
        counts("widths", [4, 5], at_least=3)
    with pytest.raises(ValueError, match=r"^widths must be >= 1, got 0$"):
        counts("widths", [4, 0])
    with pytest.raises(ValueError, match=r"^widths must be an integer, got 2\.0$"):
        counts("widths", [4, 2.0])


def test_a_generator_draws_normal_numbers_and_is_no_class_and_no_old_one():
    rng = np.random.default_rng(0)
    assert generator("rng", rng) is rng
    for value in (0, None, np.random.RandomState(0), np.random.Generator):
        with pytest.raises(ValueError, match=r"rng must be a numpy Generator, as numpy\.random\.default_rng\(0\), got"):
            generator("rng", value)


@pytest.mark.parametrize(("value", "expected"), [(True, True), (np.bool_(False), False), (1, True), (0, False)])
def test_a_flag_is_true_or_false(value, expected):
    assert flag("reuse", value) is expected


@pytest.mark.parametrize("value", [None, "yes", 2, -1, 1.0, [], np.array(True)])
def test_what_is_neither_true_nor_false_is_no_flag(value):
    with pytest.raises(ValueError, match="reuse must be True or False, got"):
        flag("reuse", value)


def test_paths_and_texts_are_of_their_kind():
    assert path("folder", "a/b") == path("folder", Path("a") / "b") == Path("a/b")
    assert text("name", "word") == "word"
    for value in (3, None, b"a", ["a"]):
        with pytest.raises(ValueError, match="folder must be a path, got"):
            path("folder", value)
        with pytest.raises(ValueError, match="name must be a str, got"):
            text("name", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([Fraction(1, 4), 2], [0.25, 2.0]),
        (np.array([2**70, Fraction(-1, 2)], dtype=object), [2.0**70, -0.5]),
        (np.array([], dtype=object), []),
        ([True, False], [1.0, 0.0]),
    ],
)
def test_numbers_that_numpy_has_no_type_for_are_read(value, expected):
    assert_array_equal(numeric("x", value), np.array(expected), strict=True)


@pytest.mark.parametrize("odd", ["3", b"3", None])
@pytest.mark.parametrize("place", range(3))
def test_words_among_such_numbers_are_refused(odd, place):
    value = np.array([Fraction(1, 4), 2**70, 1], dtype=object)
    value[place] = odd
    with pytest.raises(ValueError, match=r"^x must be numeric, got ndarray of object and shape \(3,\)$"):
        numeric("x", value)


def test_complex_numbers_among_objects_are_complex():
    value = np.array([Fraction(1, 4), 2j], dtype=object)
    assert_array_equal(numeric("x", value, complex), np.array([0.25, 2j]), strict=True)
    with pytest.raises(ValueError, match="x must be real, got ndarray"):
        numeric("x", value)


def test_a_value_in_a_message_is_short_and_an_array_is_its_shape():
    assert described(np.zeros((2, 3), np.float32)) == "ndarray of float32 and shape (2, 3)"
    assert described(np.float64(2.5)) == repr(np.float64(2.5))
    assert described("word") == "'word'"
    assert len(described("w" * 1000)) == 200
    assert len(described(type("Long", (), {"__repr__": lambda self: "w" * 1000})())) == 100
    assert described(type("Shaped", (), {"shape": (4,)})()) == "Shaped of no dtype and shape (4,)"


def test_products_with_what_is_too_large_would_overflow():
    require_room(x=np.array([1e75, -1e75]), y=np.zeros(0))
    with pytest.raises(ValueError, match=r"^y must be at most 1e\+75 in size, or products overflow, got 2e\+75$"):
        require_room(x=np.ones(2), y=np.array([[1.0, -2e75]]))


@pytest.mark.parametrize(("check", "bound"), [(positive, ">"), (non_negative, ">=")])
def test_signs_are_said_with_the_smallest_entry(check, bound):
    with pytest.raises(ValueError, match=rf"^x must be {bound} 0, got -2\.5$"):
        check("x", [3.0, -2.5, -1.0])


def test_a_fraction_is_a_single_number():
    with pytest.raises(ValueError, match=r"p must have 0 dimension\(s\)"):
        fraction("p", [0.5])
    with pytest.raises(ValueError, match=r"^p must be in \[0, 1\], got 1\.5$"):
        fraction("p", 1.5, closed=True)
    with pytest.raises(ValueError, match=r"^p must be in \(0, 1\), got 1$"):
        fraction("p", 1)


def test_a_choice_that_cannot_be_looked_up_is_refused():
    with pytest.raises(ValueError, match=r"mode must be one of 1, 2, got \[1\]"):
        choice("mode", [1], (1, 2))
    assert choice("mode", 2, iter([1, 2])) == 2


def test_masked_entries_are_not_read_through_their_mask():
    masked = np.ma.masked_equal([[1.0, 2.0], [2.0, 4.0]], 2.0)
    for check in (numeric, finite, positive, non_negative):
        with pytest.raises(ValueError, match="w must not be masked, got 2 masked entries"):
            check("w", masked)
        assert check("w", np.ma.masked_array([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_fields_become_numbers_of_python():
    @dataclass(frozen=True)
    class Sizes:
        n: int
        scale: float
        name: str = "a"

        def __post_init__(self):
            plain_fields(self)

    sizes = Sizes(np.uint8(200), np.float32(0.5))
    assert (sizes.n * 2, type(sizes.n), type(sizes.scale), sizes.name) == (400, int, float, "a")


@pytest.mark.parametrize(
    "value",
    [
        np.ma.array([1.0, 1e9], mask=[False, True]),
        np.ma.array([1, 10], mask=[False, True]),
        [1.0, np.ma.masked],
        [np.ma.array([1.0], mask=[False]), np.ma.array([1.0], mask=[True])],
        (1, [2, np.ma.masked]),
    ],
)
def test_masked_entries_are_refused(value):
    for read in (numeric, finite, array_of):
        with pytest.raises(ValueError, match="x must not be masked, got 1 masked entries"):
            read("x", value)


def test_a_list_that_holds_itself_is_no_array():
    held = [1.0]
    held.append(held)
    with pytest.raises(ValueError, match="x must be numeric"):
        numeric("x", held)


def test_an_array_of_which_nothing_is_masked_is_an_array():
    assert_array_equal(finite("x", np.ma.array([1.0, 2.0], mask=False)), [1.0, 2.0])


def test_arrays_of_any_type_lose_a_gradient_only():
    assert array_of("x", torch.ones(2, requires_grad=True)).tolist() == [1.0, 1.0]
    assert array_of("x", [True, False]).dtype == bool
    assert array_of("x", ["a", "b"]).tolist() == ["a", "b"]
