"""All pictures of the gallery side by side, small: what a reader looks through before he believes a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from figures.harness.ledger import GALLERY, LARGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS, COLUMNS = 3, 2  # pictures of a page
INCHES = 6.4  # width of a picture on it


def pictures(names: Sequence[str], gallery: Path = GALLERY) -> list[Path]:
    """The pictures that the gallery has of these figures, those of the larger size after the others."""
    wanted = [gallery / f"{name}{size}.png" for name in names for size in ("", f"-{LARGE}")]
    return [path for path in wanted if path.exists()]


def sheets(paths: Sequence[Path], gallery: Path = GALLERY) -> list[Figure]:
    """Pages of at most six pictures each, under their names.

    Parameters
    ----------
    paths : sequence of Path
        Pictures.
    gallery : Path
        The folder that their names leave out.

    Raises
    ------
    ValueError
        If there is no picture.
    """
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    if not paths:
        raise ValueError("pictures must be at least one, got none: the gallery has none of these figures")
    pages = []
    for start in range(0, len(paths), ROWS * COLUMNS):
        shown = paths[start : start + ROWS * COLUMNS]
        rows = -(-len(shown) // COLUMNS)
        figure = Figure(figsize=(COLUMNS * INCHES, rows * INCHES / 1.8), layout="constrained")
        for ax, path in zip(figure.subplots(rows, COLUMNS).flat, shown, strict=False):
            ax.imshow(imread(path))
            ax.set_title(str(path.relative_to(gallery).with_suffix("")), fontsize=9)
        for ax in figure.axes:
            ax.axis("off")
        pages.append(figure)
    return pages


def write(names: Sequence[str], folder: Path, gallery: Path = GALLERY) -> list[Path]:
    """`sheet-1.png` and so on into a folder; `ValueError` if the gallery has no picture of these figures."""
    from comparisons.harness.pictures import rendered
    from toymodels.run import files

    written = []
    for number, figure in enumerate(sheets(pictures(names, gallery), gallery), 1):
        files.write(folder / f"sheet-{number}.png", rendered(figure, "png"))
        written.append(folder / f"sheet-{number}.png")
    return written
