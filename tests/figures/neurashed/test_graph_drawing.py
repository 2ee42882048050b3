import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from figures.neurashed.graph_drawing import (
    AREA,
    FIRING,
    SMALLEST,
    draw_graph,
    feature_pathways,
    learned_models,
    positions,
)
from toymodels.neurashed import graphs


def drawn(**options):
    task = graphs.three_class()
    axes = Figure().subplots()
    draw_graph(axes, task.model, **options)
    lines, points = axes.collections
    return task, axes, lines, points


def test_levels_are_rows_from_below_and_classes_on_top():
    task, axes, _, points = drawn()
    place = positions(task.model)
    assert {node[0]: y for node, (_, y) in place.items()} == {0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0}
    assert_allclose(points.get_offsets(), list(place.values()))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["level 1", "level 2", "level 3", "classes"]


def test_firing_nodes_and_the_edges_between_them_are_coloured():
    task = graphs.three_class()
    pathway = task.model.pathway(task.inputs[0], 0)
    _, _, lines, points = drawn(firing=pathway)
    red = to_rgba(FIRING)
    nodes = list(positions(task.model))
    assert {node for node, colour in zip(nodes, points.get_facecolor(), strict=True) if tuple(colour) == red} == pathway
    inside = sum(pathway.issuperset(edge) for edge in task.model.graph.edges)
    assert sum(tuple(colour) == red for colour in lines.get_colors()) == inside


def test_areas_follow_amplification_within_a_level():
    amplification = np.ones(20)
    amplification[:3] = [4.0, 2.0, 0.0]
    _, _, _, points = drawn(amplification=amplification)
    sizes = points.get_sizes()
    assert sizes[:4].tolist() == [AREA, AREA / 2, SMALLEST, AREA / 4]
    assert (sizes[10:] == AREA).all()


@pytest.mark.parametrize(("amplification", "message"), [(np.ones(3), "20 entries"), (-np.ones(20), ">= 0")])
def test_bad_amplification_is_refused(amplification, message):
    with pytest.raises(ValueError, match=message):
        drawn(amplification=amplification)


def test_there_is_one_titled_panel_per_pathway_and_per_model():
    task = graphs.three_class()
    assert [axes.get_title() for axes in feature_pathways(task).axes] == ["1a", "1b", "2", "3"]
    figure = learned_models(task, {"small": np.ones(20), "large": np.zeros(20)})
    assert [axes.get_title() for axes in figure.axes] == ["small", "large"]
