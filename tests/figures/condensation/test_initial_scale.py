import numpy as np

from figures.condensation.initial_scale import FIGURE

DATA = {
    "directions": np.array([[9, 9], [2, 2]]),
    "axes": np.array([[1, 1], [1, 1]]),
    "rank": np.array([[1.9, 1.8], [1.1, 1.0]]),
}


def verdicts(**changes):
    return [claim.verdict for claim in FIGURE.judge({**DATA, **changes})]


def test_runs_off_the_pair_or_against_the_order_refute():
    assert verdicts() == ["reproduced"] * 3
    assert verdicts(directions=np.array([[9, 9], [1, 1]])) == ["contradicted", "reproduced", "reproduced"]
    assert verdicts(axes=np.array([[2, 2], [1, 1]])) == ["reproduced", "contradicted", "reproduced"]
    assert verdicts(rank=np.array([[1.9, 1.8], [1.95, 1.9]])) == ["reproduced", "reproduced", "contradicted"]
