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
BOUNDS = {
    "elasticity.theorem-1": "every L < 0.005",
    "elasticity.theorem-1-increments": "every L < 1e-09",
    "elasticity.theorem-1-same-input": "every L < 0.003",
    "elasticity.theorem-1-trained-edges": "every L < 0.003",
    "elasticity.theorem-2-limit": "every s < 0.003",
    "elasticity.theorem-2-growth": "every run > 0",
    "worked_example.polynomials": "every polynomial = 0",
    "worked_example.simulation": "every logit = 0",
    "elasticity.same-class": "every run > 0.5",
    "elasticity.next-class": "every run > 0 and every run < 0.5",
    "elasticity.far-class": "every run = 0",
    "graphs.consistent-pathways": "every pathway = 1",
    "sparsity.law": "every B < 0.15",
    "sparsity.small-batches": "mean < 3.05",
    "sparsity.large-batches": "mean > 8.9",
    "bottleneck.start": "mean < 1.2",
    "bottleneck.fit": "every run > 1.85",
    "bottleneck.compress": "mean within 0.03 of 1",
    "bottleneck.label": "every run > 0.99",
    "bottleneck.constant-noise": "every run > 1.95",
    "bottleneck.large-batches": "every run > 1.9",
    "delayed.late": "every run > 5",
    "delayed.predicted-time": "every run < 0.25",
    "delayed.slope": "every run < 0.15",
    "delayed.no-handicap": "every run <= 0",
    "collapse.law": "every run < 1e-06",
    "collapse.simplex": "every run < 1e-09",
    "collapse.additive-plateau": "every run within 0.01 of 0.16666666666666666",
}


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


def test_bounds_are_those_that_were_fixed():
    claims = [claim for experiment in criteria.EXPERIMENTS for claim in experiment.claims]
    assert {claim.key: str(claim.criterion) for claim in claims} == BOUNDS
