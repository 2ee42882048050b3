"""The edge-of-stability figure: sharpness in units of 2 / learning rate, of descent and of its flow."""

import numpy as np

from comparisons.edge_of_stability.picture import DENSE, draw
from comparisons.harness import style
from tests.comparisons.drawn import curves, labelled, legend, level_lines, result
from toymodels.trajectory import Trajectory

T = np.array([0.0, 1.0, 4.0])
SHARP, FLOW = np.array([2.0, 8.0, 10.0]), np.array([2.0, 12.0, 20.0])


def run(lr=0.2, t=T, factor=1.0, **meta):
    data = {"sharpness": factor * np.resize(SHARP, len(t)), "flow_sharpness": factor * np.resize(FLOW, len(t))}
    return Trajectory(t, data, clock="flow time", meta={"lr": lr} | meta)


def test_sharpness_is_drawn_in_units_of_the_edge_which_lies_at_1():
    first, below = draw(result(layerwise=[run(), run(lr=0.4)], off=[run(lr=0.05)])).axes
    found = labelled(first)
    assert legend(first) == ["edge of stability", "descent", "gradient flow"]
    np.testing.assert_allclose(found["descent"], [T, SHARP / 10])
    np.testing.assert_allclose(found["gradient flow"], [T, FLOW / 10])
    descent = curves(first, color=style.FAMILY["layerwise"])
    np.testing.assert_allclose([y for _, y in descent], [SHARP / 10, SHARP / 5])
    np.testing.assert_allclose([y for _, y in curves(below, color=style.FAMILY["layerwise"])], [SHARP / 40])
    assert level_lines(first) == level_lines(below) == [1]
    assert first.get_ylim() == below.get_ylim()
    assert (first.get_xlabel(), first.get_xscale(), first.get_yscale()) == ("flow time", "linear", "linear")
    assert (first.get_ylabel(), below.get_ylabel()) == ("sharpness, in units of 2 / lr", "sharpness, knob turned off")


def test_the_closed_form_of_the_flows_end_is_a_mark_of_the_first_replicate():
    first = draw(result(layerwise=[run(predicted_flow=19.0), run(lr=0.1, predicted_flow=7.0)])).axes[0]
    np.testing.assert_allclose(labelled(first)["flow, closed form"], [[4.0], [1.9]])
    assert len(curves(first, marker="D")) == 1
    assert "flow, closed form" not in legend(draw(result(layerwise=[run(), run(predicted_flow=7.0)])).axes[0])


def test_the_first_replicate_is_thick_and_many_records_make_every_line_thin():
    widths = {}
    for n in (DENSE - 1, DENSE):
        axes = draw(result(layerwise=[run(t=np.arange(float(n)))] * 2)).axes[0]
        widths[n] = [line.get_linewidth() for line in axes.lines if line.get_color() == style.FAMILY["layerwise"]]
    few, many = widths.values()
    assert few[0] > few[1] > many[0] > many[1] > 0


def test_a_panel_has_the_verdict_and_the_control_what_it_turns():
    figure = draw(result(layerwise=[run()], off=[run()], mine=[run()]))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["layerwise\nshown, 1.50 ", "mine", "control: scale 3 -> 0.03\nabsent, 0.12 ", ""]
    assert not figure.axes[3].axison
