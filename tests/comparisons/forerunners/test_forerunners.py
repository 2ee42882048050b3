"""Ensembles have their events spread over time and record what is asked; what foretells is found, nulls are not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.forerunners import STUDY, edge, emergence, regularisation
from comparisons.forerunners.models import MODELS
from comparisons.forerunners.picture import draw
from comparisons.forerunners.question import NOTHING
from comparisons.forerunners.table import LEGEND, NO_VALUE, NOT_THERE, details
from comparisons.grokking.question import crossings
from comparisons.harness.model import Model
from comparisons.order_parameters.probes import KNOWN
from toymodels.trajectory import Trajectory

QUICK = STUDY.presets["quick"]
T = np.geomspace(1, 1e4, 161)


def ensemble(rng, n=12, **leads):
    """Runs whose score passes 1/2 at times a decade apart, and quantities that pass a value of their own before."""
    runs = []
    for event in 10 ** rng.uniform(2, 3, n):
        place = np.log10(T / event)
        curves = {
            name: 1 / (1 + np.exp(-(place + lead + 0.02 * rng.standard_normal()) / 0.02))
            + 0.02 * rng.standard_normal(T.size)
            for name, lead in leads.items()
        }
        curves["walk"] = rng.standard_normal(T.size).cumsum()
        data = {"train": np.ones(T.size), "test": np.round(200 / (1 + np.exp(-place / 0.02))) / 66, **curves}
        meta = {"order": list(curves), "silent": {}, "train_level": 1.0, "test_level": 1.5}
        runs.append(Trajectory(T, data, clock="step", meta=meta))
    return runs


def test_a_forerunner_is_found_of_a_score_of_any_height_and_twelve_runs():
    verdict = STUDY.judge(ensemble(np.random.default_rng(0), early=0.4), QUICK)
    assert (verdict.outcome, verdict.note) == ("shown", "best: early")


def test_the_weight_norm_counts_like_any_other():
    assert STUDY.judge(ensemble(np.random.default_rng(1), weight_norm=0.4), QUICK).note == "best: weight_norm"


def test_walks_and_what_comes_with_the_score_foretell_nothing():
    verdicts = [STUDY.judge(ensemble(np.random.default_rng(seed), with_it=0.0), QUICK) for seed in range(20)]
    assert sum((verdict.outcome, verdict.note) == ("absent", NOTHING) for verdict in verdicts) >= 19


def test_the_table_says_what_leads_what_does_not_and_what_is_not_there():
    runs = {"a": ensemble(np.random.default_rng(0), early=0.4), "b": ensemble(np.random.default_rng(0)), "few": []}
    text = details(SimpleNamespace(runs=runs, question=QUICK.question)).splitlines()
    cells = {line[2:15].strip(): line.split("  ") for line in text[2:]}
    assert text[0] == LEGEND
    assert {"score itself", "clock", "early", "walk"} == cells.keys()
    assert "[+0." in "".join(cells["early"])
    assert cells["early"][-1].strip() == NOT_THERE
    assert cells["walk"][-1].strip() == NO_VALUE
    assert details(SimpleNamespace(runs={"few": []}, question=QUICK.question)) == ""


SHORT = {
    "emergence layerwise": {"records": 30},
    "emergence condensation": {"records": 30, "steps": 300, "width": 20},
    "edge layerwise": {},
    "edge condensation": {"records": 20, "time": 100.0},
    "regularisation layerwise": {"records": 12, "steps": 600},
    "regularisation condensation": {"records": 6, "steps": 300, "width": 20},
}


@pytest.mark.parametrize("name", SHORT)
def test_an_ensemble_records_its_scores_and_order_parameters(name):
    model = MODELS[name]
    assert isinstance(model, Model)
    run = model.run(replace(model.settings, **SHORT[name]), np.random.default_rng(0))
    assert run.t[0] > 0
    assert {"train_level", "test_level", "order"} <= run.meta.keys()
    assert all(run[quantity].shape == run.t.shape for quantity in ("train", "test", *run.meta["order"]))
    if name != "edge layerwise":
        assert set(KNOWN) == set(run.meta["silent"]) | set(KNOWN) & set(run.meta["order"])


@pytest.mark.parametrize(
    ("made", "settings"), [(emergence.layerwise, emergence.Layerwise(records=40)), (edge.layerwise, edge.Layerwise())]
)
def test_events_are_spread(made, settings):
    times = np.array([crossings(made(settings, np.random.default_rng(k)), QUICK.question) for k in range(8)])
    assert (times[:, 0] < times[:, 1]).all()
    assert times[:, 1].max() > 3 * times[:, 1].min()


def test_the_score_of_a_drift_is_that_of_the_study():
    from comparisons.implicit_regularisation.models import layerwise as study_layerwise

    settings = regularisation.Layerwise(records=3, steps=500, lr_spread=1.0, start_spread=1.0)
    here = regularisation.layerwise(settings, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    rng.random(2)  # the spreads
    there = study_layerwise(settings, rng)
    assert here["test"][-1] == pytest.approx(np.log10(there["full"][-1] / there["small"][-1]))


def test_it_is_drawn():
    runs = {"edge layerwise": ensemble(np.random.default_rng(0), early=0.4)}
    verdicts = {row: STUDY.judge(each, QUICK) for row, each in runs.items()}
    figure = draw(SimpleNamespace(runs=runs, verdicts=verdicts, question=QUICK.question))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][-1] == "score itself"
    assert figure.axes[0].get_xlabel() == "decades before the event"
