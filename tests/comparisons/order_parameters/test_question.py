from types import SimpleNamespace

import numpy as np
import pytest

from comparisons.order_parameters import STUDY, models
from comparisons.order_parameters.models import MODELS, spread_out
from comparisons.order_parameters.picture import draw
from comparisons.order_parameters.question import (
    NOTHING,
    Lead,
    Question,
    _seen,
    best,
    common,
    details,
    flaw,
    foretellings,
    ordered,
)
from comparisons.order_parameters.table import LEGEND
from toymodels.trajectory import Trajectory

T = np.geomspace(1, 1e4, 161)
DECADES = np.log10(T)
QUICK = STUDY.presets["quick"]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def run(event, level=0.95, **curves):
    """A run that fits at 3 and whose test score, of 200 samples, passes the level at `event`."""
    test = sigmoid((DECADES - np.log10(event)) / 0.02 + np.log(level / (1 - level)))
    test = np.round(200 * test) / 200
    return Trajectory(T, {"train": 1 - np.exp(-T), "test": test, **curves}, clock="step", meta={"order": list(curves)})


def plateaus(events, lead, rng, jitter=0.02):
    """A quantity that leaves a plateau of its run for an end of its run, `lead` decades before each event."""
    for event in events:
        low, high = rng.uniform(0, 0.6), rng.uniform(1.4, 2)
        rise = sigmoid((DECADES - np.log10(event) + lead + jitter * rng.standard_normal()) / 0.02)
        yield low + (high - low) * rise + 0.02 * rng.standard_normal(T.size)


def ensemble(rng, n=18, **leads):
    events = 10 ** rng.uniform(2, 3, n)
    curves = {name: list(plateaus(events, lead, rng)) for name, lead in leads.items()}
    walks = rng.standard_normal((n, T.size)).cumsum(axis=1)
    return [
        run(event, walk=walks[k], **{name: rows[k] for name, rows in curves.items()}) for k, event in enumerate(events)
    ]


def test_a_quantity_with_a_critical_value_before_the_jump_is_shown_and_named():
    verdict = STUDY.judge(ensemble(np.random.default_rng(0), early=0.4, late=0.0), QUICK)
    assert (verdict.outcome, verdict.note) == ("shown", "best: early")
    assert len(verdict.scores) == QUICK.halvings
    assert verdict.score == pytest.approx(0.3, abs=0.08)  # the test score itself leads by some 0.1
    assert verdict.thresholds == (0.05, 0.1)


def test_what_rises_with_the_test_score_or_walks_at_random_foretells_nothing():
    nothing = 0
    for seed in range(20):
        verdict = STUDY.judge(ensemble(np.random.default_rng(seed), with_it=0.0, after=-0.3), QUICK)
        nothing += (verdict.outcome, verdict.note) == ("absent", NOTHING)
    assert nothing >= 19
    assert NOTHING == "nothing foretells it better than the test score"


def test_a_monotone_change_of_every_quantity_changes_nothing():
    runs = ensemble(np.random.default_rng(1), early=0.4)
    other = [
        Trajectory(r.t, {**r.data, "early": -np.exp(r["early"]), "walk": r["walk"] ** 3}, clock="step", meta=r.meta)
        for r in runs
    ]
    exact = Question(resolution=1e-12)  # what can be seen of a change does hang on the unit
    first, second = (foretellings(each, exact) for each in (runs, other))
    for name in first:
        np.testing.assert_array_equal(first[name].leads, second[name].leads)


def against_time(events, when, width, rng, noise=0.0):
    """A quantity that rises with the logarithm of the time to the event, without a plateau of its run."""
    for event in events:
        rise = sigmoid((DECADES - np.log10(event) - when - 0.02 * rng.standard_normal()) / width)
        yield rise + noise * rng.standard_normal(T.size)


@pytest.mark.parametrize(
    ("when", "noise", "samples"), [(0.3, 0.0, 2000), (0.0, 0.0, 2000), (0.0, 0.01, 200), (0.0, 0.0, 1000)]
)
def test_the_first_digits_of_a_smooth_curve_foretell_nothing(when, noise, samples):
    """Noise-free, any value however close to the start is passed at its own time: only what can be seen counts."""
    for seed in range(2):
        rng = np.random.default_rng(seed)
        events = 10 ** rng.uniform(2, 3, 20)
        tests = [rng.binomial(samples, test) / samples for test in against_time(events, 0.0, 0.11, rng)]
        smooth = list(against_time(events, when, 0.11, rng, noise))
        runs = [
            Trajectory(T, {"train": 1 - np.exp(-T), "test": test, "q": q}, clock="step", meta={"order": ["q"]})
            for test, q in zip(tests, smooth, strict=True)
        ]
        assert STUDY.judge(runs, QUICK).outcome != "shown", seed


def test_the_weight_norm_is_listed_but_decides_nothing():
    runs = ensemble(np.random.default_rng(2), weight_norm=0.4)
    verdict = STUDY.judge(runs, QUICK)
    assert (verdict.outcome, verdict.note) == ("absent", NOTHING)
    assert foretellings(runs, QUICK)["weight_norm"].is_critical


def test_a_critical_value_that_comes_after_that_of_the_test_score_is_no_answer():
    runs = ensemble(np.random.default_rng(0), late=-0.05)
    table = foretellings(runs, QUICK)
    assert table["late"].is_critical
    assert table["late"].medians[2] < 0
    assert best(table) is None
    assert STUDY.judge(runs, QUICK).scores == (0,) * QUICK.halvings


def test_too_few_runs_cannot_tell():
    runs = ensemble(np.random.default_rng(0), n=7, early=0.4)
    assert STUDY.judge(runs, QUICK).outcome == "unclear"
    assert STUDY.judge(runs, QUICK).note == "an ensemble of 7 runs cannot tell"
    assert STUDY.judge(runs[:1], QUICK).note == "an ensemble of 1 run cannot tell"


def test_a_run_without_a_delay_makes_it_unclear():
    runs = ensemble(np.random.default_rng(0), early=0.4)
    at_once = Trajectory(T, {**runs[0].data, "test": runs[0]["train"]}, clock="step", meta=runs[0].meta)
    never = Trajectory(T, {**runs[0].data, "test": 0 * T}, clock="step", meta=runs[0].meta)
    verdict = STUDY.judge([*runs, at_once, never], QUICK)
    assert (verdict.outcome, verdict.note) == ("unclear", "no delay to look into in 2 of 20 runs")


def test_a_run_says_its_own_test_level():
    runs = ensemble(np.random.default_rng(0), early=0.4)
    low = [
        Trajectory(r.t, {**r.data, "test": 0.9 * r["test"]}, clock="step", meta={**r.meta, "test_level": 0.9 * 0.95})
        for r in runs
    ]
    assert STUDY.judge(low, QUICK).scores == pytest.approx(STUDY.judge(runs, QUICK).scores)


def test_details_print_every_quantity_and_the_nulls():
    runs = ensemble(np.random.default_rng(0), early=0.4)
    text = details(SimpleNamespace(runs={"model": runs, "small": runs[:3]}, question=Question()))
    names = [line[4:24].strip() for line in text.splitlines()[2:]]
    assert names == ["test score", "clock", "early", "walk"]
    assert "walk                 none" in text
    assert "model: 18 runs" in text
    assert "small" not in text


def test_the_picture_names_every_quantity_and_marks_those_without_a_critical_value():
    runs = {"layerwise": ensemble(np.random.default_rng(0), early=0.4), "few": []}
    verdicts = {row: STUDY.judge(each, QUICK) for row, each in runs.items() if each}
    figure = draw(SimpleNamespace(runs=runs, verdicts=verdicts, question=Question()))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["walk", "early", "clock", "test score itself"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["none", "none"]
    assert "shown" in figure.axes[0].get_title()


def test_an_ensemble_that_cannot_answer_says_so_in_the_picture():
    runs = {"layerwise": ensemble(np.random.default_rng(0), n=3, early=0.4)}
    figure = draw(
        SimpleNamespace(runs=runs, verdicts={"layerwise": STUDY.judge(runs["layerwise"], QUICK)}, question=QUICK)
    )
    assert [text.get_text() for text in figure.axes[0].texts] == ["an ensemble of 3 runs cannot tell"]


def test_nothing_to_draw_is_drawn_as_nothing():
    assert draw(SimpleNamespace(runs={}, verdicts={}, question=Question())).axes


def test_an_ensemble_spreads_the_jumps_of_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "KNOWN", {"collapse_nc1": models.KNOWN["collapse_nc1"]})  # the others take longer
    monkeypatch.setattr("toymodels.layerwise.sparse_regression.N_RECORDS", 100)
    result = STUDY.run(models=["layerwise", "neurashed"], replicates=1, out=tmp_path)
    for row in ("layerwise", "neurashed"):
        assert len(result.runs[row]) == MODELS[row].members
        table = foretellings(result.runs[row], result.question)
        assert not table["clock"].is_critical
        assert "collapse_nc1" in table
    assert "weight norm" in result.details
    assert LEGEND in result.details


def test_a_spread_is_the_largest_over_the_smallest():
    rng = np.random.default_rng(0)
    drawn = [spread_out(rng, 2.0, 9.0) for _ in range(1000)]
    assert 2 / 3 <= min(drawn) < 0.7
    assert 5.9 < max(drawn) <= 6
    assert spread_out(rng, 2.0, 1.0) == 2
    with pytest.raises(ValueError, match=r"spread must be >= 1 and finite, the largest over the smallest, got 0.5"):
        spread_out(rng, 2.0, 0.5)


def lead(*leads, null=0.1):
    leads = np.array(leads)
    return Lead(leads, leads / 10, np.full(leads.shape, null))


def test_a_lead_is_confirmed_in_half_of_the_halvings_and_its_numbers_are_medians_over_these():
    row = lead(np.nan, 0.3, 0.5, 1.6)
    assert row.is_critical
    assert row.medians == pytest.approx((0.5, 0.05, 0.4))
    np.testing.assert_allclose(row.scores, [0, 0.2, 0.4, 1.5])
    assert lead(np.nan, 0.3).is_critical
    assert not lead(np.nan, np.nan, 0.3).is_critical


def test_the_best_lead_is_that_of_the_largest_median_beyond_the_nulls():
    table = {"test score": lead(9.0, 9.0, 9.0), "clock": lead(9.0, 9.0, 9.0), "weight_norm": lead(0.9, 0.9, 0.9)}
    table |= {"a": lead(0.3, 0.3, 0.3), "b": lead(0.35, 0.35, 0.1), "c": lead(0.25, 0.25, 2.0)}
    table |= {"rare": lead(np.nan, np.nan, 0.9), "at it": lead(0.1, 0.1, 0.9)}
    assert best(table) == "b"
    assert best(table, ()) == "weight_norm"
    assert best({name: table[name] for name in ("clock", "rare", "at it")}) is None
    names = ["test score", "clock", "weight_norm", "b", "a", "c", "at it", "rare"]
    assert ordered(table) == names


def test_a_curve_is_seen_in_steps_of_a_share_of_its_range_after_the_fits():
    t = [np.array([1.0, 2.0, 3.0])] * 2
    seen = _seen(t, [np.array([9.0, 0.0, 0.52]), np.array([9.0, 1.0, 0.31])], np.array([2.0, 2.0]), 0.1)
    np.testing.assert_array_equal(seen, [[90, 0, 5], [90, 10, 3]])
    shifted = _seen(t, [np.array([9.0, 3.0, 3.52]), np.array([9.0, 4.0, 3.31])], np.array([2.0, 2.0]), 0.1)
    np.testing.assert_array_equal(shifted, [[60, 0, 5], [60, 10, 3]])
    still = [np.array([9.0, 2.0, 2.0])] * 2
    np.testing.assert_array_equal(_seen(t, still, np.array([2.0, 2.0]), 0.1), still)


def test_what_every_run_has_in_the_order_of_the_first():
    runs = [
        Trajectory([1.0], {"train": [0.0]}, clock="step", meta={"order": order})
        for order in (["a", "b", "c"], ["c", "a"])
    ]
    assert common(runs) == ["a", "c"]


def test_runs_fit_before_the_jump_and_jump():
    def of(fit, jump):
        data = {"train": (fit <= T).astype(float), "test": (jump <= T).astype(float)}
        return Trajectory(T, data, clock="step", meta={"order": []})

    runs = [of(T[20], T[60]) for _ in range(8)]
    assert flaw(runs, QUICK) == ""
    for bad in (of(T[60], T[60]), of(T[60], T[20]), of(T[20], np.inf)):
        assert flaw([*runs, bad], QUICK) == "no delay to look into in 1 of 9 runs"
