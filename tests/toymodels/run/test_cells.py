"""Finished cells lie under digests of what they answer, are read back whole or not at all, and say why they are not."""

import hashlib
import json
import os
import shutil
import time

import numpy as np
import pytest

from toymodels.run import cells, identity
from toymodels.run.cells import Cell, CellStore, Stored, checksum, made_by, read, read_head, require_folder

ASKED = {"function": "m.f", "seed": 3, "arguments": [0.5, 2.0]}
MADE = {"sources": {"m": "aa", "m.g": "bb"}, "device": "cpu", "versions": {"numpy": "2.1", "python": "3.12.1"}}
CELL = Cell(ASKED, MADE)
ARRAYS = {"loss": np.array([0.25, np.nan, -1.0]), "steps": np.arange(6, dtype=np.int32).reshape(2, 3)}


def sha(value):
    """First twenty digits for JSON without spaces whose whole numbers have no point."""
    words = json.dumps(value, sort_keys=True, separators=(",", ":")).replace("2.0", "2")
    return hashlib.sha256(words.encode()).hexdigest()[:20]


def with_head(path, change):
    """The file at `path`, with another entry of words."""
    with np.load(path) as file:
        entries = dict(file)
    head = json.loads(str(entries["cell"]))
    change(head, entries)
    entries["cell"] = np.array(json.dumps(head))
    np.savez(path, **entries)


def test_a_name_is_a_digest_of_the_question_and_one_of_question_and_answerer():
    asked = sha(ASKED)
    assert CELL.name == f"{asked[:2]}/{asked}-{sha({'asked': ASKED, 'made_by': MADE})}"
    assert CELL.maker == sha(MADE)
    assert CELL.identity == {"asked": ASKED, "made_by": MADE}


def test_the_same_question_under_other_code_lies_beside_the_earlier_answer():
    edited, other = Cell(ASKED, MADE | {"device": "cuda"}), Cell(ASKED | {"seed": 4}, MADE)
    assert edited.name.partition("-")[0] == CELL.name.partition("-")[0]
    assert edited.name != CELL.name
    assert edited.maker != CELL.maker
    assert other.name.partition("-")[0] != CELL.name.partition("-")[0]
    assert other.maker == CELL.maker


@pytest.mark.parametrize(
    "other",
    [
        {"b": np.arange(4.0)},
        {"a": np.arange(4)},
        {"a": np.arange(4.0).reshape(2, 2)},
        {"a": np.arange(4.0)[::-1]},
        {"a": np.arange(4.0), "b": np.zeros(0)},
    ],
)
def test_a_checksum_tells_names_types_shapes_and_entries(other):
    assert checksum({"a": np.arange(4.0)}) != checksum(other)


def test_a_checksum_is_of_values_and_not_of_how_they_lie_in_memory():
    values = np.arange(12.0).reshape(3, 4)
    assert checksum({"a": values[:, ::2]}) == checksum({"a": values[:, ::2].copy()})
    assert checksum({"a": np.asfortranarray(values)}) == checksum({"a": values})
    assert checksum({"a": [0.0, 1.0]}) == checksum({"a": np.arange(2.0)})
    assert checksum({}, {}) != checksum({})


def test_what_is_written_is_found_again(tmp_path):
    store = CellStore(tmp_path / "new" / "deep")
    header = {"seconds": np.float64(1.5), "sizes": np.array([2, 3]), "n": np.int64(7), "word": "x"}
    path = store.write(CELL, ARRAYS, header)
    assert path == tmp_path / "new" / "deep" / f"{CELL.name}.npz" == store.path(CELL)
    for stored in (store.find(CELL), read(path), read(path, CELL)):
        assert stored.header == {"seconds": 1.5, "sizes": [2, 3], "n": 7, "word": "x"}
        assert stored.arrays.keys() == ARRAYS.keys()
        for name, values in ARRAYS.items():
            np.testing.assert_array_equal(stored.arrays[name], values)
            assert stored.arrays[name].dtype == values.dtype
    assert read_head(path) == {"identity": CELL.identity, "header": stored.header, "checksum": checksum(**vars(stored))}
    assert store.find(Cell(ASKED | {"seed": 4}, MADE)) is None


def test_a_header_is_empty_where_none_is_given_and_of_plain_values(tmp_path):
    store = CellStore(tmp_path)
    store.write(CELL, ARRAYS)
    assert store.find(CELL).header == {}
    with pytest.raises(TypeError, match="a header must hold plain values, got set"):
        store.write(CELL, ARRAYS, {"x": {1}})
    assert store.find(CELL).header == {}


def test_objects_are_no_arrays_and_leave_no_file(tmp_path):
    store = CellStore(tmp_path)
    with pytest.raises(ValueError, match="a/a must be an array of numbers or text, got one of object"):
        store.write(CELL, {"a": np.array([{}, 1], dtype=object)})
    assert list(store.path(CELL).parent.iterdir()) == []


def test_the_same_content_is_the_same_bytes(tmp_path):
    first, second = (CellStore(tmp_path / name).write(CELL, ARRAYS, {"n": 2}) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    turned = Cell(dict(reversed(ASKED.items())), dict(reversed(MADE.items())))
    assert CellStore(tmp_path / "c").write(turned, ARRAYS, {"n": 2}).read_bytes() == first.read_bytes()


def test_a_store_that_does_not_reuse_only_writes(tmp_path):
    lines = []
    store = CellStore(tmp_path, reuse=False, log=lines.append)
    path = store.write(CELL, ARRAYS)
    assert store.find(CELL) is None
    store.report()
    assert (path.exists(), lines) == (True, [])
    assert isinstance(CellStore(tmp_path).find(CELL), Stored)


def altered_array(head, entries):
    entries["a/loss"] = np.zeros(3)


def altered_header(head, entries):
    head["header"] = {"n": 9}


def altered_identity(head, entries):
    head["identity"]["asked"]["seed"] = 5


def no_checksum(head, entries):
    del head["checksum"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (altered_array, "was altered: its arrays do not fit their checksum"),
        (altered_header, "was altered: its arrays do not fit their checksum"),
        (altered_identity, "holds another cell than its name says"),
        (no_checksum, r"is damaged \(KeyError\)"),
    ],
)
def test_an_altered_file_is_refused_and_set_aside(change, message, tmp_path):
    lines = []
    store = CellStore(tmp_path, log=lines.append)
    path = store.write(CELL, ARRAYS, {"n": 2})
    with_head(path, change)
    for cell in (None, CELL):
        with pytest.raises(ValueError, match=f"{path.name} {message}"):
            read(path, cell)
    assert store.find(CELL) is None
    (line,) = lines
    assert line.endswith(f"; set aside as {path.name}.damaged-1 and computed again")
    assert [each.name for each in path.parent.iterdir()] == [f"{path.name}.damaged-1"]


def test_a_file_under_the_name_of_another_is_refused(tmp_path):
    store = CellStore(tmp_path)
    other = Cell(ASKED, MADE | {"device": "cuda"})
    shutil.copy(store.write(CELL, ARRAYS), store.path(other))
    for cell in (None, other, CELL):
        with pytest.raises(ValueError, match="holds another cell than its name says"):
            read(store.path(other), cell)


def folder(place):
    place.mkdir()
    (place / "inside").write_text("x")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
@pytest.mark.parametrize(
    "make", [folder, lambda place: place.symlink_to("/no/where"), lambda place: place.symlink_to(place), os.mkfifo]
)
@pytest.mark.parametrize("part", ["cell", "folder"])
def test_what_is_no_file_or_no_folder_is_set_aside(make, part, tmp_path):
    lines = []
    store = CellStore(tmp_path, log=lines.append)
    path = store.path(CELL)
    place = path if part == "cell" else path.parent
    place.parent.mkdir(exist_ok=True)
    if part == "folder" and make is folder:
        place.write_text("no folder")
    else:
        make(place)
    assert store.find(CELL) is None
    assert len(lines) == 1
    assert lines[0].endswith(f"set aside as {place.name}.damaged-1")
    assert os.path.lexists(f"{place}.damaged-1")
    make(place) if part == "cell" else None  # again, before it is written
    store.write(CELL, ARRAYS)
    assert np.array_equal(store.find(CELL).arrays["steps"], ARRAYS["steps"])


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_link_to_a_file_is_a_file(tmp_path):
    store = CellStore(tmp_path / "cells")
    store.write(CELL, ARRAYS)
    shutil.move(store.path(CELL), tmp_path / "elsewhere.npz")
    store.path(CELL).symlink_to(tmp_path / "elsewhere.npz")
    assert store.find(CELL) is not None


@pytest.mark.parametrize("reader", [read, read_head])
def test_bytes_that_are_no_archive_are_damaged_and_a_missing_file_is_missing(reader, tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"x\.npz is damaged \(\w+\)"):
        reader(tmp_path / "x.npz")
    with pytest.raises(FileNotFoundError):
        reader(tmp_path / "y.npz")


def test_why_earlier_cells_are_not_taken_is_said_once_for_every_reason(tmp_path):
    lines = []
    store = CellStore(tmp_path, log=lines.append)
    for seed in range(4):
        store.write(Cell(ASKED | {"seed": seed}, MADE), ARRAYS)
    newer = MADE | {"versions": MADE["versions"] | {"numpy": "2.2"}}
    for seed in range(3):
        assert store.find(Cell(ASKED | {"seed": seed}, newer)) is None
    assert store.find(Cell(ASKED | {"seed": 3}, MADE | {"sources": {"m": "cc", "m.g": "bb"}})) is None
    assert store.find(Cell(ASKED | {"seed": 4}, newer)) is None  # nobody asked for it before
    store.report()
    assert lines == [
        "3 finished runs are computed again: numpy 2.1 -> 2.2",
        "1 finished run is computed again: the code of m changed",
    ]
    store.report()
    assert len(lines) == 2


def test_the_reason_is_how_the_newest_of_several_earlier_cells_differs(tmp_path):
    lines = []
    store = CellStore(tmp_path, log=lines.append)
    for age, device in ((300, "old"), (100, "new"), (200, "middle")):
        path = store.write(Cell(ASKED, MADE | {"device": device}), ARRAYS)
        os.utime(path, (time.time() - age,) * 2)
    assert store.find(CELL) is None
    store.report()
    assert lines == ["1 finished run is computed again: device new -> cpu"]


def test_an_earlier_file_that_cannot_be_read_is_said_to_be_so(tmp_path):
    lines = []
    store = CellStore(tmp_path, log=lines.append)
    store.write(Cell(ASKED, MADE | {"device": "cuda"}), ARRAYS).write_bytes(b"no archive")
    assert store.find(CELL) is None
    store.report()
    assert lines == ["1 finished run is computed again: the earlier file cannot be read"]


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ({"sources": {"m": "aa", "m.g": "bb", "n": "cc"}}, "the code of n changed"),
        ({"sources": {"m": "aa"}}, "the code of m.g changed"),
        ({"sources": dict.fromkeys(["m", "m.g", "n"], "x")}, "the code of m, m.g, n changed"),
        ({"sources": dict.fromkeys(["m", "m.g", "n", "o"], "x")}, "the code of m, m.g, n and 1 more changed"),
        (
            {"sources": dict.fromkeys(["m", "m.g", "n", "o", "p()", "p"], "x")},
            "the code of m, m.g, n and 2 more changed",
        ),
        ({"device": "cuda"}, "device cpu -> cuda"),
        ({"torch": {"default_dtype": "float64"}}, "torch None -> {'default_dtype': 'float64'}"),
        ({"versions": {"scipy": "1", "python": "3.12.1"}}, "numpy 2.1 -> None; scipy None -> 1"),
        ({"sources": {"m": "x", "m.g": "bb"}, "device": "cuda"}, "the code of m changed; device cpu -> cuda"),
        ({}, "what the file says of itself differs"),
    ],
)
def test_a_difference_in_words_names_what_was_edited_or_is_of_another_version(new, words):
    assert cells._difference(MADE, MADE | new) == words


def test_only_what_dead_writers_left_is_swept_up_when_a_store_is_opened(tmp_path):
    store = CellStore(tmp_path)
    path = store.write(CELL, ARRAYS)
    stale, fresh = (path.with_name(f"{path.name}.1.{digits}.part") for digits in ("0a0b0c0d", "1a1b1c1d"))
    for part in (stale, fresh):
        part.write_bytes(b"half")
    os.utime(stale, (time.time() - 100,) * 2)
    CellStore(tmp_path)
    assert (stale.exists(), fresh.exists(), path.exists()) == (False, True, True)


def test_a_folder_that_cannot_hold_files_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=rf"that can be written, got {folder}: (File exists|Not a directory)$"):
            require_folder(folder)
    require_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_an_answerer_is_its_sources_its_device_and_the_versions():
    reached = made_by([CellStore, checksum], device="auto")
    assert reached.keys() == {"sources", "device", "versions"}
    assert {"toymodels.run.cells:checksum", "toymodels.run.files"} <= reached["sources"].keys()
    assert reached["device"] == "cpu"
    assert reached["versions"] == identity.versions()
    assert made_by([checksum], device="cuda")["device"] == "cuda"
