import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from toymodels.claims import AFTER
from toymodels.neurashed import criteria, experiments
from toymodels.neurashed.__main__ import main
from toymodels.neurashed.graphs import three_class

MODULES = {"bottleneck", "collapse", "delayed", "elasticity", "graphs", "sparsity", "worked_example"}


def test_all_criteria_are_met_and_printed(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    keys = [claim.key for experiment in criteria.EXPERIMENTS for claim in experiment.claims]
    assert [line.split()[1] for line in printed.splitlines() if line.startswith("reproduced")] == keys
    assert printed.splitlines()[-1] == f"{len(keys)} reproduced"


def test_keys_are_unique_and_start_with_the_module_they_are_about():
    claims = [claim for experiment in criteria.EXPERIMENTS for claim in experiment.claims]
    assert len({claim.key for claim in claims}) == len(claims)
    assert {claim.key.split(".")[0] for claim in claims} == MODULES
    assert {claim.fixed for claim in claims} == {AFTER}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("experiment", criteria.EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_criteria_do_not_hang_on_the_seed(experiment, seed):
    judged = experiment.judge(np.random.default_rng(seed))
    assert [claim.verdict for claim in judged] == ["reproduced"] * len(experiment.claims)


def test_an_inconsistent_pathway_is_seen():
    task = three_class()
    assert experiments._consistent(task) == [1.0] * 4
    assert experiments._consistent(replace(task, labels=np.array([0, 0, 1, 0]))) == [1.0, 1.0, 1.0, 0.0]


def test_importing_the_model_loads_no_heavy_library():
    code = (
        "import sys, toymodels.neurashed, toymodels.neurashed.criteria; "
        "assert not {'networkx', 'scipy.sparse', 'scipy.optimize', 'sympy', 'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
