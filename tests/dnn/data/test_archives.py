import io
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnn import data
from dnn.data.archives import CIFAR_FILES, IDX_SETS, read_cifar, read_idx, write_idx


def test_every_set_names_four_files_with_distinct_digests():
    for source in IDX_SETS.values():
        assert len(set(source.files.values())) == 4
        assert all(len(digest) == 64 for digest in source.files.values())


@given(st.lists(st.integers(0, 5), min_size=1, max_size=3), st.integers(0, 255))
def test_idx_files_round_trip(shape, fill):
    array = np.full(shape, fill, np.uint8)
    raw = bytes([0, 0, 8, array.ndim]) + np.array(shape, ">u4").tobytes() + array.tobytes()
    assert write_idx(array) == raw
    if len(raw) >= 8:
        np.testing.assert_array_equal(read_idx(raw), array)
    with pytest.raises(ValueError, match="raw must"):
        read_idx(raw + b"x")


def cifar_bytes(rng, n=4):
    records = rng.integers(0, 256, (n, 3073)).astype(np.uint8)
    records[:, 0] %= 10
    return records.tobytes()


def test_cifar_reads_a_users_archive_and_unpacked_files_alike(tmp_path):
    rng = np.random.default_rng(0)
    content = {name: cifar_bytes(rng) for name in CIFAR_FILES}
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for name, raw in content.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(raw)
            tar.addfile(member, io.BytesIO(raw))
    split = data.load("cifar-10", tmp_path)
    assert (split.x_train.shape, split.x_test.shape) == ((20, 3072), (4, 3072))
    loose = tmp_path / "loose"
    loose.mkdir()
    for name, raw in content.items():
        (loose / name).write_bytes(raw)
    for packed, unpacked in zip(read_cifar(tmp_path), read_cifar(loose), strict=True):
        np.testing.assert_array_equal(packed, unpacked)


@pytest.mark.parametrize(("raw", "reason"), [(b"abc", "3073"), (b"\x0b" + bytes(3072), r"labels 0\.\.9")])
def test_bad_cifar_files_are_refused(tmp_path, raw, reason):
    for name in CIFAR_FILES:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(ValueError, match=reason):
        read_cifar(tmp_path)


def test_only_unsigned_bytes_are_written():
    with pytest.raises(ValueError, match="values must be unsigned bytes, got float64"):
        write_idx(np.ones(3))


@pytest.mark.parametrize(("name", "mode"), [("cifar-10-binary.tar.gz", "w"), ("cifar-10-binary.tar", "w:gz")])
def test_the_content_of_a_cifar_archive_says_whether_it_is_compressed(tmp_path, name, mode):
    raw = cifar_bytes(np.random.default_rng(0))
    with tarfile.open(tmp_path / name, mode) as tar:
        for file in CIFAR_FILES:
            member = tarfile.TarInfo(file)
            member.size = len(raw)
            tar.addfile(member, io.BytesIO(raw))
    assert len(read_cifar(tmp_path)[0]) == 20


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x1f\x8b\x08 cut"])
def test_a_broken_cifar_archive_is_refused_by_name(tmp_path, content):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz must be a whole tar archive"):
        read_cifar(tmp_path)
