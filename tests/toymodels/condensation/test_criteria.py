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
BOUNDS = {
    "grouping.early-orientations": "every run = 1",
    "grouping.middle-orientations": "every run in [2, 3]",
    "grouping.late-orientations": "every run in [4, 7]",
    "grouping.never-falls": "every run = 0",
    "presets.figure-one-loss": "every run < 0.0001",
    "similarity.static-neurons": "every run >= 30",
    "reduction.merged-width": "every run <= 8",
    "reduction.merged-output": "every run < 0.01",
    "similarity.rank-falls": "every run < 0",
    "similarity.rank-one": "every run < 1.05",
    "grouping.two-directions": "every run = 2",
    "grouping.opposite-directions": "every run = 1",
    "phase_diagram.linear-slopes": "every cell < 0",
    "phase_diagram.condensed-slopes": "every cell > 0",
    "phase_diagram.critical-slopes": "every cell within 0.08 of 0",
    "phase_diagram.derived-slopes": "every cell < 0.08",
    "three_layer.linear-slopes": "every layer < 0.15",
    "three_layer.outer-slopes": "every layer > 0",
    "directions.bound": "every run <= 1",
    "directions.reached": "every run = 0",
    "directions.aligned": "every run > 0.95",
    "initial.closed-form": "value < 0.0001",
    "initial.aligned": "value > 0.99",
    "initial.adam-tanh": "value > 0.5",
    "initial.adam-xtanh": "value > 0.5",
    "initial.plain-descent": "value <= 4",
    "embedding.common-plateau": "every width > 0.3",
    "embedding.wider-is-lower": "every step > 0",
    "embedding.wide-leaves": "value > 0.5",
    "embedding.critical": "value < 1e-09",
    "embedding.inertia-grows": "every embedding >= 0",
    "embedding.split-law": "every split = 0",
    "dropout.fewer-clusters": "every run < 0",
    "dropout.smaller-penalty": "every run < 0.5",
    "reduction.condensed-rank": "every target = 0",
    "reduction.loose-rank": "every target > 0",
    "reduction.recovery": "value > 0.5",
}


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


def test_bounds_are_those_that_were_fixed():
    claims = [claim for experiment in criteria.EXPERIMENTS for claim in experiment.claims]
    assert {claim.key: str(claim.criterion) for claim in claims} == BOUNDS


@pytest.mark.parametrize(
    ("key", "data", "measured"),
    [
        ("similarity.rank-falls", {"rank": [[3, 2], [1.5, 2.5]]}, [[-1.5, 0.5]]),
        ("similarity.rank-one", {"rank": [[3, 2], [1.5, 2.5]]}, [1.5, 2.5]),
        ("initial.adam-tanh", {"tanh": [2, 4, 2, 1, 2]}, 0.6),
        ("initial.adam-xtanh", {"xtanh": [2, 4, 4, 5]}, 0.5),
        ("embedding.wider-is-lower", {"low": [0, 0.25, 0.75]}, [0.25, 0.5]),
        ("embedding.wide-leaves", {"low": [0, 0.25, 0.75]}, 0.75),
        ("reduction.recovery", {"error": [0.001, 0.01, 0.5, 0.009]}, 0.5),
    ],
)
def test_what_is_judged_is_made_of_what_was_measured(key, data, measured):
    (claim,) = (claim for experiment in criteria.EXPERIMENTS for claim in experiment.claims if claim.key == key)
    np.testing.assert_allclose(claim.quantity.measure(data), measured)
