import io
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnn import data
from dnn.data.archives import CIFAR_FILES, IDX_SETS, read_cifar, read_idx


def test_the_embedded_digits_need_no_file_and_no_network(monkeypatch):
    monkeypatch.delenv("TOYMODELS_DATA", raising=False)
    split = data.load("mnist-mini")
    assert split.x_train.shape == (1000, 784)
    assert split.x_test.shape == (2000, 784)
    assert split.x_train.min() == 0
    assert split.x_train.max() == 1
    assert split.y_train[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]  # the first digits of MNIST
    assert set(split.y_test.tolist()) == set(range(10))


def test_small_digits_come_from_scikit_learn():
    split = data.load("digits")
    assert (split.x_train.shape, split.x_test.shape) == ((1200, 64), (597, 64))
    assert split.x_train.max() == 1


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"mnist-mini.*got 'minst'"):
        data.load("minst")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_an_empty_explicit_folder_says_what_is_missing(name, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        data.load(name, tmp_path)
    monkeypatch.setenv("TOYMODELS_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        data.load(name)


@pytest.mark.slow
@pytest.mark.mnist
def test_full_mnist_begins_with_the_embedded_digits():
    full, mini = data.load("mnist"), data.load("mnist-mini")
    assert (len(full.x_train), len(full.x_test)) == (60_000, 10_000)
    assert (full.x_train[:1000] == mini.x_train).all()
    assert (full.y_test[:2000] == mini.y_test).all()


def test_every_set_names_four_files_with_distinct_digests():
    for source in IDX_SETS.values():
        assert len(set(source.files.values())) == 4
        assert all(len(digest) == 64 for digest in source.files.values())


@given(st.lists(st.integers(0, 5), min_size=1, max_size=3), st.integers(0, 255))
def test_idx_files_round_trip(shape, fill):
    array = np.full(shape, fill, np.uint8)
    raw = bytes([0, 0, 8, array.ndim]) + np.array(shape, ">u4").tobytes() + array.tobytes()
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


def test_cifar_is_only_read_where_the_user_says(monkeypatch):
    monkeypatch.delenv("TOYMODELS_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=r"cifar-10-binary\.tar\.gz"):
        data.load("cifar-10")


def test_the_command_reports_sizes_and_refuses_other_words():
    good = subprocess.run([sys.executable, "-m", "dnn.data", "mnist-mini"], capture_output=True, text=True, check=True)
    assert "1000 training and 2000 test images of 784 values" in good.stdout
    bad = subprocess.run([sys.executable, "-m", "dnn.data", "nonsense"], capture_output=True, text=True)
    assert bad.returncode == 2
    assert "usage" in bad.stderr
