"""Pictures of a gallery side by side: which, in which order, how many on a page and under which name."""

import numpy as np
import pytest
from matplotlib.image import imread, imsave

from figures.harness.sheet import pictures, sheets, write


@pytest.fixture
def gallery(tmp_path):
    """Seven figures, each of a grey of its own; the second also at the larger size."""
    for i in range(7):
        for size in ("", "-large") if i == 1 else ("",):
            place = tmp_path / "toys" / f"figure_{i}{size}.png"
            place.parent.mkdir(exist_ok=True)
            imsave(place, np.full((9, 16), (i + 1) / 10), cmap="gray", vmin=0, vmax=1)
    return tmp_path


NAMES = [f"toys/figure_{i}" for i in range(7)]


def titles(figure):
    return [ax.get_title() for ax in figure.axes if ax.images]


def test_the_larger_size_follows_its_figure_and_what_is_not_there_is_left_out(gallery):
    found = pictures(["toys/figure_1", "toys/none", "toys/figure_0"], gallery)
    assert [path.name for path in found] == ["figure_1.png", "figure_1-large.png", "figure_0.png"]
    assert pictures([], gallery) == []


def test_six_lie_on_a_page_under_their_names(gallery):
    pages = sheets(pictures(NAMES, gallery), gallery)
    shown = ["toys/figure_0", "toys/figure_1", "toys/figure_1-large", *NAMES[2:]]
    assert [titles(page) for page in pages] == [shown[:6], shown[6:]]
    assert [len(page.axes) for page in pages] == [6, 2]
    assert not any(ax.axison for page in pages for ax in page.axes)


@pytest.mark.parametrize(("number", "rows"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)])
def test_a_page_is_as_high_as_its_rows_and_shows_each_picture_in_its_place(number, rows, gallery):
    (page,) = sheets(pictures([name for name in NAMES if name != "toys/figure_1"], gallery)[:number], gallery)
    width, height = page.get_size_inches()
    assert height / width == pytest.approx(rows / (2 * 1.8))
    assert len(page.axes) == 2 * rows
    greys = [ax.images[0].get_array()[0, 0, 0] for ax in page.axes if ax.images]
    assert greys == pytest.approx([0.1, 0.3, 0.4, 0.5, 0.6, 0.7][:number], abs=0.01)


def test_pages_are_numbered_from_one(gallery):
    written = write(NAMES, gallery / "sheet", gallery)
    assert written == [gallery / "sheet" / f"sheet-{number}.png" for number in (1, 2)]
    heights, widths = zip(*(imread(path).shape[:2] for path in written), strict=True)
    assert heights[0] == pytest.approx(3 * heights[1], rel=0.02)
    assert widths[0] == widths[1]


def test_no_picture_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="pictures must be at least one, got none: the gallery has none of these"):
        write(["toys/figure_0"], tmp_path / "sheet", tmp_path)
    assert list(tmp_path.iterdir()) == []
