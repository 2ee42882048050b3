import numpy as np
import pytest

from figures.condensation.anchor_task import (
    FIGURE,
    AnchorTransformers,
    at_the_largest_rate,
    gained,
    memorised,
    neither_alike_nor_inferred,
    smallest_rise,
    task_of,
)
from figures.harness.fitted_runs import NOT_FITTED

FITTED = np.array([[1.0, 0.9], [1.0, 1.0]])  # (rate, run)
DATA = {
    "train": FITTED,
    "seen": np.array([[0.2, 0.1], [1.0, 0.99]]),
    "alike": np.array([[0.1, 0.1], [0.3, 0.9]]),
    "inferred": np.array([[0.0, 0.0], [0.4, 0.1]]),
    "cosine": np.array([[0.1, 0.1], [0.4, 0.5]]),
    "width": np.full((2, 2), 32.0),
}


def test_patterns_of_runs_that_have_not_fitted_are_marked():
    np.testing.assert_allclose(memorised(DATA), [0.8, NOT_FITTED])
    np.testing.assert_allclose(neither_alike_nor_inferred(DATA), [0.6, 0.1])
    np.testing.assert_allclose(at_the_largest_rate(DATA, "inferred"), [0.4, 0.1])


def test_a_rate_at_which_a_run_does_not_answer_unseen_keys_is_passed_over():
    rates = {name: np.concatenate([values, values[1:] + 0.1]) for name, values in DATA.items() if name != "width"}
    seen = np.array([[1.0, 1.0], [1.0, 0.96], [1.0, 0.9]])
    np.testing.assert_allclose(at_the_largest_rate({**rates, "seen": seen}, "inferred"), [0.5, 0.1])
    np.testing.assert_allclose(smallest_rise({**rates, "seen": seen}), [0.1, 0.4])
    np.testing.assert_allclose(smallest_rise({**rates, "seen": np.ones((3, 2))}), [0.1, 0.1])
    none = {**rates, "seen": 0 * seen}
    assert at_the_largest_rate(none, "alike").tolist() == smallest_rise(none).tolist() == [NOT_FITTED] * 2


def test_a_toy_does_not_refute_the_patterns_of_wide_transformers():
    toy = {claim.key: claim.verdict for claim in FIGURE.judge(DATA)}
    wide = {claim.key: claim.verdict for claim in FIGURE.judge({**DATA, "width": np.full((2, 2), 400.0)})}
    assert toy["anchor_task.infers"] == "open"
    assert wide["anchor_task.infers"] == "contradicted"
    assert toy["anchor_task.memorises"] == wide["anchor_task.memorises"] == "open"  # a run has not fitted
    assert toy["anchor_task.condenses"] == "reproduced"


def test_runs_that_answer_at_no_larger_rate_than_the_smallest_leave_open_whether_they_condense():
    seen = np.array([[0.2, 0.96, 0.2], [0.94, 0.94, 0.99]])
    data = {**DATA, "seen": seen, "cosine": np.array([[0.2, 0.9, 0.1], [0.9, 0.1, 0.5]])}
    np.testing.assert_allclose(gained(data), [NOT_FITTED, NOT_FITTED, 0.4])
    claim = FIGURE.claims[0]
    assert "-1" in claim.sentence
    assert claim.judge({**data, "seen": 0 * seen + 0.94}).verdict == "open"
    assert claim.judge(data).verdict == "open"
    assert claim.judge({**data, "seen": 0 * seen + 0.96, "cosine": data["cosine"][::-1] * [1, 0, 1]}).verdict == (
        "contradicted"
    )


@pytest.mark.parametrize("size", ["quick", "paper"])
def test_neither_pair_is_seen_at_any_size(size):
    task = task_of(AnchorTransformers(size=size, d_model=16), 0.5)
    assert task.unseen == ((3, 4), (4, 3))
    assert (task.d_model == 16) == (size == "quick")
