import numpy as np
import pytest

from tests.tolerances import MONTE_CARLO
from toymodels.neurashed import Multiplicative
from toymodels.neurashed.cropping import _part_accuracy, cropped_animals, predicted_log_whole, train_with_crops

RULE = Multiplicative(1.05, 0.98)


@pytest.mark.parametrize("crops", [1, 3])
def test_crops_teach_parts_apart_from_the_whole_as_predicted(crops):
    run = train_with_crops(crops, RULE, np.random.default_rng(0), replicates=40)
    final = run["log_whole"][-1]
    assert abs(final.mean() - run["predicted"][-1]) < MONTE_CARLO * final.std() / np.sqrt(len(final))
    assert run["part_accuracy"][-1].mean() > 0.98


def test_without_crops_a_part_on_the_wrong_background_is_a_coin_toss():
    run = train_with_crops(0, RULE, np.random.default_rng(0), replicates=40)
    assert (run["log_whole"] == 0).all()
    # part and background have the same history within a class, so one class of two wins: 1/2, or less when they tie
    assert 0.2 < run["part_accuracy"][-1].mean() < 0.6


def test_crops_show_one_part_without_background():
    task = cropped_animals(2)
    assert task.inputs.sum(axis=1).tolist() == [3, 1, 1, 1, 1] * 2
    assert task.labels.tolist() == [0] * 5 + [1] * 5
    task.model.check([*task.model.fire(task.inputs), task.labels[:, None] == np.arange(2)])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="crops must be >= 0"):
        cropped_animals(-1)
    with pytest.raises(ValueError, match="n_steps must be >= 0"):
        predicted_log_whole(-1, 1, RULE)


def test_the_law_of_crops_is_worked_by_hand():
    rule = Multiplicative(np.exp(0.3), np.exp(-0.1))
    np.testing.assert_allclose(predicted_log_whole([0, 10], 2, rule), [0, -10 * 2 / 10 * 0.4])
    assert predicted_log_whole(10, 0, rule) == 0


def test_views_and_what_they_fire_are_worked_by_hand():
    task = cropped_animals(1)
    head, tail, whole, ground = (np.eye(8, dtype=int)[nodes] for nodes in ([0, 3], [1, 4], [2, 5], [6, 7]))
    expected = [
        fired for k in (0, 1) for fired in (head[k] + tail[k] + whole[k] + ground[k], head[k], tail[k])
    ]  # fmt: skip
    assert task.model.fire(task.inputs)[1].astype(int).tolist() == [row.tolist() for row in expected]
    assert task.names[:4] == ("cat (0, 1, 4)", "cat (0,)", "cat (1,)", "dog (2, 3, 5)")
    assert cropped_animals(0).names == ("cat (0, 1, 4)", "dog (2, 3, 5)")
    assert len(task.model.edges) == 10


def test_a_part_is_recognised_where_it_outweighs_the_wrong_background():
    """Backgrounds speak five times as loud for their own class; every second replicate has other strong parts."""
    task = cropped_animals(1)
    edges = np.zeros((4, 10))
    for ground, label in (((1, 6), 0), ((1, 7), 1)):
        edges[:, task.model.edges.index((ground, (2, label)))] = np.log(5)
    nodes = np.zeros((4, len(task.model.nodes)))
    for replicate, strong in enumerate([[], [(1, 0)], [(1, 0), (1, 4)], [(1, 0), (1, 1), (1, 3), (1, 4)]]):
        for node in strong:
            nodes[replicate, task.model.nodes.index(node)] = np.log(10)
    np.testing.assert_array_equal(_part_accuracy(task, nodes, edges), [0, 0.25, 0.5, 1])
