import subprocess
import sys

import pytest

from dnn import data


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
