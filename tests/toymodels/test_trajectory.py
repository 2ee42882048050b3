import json
from fractions import Fraction

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


@given(run=trajectories())
def test_arrays_and_header_hold_the_whole_run_in_plain_values(run):
    arrays, header = run.arrays(), run.header()
    assert list(arrays) == ["t", *(f"data/{name}" for name in run.data)]
    assert json.loads(json.dumps(header)) == header
    again = Trajectory.from_arrays({**arrays, "extra": np.zeros(1)}, header)
    assert_array_equal(again.t, run.t, strict=True)
    assert list(again.data) == list(run.data)
    for name in run.data:
        assert_array_equal(again[name], run[name], strict=True)
    assert (again.clock, again.meta) == (run.clock, run.meta)


def test_the_header_turns_numpy_values_and_numbered_keys_into_plain_ones():
    meta = {"rate": np.float64(0.5), "done": np.bool_(True), "rows": {10: np.arange(2), 9: (1, 2)}}
    header = Trajectory([0], {}, clock="step", meta=meta).header()
    assert header == {"clock": "step", "meta": {"rate": 0.5, "done": True, "rows": {"10": [0, 1], "9": [1, 2]}}}
    assert [type(value) for value in header["meta"].values()] == [bool, float, dict]


def test_the_file_holds_the_times_a_header_in_sorted_order_and_the_quantities(tmp_path):
    run = Trajectory([0], {"b": [1], "a": [2]}, clock="step", meta={"z": 1, "rows": {10: 0, 9: 0}})
    run.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as file:
        assert file.files == ["t", "header", "data/b", "data/a"]
        assert str(file["header"]) == '{"clock": "step", "meta": {"rows": {"9": 0, "10": 0}, "z": 1}}'


def test_the_same_run_gives_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        run = Trajectory([0, 1], {"loss": [1.0, 0.5]}, clock="step", meta={"lr": 0.1, "modes": np.arange(2)})
        run.save(tmp_path / name)
    run = Trajectory.load(tmp_path / "a.npz")
    run.save(tmp_path / "c.npz")
    assert len({(tmp_path / name).read_bytes() for name in ("a.npz", "b.npz", "c.npz")}) == 1


@given(run=trajectories())
def test_a_dataset_holds_every_quantity_under_its_axes(run):
    dataset = run.to_xarray()
    assert_array_equal(dataset["t"], run.t)
    assert set(dataset.data_vars) == set(run.data)
    for name, values in run.data.items():
        assert dataset[name].dims == ("t", *(f"{name}_{i}" for i in range(values.ndim - 1)))
        assert_array_equal(dataset[name], values)
    assert dataset.attrs["clock"] == run.clock


def test_a_dataset_keeps_what_netcdf_can_hold_and_can_be_written(tmp_path):
    kept = {
        "rate": 0.5,
        "steps": 2**31 - 1,
        "layerwise.scale": -(2**31 - 1),
        "time left": np.inf,
        "int_steps": 1,
        "note": "two words",
        "modes": [1, 2],
    }
    left = {"none": None, "flag": True, "empty": [], "words": ["a"], "nested": {"a": 1}, "a/b": 1, "": 1, "big": 2**31}
    left |= {"real": 1, "uint64": 1, "it's": 1, "é": 1, "space ": 1, "two\nlines": 1, "sizes": [1, 2**31]}
    run = Trajectory([0, np.inf], {"w": np.ones((2, 3))}, clock="step", meta={**kept, **left})
    dataset = run.to_xarray()
    assert dataset.attrs == {**kept, "clock": "step"}
    assert dataset.to_netcdf(engine="scipy")


@given(meta=st.dictionaries(st.text(max_size=5) | st.text("ab 1_.", max_size=3), json_values, max_size=3))
def test_whatever_meta_holds_the_dataset_can_be_written(meta):
    meta.pop("clock", None)
    dataset = Trajectory([0, 1], {"loss": [2.0, 1.0]}, clock="step", meta=meta).to_xarray()
    assert dataset.to_netcdf(engine="scipy")


def test_a_dataset_may_be_edited_without_touching_the_run():
    run = Trajectory([0, 1], {"loss": [2.0, 1.0]}, clock="step")
    run.to_xarray()["loss"][:] = 0
    assert_array_equal(run["loss"], [2, 1])


@pytest.mark.parametrize(
    ("data", "meta", "message"),
    [
        ({"t": [1.0, 2.0]}, {}, "data must not hold a quantity called like an axis, got 't'"),
        ({"w": np.ones((2, 2)), "w_0": [1.0, 2.0]}, {}, "called like an axis, got 'w_0'"),
        ({}, {"clock": "noon"}, "meta must not hold an entry called like the attribute 'clock'"),
    ],
)
def test_a_dataset_refuses_names_that_clash(data, meta, message):
    with pytest.raises(ValueError, match=message):
        Trajectory([0, 1], data, clock="step", meta=meta).to_xarray()


def test_a_table_has_a_column_an_entry():
    data = {"loss": [3.0, 4.0], "w": [[1, 2], [3, 4]], "m": np.arange(4.0).reshape(2, 1, 2), "phase": ["lazy", "rich"]}
    frame = Trajectory([0, 2], data, clock="step").to_dataframe()
    assert frame.index.name == "t"
    assert list(frame.index) == [0, 2]
    assert list(frame.columns) == ["loss", "w[0]", "w[1]", "m[0, 0]", "m[0, 1]", "phase"]
    assert frame.loc[2].tolist() == [4, 3, 4, 2, 3, "rich"]
    assert frame["w[0]"].dtype.kind == "i"


@given(run=trajectories())
def test_a_table_holds_every_number(run):
    frame = run.to_dataframe()
    assert_array_equal(frame.index, run.t)
    columns = [column for values in run.data.values() for column in values.reshape(len(run.t), -1).T]
    assert frame.shape == (len(run.t), len(columns))
    for i, column in enumerate(columns):
        assert_array_equal(frame.iloc[:, i], column)


@pytest.mark.parametrize("names", [("w", "w[1]"), ("w[1]", "w")])
def test_a_table_refuses_names_that_clash(names):
    values = {"w": [[1, 2]], "w[1]": [5]}
    with pytest.raises(ValueError, match=r"called like a column of another, got 'w\[1\]'"):
        Trajectory([0], {name: values[name] for name in names}, clock="step").to_dataframe()


def test_the_short_form_names_times_clock_and_shapes():
    run = Trajectory([0, 2.5, np.inf], {"loss": np.ones(3), "map": np.ones((3, 4, 2))}, clock="flow time")
    assert repr(run) == "Trajectory(3 times, flow time 0 to inf: loss, map[4, 2])"
    assert repr(Trajectory([7], {}, clock="step")) == "Trajectory(1 time, step 7 to 7: no quantities)"


def test_the_short_form_of_a_hundred_quantities_stays_short():
    data = {f"quantity {i}": np.ones((2, 3)) for i in range(100)}
    run = Trajectory([0, 1], data, clock="step", meta={"notes": "long " * 10_000})
    assert repr(run).endswith("quantity 7[3], and 92 more)")
    assert len(repr(run)) < 200


@given(run=trajectories(), name=st.text(max_size=400), clock=st.text(max_size=400))
def test_the_short_form_is_one_short_line_whatever_the_names(run, name, clock):
    odd = Trajectory(run.t, {**run.data, name: np.zeros(len(run.t))}, clock=clock)
    for example in (run, odd):
        assert len(repr(example)) <= 300
        assert len(repr(example).splitlines()) == 1


def test_arrays_cannot_be_changed_through_the_run_and_those_given_stay_open():
    t, loss = np.arange(2.0), np.ones(2)
    run = Trajectory(t, {"loss": loss}, clock="step")
    for array in (run.t, run["loss"], run.arrays()["t"], run.arrays()["data/loss"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    t[0] = loss[0] = -1


def test_fields_cannot_be_rebound():
    with pytest.raises(AttributeError):
        Trajectory([0], {}, clock="step").t = [1]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(("n_names", "end"), [(8, "q6, q7)"), (9, "q6, q7, and 1 more)"), (11, "q6, q7, and 3 more)")])
def test_the_short_form_names_eight_quantities(n_names, end):
    run = Trajectory([0, 1], {f"q{i}": [1.0, 2.0] for i in range(n_names)}, clock="step")
    assert repr(run).endswith(end)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_short_form_of_three_hundred_characters_is_whole_and_a_longer_one_is_cut(extra):
    rest = len(repr(Trajectory([0, 1], {"q": [1.0, 2.0]}, clock="step"))) - 1
    run = Trajectory([0, 1], {"q" * (300 - rest + extra): [1.0, 2.0]}, clock="step")
    assert len(repr(run)) == 300 + min(extra, 0)
    assert repr(run).endswith("q...)" if extra > 0 else "qqq)")


@pytest.mark.parametrize("bad", [complex(np.nan, 0), complex(0, np.inf)])
def test_complex_numbers_are_looked_at_whole(bad):
    with pytest.raises(SimulationError, match=r"field is not finite at round 0\.5"):
        Trajectory([0, 0.5, 1], {"field": [1j, bad, bad]}, clock="round")
    assert Trajectory([0], {"field": [1j]}, clock="round")["field"][0] == 1j


def test_the_first_bad_time_of_any_entry_is_named():
    values = np.ones((4, 2, 3))
    values[3, 0, 0] = values[2, 1, 2] = np.nan
    with pytest.raises(SimulationError, match=r"map is not finite at epoch 4$"):
        Trajectory([0, 2, 4, 6], {"loss": np.ones(4), "map": values}, clock="epoch")
    values[0, 1, 0] = np.inf
    with pytest.raises(SimulationError, match=r"map is not finite at epoch 0$"):
        Trajectory([0, 2, 4, 6], {"map": values}, clock="epoch")


def test_finite_numbers_may_add_up_to_infinity():
    largest = np.finfo(float).max
    run = Trajectory([0, 1], {"loss": [largest, largest]}, clock="step")
    assert run["loss"].tolist() == [largest, largest]


@pytest.mark.parametrize("value", [[("loss", [1.0])], None, 3])
def test_quantities_and_notes_are_mappings(value):
    with pytest.raises(ValueError, match="data must be a mapping, got"):
        Trajectory([0], value, clock="step")
    with pytest.raises(ValueError, match="meta must be a mapping, got"):
        Trajectory([0], {}, clock="step", meta=value)


def test_notes_are_kept_apart_from_the_mapping_that_was_given():
    data, meta = {"loss": [1.0]}, {"lr": 0.5}
    run = Trajectory([0], data, clock="step", meta=meta)
    data["more"], meta["lr"] = [2.0], 1.0
    assert (list(run.data), run.meta) == (["loss"], {"lr": 0.5})


def test_a_table_is_found_at_its_times_and_an_empty_axis_has_no_columns():
    run = Trajectory([0.5, 2], {"none": np.ones((2, 0)), "w": [[1, 2], [3, 4]]}, clock="step")
    frame = run.to_dataframe()
    assert list(frame.columns) == ["w[0]", "w[1]"]
    assert frame.loc[0.5, "w[1]"] == 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, r"data\['x'\] must be numeric, got"),
        ([None, None], r"data\['x'\] must be numeric, got"),
        ([object(), object()], r"data\['x'\] must be numeric, got"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), r"data\['x'\] must not be masked, got 1 masked entries"),
    ],
)
def test_quantities_are_numbers(values, message):
    with pytest.raises(ValueError, match=message):
        Trajectory([0.0, 1.0], {"x": values}, clock="step")


def test_quantities_keep_their_type_of_number_and_lose_a_gradient():
    values = {
        "single": np.ones(2, dtype=np.float32),
        "whole": [1, 2],
        "truth": [True, False],
        "wave": [1j, 0],
        "phase": ["lazy", "rich"],
    }
    run = Trajectory([0.0, 1.0], {**values, "fractions": [Fraction(1, 2), 1]}, clock="step")
    assert [values.dtype.name for values in run.data.values()] == [
        "float32",
        "int64",
        "bool",
        "complex128",
        "str128",
        "float64",
    ]
    torch = pytest.importorskip("torch")
    assert Trajectory([0.0], {"x": torch.ones(1, requires_grad=True)}, clock="step")["x"].tolist() == [1.0]
