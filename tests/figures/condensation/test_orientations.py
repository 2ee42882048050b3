from types import SimpleNamespace

import numpy as np

from figures.condensation import orientations
from figures.condensation.orientations import FIGURE, Orientations, trained
from toymodels.condensation import DirectionCounts
from toymodels.condensation.presets import FIGURE_ONE_RECORDS
from toymodels.trajectory import Trajectory

COUNTS = np.array([[1, 1], [3, 2], [4, 3]])  # (record, run)
MERGED = {"merged_width": 5, "merged_error": 1e-3, "merged_loss": np.array([3.0, 1.0, 1.0]), "retrained_loss": 0.4}
DATA = {
    "count": COUNTS,
    "asleep": np.array([1, 3]),
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


def test_no_silent_neuron_leaves_open_whether_they_are_static():
    assert verdicts(asleep=np.zeros(2))["orientations.static-neurons"] == "open"
    assert verdicts(asleep=np.array([0, 1]))["orientations.static-neurons"] == "reproduced"


def test_the_directions_that_count_are_told_from_all_and_networks_from_records(monkeypatch):
    """Two networks of one neuron whose weight is the number of the record; a network has as many directions."""
    records = np.array([0, *FIGURE_ONE_RECORDS])
    w = np.zeros((len(records), 2, 1, 2))
    w[:, 0, 0, 0], w[:, 1, 0, 0] = np.arange(len(records)), 10 + np.arange(len(records))
    a, loss = np.ones((len(records), 2, 1)), np.arange(2.0 * len(records)).reshape(-1, 2)
    merged = SimpleNamespace(neurons=[1, 1, 1], error=[0.0] * 3, loss=[0.0] * 3, retrained=[0.0] * 3)

    def figure_one(rng, trials, recorded):
        assert (trials, tuple(recorded)) == (2, tuple(FIGURE_ONE_RECORDS))
        return Trajectory(records, {"a": a, "w": w, "loss": loss}, clock="step")

    def counted(a, w, **how):
        return DirectionCounts(counted=int(w[0, 0]), all=100 + int(w[0, 0]))

    monkeypatch.setattr(orientations, "figure_one", figure_one)
    monkeypatch.setattr(orientations, "network_directions", counted)
    monkeypatch.setattr(orientations, "reduction_curve", lambda *given: merged)
    found = trained(Orientations(), np.random.default_rng(0), trials=2)
    steps = np.arange(1, len(records))
    np.testing.assert_array_equal(found["count"], np.stack([steps, 10 + steps], axis=1))
    np.testing.assert_array_equal(found["all_count"], 100 + found["count"])
    np.testing.assert_array_equal(found["loss"], loss[1:])
    assert found["merged_width"].shape == (2, 3)
