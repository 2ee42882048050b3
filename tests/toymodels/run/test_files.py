"""Files are written whole or not at all, and archives from strangers are bounded before they are read."""

import io
import os
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from toymodels.run import files
from toymodels.run.cells import _difference, checksum, read
from toymodels.trajectory import Trajectory


def packed(path, name, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(name, content)
    return path


def array_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("load", [Trajectory.load, read], ids=["trajectory", "cell"])
def test_an_archive_that_would_grow_a_hundredfold_is_refused_before_it_does(tmp_path, load):
    bomb = packed(tmp_path / "bomb.npz", "t.npy", array_bytes(np.zeros(2**24)))
    assert bomb.stat().st_size < 2**18
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"must hold at most 20 times its size|is damaged \(ValueError\)"):
        load(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


def test_an_array_that_claims_more_than_its_file_holds_is_refused(tmp_path):
    small = array_bytes(np.zeros(3))
    liar = packed(
        tmp_path / "liar.npz", "t.npy", small.replace(b"(3,), }", b"(3000000000,), }").replace(b"         \n", b"\n")
    )
    with (
        pytest.raises(ValueError, match=r"t.npy must be no larger than its file, got shape \(3000000000,\) of float64"),
        files.arrays(liar),
    ):
        pass


def test_digits_packed_as_tightly_as_numpy_does_are_read(tmp_path):
    digits = np.random.default_rng(0).integers(0, 2, (1000, 784), dtype=np.uint8)
    np.savez_compressed(tmp_path / "digits.npz", digits=digits)
    with files.arrays(tmp_path / "digits.npz") as read_back:
        assert (read_back["digits"] == digits).all()


def test_checksums_do_not_hang_on_the_order_of_names():
    arrays, header = {"a": np.zeros(2), "b": np.ones(3)}, {"seed": 1, "study": "x"}
    turned = dict(reversed(arrays.items())), dict(reversed(header.items()))
    assert checksum(arrays, header) == checksum(*turned)
    assert checksum(arrays, header) != checksum(arrays, header | {"seed": 2})
    assert checksum(arrays, header) != checksum(arrays)


def test_what_changed_is_said_by_lines_and_by_what_is_compiled_only_where_no_line_did():
    old = {"sources": {"a.f": "1", "a.f()": "2", "a.g": "3"}, "versions": {"numpy": "1"}}
    assert _difference(old, old | {"sources": {"a.f": "9", "a.f()": "8", "a.g": "3"}}) == "the code of a.f changed"
    assert _difference(old, old | {"sources": {"a.f": "1", "a.f()": "8", "a.g": "3"}}) == "the code of a.f() changed"
    assert _difference(old, old | {"versions": {"numpy": "2"}}) == "numpy 1 -> 2"


def fail_in(block, text):
    with block as part:
        part.write_text(text)
        raise KeyError


def test_a_file_is_replaced_only_when_all_of_it_is_written(tmp_path):
    target = tmp_path / "deep" / "er" / "numbers.txt"
    with files.whole(target) as part:
        assert part.parent == target.parent
        assert part.name.startswith("numbers.txt.")
        assert files._OURS.search(part.name)
        part.write_text("old")
        assert not target.exists()
    with pytest.raises(KeyError):
        fail_in(files.whole(target), "half")
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with files.whole(tmp_path / "a") as first, files.whole(tmp_path / "a") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "a").read_text() == "1"  # who ends last has written it


@pytest.mark.parametrize(("content", "expected"), [("λ\n", b"\xce\xbb\n"), (b"\x00\xff", b"\x00\xff")])
def test_text_and_bytes_are_written_as_they_are(content, expected, tmp_path):
    files.write(str(tmp_path / "a"), content)
    assert (tmp_path / "a").read_bytes() == expected


def test_what_is_set_aside_takes_the_first_free_number(tmp_path):
    names = []
    for text in ("first", "second", "third"):
        (tmp_path / "x.npz").write_text(text)
        names.append(files.set_aside(tmp_path / "x.npz").name)
    (tmp_path / "x.npz.damaged-2").unlink()
    (tmp_path / "x.npz").write_text("fourth")
    names.append(files.set_aside(tmp_path / "x.npz").name)
    (tmp_path / "x.npz").write_text("other")
    names.append(files.set_aside(tmp_path / "x.npz", "old").name)
    assert names == [f"x.npz.{word}" for word in ("damaged-1", "damaged-2", "damaged-3", "damaged-2", "old-1")]
    assert [(tmp_path / name).read_text() for name in names[2:]] == ["third", "fourth", "other"]
    assert not (tmp_path / "x.npz").exists()


def test_only_old_files_of_our_own_writers_are_swept_up(tmp_path):
    ages = {
        "a.12.0123abcd.part": 70,
        "b.1.0123abcd.part": 50,
        "c.part": 70,
        "d.12.0123abcg.part": 70,
        "e.12.0123abcd": 70,
    }
    for name, age in ages.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    files.sweep_up(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(ages.keys() - {"a.12.0123abcd.part"})


def test_a_small_archive_may_hold_much_and_a_large_one_twenty_times_its_size(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "zeros.npz", a=np.zeros(4000), b=np.zeros(4000))
    packed_size, total = (tmp_path / "zeros.npz").stat().st_size, 2 * (32000 + 128)
    assert 20 * packed_size < total
    monkeypatch.setattr(files, "UNSUSPICIOUS", total)
    with files.arrays(tmp_path / "zeros.npz") as read_back:
        assert {name: values.shape for name, values in read_back.items()} == {"a": (4000,), "b": (4000,)}
    monkeypatch.setattr(files, "UNSUSPICIOUS", total - 1)
    message = rf"at most 20 times its size, got {total} bytes in {packed_size}$"
    with pytest.raises(ValueError, match=message), files.arrays(tmp_path / "zeros.npz"):
        pass
    np.savez(tmp_path / "plain.npz", a=np.zeros(9000))
    with files.arrays(tmp_path / "plain.npz") as read_back:
        assert read_back["a"].shape == (9000,)


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_both_forms_of_an_array_in_a_file_are_read(version, tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.arange(6).reshape(2, 3), version=version)
    with files.arrays(packed(tmp_path / "a.npz", "x.npy", buffer.getvalue())) as read_back:
        np.testing.assert_array_equal(read_back["x"], [[0, 1, 2], [3, 4, 5]])


def test_objects_in_an_archive_are_never_made(tmp_path):
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    with files.arrays(tmp_path / "objects.npz") as read_back, pytest.raises(ValueError, match="allow_pickle=False"):
        read_back["a"]


@pytest.mark.parametrize("compressed", [False, True])
def test_entries_of_every_name_are_written_and_no_others(compressed, tmp_path, monkeypatch):
    handed = []

    def seen(name, write):
        return lambda file, **named: (handed.append((name, *named)), write(file, **named))

    for name in ("savez", "savez_compressed"):
        monkeypatch.setattr(np, name, seen(name, getattr(np, name)))
    path, entries = tmp_path / "no suffix", {"a/x": np.arange(3), "words": np.array("two words")}
    files.write_arrays(path, entries, compressed=compressed)
    assert handed == [
        ("savez_compressed" if compressed else "savez", "a/x", "words")
    ]  # numpy 1.26 keeps all it is told
    with files.arrays(path) as read_back:
        assert list(read_back) == ["a/x", "words"]
        np.testing.assert_array_equal(read_back["a/x"], [0, 1, 2])
        assert str(read_back["words"]) == "two words"


def test_objects_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="b must be an array of numbers or text, got one of object"):
        files.write_arrays(tmp_path / "x.npz", {"a": np.zeros(1), "b": np.array([{}, 1], dtype=object)})
    assert not list(tmp_path.iterdir())
