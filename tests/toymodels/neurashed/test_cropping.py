import numpy as np
import pytest

from tests.tolerances import MONTE_CARLO
from toymodels.neurashed import Multiplicative
from toymodels.neurashed.cropping import cropped_animals, predicted_log_whole, train_with_crops

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
