"""Every made-up contrast is what its name says, and is turned down for that reason."""

import numpy as np
import pytest

from comparisons.adversaries import judged
from comparisons.local_elasticity import STUDY
from comparisons.local_elasticity.adversaries import FALSE, TRUE

CASES = {case.name: case for case in (*FALSE, *TRUE)}
ASKED = STUDY.question


def made(name, seed=0, **variation):
    return CASES[name].run(np.random.default_rng(seed), **variation)


@pytest.mark.parametrize(
    ("name", "outcome", "note"),
    [
        ("constant", "absent", "contrast 0.10 untrained, 0.10 trained; added 0.00 at the fit, 0.00 at the end"),
        ("untrained kernel", "absent", "contrast 1.20 untrained, 1.20 trained; added 0.00 at the fit, 0.00 at"),
        ("starting at the answer", "absent", "contrast 0.80 untrained, 0.8"),
        ("at another level all along", "unclear", "most of it, 0.50 decades, is there at the first record"),
        ("a spike at the end", "absent", "contrast 0.10 untrained, 0.10 trained; added 0.00 at the fit, 0.00 at"),
        ("one early spike", "absent", "contrast 0.10 untrained, 0.10 trained; added 0.00 at the fit, 0.00 at"),
        ("dying network", "absent", "contrast 0.10 untrained, 0.10 trained; added 0.40 at the fit, 0.00 at the end"),
        ("after the fit only", "absent", "contrast 0.10 untrained, 0.60 trained; added 0.00 at the fit, 0.50 at"),
        ("learned by the fit", "shown", "contrast 0.10 untrained, 0.50 trained; added 0.40 at the fit, 0.40 at"),
        ("learned, without a training score", "shown", "contrast 0.10 untrained, 0.50 trained; added 0.40 half-way"),
    ],
)
def test_a_case_is_turned_down_for_what_it_is_called_after(name, outcome, note):
    verdict = judged("local_elasticity", CASES[name], seed=0)
    assert verdict.outcome == outcome
    assert verdict.note.startswith(note)


@pytest.mark.parametrize("name", CASES)
def test_the_untrained_contrast_is_a_constant_and_the_training_score_is_there_unless_it_is_said(name):
    run = made(name)
    assert len(set(run["start_contrast"])) == 1
    assert ("train" in run.data) == ("training score" not in name and name != "noise, no training score")
    if "train" in run.data:
        assert run["train"][-1] >= ASKED.train_level
        assert run.t[np.flatnonzero(run["train"] >= ASKED.train_level)[0]] < 30


def test_noise_is_about_the_untrained_contrast():
    for name, spread in (("random", 0.3), ("uniform noise", np.sqrt(1 / 12)), ("noise, no training score", 12**-0.5)):
        run = made(name, n_records=4000)
        assert (run["contrast"] - run["start_contrast"]).mean() == pytest.approx(0, abs=0.02)
        assert run["contrast"].std() == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize("name", ["random walk", "random walk, no training score"])
def test_a_walk_begins_at_the_untrained_contrast(name):
    run = made(name)
    assert run["contrast"][0] == run["start_contrast"][0] == 0.1
    assert np.abs(np.diff(run["contrast"])).min() > 0


@pytest.mark.parametrize(("name", "where"), [("a spike at the end", 59), ("one early spike", 15)])
def test_a_spike_is_one_record_of_far_more_than_is_shown(name, where):
    run = made(name)
    added = run["contrast"] - run["start_contrast"]
    assert np.flatnonzero(added).tolist() == [where]
    assert added[where] > ASKED.shown_from


def test_an_oscillation_comes_back_to_the_untrained_contrast():
    run = made("oscillating", n_records=600)
    added = run["contrast"] - run["start_contrast"]
    assert added.min() == pytest.approx(0, abs=1e-9)
    assert added.max() == added[-1] == pytest.approx(0.5)
    assert np.count_nonzero(np.diff(np.sign(added - 0.25))) > 10


def test_what_dies_has_learned_before_and_what_comes_late_has_not():
    for name, early, late in (("dying network", 0.4, 0.0), ("after the fit only", 0.0, 0.5)):
        run = made(name, n_records=400, decades=6)
        fit = np.flatnonzero(run["train"] >= ASKED.train_level)[0]
        added = run["contrast"] - run["start_contrast"]
        np.testing.assert_allclose(added[[fit, -1]], [early, late], atol=0.01)


def test_what_is_learned_is_there_at_the_fit_with_and_without_noise():
    for name in ("learned by the fit", "learned, without a training score", "with noise"):
        run = made(name, n_records=400)
        added = run["contrast"] - run["start_contrast"]
        assert added[0] == pytest.approx(0, abs=0.06)
        late = added[run.t > 50]
        assert late.mean() == pytest.approx(0.4, abs=0.005)
        assert late.std() == pytest.approx(0.02 * (name == "with noise"), abs=0.003)
