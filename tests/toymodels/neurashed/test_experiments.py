"""What the experiments of the family measure at seed 0, so that a number read from another place is noticed."""

import numpy as np
import pytest

from toymodels.neurashed.criteria import EXPERIMENTS

MEASURED = {
    "theorem-1": {
        "increments": [0.0, 0.0, 1.471e-13],
        "own_input": [0.0, 4.545e-05, 0.0001818],
        "same_input": [0.0, 1.748e-05, 2.561e-05],
        "trained_edges": [0.0001563, 0.000224, 0.0003902],
    },
    "theorem-2": {"limit": [0.0001082, 0.000127, 0.0003258, 0.0008143], "step": 0.0001515},
    "worked-example": {"differs": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], "simulated": [0.0, 0.0, 0.0]},
    "similarity": {"near": 0.8189, "next_class": 0.08619, "far": 0.0, "consistent": [1.0, 1.0, 1.0, 1.0]},
    "batch-size": {"law": [2.887e-15, 0.005733, 0.006293, 0.02827], "nodes_of_1": 3.003, "nodes_of_8": 8.983},
    "information-bottleneck": {
        "start": [0.521, 0.4487, 0.8772, 0.5408, 0.5284, 0.5937, 0.418, 0.869, 0.2675, 0.6637],
        "peak": 1.936,
        "end": [1.006, 0.9999, 0.9991, 0.9998, 0.9997, 0.9991, 0.9996, 0.9992, 1.021, 0.9991],
        "label": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        "constant_noise": [2.0, 2.0, 2.0],
        "large_batch": [2.0, 2.0, 2.0],
    },
    "delayed-generalisation": {
        "late": [19.89, 20.22, 16.77],
        "time": [0.06285, 0.0525, 0.05338],
        "slope": 0.006753,
        "control": [0.0, -0.2408, 0.0],
    },
    "neural-collapse": {"law": 2.576e-14, "angle": 4.441e-16, "additive": 0.1667},
}


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_an_experiment_measures_what_it_did(experiment):
    found = experiment.run(np.random.default_rng(0))
    assert found.keys() == MEASURED[experiment.name].keys()
    for quantity, value in MEASURED[experiment.name].items():
        measured = np.mean(found[quantity]) if np.ndim(value) == 0 else found[quantity]
        np.testing.assert_allclose(measured, value, rtol=0.02, atol=2e-6, err_msg=quantity)
