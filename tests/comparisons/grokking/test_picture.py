"""The grokking figure: scores as they are, and an area that is the lag."""

import numpy as np
import pytest

from comparisons.grokking import STUDY
from comparisons.grokking.picture import draw
from comparisons.harness import style
from tests.comparisons.drawn import curves, labelled, legend, result
from toymodels.trajectory import Trajectory

T = np.geomspace(1, 1e4, 81)


def rising(half, low=0.1, high=1.0):
    return low + (high - low) / (1 + (half / T) ** 4)


def run(train, test, t=T):
    return Trajectory(t, {"train": train, "test": test}, clock="epoch")


FIRST, SECOND = run(rising(10), rising(1000, 0.25)), run(rising(20), rising(500))
OFF = run(rising(10), rising(12))


def areas(figure):
    """Signed area between the curves below each model, in decades of time."""
    found = []
    for axes in figure.axes[len(figure.axes) // 2 :]:
        x, y = axes.collections[0].get_paths()[0].vertices.T
        x = np.log10(x)
        found.append(0.5 * abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()))
    return found


def test_scores_of_all_replicates_stand_above_with_those_of_the_control():
    figure = draw(result(layerwise=[FIRST, SECOND], off=[OFF], mine=[SECOND]))
    first, second, below, _ = figure.axes
    assert legend(first) == ["train", "test", "test, knob off"]
    for name, drawn in (("train", FIRST["train"]), ("test", FIRST["test"]), ("test, knob off", OFF["test"])):
        np.testing.assert_array_equal(labelled(first)[name], [T, drawn])
    np.testing.assert_array_equal([y for _, y in curves(first, linestyle="--")], [FIRST["train"], SECOND["train"]])
    np.testing.assert_array_equal([y for _, y in curves(first, linestyle="-")], [FIRST["test"], SECOND["test"]])
    assert len(curves(first, color=style.FAMILY["layerwise"])) == 3
    assert legend(second) == ["train", "test"]
    assert [axes.get_title() for axes in figure.axes] == ["layerwise\nshown, 1.50 decades", "mine", "", ""]
    assert (first.get_ylabel(), below.get_ylabel()) == (
        "train and test performance",
        "share of its own rise (first replicate)",
    )
    for axes in figure.axes:
        assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylim()) == ("log", "epoch", (-0.05, 1.05))


def test_below_are_the_shares_of_the_rise_of_the_first_replicate():
    below = draw(result(layerwise=[FIRST, SECOND])).axes[1]
    train, test = (curves(below, linestyle=dash) for dash in ("--", "-"))
    assert (len(train), len(test)) == (1, 1)
    for (x, y), half in ((train[0], 10), (test[0], 1000)):
        np.testing.assert_array_equal(x, T)
        assert (y[0], y[-1]) == (0, 1)
        assert y[np.argmin(abs(T - half))] == pytest.approx(0.5, abs=0.01)
    assert legend(below) == ["lag: the area between"]


@pytest.mark.parametrize(
    ("test", "what"),
    [
        (rising(1000), "a usual one"),
        (rising(1000, -4.0), "worse than the mean at first"),
        (rising(1000) - 0.05 * np.exp(-(np.log10(T / 5) ** 2) / 0.1), "a dip below its start"),
        (np.where(T[30] == T, 0.9, rising(1000)), "a lone spike"),
        (rising(400, 0.1, 0.98) - 0.02 * (T > 3000), "higher before the end"),
    ],
)
def test_the_area_between_the_curves_is_the_score(test, what):
    shown = result(layerwise=[run(rising(10), test)], mine=[FIRST])
    verdicts = [STUDY.judge(shown.runs[row], STUDY.question) for row in ("layerwise", "mine")]
    np.testing.assert_allclose(areas(draw(shown)), [verdict.scores[0] for verdict in verdicts], rtol=1e-9, err_msg=what)


def test_what_does_not_rise_is_flat():
    flat = run(np.full(81, 0.7), np.full(81, 0.2))
    for _, y in curves(draw(result(layerwise=[flat])).axes[1]):
        assert set(y) == {0.0}


def test_nothing_to_show_is_a_pair_of_empty_axes():
    figure = draw(result(layerwise=[], off=[OFF]))
    assert [len(axes.lines) for axes in figure.axes] == [0, 0]
