"""Pictures as bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGE = 280_000  # bytes of a picture


def rendered(figure: Figure, form: str = "png") -> bytes:
    """A picture as bytes; the same picture gives the same bytes. A PNG beyond :data:`LARGE` gets 256 colours."""
    import matplotlib

    content = io.BytesIO()
    stamp = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
    with matplotlib.rc_context({"svg.hashsalt": "toymodels"}):
        figure.savefig(content, format=form, dpi=110, metadata=stamp)
    return _with_palette(content) if form == "png" and content.tell() > LARGE else content.getvalue()


def _with_palette(picture: io.BytesIO) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.open(picture).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()
