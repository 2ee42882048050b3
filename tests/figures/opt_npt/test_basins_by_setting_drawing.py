"""The panels of figure 4 show means of the runs at the width and along the settings that they name."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose

from comparisons.harness.style import ORDER
from figures.opt_npt.basins_by_setting_drawing import draw
from figures.opt_npt.basins_by_setting_runs import BasinsBySetting

RNG = np.random.default_rng(0)
DEPTHS, WIDTHS, RUNS = np.array([4, 9]), np.array([16, 64, 256]), 3
AMPLITUDES = np.array([0.03, 0.3, 3.0, 10.0])
DATA = {"depths": DEPTHS, "widths": WIDTHS, "amplitudes": AMPLITUDES}
DATA |= {"rates": np.array([0.01, 0.1, 0.5]), "batches": np.array([50, 1000])}
for space in ("sample", "weight"):
    DATA[f"size_{space}_curve"] = RNG.random((2, 3, RUNS, 4))
    DATA[f"size_{space}_radius"] = RNG.random((2, 3, RUNS))
    DATA[f"fixed_{space}_radius"] = RNG.random((1, 3, RUNS))
    DATA[f"rate_{space}_radius"] = RNG.random((3, RUNS))
    DATA[f"batch_{space}_radius"] = RNG.random((2, RUNS))
DATA |= {"rate_accuracy": RNG.random((3, RUNS)), "batch_accuracy": RNG.random((2, RUNS))}
SETTINGS = BasinsBySetting(curve_width=64, fixed_depth=7, tuned_depth=11, tuned_width=40)


@pytest.fixture(scope="module")
def figure():
    return draw(DATA, SETTINGS)


@pytest.fixture(scope="module")
def panels(figure):
    return {ax.get_title(loc="left")[1]: ax for ax in figure.axes if ax.get_title(loc="left")}


@pytest.mark.parametrize(("curves", "sizes", "space"), [("a", "c", "sample"), ("b", "d", "weight")])
def test_every_depth_has_its_curve_at_one_width_and_its_radii_at_all(curves, sizes, space, panels):
    for k in range(2):
        shown = panels[curves].lines[k]
        assert_allclose(shown.get_xdata(), AMPLITUDES)
        assert_allclose(shown.get_ydata(), DATA[f"size_{space}_curve"][k, 1].mean(axis=0))
        radii = panels[sizes].lines[k]
        assert_allclose(radii.get_xdata(), WIDTHS)
        assert_allclose(radii.get_ydata(), DATA[f"size_{space}_radius"][k].mean(axis=1))
        assert to_rgba(shown.get_color()) == to_rgba(radii.get_color()) == to_rgba(ORDER[k])
    fixed = panels[sizes].lines[2]
    assert_allclose(fixed.get_ydata(), DATA[f"fixed_{space}_radius"][0].mean(axis=1))
    assert fixed.get_label() == "7 layers, weights start the same at every width"
    assert f"{space}, width 64" in panels[curves].get_title(loc="left")
    assert {"sample": "pixel range", "weight": "weight std"}[space] in panels[sizes].get_ylabel()


@pytest.mark.parametrize(("panel", "name", "x"), [("e", "rate", "rates"), ("f", "batch", "batches")])
def test_radii_along_rates_and_batches_have_their_spread_and_accuracy_an_axis_of_its_own(
    panel, name, x, figure, panels
):
    ax = panels[panel]
    for (points, _, (bars,)), space, factor in zip(ax.containers, ("sample", "weight"), (2, 1), strict=True):
        values = factor * DATA[f"{name}_{space}_radius"]
        assert_allclose(points.get_xdata(), DATA[x])
        assert_allclose(points.get_ydata(), values.mean(axis=1))
        ends = np.array([bar[:, 1] for bar in bars.get_segments()])
        assert_allclose(ends.T, [values.mean(axis=1) - values.std(axis=1), values.mean(axis=1) + values.std(axis=1)])
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["sample space (pixel range x 2)", "weight space (weight std)"]
    assert ax.get_title(loc="left") == f"({panel}) 11 layers of 40"
    (right,) = [other for other in figure.axes if other is not ax and other.bbox.bounds == ax.bbox.bounds]
    assert_allclose(right.lines[0].get_ydata(), DATA[f"{name}_accuracy"].mean(axis=1))
    assert right.get_ylabel() == "test accuracy (dashed)"
    top, curve = right.get_ylim()[1], right.lines[0].get_ydata()
    assert top - curve.max() > 0.2 * (curve.max() - curve.min())  # room for the legend


def test_the_legend_names_the_depths(figure):
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["4 layers", "9 layers", "7 layers, weights start the same at every width"]
