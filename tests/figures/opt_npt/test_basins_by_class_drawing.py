"""The panels of figure 5 show every digit in its own line, the radii of all runs, and whose label each copy keeps."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

from comparisons.harness.settings import Settings
from figures.opt_npt.basins_by_class_drawing import draw, line

RNG = np.random.default_rng(0)
RUNS, BINS, COPIES, SAMPLES = 3, 5, 8, 20
LABELS = np.arange(SAMPLES) // 2
PREDICTED = np.where(RNG.random((RUNS, 4, COPIES, SAMPLES)) < 0.6, LABELS, 10 - LABELS)
DATA = {
    "amplitudes": np.tile(np.array([0.05, 0.5, 5.0]), (RUNS, 1)),
    "curve": RNG.random((RUNS, 3, 10)),
    "density": RNG.random((RUNS, 10, BINS)),
    "radius": np.array([np.arange(1.0, 11), np.full(10, 3.0), [np.inf] * 10]) / 2,
    "noise_share": np.array([np.arange(10) / 45, np.full(10, 0.1), np.full(10, 0.1)]),
    "picture_points": RNG.standard_normal((RUNS, 4, COPIES, SAMPLES, 3)),
    "picture_labels": np.tile(LABELS, (RUNS, 1)),
    "picture_predicted": PREDICTED,
    "picture_apex": RNG.standard_normal((RUNS, SAMPLES, 3)),
    "inset_label": np.array([7, 1, 1]),
    "inset_predicted": np.array([[7, 2], [0, 0], [0, 0]]),
    "inset_noise": np.array([[0.31, 2.5], [0, 0], [0, 0]]),
    "inset_images": RNG.random((RUNS, 2, 2, 784)),
}


@pytest.fixture(scope="module")
def panels():
    axes = draw(DATA, Settings()).axes
    return {ax.get_title()[:3]: ax for ax in axes if ax.get_title()}, axes


def test_no_two_digits_have_the_same_line():
    lines = [tuple(line(digit).values()) for digit in range(10)]
    assert len(set(lines)) == 10
    assert [style for _, style in lines] == ["-"] * 5 + ["--"] * 5
    assert [colour for colour, _ in lines[:5]] == [colour for colour, _ in lines[5:]]


def test_curves_and_densities_are_means_of_the_runs(panels):
    curves, densities = (panels[0][name].lines for name in ("(a)", "(b)"))
    for digit in range(10):
        assert_allclose(curves[digit].get_xdata(), [0.05, 0.5, 5])
        assert_allclose(curves[digit].get_ydata(), DATA["curve"][..., digit].mean(axis=0))
        assert_allclose(densities[digit].get_xdata(), [0.1, 0.3, 0.5, 0.7, 0.9])
        assert_allclose(densities[digit].get_ydata(), DATA["density"][:, digit].mean(axis=0))
        assert curves[digit].get_label() == str(digit)
        assert to_rgba(curves[digit].get_color()) == to_rgba(densities[digit].get_color())
    assert curves[10].get_ydata()[0] == 0.5  # where a basin ends


def test_every_radius_is_a_dot_no_higher_than_the_largest_noise_and_the_line_is_their_median(panels):
    radii = panels[0]["bas"]
    bounded = np.minimum(DATA["radius"], 5)
    assert "5: it has no end" in radii.get_title()
    dots = np.array([dots.get_ydata() for dots in radii.lines])
    assert_allclose(dots, bounded)
    segments = np.array(radii.collections[0].get_segments())
    assert_allclose(segments[:, 0, 1], np.median(bounded, axis=0))
    assert_allclose(segments[:, :, 0].mean(axis=1), np.arange(10))
    assert radii.get_yscale() == "log"


def test_shares_of_pure_noise_have_their_mean_for_a_line(panels):
    shares = panels[0]["who"]
    assert_allclose([dots.get_ydata() for dots in shares.lines], DATA["noise_share"])
    assert_allclose(np.array(shares.collections[0].get_segments())[:, 0, 1], DATA["noise_share"].mean(axis=0))


def test_copies_that_keep_their_label_have_its_colour_and_others_are_grey(panels):
    ax = panels[0]["(c)"]
    assert len(ax.lines) == 2 * SAMPLES
    shown = slice(None, None, 4)
    for i, label in enumerate(LABELS):
        other, mine = ax.lines[2 * i : 2 * i + 2]
        keeps = PREDICTED[0, :, shown, i] == label
        points = DATA["picture_points"][0, :, shown, i]
        assert_allclose(np.array(mine.get_data_3d()).T, points[keeps])
        assert_allclose(np.array(other.get_data_3d()).T, points[~keeps])
        assert to_rgba(mine.get_color()) == to_rgba(line(label)["color"])
        assert mine.get_marker() == ("." if label < 5 else "x")
        assert to_rgba(other.get_color()) == to_rgba("0.85")
    assert [text.get_text() for text in ax.texts] == [str(label) for label in LABELS]


def test_the_two_digits_with_noise_say_their_label_their_noise_and_how_they_are_read(panels):
    insets = [ax for ax in panels[1] if ax.images]
    assert [ax.get_xlabel() for ax in insets] == ["a 7, noise 0.31:\nread as 7", "a 7, noise 2.5:\nread as 2"]
    for k, ax in enumerate(insets):
        assert_allclose(ax.images[0].get_array(), DATA["inset_images"][0, k, 1].reshape(28, 28))
