"""The table of leads, cell by cell, of leads made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.forerunners import table
from comparisons.forerunners.table import LEGEND, NO_VALUE, NOT_THERE, cell, details, leads, rows
from comparisons.order_parameters.question import CLOCK, TEST, Lead, Question
from toymodels.trajectory import Trajectory


def lead(*values, null=0.25):
    """Of so many halvings; NaN where nothing was confirmed."""
    found = np.array(values, float)
    return Lead(found, np.full(len(found), 0.03), np.full(len(found), null))


NONE = lead(np.nan, np.nan, 1.0)
NULLS = {TEST: lead(0.125, 0.25, 0.375), CLOCK: NONE}


def test_a_cell_is_the_median_lead_and_what_lies_beyond_the_nulls():
    columns = {"early": lead(0.5, 0.75, 2.0), "late": lead(0.05, 0.1, 0.2), "some": lead(1.0, np.nan), "none": NONE}
    assert cell("early", columns) == "0.75 [+0.50]"
    assert cell("late", columns) == "0.10 [-0.15]"
    assert cell("some", columns) == "1.00 [+0.75]"  # half of the halvings are enough
    assert cell("none", columns) == NO_VALUE
    assert cell("other", columns) == NOT_THERE


def test_a_null_is_not_held_against_itself():
    assert cell(TEST, NULLS) == "0.25"
    assert cell(CLOCK, NULLS) == NO_VALUE


def test_nulls_come_first_then_what_most_ensembles_have_then_in_the_order_of_finding():
    tables = {
        "a": {"x": NONE, "weight_norm": lead(1.0), **NULLS},
        "b": {"y": lead(0.5), "weight_norm": NONE, **NULLS},
        "c": {"y": NONE, "weight_norm": NONE, "z": NONE, **NULLS},
    }
    lines = rows(tables)
    assert lines[0] == ["", "a", "b", "c"]
    assert [line[0] for line in lines[1:]] == ["score itself", CLOCK, "weight norm", "y", "x", "z"]
    assert lines[3] == ["weight norm", "1.00 [+0.75]", NO_VALUE, NO_VALUE]
    assert lines[4] == ["y", NOT_THERE, "0.50 [+0.25]", NO_VALUE]


def test_columns_of_the_text_stand_below_each_other(monkeypatch):
    tables = {"short": {"early_bird": lead(0.5), **NULLS}, "a longer name": {"x": NONE, **NULLS}}
    monkeypatch.setattr(table, "leads", lambda runs, asked: tables)
    text = details(SimpleNamespace(runs={}, question=None)).splitlines()
    assert text == [
        LEGEND,
        "                short         a longer name",
        "  score itself  0.25          0.25",
        "  clock         none          none",
        "  early bird    0.50 [+0.25]  -",
        "  x             -             none",
    ]
    monkeypatch.setattr(table, "leads", lambda runs, asked: {})
    assert details(SimpleNamespace(runs={}, question=None)) == ""


@pytest.mark.parametrize("n", [0, 1, 7])
def test_an_ensemble_that_cannot_tell_has_no_column(n):
    run = Trajectory([1.0, 2.0], {"train": [1.0, 1.0], "test": [0.0, 1.0]}, clock="step", meta={"order": []})
    assert leads({"few": [run] * n}, Question(fewest_runs=8)) == {}


def test_an_ensemble_without_an_event_has_no_column_and_the_others_have():
    def made(events):
        t = np.geomspace(1, 1e3, 61)
        return [
            Trajectory(
                t,
                {"train": np.ones(61), "test": 1.0 * (t >= event), "early": 1.0 * (t >= event / 10)},
                clock="step",
                meta={"order": ["early"], "train_level": 1.0, "test_level": 0.5},
            )
            for event in events
        ]

    events = np.geomspace(20, 500, 8)
    found = leads({"all": made(events), "never": made([*events[1:], 1e4])}, Question(halvings=4))
    assert list(found) == ["all"]
    assert list(found["all"]) == ["early", TEST, CLOCK]
    assert cell("early", found["all"]).startswith("1.0")  # a tenth of the time is a decade
