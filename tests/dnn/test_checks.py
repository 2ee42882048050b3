"""What is taken for samples, networks and draws of noise, and how the rest is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch import nn

from dnn import checks

NETWORK = nn.Linear(2, 3).double()


@given(
    arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.uint8, bool]),
        array_shapes(min_dims=1, max_dims=3, max_side=4),
    ),
    st.sampled_from(["plain", "reversed", "read-only", "other bytes", "broadcast"]),
)
def test_every_array_is_the_tensor_of_its_entries(array, how):
    seen = {
        "plain": lambda: array,
        "reversed": lambda: array[::-1],
        "read-only": lambda: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape),
        "other bytes": lambda: array.astype(array.dtype.newbyteorder(">")),
        "broadcast": lambda: np.broadcast_to(array, (2, *array.shape)),
    }[how]()
    before = seen.copy()
    tensor = checks.tensor_of("x", seen)
    assert tensor.tolist() == before.tolist()
    assert str(tensor.dtype).removeprefix("torch.") == array.dtype.name
    assert np.array_equal(seen, before)


def test_a_tensor_stays_itself_and_lists_are_read():
    tensor = torch.ones(2, 3, requires_grad=True)
    assert checks.tensor_of("x", tensor) is tensor
    assert checks.tensor_of("x", [[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert checks.tensor_of("x", (True, False)).dtype == torch.bool
    assert checks.tensor_of("x", [np.array([0.5, 2.0]), np.array([3.0, 4.0])]).tolist() == [[0.5, 2], [3, 4]]
    assert checks.tensor_of("x", []).shape == (0,)
    assert checks.tensor_of("x", np.ma.masked_array([1.0, 2.0])).tolist() == [1.0, 2.0]  # none is masked
    array = np.arange(6.0).reshape(2, 3)
    assert np.shares_memory(checks.tensor_of("x", array).numpy(), array)  # a large one is not copied
    assert np.shares_memory(checks.tensor_of("x", array.T).numpy(), array)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "x must be a tensor, got None"),
        ("digits", "x must be a tensor, got 'digits'"),
        ([[1.0, 2.0], [3.0]], r"x must be a tensor, got \[\[1.0, 2.0\], \[3.0\]\]"),
        ([2**70], "x must be a tensor, got "),
        ({"x": 1}, "x must be a tensor, got {'x': 1}"),
        (np.array(["a"]), "x must be a tensor, got ndarray of <U1 and shape"),
        (np.array([1, None]), "x must be a tensor, got ndarray of object"),
        (torch.ones(3) * 1j, "x must be real, got Tensor of torch.complex64"),
        ([1j], "x must be real, got "),
        (np.ma.masked_equal([1.0, 2.0, 3.0], 2.0), "x must not be masked, got 1 masked entries"),
        (2.5, r"x must be a tensor of samples, got tensor\(2.5"),
        (np.float64(2.5), "x must be a tensor of samples, got "),
        (np.array(2.5), "x must be a tensor of samples, got "),
        (torch.tensor(1.0), "x must be a tensor of samples, got "),
    ],
)
def test_what_is_no_tensor_of_samples_is_refused(value, words):
    with pytest.raises(ValueError, match=words):
        checks.tensor_of("x", value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_values_are_finite_if_every_one_is(dtype):
    largest = torch.full((2, 3), torch.finfo(dtype).max, dtype=dtype)  # whose sum is infinite
    assert checks.check_finite_values("x", largest) is largest
    for wrong in (torch.nan, torch.inf, -torch.inf):
        values = largest.clone()
        values[1, 2] = wrong
        with pytest.raises(ValueError, match=f"x must be finite, got {wrong} among its entries"):
            checks.check_finite_values("x", values)
    opposite = torch.tensor([1.0, torch.inf, -torch.inf], dtype=dtype)
    with pytest.raises(ValueError, match="x must be finite, got inf among"):
        checks.check_finite_values("x", opposite)


def test_integers_and_bools_are_always_finite():
    for values in (torch.tensor([2**62, 2**62, 2**62]), torch.tensor([True, False]), torch.zeros(0)):
        assert checks.check_finite_values("x", values) is values


def test_samples_come_in_the_precision_of_the_network():
    x = checks.samples_for(NETWORK, [[0.5, 1.0]])
    assert (x.dtype, x.tolist()) == (torch.float64, [[0.5, 1.0]])
    assert checks.samples_for(nn.Linear(2, 3), np.ones((4, 2))).dtype == torch.float32
    assert checks.samples_for(NETWORK, torch.ones(4, 2, dtype=torch.int32)).dtype == torch.int32
    assert checks.samples_for(nn.ReLU(), np.ones(2)).dtype == torch.float64  # it has no precision
    quantised = nn.Module()
    quantised.codes = nn.Parameter(torch.ones(3, dtype=torch.int8), requires_grad=False)
    quantised.gain = nn.Parameter(torch.ones(3, dtype=torch.float64))
    assert checks.samples_for(quantised, torch.ones(3)).dtype == torch.float64


@pytest.mark.parametrize(
    ("network", "x", "words"),
    [
        (NETWORK, [], "images must hold at least one sample, got "),
        (NETWORK, np.ones((0, 2)), "images must hold at least one sample, got Tensor of .* and shape"),
        (NETWORK, [[1.0, np.nan]], "images must be finite, got nan among"),
        (nn.Linear(2, 3), np.array([[1.0, -1e300]]), "images must be finite, got -inf among"),  # in single precision
        ("network", [[1.0, 2.0]], "network must be a torch module, got 'network'"),
        (NETWORK, "images", "images must be a tensor, got 'images'"),
    ],
)
def test_samples_that_no_network_takes_are_refused(network, x, words):
    with pytest.raises(ValueError, match=words):
        checks.samples_for(network, x, "images")


def test_a_network_is_a_module_and_not_its_class():
    assert checks.network_of("start", NETWORK) is NETWORK
    for value in (nn.Linear, None, lambda x: x):
        with pytest.raises(ValueError, match="start must be a torch module, got "):
            checks.network_of("start", value)


def test_draws_are_between_one_and_the_most():
    assert checks.draws_of("draws", 1) == 1
    most = checks.draws_of("draws", np.int64(checks.MOST_DRAWS))
    assert (most, type(most)) == (checks.MOST_DRAWS, int)
    for value, words in ((0, "draws must be >= 1, got 0"), (10_001, "draws must be <= 10000, got 10001")):
        with pytest.raises(ValueError, match=words):
            checks.draws_of("draws", value)
    with pytest.raises(ValueError, match="draws must be an integer, got 2"):
        checks.draws_of("draws", 2.0)


@pytest.mark.parametrize("lost", ["x_train", "y_train", "x_test", "y_test"])
def test_a_split_has_four_parts(lost):
    parts = {name: torch.ones(2) for name in ("x_train", "y_train", "x_test", "y_test")}
    whole = SimpleNamespace(**parts)
    assert checks.split_of(whole) is whole
    del parts[lost]
    with pytest.raises(ValueError, match="split must be a Split of x_train, y_train, x_test, y_test, got"):
        checks.split_of(SimpleNamespace(**parts))


def test_without_a_generator_the_same_numbers_are_drawn_every_time():
    first, second = (checks.random_of("rng", None).random(3) for _ in range(2))
    assert np.array_equal(first, second)
    given_one = np.random.default_rng(7)
    assert checks.random_of("rng", given_one) is given_one
    with pytest.raises(ValueError, match="rng must be"):
        checks.random_of("rng", np.random.RandomState(0))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: torch.eye(3).to_sparse(), "a sparse one of torch.float32"),
        (lambda: torch.eye(3).to("meta"), "a meta one of torch.float32"),
        (lambda: torch.quantize_per_tensor(torch.eye(3), 0.1, 0, torch.qint8), "a quantized one of torch.qint8"),
        (lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged), "a nested one"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_tensors_without_entries_of_their_own_are_refused(make, kind):
    with pytest.raises(ValueError, match=f"x must be a dense tensor of numbers, got {kind}"):
        checks.tensor_of("x", make())


def test_rare_numbers_become_usual_ones():
    halves = torch.tensor([0.5, -2.0, 448.0])
    assert torch.equal(checks.tensor_of("x", halves.to(torch.float8_e4m3fn)), halves)
    for kind in (torch.uint16, torch.uint32, torch.uint64):
        assert checks.tensor_of("x", torch.tensor([0, 65_535]).to(kind)).tolist() == [0, 65_535]
    with pytest.raises(ValueError, match=r"x must be < 2\^63, got larger integers"):
        checks.tensor_of("x", np.array([2**63], dtype=np.uint64))


def test_masked_arrays_are_refused():
    masked = np.ma.array(np.eye(3), mask=np.eye(3) > 0)
    with pytest.raises(ValueError, match="x must not be masked, got 3 masked entries"):
        checks.tensor_of("x", masked)
    with pytest.raises(ValueError, match="firing must not be masked"):
        checks.bools("firing", masked)
    assert torch.equal(checks.tensor_of("x", np.ma.array(np.eye(3))), torch.eye(3).double())
