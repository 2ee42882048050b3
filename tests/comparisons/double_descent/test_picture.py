"""The double-descent figure: geometric means of test errors over sizes above, arithmetic ones of training below."""

import numpy as np

from comparisons.double_descent.picture import LOWEST, draw
from comparisons.harness import style
from tests.comparisons.drawn import CONTROL, curves, labelled, legend, moments, result
from toymodels.trajectory import Trajectory

SIZES = np.array([1.0, 10.0, 100.0])
TEST = np.array([[1.0, 4.0, 2.0, 0.5], [10.0, 10.0, 1.0, 1.0], [0.1, 0.1, 0.1, 10.0]])
MEANS = [4**0.25, 10**0.5, 0.01**0.25]  # geometric, over the four data sets
TRAIN = np.array([[4.0, 2.0, 1.0, 1.0], [0.4, 0.0, 0.0, 0.0], [1e-9, 1e-9, 1e-9, 1e-9]])


def run(factor=1.0, t=SIZES, **more):
    data = {"test": factor * TEST, "train": factor * TRAIN} | more.pop("data", {})
    return Trajectory(t, data, clock="neurons", **more)


def test_test_errors_are_geometric_means_over_data_sets():
    first, *_ = draw(result(layerwise=[run(), run(2.0)], off=[run(3.0)])).axes
    found = labelled(first)
    assert legend(first) == list(found) == ["model", "control"]
    np.testing.assert_allclose(found["model"], [SIZES, MEANS])
    np.testing.assert_allclose(found["control"], [SIZES, 3 * np.array(MEANS)])
    np.testing.assert_allclose(curves(first, linestyle="-")[1][1], 2 * np.array(MEANS))
    assert (first.get_xscale(), first.get_yscale(), first.get_ylabel()) == ("log", "log", "test error")


def test_training_errors_are_means_that_end_at_a_floor():
    below = draw(result(layerwise=[run()], off=[run(3.0)])).axes[1]
    solid, dashed = (curves(below, linestyle=dash) for dash in ("-", "--"))
    np.testing.assert_allclose(solid, [[SIZES, [2.0, 0.1, 2 * LOWEST]]])
    np.testing.assert_allclose(dashed, [[SIZES, [6.0, 0.3, 6 * LOWEST]]])
    assert (below.get_yscale(), below.get_ylabel(), below.get_xlabel()) == ("log", "training error", "neurons")
    assert solid[0][1].min() > below.get_ylim()[0]


def test_the_size_at_which_the_peak_is_expected_is_marked_in_both_panels():
    told, untold = run(meta={"threshold": 60.0}), run()
    figure = draw(result(layerwise=[told], mine=[untold]))
    assert [moments(axes) for axes in figure.axes] == [[60.0], [], [60.0], []]


def test_a_prediction_is_that_of_the_first_replicate():
    predicted = np.array([2.0, 5.0, 0.5])
    first, second, *_ = draw(
        result(
            layerwise=[run(data={"predicted": predicted}), run(2.0)], mine=[run(), run(data={"predicted": predicted})]
        )
    ).axes
    np.testing.assert_array_equal(labelled(first)["predicted"], [SIZES, predicted])
    assert legend(second) == ["model"]


def test_titles_say_what_the_control_turns_and_columns_share_their_sizes():
    figure = draw(result(layerwise=[run()], off=[run()], mine=[run(t=10 * SIZES)]))
    first, second, third, fourth = figure.axes
    assert first.get_title() == "layerwise\nshown, 1.50 decades\ncontrol: scale 3 -> 0.03"
    assert second.get_title() == "mine"
    assert first.get_xlim() == third.get_xlim() != second.get_xlim() == fourth.get_xlim()
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "neurons", "neurons"]
    assert {line.get_color() for line in third.lines} == {style.FAMILY["layerwise"], "0.45"}
    assert CONTROL not in "".join(axes.get_title() for axes in figure.axes)


def test_nothing_to_show_is_a_pair_of_empty_axes():
    assert [len(axes.lines) for axes in draw(result(layerwise=[])).axes] == [0, 0]
