from dataclasses import replace

import numpy as np
import pytest

from comparisons.harness.model import Silent
from comparisons.order_parameters.models import MODELS
from comparisons.order_parameters.probes import KNOWN
from comparisons.order_parameters.question import Question
from comparisons.order_parameters.table import LEGEND, Entry, entries, table
from toymodels.trajectory import Trajectory

HAVE_NONE = {
    "layerwise": {
        "activation_overlap": "linear units are always on",
        "clusters": "reads one input for ever",
        "effective_rank": "reads one input for ever",
        "rank_gradient_first": "read with opposite signs",
        "rank_gradient_last": "read with opposite signs",
        "linear_map_accuracy": "its own linear map",
        "weight_basin": "no matrices",
        "collapse_nc2": "two classes",
    },
    "neurashed": {
        "weight_norm": "no weights in a vector space",
        "kernel_distance": "a rule of firing",
        "kernel_predictor": "a rule of firing",
        "clusters": "no vector of incoming weights",
        "effective_rank": "no vector of incoming weights",
        "rank_gradient_first": "a single hidden layer",
        "linear_map_accuracy": "no activation to make linear",
        "sample_basin": "on or off",
        "weight_basin": "no weights in a vector space",
    },
    "condensation": {"rank_gradient_first": "a single hidden layer", "collapse_nc2": "two classes"},
    "dnn": {},
}
SHORT = {
    "layerwise": {},
    "neurashed": {"steps": 50},
    "condensation": {"horizon": 0.05, "records": 3},
    "dnn": {"steps": 16, "records": 2, "device": "cpu"},
}


@pytest.fixture(scope="module")
def runs():
    from toymodels.layerwise import SparseRegression

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SparseRegression, "default_times", lambda self: np.geomspace(0.01, 100, 4))
        return {
            name: [model.run(replace(model.settings, **SHORT[name]), np.random.default_rng(0))]
            for name, model in MODELS.items()
        }


@pytest.mark.parametrize("name", list(HAVE_NONE))
def test_every_pair_is_a_number_or_says_why(runs, name):
    column = entries(runs[name], Question())
    assert list(column) == list(KNOWN)
    silent = {key: entry.why for key, entry in column.items() if isinstance(entry, Silent)}
    assert silent.keys() == HAVE_NONE[name].keys()
    for key, part in HAVE_NONE[name].items():
        assert part in silent[key]
    numbers = [entry for entry in column.values() if isinstance(entry, Entry)]
    assert np.isfinite([(entry.first, entry.last) for entry in numbers]).all()


@pytest.mark.parametrize("name", list(HAVE_NONE))
def test_every_number_of_the_table_is_in_the_run_and_judged(runs, name):
    (run,) = runs[name]
    recorded = KNOWN.keys() - run.meta["silent"].keys()
    assert recorded <= set(run.meta["order"])
    assert not recorded & run.meta["silent"].keys()


def test_reasons_stand_once_under_the_table(runs):
    text = table({**runs, "nobody": []}, Question())
    head, columns, *lines = text.splitlines()
    assert head == LEGEND
    assert columns.split() == list(runs)
    assert [line.split("  ")[1] for line in lines[: len(KNOWN)]] == [name.replace("_", " ") for name in KNOWN]
    notes = lines[len(KNOWN) :]
    assert [note.split()[0] for note in notes] == [f"({k + 1})" for k in range(len(notes))]
    assert len({note.partition(") ")[2] for note in notes}) == len(notes)
    assert table({}, Question()) == ""


def test_a_model_that_records_nothing_says_so():
    t = np.geomspace(1, 10, 5)
    run = Trajectory(t, {"train": t, "test": t}, clock="step", meta={"order": []})
    assert entries([run], Question())["clusters"] == Silent("the model does not record it")


def test_an_entry_shows_its_lead_where_there_is_one():
    assert str(Entry(1.0, 0.25)) == "1 > 0.25"
    assert str(Entry(1.0, 0.25, 0.125)) == "1 > 0.25 [+0.12]"


def test_an_entry_has_medians_over_the_runs_at_both_ends():
    t = np.geomspace(1, 10, 3)
    runs = [
        Trajectory(
            t, {"train": t, "test": t, "clusters": [k, 99.0, 10.0 * k]}, clock="step", meta={"order": ["clusters"]}
        )
        for k in (1.0, 2.0, 6.0)
    ]
    assert entries(runs, Question())["clusters"] == Entry(2.0, 20.0, None)


def test_why_there_is_no_number_is_what_the_first_run_says():
    t = np.geomspace(1, 10, 3)
    runs = [
        Trajectory(t, {"train": t, "test": t, **more}, clock="step", meta={"order": [], "silent": {"clusters": why}})
        for why, more in (("no neurons", {"clusters": t}), ("other", {}))
    ]
    assert entries(runs, Question())["clusters"] == Silent("no neurons")
