"""Pictures as bytes."""

import io

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

from comparisons.harness import pictures


def noisy(size):
    figure = Figure(figsize=(size, size))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(np.random.default_rng(0).random((1000, 1000)), cmap="viridis", interpolation="nearest")
    axes.set_axis_off()
    return figure


def test_a_large_picture_keeps_its_look_with_fewer_colours():
    plain, large = pictures.rendered(noisy(1)), pictures.rendered(noisy(6))
    assert len(plain) < pictures.LARGE
    assert plain == pictures.rendered(noisy(1))
    buffer = io.BytesIO()
    noisy(6).savefig(buffer, format="png", dpi=110)
    assert buffer.tell() > pictures.LARGE
    assert len(large) < 0.6 * buffer.tell()
    before, after = (imread(io.BytesIO(content))[..., :3] for content in (buffer.getvalue(), large))
    assert before.shape == after.shape
    assert np.abs(before - after).max() < 0.15
    assert large == pictures.rendered(noisy(6))
