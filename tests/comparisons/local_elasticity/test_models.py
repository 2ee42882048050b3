import numpy as np
import pytest

from comparisons.harness.model import OFF
from comparisons.local_elasticity import STUDY
from comparisons.local_elasticity.question import pooled_contrast


def test_the_linear_model_is_not_elastic(tmp_path):
    verdict = STUDY.run(models=["linear"], out=tmp_path).verdicts["linear"]
    assert np.allclose(verdict.scores, 0, atol=1e-12)


def test_on_a_shallow_graph_what_moves_is_what_the_inputs_share(tmp_path):
    for run in STUDY.run(models=["neurashed"], out=tmp_path).runs["neurashed" + OFF]:
        assert run.meta["baseline"] == pytest.approx(np.log10(3))
        assert run["contrast"][-1] == pytest.approx(run.meta["baseline"], abs=0.02)


def test_the_contrast_is_pooled_over_bases_without_the_base_itself():
    change = np.array([[1.0, 0.5, 0.1], [0.5, 1.0, 0.1]])
    assert pooled_contrast(change, np.array([0, 0, 1])) == pytest.approx(np.log10(5))
