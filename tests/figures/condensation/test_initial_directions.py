import numpy as np

from figures.condensation.initial_directions import FIGURE, NEVER, NOWHERE, descent

DATA = {
    "adam_directions": np.array([[2, 2, 2, 3], [4, 4, 4, 5]]),
    "adam_lines": np.array([[1, 1, 1, 2], [2, 2, 2, 3]]),
    "reached": np.array([[2, 2], [4, 3], [6, 1]]),
    "near": np.ones((3, 2)),
    "plain": np.array([4, 4, 4, 9]),
    "all_plain": np.array([4, 4, 4, 9]),
}


def verdicts(**changes):
    return {claim.key: claim.verdict for claim in FIGURE.judge({**DATA, **changes})}


def test_medians_decide_of_the_authors_setting_and_every_data_set_of_the_bound():
    assert set(verdicts().values()) == {"reproduced"}
    for tanh in (3, 0):  # one too many; none at all
        assert verdicts(reached=np.array([[2, tanh], [4, 3], [6, 1]]))["initial_directions.bound"] == "contradicted"


def test_a_run_that_never_loses_a_percent_leaves_plain_descent_open():
    assert verdicts(plain=np.array([9, 9, NEVER]))["initial_directions.plain-descent"] == "open"
    assert verdicts(plain=np.array([9, 9, 9, 2]))["initial_directions.plain-descent"] == "contradicted"


def test_two_pairs_in_half_of_the_networks_are_not_in_most_and_one_that_is_shown_does_not_say_in_how_many():
    lines = np.array([[1, 1, 1, 1], [2, 2, 3, 4]])
    judged = verdicts(adam_directions=np.array([[2, 2, 2, 2], [4, 4, 5, 7]]), adam_lines=lines)
    assert judged["initial_directions.xtanh"] == "open"


def test_as_many_directions_that_are_not_opposite_are_no_pairs():
    judged = verdicts(adam_lines=np.array([[2, 2, 2, 2], [4, 4, 4, 4]]))
    assert judged["initial_directions.tanh"] == "contradicted"
    assert judged["initial_directions.xtanh"] == "open"


def test_small_stray_neurons_refute_the_reading_about_every_neuron_only():
    judged = verdicts(plain=np.array([1, 2, 3]), all_plain=np.array([8, 9, 9]))
    assert judged["initial_directions.plain-descent"] == "reproduced"
    assert judged["initial_directions.plain-descent-every-neuron"] == "contradicted"


def test_tanh_neurons_reach_their_two_extrema():
    run = descent(np.random.default_rng(0), "tanh")
    assert run["extrema"] == run["reached"] == run["all_reached"] == 2
    assert run["near"] == 1
    assert ((np.abs(run["angle"]) <= np.pi) | (run["angle"] == NOWHERE)).all()
