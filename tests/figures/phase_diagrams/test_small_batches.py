"""Scores of the graph model over batches: those of the study, under both rules, laid out by batch and draw."""

from functools import partial

import numpy as np
import pytest
import xarray
from numpy.testing import assert_allclose

from comparisons.implicit_regularisation import STUDY
from figures.phase_diagrams.small_batches import BATCHES, CLAIMS, REPLICATES, RULES, compute, score_of
from toymodels.claims import CONTRADICTED, OPEN, REPRODUCED


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("batch", [1, 8])
def test_a_cell_is_a_run_of_the_study_under_its_rule(rule, batch):
    name = "neurashed" if rule == "multiplicative" else "neurashed additive"
    cell = score_of(rule, np.random.default_rng(5), batch)
    score = STUDY.score(name)(rng=np.random.default_rng(5), batch=batch)
    assert cell == {"score": score["score"], "predicted": score["predicted"]}
    assert_allclose(cell["score"], cell["predicted"], atol=0.1)


@pytest.mark.parametrize("rule", RULES)
def test_the_largest_batches_are_those_of_the_control_and_leave_hardly_a_node_out(rule):
    assert max(BATCHES) == STUDY.models["neurashed"].off["batch"]
    assert_allclose(list(score_of(rule, np.random.default_rng(0), max(BATCHES)).values()), 0, atol=0.01)


class Grid:
    def __init__(self):
        self.asked = []

    def __call__(self, function, cells, replicates, seed):
        self.asked.append((function, dict(cells), replicates, seed))
        shape = (replicates, len(cells["batch"]))
        numbers = xarray.DataArray(np.arange(np.prod(shape)).reshape(shape), dims=("replicate", "batch"))
        return xarray.Dataset({"score": numbers, "predicted": -numbers})


def test_what_is_computed_is_laid_out_by_rule_batch_and_draw():
    grid = Grid()
    data = compute(np.random.default_rng(0), grid)
    assert list(data) == [f"{rule}_{name}" for rule in RULES for name in ("score", "predicted")]
    for rule in RULES:
        assert data[f"{rule}_score"].shape == (len(BATCHES), REPLICATES)
        assert data[f"{rule}_score"][:, 0].tolist() == list(range(len(BATCHES)))
        assert_allclose(data[f"{rule}_predicted"], -data[f"{rule}_score"])
    for rule, (function, cells, replicates, _) in zip(RULES, grid.asked, strict=True):
        assert isinstance(function, partial)
        assert (function.func, function.args) == (score_of, (rule,))
        assert (cells, replicates) == ({"batch": BATCHES}, REPLICATES)
    assert grid.asked[0][-1] != grid.asked[1][-1]


@pytest.mark.parametrize(
    ("multiplicative", "additive", "verdicts"),
    [
        (0.31, 0.29, (REPRODUCED, CONTRADICTED)),
        (0.29, 0.31, (CONTRADICTED, REPRODUCED)),
        (0.3, 0.3, (REPRODUCED, REPRODUCED)),
    ],
)
def test_each_rule_is_judged_by_its_smallest_batches_alone(multiplicative, additive, verdicts):
    data = {}
    for rule, first in (("multiplicative", multiplicative), ("additive", additive)):
        data[f"{rule}_score"] = np.array([[first] * 3, [0.1, 0.5, 0.9]])
    assert tuple(claim.judge(data).verdict for claim in CLAIMS[:2]) == verdicts


def test_the_closed_form_is_missed_by_one_run_of_one_rule_on_either_side():
    data = {f"{rule}_{name}": np.full((2, 3), 0.4) for rule in RULES for name in ("score", "predicted")}
    assert CLAIMS[2].judge(data).verdict == REPRODUCED
    for rule in RULES:
        for off in (-0.15, 0.15):
            missed = data[f"{rule}_predicted"].copy()
            missed[1, 2] += off
            judged = CLAIMS[2].judge(data | {f"{rule}_predicted": missed})
            assert judged.verdict in (CONTRADICTED, OPEN)
            assert judged.replicates == 12
