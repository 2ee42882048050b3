"""What every phenomenon owes, run on the models that take a blink; the whole quick preset is `--check`ed by hand."""

import importlib

import numpy as np
import pytest
from comparisons.study import OFF

from comparisons import grokking, order, runner
from comparisons.__main__ import EXCHANGE, PHENOMENA

FAST = ["layerwise", "neurashed"]


def study(name):
    return importlib.import_module(f"comparisons.{name}").STUDY


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    return {name: runner.run(study(name), models=FAST, out=out) for name in PHENOMENA}


@pytest.mark.parametrize("name", [*PHENOMENA, EXCHANGE])
def test_a_study_has_two_presets_a_question_with_its_score_and_thresholds(name):
    asked = study(name)
    assert {"quick", "paper"} <= asked.presets.keys()
    assert "Score:" in asked.question
    params = asked.presets["quick"]
    assert params.absent_below < params.shown_from
    assert f"shown from {params.shown_from:g}" in asked.question
    assert f"absent below {params.absent_below:g}" in asked.question


@pytest.mark.parametrize("name", PHENOMENA)
def test_every_family_answers_or_says_why_not(name):
    assert {"layerwise", "neurashed", "condensation", "dnn"} <= study(name).models.keys()


@pytest.mark.parametrize("name", PHENOMENA)
@pytest.mark.parametrize("model", FAST)
def test_the_knob_switches_the_phenomenon_on_and_off_in_every_replicate(results, name, model):
    verdicts = results[name].verdicts
    assert verdicts[model].outcome == "shown"
    assert verdicts[model + OFF].absent_in_every_replicate
    assert len(verdicts[model].scores) == 3


@pytest.mark.parametrize("name", PHENOMENA)
def test_two_jobs_give_the_same_bits(results, name, tmp_path):
    again = runner.run(study(name), models=FAST, out=tmp_path, jobs=2, replicates=1)
    for row, runs in again.runs.items():
        assert runner.digest(runs[0]) == runner.digest(results[name].runs[row][0])


@pytest.mark.parametrize(
    ("name", "model", "relative"),
    [("grokking", "layerwise", 0.25), ("grokking", "neurashed", 0.25), ("local_elasticity", "neurashed", 1e-6)],
)
def test_predictions_stand_beside_measurements(results, name, model, relative):
    verdict = results[name].verdicts[model]
    assert verdict.measured == pytest.approx(verdict.predicted, rel=relative)


def test_a_fitted_prediction_says_so_and_only_beside_one():
    from toymodels.trajectory import Trajectory

    curves = {"train": [0.1, 1.0, 1.0], "test": [0.1, 0.2, 1.0]}
    said = {"prediction": "constants fitted"}
    with_one = Trajectory([1.0, 2.0, 9.0], curves, clock="step", meta={**said, "predicted_test_time": 8.0})
    without = Trajectory([1.0, 2.0, 9.0], curves, clock="step", meta={**said, "predicted_test_time": None})
    assert grokking.judge([with_one], grokking.Params()).note == "constants fitted"
    assert grokking.judge([without], grokking.Params()).note == ""


def test_the_linear_model_is_not_elastic(tmp_path):
    verdict = runner.run(study("local_elasticity"), models=["linear"], out=tmp_path).verdicts["linear"]
    assert np.allclose(verdict.scores, 0, atol=1e-12)


def test_a_frozen_representation_loses_no_more_than_the_estimators_noise(tmp_path):
    verdict = runner.run(study("information_bottleneck"), models=["frozen"], out=tmp_path).verdicts["frozen"]
    assert max(verdict.scores) < 0.01


def test_on_a_shallow_graph_what_moves_is_what_the_inputs_share(results):
    for run in results["local_elasticity"].runs["neurashed" + OFF]:
        assert run.meta["baseline"] == pytest.approx(np.log10(3))
        assert run["contrast"][-1] == pytest.approx(run.meta["baseline"], abs=0.02)


def test_other_estimates_are_printed_where_a_run_has_them():
    from comparisons import information_bottleneck
    from toymodels.trajectory import Trajectory

    curves = {"about_input": [1.0, 3.0, 2.0], "about_label": [0.0, 1.0, 1.0], "binned_input": [4.0, 6.0, 5.0]}
    runs = {"mine": [Trajectory([1.0, 2.0, 3.0], curves, clock="step")]}
    params = information_bottleneck.Params()
    assert "mine: binned I(X;T) 4.00 -> 6.00 -> 5.00" in information_bottleneck.details(runs, params)
    note = information_bottleneck.judge(runs["mine"], params).note
    assert note == "I(X;T) 1.00 -> 3.00 -> 2.00 bits, I(Y;T) 0.00 -> 1.00"


def test_figures_show_every_model_with_labels(results):
    for name, result in results.items():
        figure = result.study.plot(result.runs, result.verdicts, result.params)
        titles = [ax.get_title() for ax in figure.axes]
        assert all(any(model in title for title in titles) for model in FAST), name
        assert any(ax.get_xlabel() for ax in figure.axes)
        assert any(ax.get_ylabel() for ax in figure.axes)


def test_a_run_that_never_fits_is_unclear_and_says_so():
    from toymodels.trajectory import Trajectory

    flat = Trajectory([1.0, 10.0], {"train": [0.1, 0.2], "test": [0.1, 0.2]}, clock="step")
    verdict = grokking.judge([flat], grokking.Params())
    assert verdict.outcome == "unclear"
    assert "training level was not reached in 1 of 1 runs" in verdict.note


def test_a_run_that_starts_at_its_level_is_unclear_and_says_so():
    from toymodels.trajectory import Trajectory

    run = Trajectory([0.0, 1.0, 10.0], {"train": [1.0, 1.0, 1.0], "test": [0.1, 0.2, 1.0]}, clock="step")
    verdict = grokking.judge([run], grokking.Params())
    assert verdict.outcome == "unclear"
    assert "at the first record, t = 0, in 1 runs" in verdict.note


class TestOrder:
    t = np.geomspace(1, 1e4, 200)

    def run(self, **curves):
        from toymodels.trajectory import Trajectory

        jump = 1 / (1 + (1000 / self.t) ** 6)
        return Trajectory(self.t, {"test": jump, **curves}, clock="step")

    def test_leads_are_measured_in_decades_whatever_the_scale_or_direction(self):
        early = 3 - 20 / (1 + (100 / self.t) ** 6)
        leads = order.leads(self.run(early=early), ["early"], 1.0, 1600.0)
        assert leads["early"] == pytest.approx(-1, abs=0.01)

    def test_noise_is_left_out(self):
        noise = np.random.default_rng(0).standard_normal(200)
        assert order.leads(self.run(noise=noise), ["noise"], 1.0, 1600.0) == {}

    def test_a_constant_is_left_out(self):
        assert order.leads(self.run(constant=np.ones(200)), ["constant"], 1.0, 1600.0) == {}

    def test_what_does_not_move_and_what_comes_back_is_named(self):
        bump = self.run()["test"] + 2 * np.exp(-((np.log10(self.t) - 2.5) ** 2) / 0.02)
        run = self.run(bump=bump, constant=np.ones(200))
        assert order.comes_back(run, ["test", "bump"], 1.0, 1600.0) == ["bump"]
        found = [order.leads(run, ["bump", "constant"], 1.0, 1600.0)]
        assert order.left_out(["bump", "constant"], found) == ["constant"]

    def test_the_baseline_is_the_plateau_and_not_the_start(self):
        assert order.plateau_time(1.0, 100.0) == 10.0
        assert order.plateau_time(1.0, 1e6) == 30.0
        with pytest.raises(ValueError, match="0 < t_train < t_test"):
            order.plateau_time(2.0, 1.0)
