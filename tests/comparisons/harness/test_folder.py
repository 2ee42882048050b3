"""Which folder belongs to a call, and what is never taken for one."""

import json

import pytest

from comparisons.harness.folder import (
    MANIFEST,
    OURS,
    call_digest,
    cells_of,
    folder_of_call,
    holds_finished,
    locked,
    read_manifest,
    write_manifest,
)

CALL = {"call": "a", "rows": {}}


def put(folder, **content):
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder, CALL | content)
    return folder


def found(place, call="a", log=None):
    lines = []
    folder = folder_of_call(place, "quick-s0", call, lines.append)
    return folder.name, lines


def test_a_call_takes_the_first_free_name(tmp_path):
    assert found(tmp_path) == ("quick-s0", [])
    put(tmp_path / "quick-s0", call="b")
    assert found(tmp_path)[0] == "quick-s0@2"
    put(tmp_path / "quick-s0@2", call="c")
    assert found(tmp_path)[0] == "quick-s0@3"


def test_a_call_comes_back_to_its_own_folder_and_to_no_free_one_before(tmp_path):
    for name, call in (("quick-s0", "b"), ("quick-s0@2", "a"), ("quick-s0@3", "c")):
        put(tmp_path / name, call=call)
    assert found(tmp_path, "a")[0] == "quick-s0@2"
    assert found(tmp_path, "c")[0] == "quick-s0@3"
    assert found(tmp_path, "d")[0] == "quick-s0@4"


@pytest.mark.parametrize("name", OURS)
def test_a_folder_with_what_a_call_writes_and_no_manifest_belongs_to_nobody(name, tmp_path):
    (tmp_path / "quick-s0").mkdir()
    (tmp_path / "quick-s0" / name).touch()
    assert found(tmp_path) == ("quick-s0@2", [])


def test_the_users_own_files_do_not_take_a_name(tmp_path):
    (tmp_path / "quick-s0").mkdir()
    (tmp_path / "quick-s0" / "notes.txt").touch()
    assert found(tmp_path)[0] == "quick-s0"


def test_a_file_in_the_place_of_a_folder_is_left_alone(tmp_path):
    (tmp_path / "quick-s0").write_text("mine")
    (tmp_path / "quick-s0@2").mkdir()
    (tmp_path / "quick-s0@2" / MANIFEST).mkdir()
    assert found(tmp_path) == ("quick-s0@3", [])
    assert (tmp_path / "quick-s0").read_text() == "mine"


def test_a_damaged_manifest_is_set_aside_and_said_once(tmp_path):
    folder = put(tmp_path / "quick-s0")
    (folder / MANIFEST).write_bytes(b"\xff{")
    (folder / "verdicts.csv").touch()
    name, lines = found(tmp_path)
    assert name == "quick-s0@2"  # nobody knows whose table it is
    assert len(lines) == 1
    assert lines[0].startswith(f"{folder / MANIFEST} is damaged (UnicodeDecodeError: ")
    assert lines[0].endswith(f"; set aside as {MANIFEST}.damaged-1, everything else in {folder} stays")
    assert (folder / f"{MANIFEST}.damaged-1").read_bytes() == b"\xff{"
    assert found(tmp_path) == ("quick-s0@2", [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "JSONDecodeError"),
        ("3", "ValueError: it holds int instead of a mapping"),
        ("{}", "KeyError: 'rows'"),
        ('{"rows": {}}', "KeyError: 'call'"),
        ('{"rows": {"a": [{}]}, "call": "x"}', "KeyError: 'cell'"),
        ('{"rows": [], "call": "x"}', "AttributeError"),
        ('{"rows": {"a": 3}, "call": "x"}', "TypeError"),
    ],
)
def test_what_is_no_manifest_is_damaged_and_says_why(text, said, tmp_path):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ValueError, match=rf"{MANIFEST} is damaged \({said}"):
        read_manifest(tmp_path)
    assert not holds_finished(tmp_path)


def test_a_long_complaint_is_cut(tmp_path):
    (tmp_path / MANIFEST).write_text(json.dumps({"rows": {"a": [{"cel" + 500 * "l": 1}]}, "call": 1}))
    with pytest.raises(ValueError, match=r"damaged \(KeyError: 'cell'\)"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text('{"rows": {}, "call": "\\' + 500 * "x" + '"}')
    with pytest.raises(ValueError) as raised:
        read_manifest(tmp_path)
    assert len(str(raised.value)) < len(str(tmp_path)) + 150


def test_a_folder_without_a_manifest_has_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_manifest(tmp_path)
    assert not holds_finished(tmp_path)


def test_what_is_written_is_read_back_and_is_finished_when_it_says_so(tmp_path):
    content = {**CALL, "rows": {"a": [{"cell": "0f/1"}, {"cell": "0f/2"}], "b": [], "c": [{"cell": 3}]}, "note": "ä"}
    for state, finished in (("running", False), ("interrupted", False), ("finished", True)):
        write_manifest(tmp_path, content | {"state": state})
        assert read_manifest(tmp_path) == content | {"state": state}
        assert holds_finished(tmp_path) == finished
    assert cells_of(content) == ["0f/1", "0f/2", "3"]
    write_manifest(tmp_path, content)
    assert not holds_finished(tmp_path)


def test_calls_are_told_apart_by_their_parts_and_the_order_of_these():
    calls = [(["a", "b"], ["row"]), (["b", "a"], ["row"]), (["a"], ["b", "row"]), (["a", "b"], ["row"], {"x": 1})]
    digests = {call_digest(*call) for call in calls}
    assert len(digests) == len(calls)
    assert call_digest({"x": 1, "y": 2.0}) == call_digest({"y": 2, "x": 1.0})
    assert {len(digest) for digest in digests} == {20}


def test_a_second_call_in_a_place_is_refused_until_the_first_ends(tmp_path):
    place = tmp_path / "new" / "study"
    with locked(place):
        said = f"another call is at work in {place}: wait for it, or give --out"
        with pytest.raises(ValueError, match=said), locked(place):
            pass
        with locked(tmp_path / "other"):
            pass
    with pytest.raises(RuntimeError, match="mine"), locked(place):
        raise RuntimeError("mine")
    with locked(place):
        pass
