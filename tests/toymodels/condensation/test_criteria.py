from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from toymodels import SimulationError
from toymodels.claims import CONTRADICTED, OPEN, REPRODUCED
from toymodels.condensation import criteria
from toymodels.condensation.__main__ import main

EXPERIMENTS = {experiment.name: experiment for experiment in criteria.EXPERIMENTS}
CONTRADICTED_AT_0 = {
    "grouping.never-falls",
    "initial.adam-xtanh",
    "initial.plain-descent",
    "presets.figure-one-loss",
    "reduction.recovery",
}
OPEN_AT_0 = {"grouping.middle-orientations"}
QUICK = ("linear-flow", "adam-directions", "embedding-principle", "tangent-ranks")


def verdicts(name):
    return {claim.key: claim.verdict for claim in EXPERIMENTS[name].judge(np.random.default_rng(0))}


def recorded(name):
    keys = [claim.key for claim in EXPERIMENTS[name].claims]
    others = dict.fromkeys(CONTRADICTED_AT_0, CONTRADICTED) | dict.fromkeys(OPEN_AT_0, OPEN)
    return {key: others.get(key, REPRODUCED) for key in keys}


@pytest.mark.parametrize("name", QUICK)
def test_quick_criteria_come_out_as_recorded(name):
    assert verdicts(name) == recorded(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_every_criterion_comes_out_as_recorded(name):
    assert verdicts(name) == recorded(name)


def test_keys_are_unique_and_start_with_a_module_of_the_family():
    keys = [claim.key for experiment in criteria.EXPERIMENTS for claim in experiment.claims]
    assert len(set(keys)) == len(keys)
    assert set(keys) > CONTRADICTED_AT_0
    for key in keys:
        assert find_spec(f"toymodels.condensation.{key.partition('.')[0]}") is not None


def test_the_command_prints_every_claim_of_the_experiments_named(capsys):
    assert main(["linear-flow", "tangent-ranks", "--seed", "1"]) == 0
    printed = capsys.readouterr().out
    for name in ("linear-flow", "tangent-ranks"):
        assert all(claim.key in printed and claim.statement in printed for claim in EXPERIMENTS[name].claims)
    assert "4 reproduced" in printed


def test_a_numerical_failure_is_reported_and_the_rest_runs(capsys, monkeypatch):
    def fail(rng):
        raise SimulationError("loss is not finite at step 3")

    broken = replace(EXPERIMENTS["tangent-ranks"], run=fail)
    monkeypatch.setattr("toymodels.condensation.__main__.EXPERIMENTS", (broken, EXPERIMENTS["linear-flow"]))
    assert main([]) == 1
    printed = capsys.readouterr().out
    assert "loss is not finite at step 3" in printed
    assert "initial.closed-form" in printed


@pytest.mark.parametrize("argv", [["nothing"], ["--seed", "-1"]])
def test_a_bad_command_line_is_a_usage_error(argv, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    assert argv[0] in capsys.readouterr().err
