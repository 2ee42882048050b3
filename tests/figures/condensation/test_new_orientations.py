import numpy as np
import pytest

from figures.condensation.new_orientations import FIGURE, KINDS, NewOrientations, rows_of_another_run, watched

ROWS = 4
OFF = {"angle": 3.0, "fastest": 3.05, "forecast": 2.95, "from_targets": 1.8, "from_other": 0.9}


def columns(**changes):
    row = {**OFF, "wait": 90.0, "epoch": 1100.0, "plateau": 1000.0, "born": 1, "left": 2, **changes}
    return {f"{kind}_{name}": np.full(ROWS, value) for kind in KINDS for name, value in row.items()}


def verdicts(**changes):
    return {claim.key.partition(".")[2]: claim.verdict for claim in FIGURE.judge(columns(**changes))}


def test_near_forecasts_and_far_controls_reproduce_all_claims():
    assert set(verdicts().values()) == {"reproduced"}


def test_the_other_side_of_a_kink_refutes_the_side_only():
    judged = verdicts(fastest=3.05 - np.pi)
    assert [key for key, verdict in judged.items() if verdict == "contradicted"] == ["side"]


def test_controls_that_know_the_kink_refute_it_all():
    judged = verdicts(from_targets=3.0 - np.pi, from_other=3.1)
    assert judged["kink-from-targets"] == judged["kink-from-others"] == "contradicted"


def test_waits_off_by_more_than_two_and_unmatched_plateaus_are_contradicted():
    judged = verdicts(wait=210.0, left=1)
    assert judged["wait"] == judged["plateau-each"] == judged["plateau-each-figure-one"] == "contradicted"


def test_a_short_run_watches_every_network():
    run = watched(NewOrientations(replicates=3, n_steps=6000, records=60), np.random.default_rng(0), "figure_one")
    new = len(run["run"])
    assert new >= 1
    assert run["born"].sum() == new
    assert run["count"].shape == run["loss"].shape == (len(run["t"]), 3)
    assert all(run[name].shape == (new,) for name in ("fastest", "forecast", "from_targets", "from_other", "wait"))
    assert (run["plateau"] < run["epoch"]).all()


def test_the_record_another_run_lends_is_never_of_the_same_run():
    runs = np.array([0, 0, 1, 2, 2])
    assert rows_of_another_run(runs) == [2, 2, 3, 0, 0]
    with pytest.raises(ValueError, match=r"replicates .* two have a new orientation, got rows of runs \[3 3\]"):
        rows_of_another_run(np.array([3, 3]))
