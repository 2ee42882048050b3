"""A result as table, file, labelled arrays, picture and folder, and what a later process finds there."""

import base64
import csv
import html
import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import comparisons
from comparisons import Result, Verdict
from comparisons.harness import result as module
from comparisons.harness.result import digest, read_result
from toymodels.trajectory import Trajectory
from toymodels.validation import non_negative


@dataclass(frozen=True)
class Question:
    """Of every kind of field."""

    absent_below: float = 0.25
    shown_from: float = 0.5
    levels: tuple = (0.1, 0.9)
    name: str = "rise"

    def __post_init__(self):
        non_negative("shown_from", self.shown_from)


def run(*x, t=(1.0, 2.0, 5.0), **more):
    return Trajectory(t, {"x": np.array(x, float)}, clock="step", **more)


RUNS = {"model": [run(0, 1, 4), run(0, 2, 8)], "model (off)": [run(1, 1, 1)], "untold": []}
VERDICTS = {
    "model": Verdict("shown", (0.75, 2.0), (0.25, 0.5), "late", predicted=1.5, measured=1.25),
    "model (off)": Verdict("absent", (0.125,), (0.25, 0.5), measured=3.0),
    "wild": Verdict("unclear", (np.nan, 1.0, np.inf), (0.25, 0.5), 'one, "two"'),
    "mute": Verdict("silent", note="no clock"),
}


def draw(result):
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    for each in result.runs["model"]:
        axes.plot(each.t, each["x"])
    return figure


def result(**more):
    usual = {
        "study": "made_up",
        "headline": "Does it rise? <yes & no>",
        "question": Question(levels=(0.2, 0.4, 0.8)),
        "verdicts": VERDICTS,
        "runs": RUNS,
        "knobs": {"model (off)": "lag 2 -> 0"},
        "picture": draw,
        "details": "more",
        "controls": ("model (off)",),
        "criterion": "levels 0.1x0.9 -> 0.2x0.4x0.8",
        "seconds": 1.25,
    }
    return Result(**usual | more)


def test_the_table_has_a_line_a_verdict_with_numbers_and_nan_where_there_is_none():
    table = result().table()
    assert list(table.columns) == list(module.COLUMNS)
    assert table["model"].tolist() == list(VERDICTS)
    assert table["replicates"].tolist() == [2, 1, 3, 0]
    np.testing.assert_array_equal(table["score"], [1.375, 0.125, np.nan, np.nan])
    np.testing.assert_array_equal(table["low"], [0.75, 0.125, np.nan, np.nan])
    np.testing.assert_array_equal(table["high"], [2.0, 0.125, np.nan, np.nan])
    np.testing.assert_array_equal(table["predicted"], [1.5, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(table["measured"], [1.25, 3.0, np.nan, np.nan])
    assert table["note"].tolist() == ["late", "lag 2 -> 0", 'one, "two"', "no clock"]


def test_a_table_without_rows_keeps_its_columns():
    empty = result(verdicts={}, runs={})
    assert empty.table().shape == (0, len(module.COLUMNS))
    assert empty.csv().splitlines() == [",".join([*module.COLUMNS, "absent_below", "shown_from"])]


def test_the_file_of_a_table_gives_every_score_of_every_replicate_back():
    lines = list(csv.DictReader(io.StringIO(result().csv())))
    for line, verdict in zip(lines, VERDICTS.values(), strict=True):
        assert len(line) == len(module.COLUMNS) + 2 + 3
        scores = [line[f"score_{i + 1}"] for i in range(3)]
        assert np.array_equal([float(score) for score in scores if score], verdict.scores, equal_nan=True)
        assert np.array_equal([float(line[k]) for k in ("absent_below", "shown_from")], verdict.thresholds, True)
    assert [line["note"] for line in lines] == ["late", "lag 2 -> 0", 'one, "two"', "no clock"]


def test_replicates_with_the_same_times_share_them():
    data = result().dataset("model")
    assert data["x"].dims == ("replicate", "t")
    assert data["t"].values.tolist() == [1, 2, 5]
    assert data["x"].sel(replicate=1, t=5.0) == 8
    assert data.attrs["clock"] == "step"
    alone = result().dataset("model (off)")
    assert (alone["x"].dims, alone.sizes["replicate"]) == (("replicate", "t"), 1)


def test_replicates_with_times_of_their_own_keep_them_and_end_when_they_end():
    rows = {"model": [run(0, 1, 4, meta={"lr": 0.5, "n": 3}), run(0, 7, t=(1.0, 3.0), meta={"lr": 0.5, "n": 4})]}
    data = result(runs=rows).dataset("model")
    assert data["x"].dims == data["t"].dims == ("replicate", "record")
    np.testing.assert_array_equal(data["t"], [[1, 2, 5], [1, 3, np.nan]])
    np.testing.assert_array_equal(data["x"], [[0, 1, 4], [0, 7, np.nan]])
    assert data["record"].values.tolist() == [0, 1, 2]
    assert data.attrs == {"clock": "step", "lr": 0.5}  # what the replicates agree on


def test_times_of_the_same_number_that_differ_are_not_shared():
    data = result(runs={"model": [run(0, 1, 4), run(0, 1, 4, t=(1.0, 2.0, 6.0))]}).dataset("model")
    np.testing.assert_array_equal(data["t"], [[1, 2, 5], [1, 2, 6]])


@pytest.mark.parametrize("row", ["mute", "untold", "model(off)", None, 0, ["model"]])
def test_a_row_without_runs_has_no_data_set(row):
    known = re.escape(f"row must be one with runs, model, model (off), untold, got {row!r}")
    with pytest.raises(ValueError, match=known):
        result().dataset(row)


@pytest.mark.parametrize("name", ["replicate", "record"])
def test_no_quantity_may_be_called_like_an_axis_of_the_data_set(name):
    rows = {"model": [run(0, 1, 4), Trajectory([1.0], {name: [0.0]}, clock="step")]}
    with pytest.raises(ValueError, match=f"no quantity of a data set may be called '{name}'"):
        result(runs=rows).dataset("model")


def test_there_is_no_picture_of_nothing_and_the_reason_is_said():
    with pytest.raises(ValueError, match="made_up has no picture: its study is not to be had here"):
        result(picture=None).figure()
    for runs in ({}, {"model": [], "other": []}):
        with pytest.raises(ValueError, match="made_up has no picture: nothing ran"):
            result(runs=runs).figure()
    lines = result().figure().axes[0].lines
    assert [line.get_ydata().tolist() for line in lines] == [[0, 1, 4], [0, 2, 8]]


def test_a_notebook_shows_question_table_and_picture():
    page = result()._repr_html_()
    assert page.startswith("<p>Does it rise? &lt;yes &amp; no&gt;</p>")
    assert html.escape('one, "two"', quote=False) in page
    assert "<th></th>" not in page  # rows have names, and no numbers
    data = base64.b64decode(re.search(r'<img alt="made_up" src="data:image/png;base64,([^"]+)"/>', page)[1])
    assert imread(io.BytesIO(data)).shape[:2] == (110, 220)  # 1 x 2 inches
    assert "<img" not in result(picture=None)._repr_html_()
    assert "<img" not in result(runs={"model": []})._repr_html_()


def same(found, made):
    """Whether two results say the same, whatever is not kept: the picture, the folder and rows without runs."""
    for name in ("study", "headline", "question", "verdicts", "knobs", "details", "controls", "criterion", "seconds"):
        assert getattr(found, name) == getattr(made, name), name
    assert found.interrupted == made.interrupted
    kept = {row: [digest(each) for each in runs] for row, runs in made.runs.items() if runs}
    assert {row: [digest(each) for each in runs] for row, runs in found.runs.items()} == kept
    return True


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_is_saved_is_read_back(interrupted, tmp_path):
    made = result(interrupted=interrupted)
    folder = made.save(tmp_path / "new" / "place")
    assert folder == tmp_path / "new" / "place"
    found = read_result(folder, Question(), draw)
    assert same(found, made)
    assert (found.folder, found.picture) == (folder, draw)
    assert (folder / "figure.png").exists() != interrupted  # half a study is not drawn
    assert (folder / "verdicts.csv").read_text() == made.csv()
    again = found.save(tmp_path / "again")
    assert same(read_result(again, Question(), draw), made)


def test_a_saved_folder_can_be_moved_and_read_without_its_study(tmp_path):
    result(picture=None).save(tmp_path / "a").rename(tmp_path / "b")
    found = comparisons.load(tmp_path / "b")
    assert same(replace(found, question=result().question), result())
    assert found.picture is None
    with pytest.raises(ValueError, match="its study is not to be had here"):
        found.figure()


@pytest.mark.parametrize("name", ["manifest.json", "verdicts.csv", "figure.png", "runs"])
def test_a_folder_with_another_result_is_not_written_into(name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=f"folder must not hold another result, got {tmp_path} with a {name}"):
        result().save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_users_own_files_may_lie_in_the_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    result().save(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_picture_is_drawn_when_it_is_asked_for_or_lies_there_already(tmp_path):
    made, path = result(), tmp_path / "figure.png"
    made.write_into(tmp_path, {}, picture=False)
    assert not path.exists()
    path.write_bytes(b"old")
    made.write_into(tmp_path, {}, picture=False)
    assert path.read_bytes().startswith(b"\x89PNG")
    for nothing in (result(runs={"model": []}), result(picture=None), result(interrupted=True)):
        path.write_bytes(b"old")
        nothing.write_into(tmp_path, {})
        assert path.read_bytes() == b"old"


def edited(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_values_of_a_question_are_read_back_as_far_as_it_has_them_today(tmp_path):
    folder = result().save(tmp_path / "a")
    edited(folder, question={"shown_from": 0.75, "levels": [0.3], "gone": 1})
    assert read_result(folder, Question()).question == Question(shown_from=0.75, levels=(0.3,))
    for other in (None, Question, "a question"):
        assert read_result(folder, other).question is other


@pytest.mark.parametrize("question", [None, Question, {"absent_below": 1.0}])
def test_a_question_that_is_no_dataclass_keeps_nothing(question, tmp_path):
    folder = result(question=question).save(tmp_path / "a")
    assert read_result(folder, Question()).question == Question()


UNKNOWN = {"outcome": "maybe", "scores": [], "thresholds": [0.25, 0.5]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"knobs": None, "controls": 3}, "TypeError"),
        ({"verdicts": {"model": {}}}, "KeyError: 'scores'"),
        ({"verdicts": {"model": 3}}, "TypeError"),
        ({"verdicts": []}, "AttributeError"),
        ({"verdicts": {"model": UNKNOWN}}, r"manifest\.json is damaged \(ValueError: outcome must be one of"),
        ({"verdicts": {"model": UNKNOWN | {"outcome": "shown", "scores": ["x"]}}}, r"manifest\.json is damaged"),
        ({"question": 3}, "AttributeError"),
        ({"question": {"shown_from": -1.0}}, r"manifest\.json is damaged \(ValueError: shown_from must be >= 0"),
        ({"rows": {"model": [{"cell": "", "error": None}]}}, "is missing"),
    ],
)
def test_a_damaged_manifest_is_named(changes, said, tmp_path):
    folder = result().save(tmp_path / "a")
    edited(folder, **changes)
    with pytest.raises(ValueError, match=said) as raised:
        read_result(folder, Question())
    assert str(folder) in str(raised.value)


def test_a_call_that_never_came_to_verdicts_is_no_result(tmp_path):
    for state, said in (({"state": "running"}, "running"), ({}, "ended early")):
        (tmp_path / "manifest.json").write_text(json.dumps({"rows": {}, "call": "x"} | state))
        with pytest.raises(ValueError, match=f"{tmp_path} holds no finished result: the call {said}"):
            read_result(tmp_path)


def test_a_failed_run_is_left_out_and_the_others_are_read(tmp_path):
    folder = result().save(tmp_path / "a")
    rows = json.loads((folder / "manifest.json").read_text())["rows"]
    rows["model"][0] = {"cell": "", "error": "loss is not finite"}
    edited(folder, rows=rows)
    assert [digest(each) for each in read_result(folder).runs["model"]] == [digest(RUNS["model"][1])]


def test_a_run_that_was_exchanged_is_refused_unless_nothing_is_known_of_it(tmp_path):
    folder = result().save(tmp_path / "a")
    rows = json.loads((folder / "manifest.json").read_text())["rows"]
    run(0, 1, 5).save(folder / rows["model"][0]["file"])
    with pytest.raises(ValueError, match=f"a run of {folder} is not the one that its verdicts were made of"):
        read_result(folder)
    del rows["model"][0]["digest"]
    edited(folder, rows=rows)
    assert read_result(folder).runs["model"][0]["x"][-1] == 5


def test_a_result_may_lie_in_a_folder_at_the_root(monkeypatch):
    content = result(runs={}).manifest({}) | {"call": "saved", "state": "finished"}
    monkeypatch.setattr(module, "read_manifest", lambda folder: json.loads(json.dumps(content)))
    assert read_result(Path("/results")).study == "made_up"


def test_a_digest_tells_names_shapes_types_and_times_apart():
    base = Trajectory([1.0, 2.0], {"x": [[0.0], [1.0]]}, clock="step")
    others = [
        Trajectory([1.0, 3.0], base.data, clock="step"),
        Trajectory([1.0, 2.0], {"y": base["x"]}, clock="step"),
        Trajectory([1.0, 2.0], {"x": [0.0, 1.0]}, clock="step"),
        Trajectory([1.0, 2.0], {"x": np.array([[0], [1]])}, clock="step"),
        Trajectory([1.0, 2.0], {"x": [[-0.0], [1.0]]}, clock="step"),
        Trajectory([1.0, 2.0], {**base.data, "y": [0.0, 0.0]}, clock="step"),
    ]
    assert len({digest(each) for each in [base, *others]}) == 1 + len(others)
    assert digest(Trajectory([1.0, 2.0], base.data, clock="epoch", meta={"lr": 1})) == digest(base)


def test_a_digest_tells_the_times_from_a_quantity_of_their_name():
    times = [Trajectory(t, {"t": [5.0, 6.0]}, clock="step") for t in ([1.0, 2.0], [1.0, 3.0])]
    assert digest(times[0]) != digest(times[1])
