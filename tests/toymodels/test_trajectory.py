import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from toymodels import SimulationError, Trajectory

numbers = st.floats(-1e300, 1e300)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def trajectories(draw):
    n_t = draw(st.integers(1, 5))
    t = np.cumsum(draw(st.lists(st.floats(1e-3, 1e3), min_size=n_t, max_size=n_t)))
    if draw(st.booleans()):
        t[-1] = np.inf
    shape = hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)
    arrays = shape.flatmap(lambda tail: hnp.arrays(float, (n_t, *tail), elements=numbers))
    data = draw(st.dictionaries(st.text("abcxyz_", min_size=1), arrays, max_size=3))
    meta = draw(st.dictionaries(st.text(max_size=5), json_values, max_size=3))
    return Trajectory(t, data, clock=draw(st.sampled_from(["step", "flow time"])), meta=meta)


@given(run=trajectories())
def test_a_saved_run_is_loaded_bit_for_bit(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run.npz"
    run.save(path)
    again = Trajectory.load(path)
    assert_array_equal(again.t, run.t, strict=True)
    assert again.data.keys() == run.data.keys()
    for name in run.data:
        assert_array_equal(again[name], run[name], strict=True)
    assert (again.clock, again.meta) == (run.clock, run.meta)
    assert [entry.name for entry in path.parent.iterdir()] == ["run.npz"]


def test_integers_bools_and_strings_keep_their_type(tmp_path):
    data = {"count": np.arange(2), "fired": np.array([True, False]), "phase": np.array(["lazy", "rich"])}
    Trajectory([0, 1], data, clock="step").save(tmp_path / "deep" / "run.npz")
    again = Trajectory.load(tmp_path / "deep" / "run.npz")
    for name, values in data.items():
        assert_array_equal(again[name], values, strict=True)


def test_numpy_values_in_meta_are_saved_as_plain_ones(tmp_path):
    Trajectory([0], {}, clock="step", meta={"rate": np.float64(0.5), "modes": np.arange(2)}).save(tmp_path / "run.npz")
    assert Trajectory.load(tmp_path / "run.npz").meta == {"rate": 0.5, "modes": [0, 1]}


def test_meta_that_is_not_json_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(TypeError, match="meta must be JSON, got object"):
        Trajectory([0], {}, clock="step", meta={"rate": object()}).save(tmp_path / "run.npz")
    assert not list(tmp_path.iterdir())


def test_lists_become_arrays_and_a_single_time_a_row():
    run = Trajectory(2.0, {"loss": [1]}, clock="step")
    assert_array_equal(run.t, [2.0], strict=True)
    assert_array_equal(run["loss"], np.array([1]), strict=True)


def test_a_missing_quantity_lists_those_that_are_there():
    run = Trajectory([0], {"loss": [1.0], "accuracy": [0.5]}, clock="step")
    with pytest.raises(KeyError, match="no quantity 'los'; this run has accuracy, loss"):
        run["los"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_quantity_gone_bad_is_named_with_the_first_such_time(bad):
    values = np.ones((3, 2))
    values[1:, 1] = bad
    with pytest.raises(SimulationError, match="loss is not finite at step 10"):
        Trajectory([0, 10, 20], {"loss": values}, clock="step")


@pytest.mark.parametrize(
    ("t", "data", "message"),
    [
        ([], {}, "t must be a non-empty 1-D array"),
        ([[0, 1]], {}, "t must be a non-empty 1-D array"),
        ([0, 0], {}, "t must be strictly increasing"),
        ([1, 0], {}, "t must be strictly increasing"),
        ([np.nan], {}, "t must be strictly increasing"),
        ([np.inf, np.inf], {}, "t must be strictly increasing"),
        ([0, 1], {"loss": [1.0]}, r"data\['loss'\] must have 2 rows, one per time, got shape \(1,\)"),
        ([0], {"loss": 1.0}, r"data\['loss'\] must have 1 rows, one per time, got shape \(\)"),
    ],
)
def test_times_and_shapes_that_do_not_fit_are_refused(t, data, message):
    with pytest.raises(ValueError, match=message):
        Trajectory(t, data, clock="step")


@pytest.mark.parametrize("content", [b"", b"<html>sign in</html>", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_trajectory_is_named(tmp_path, content):
    path = tmp_path / "run.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"path must be a trajectory file, got {path}"):
        Trajectory.load(path)


def test_any_cut_of_a_file_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    Trajectory([0, 1], {"loss": [1.0, 2.0]}, clock="step").save(path)
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="path must be a trajectory file"):
            Trajectory.load(path)


def test_a_file_with_pickled_objects_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    np.savez(path, t=np.array([{}], dtype=object), header=np.array("{}"))
    with pytest.raises(ValueError, match="path must be a trajectory file"):
        Trajectory.load(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        Trajectory.load(tmp_path / "none.npz")


def test_fields_cannot_be_rebound():
    with pytest.raises(AttributeError):
        Trajectory([0], {}, clock="step").t = [1]  # pyright: ignore[reportAttributeAccessIssue]
