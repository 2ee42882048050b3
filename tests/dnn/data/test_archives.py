import hashlib
import io
import tarfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnn import data
from dnn.data import archives
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


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(archives, "CIFAR_RECORDS", 10)


def cifar_bytes(rng, n=10):
    records = rng.integers(0, 256, (n, 3073)).astype(np.uint8)
    records[:, 0] = rng.permutation(n) % 10
    return records.tobytes()


def write_tar(path, mode, content):
    with tarfile.open(path, mode) as tar:
        for name, raw in content.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(raw)
            tar.addfile(member, io.BytesIO(raw))


def publish(monkeypatch, path):
    monkeypatch.setattr(archives, "CIFAR_DIGEST", hashlib.sha256(path.read_bytes()).hexdigest())


def test_cifar_reads_a_users_archive_and_unpacked_files_alike(tmp_path, monkeypatch, small):
    rng = np.random.default_rng(0)
    content = {name: cifar_bytes(rng) for name in CIFAR_FILES}
    write_tar(tmp_path / "cifar-10-binary.tar.gz", "w:gz", content)
    publish(monkeypatch, tmp_path / "cifar-10-binary.tar.gz")
    split = data.load("cifar-10", tmp_path)
    assert (split.x_train.shape, split.x_test.shape) == ((50, 3072), (10, 3072))
    loose = tmp_path / "loose"
    loose.mkdir()
    for name, raw in content.items():
        (loose / name).write_bytes(raw)
    for packed, unpacked in zip(read_cifar(tmp_path), read_cifar(loose), strict=True):
        np.testing.assert_array_equal(packed, unpacked)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"abc", "data_batch_1.bin must hold 10 records of 3073 bytes, got 3 bytes"),
        (bytes(3073 * 11), "data_batch_1.bin must hold 10 records of 3073 bytes, got 33803 bytes"),
        ((b"\x0b" + bytes(3072)) * 10, r"data_batch_1.bin must hold labels 0\.\.9, got 11"),
        (bytes(30730), r"data_batch_5.bin must hold every class as often, got from 0 to 50 images"),
    ],
)
def test_bad_cifar_files_are_refused(tmp_path, small, raw, reason):
    for name in CIFAR_FILES:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(ValueError, match=reason):
        read_cifar(tmp_path)
    for name in CIFAR_FILES:
        (tmp_path / name).unlink()
    write_tar(tmp_path / "cifar-10-binary.tar", "w", dict.fromkeys(CIFAR_FILES, raw))
    with pytest.raises(ValueError, match=reason):
        read_cifar(tmp_path)


def test_a_cifar_archive_that_is_not_the_published_one_is_refused(tmp_path, small):
    rng = np.random.default_rng(0)
    write_tar(tmp_path / "cifar-10-binary.tar.gz", "w:gz", {name: cifar_bytes(rng) for name in CIFAR_FILES})
    with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz must have the published SHA-256 c4a38c50.*, got"):
        read_cifar(tmp_path)


@pytest.mark.parametrize(("name", "mode"), [("cifar-10-binary.tar.gz", "w:gz"), ("cifar-10-binary.tar", "w")])
def test_no_more_of_a_cifar_archive_is_read_than_the_published_one_has(tmp_path, monkeypatch, name, mode):
    write_tar(tmp_path / name, mode, {CIFAR_FILES[0]: bytes(2**24)})
    monkeypatch.setattr(archives, "CIFAR_LARGEST", 2**20)
    tracemalloc.start()
    with pytest.raises(ValueError, match="must be a whole tar archive, got larger than 1048576 bytes"):
        read_cifar(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x00\x00\x08\xff" + bytes(4), "raw must hold 255 lengths in its first 1024 bytes, got 8 bytes"),
        (b"\x00\x00\x08\x04" + b"\x00\x01\x00\x00" * 4, r"raw must hold 18446744073709551616 values"),
    ],
)
def test_lengths_of_an_idx_file_that_it_cannot_have_are_refused(raw, reason):
    with pytest.raises(ValueError, match=reason):
        read_idx(raw)


def test_only_unsigned_bytes_are_written():
    with pytest.raises(ValueError, match="values must be unsigned bytes, got float64"):
        write_idx(np.ones(3))


@pytest.mark.parametrize(("name", "mode"), [("cifar-10-binary.tar.gz", "w"), ("cifar-10-binary.tar", "w:gz")])
def test_the_content_of_a_cifar_archive_says_whether_it_is_compressed(tmp_path, monkeypatch, small, name, mode):
    write_tar(tmp_path / name, mode, dict.fromkeys(CIFAR_FILES, cifar_bytes(np.random.default_rng(0))))
    publish(monkeypatch, tmp_path / name)
    assert len(read_cifar(tmp_path)[0]) == 50


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x1f\x8b\x08 cut"])
def test_a_broken_cifar_archive_is_refused_by_name(tmp_path, content):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz must be a whole tar archive"):
        read_cifar(tmp_path)
