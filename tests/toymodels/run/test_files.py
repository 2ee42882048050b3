"""Archives from strangers are bounded before they are read."""

import io
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
