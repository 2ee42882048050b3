import numpy as np

from figures.condensation.orientations import FIGURE

COUNTS = np.array([[1, 1], [3, 2], [4, 3]])  # (record, run)
MERGED = {"merged_width": 5, "merged_error": 1e-3, "merged_loss": 1.0, "retrained_loss": 0.4}
DATA = {
    "count": COUNTS,
    "asleep_moved": np.zeros(2),
    **{name: np.full((2, 3), value) for name, value in MERGED.items()},
}


def verdicts(**changes):
    return {claim.key: claim.verdict for claim in FIGURE.judge({**DATA, **changes})}


def test_counts_that_rise_in_every_run_reproduce_all_claims():
    assert set(verdicts().values()) == {"reproduced"}


def test_one_run_that_falls_refutes_the_strict_reading_only():
    runs = np.stack([*[COUNTS[:, 0]] * 3, [1, 3, 2]], axis=1)
    judged = verdicts(count=runs)
    assert judged["orientations.typically-monotone"] == "reproduced"
    assert judged["orientations.always-monotone"] == "contradicted"


def test_a_silent_neuron_that_moves_refutes_that_it_is_static():
    assert verdicts(asleep_moved=np.array([0, 1e-15]))["orientations.static-neurons"] == "contradicted"
