"""Whatever one argument of a good call is changed into: an error of ours that names it, or an answer; in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import judging, mutations, table
from tests.fuzz.calls import good_calls, plain, starred
from tests.fuzz.written import written


def describe(name, argument, mutation, kind, words):
    return f"{kind}: {name}({argument}={mutation}): {words}"


@st.composite
def spoiled_calls(draw):
    """One argument, mutated, of one of the recorded calls."""
    quick = [good for good in good_calls() if good.name.startswith("toymodels.") and good.name.split(".", 3)[-1]]
    good = draw(st.sampled_from(quick))
    names = [name for name, value in good.arguments.items() if plain(value) and name not in starred(good.function)]
    if not names:
        return good, None, "", None
    name = draw(st.sampled_from(names))
    mutation, value = draw(st.sampled_from(list(mutations.of(good.arguments[name]).items())))
    return good, name, mutation, value


@given(spoiled_calls())
def test_a_spoiled_argument_is_refused_by_name_or_answered(case):
    good, name, mutation, value = case
    if name is None:
        return
    kind, words = judging.outcome(good, name, mutation, value, nan_before=judging.has_nan(good.call()))
    assert kind in judging.FINE, describe(good.name, name, mutation, kind, words)


@given(st.floats(-320, 320), st.sampled_from(["nc1", "nc2", "within_between"]))
def test_measures_without_a_unit_are_the_same_at_every_scale(exponent, name):
    from toymodels.metrics import collapse

    features = [[0.0, 1.0], [2.0, 1.0], [10.0, 3.0], [12.0, 4.0], [5.0, 9.0]]
    labels = [0, 0, 1, 1, 2]
    scaled = [[value * 10.0**exponent if exponent < 300 else value * 1e300 for value in row] for row in features]
    if not all(0 < value < 1e308 for row in scaled[1:] for value in row) or exponent < -305:
        return  # nothing is left of the digits
    assert getattr(collapse, name)(scaled, labels) == pytest.approx(getattr(collapse, name)(features, labels), rel=1e-6)


def test_most_of_what_is_exported_has_a_recorded_call():
    names = {good.name for good in good_calls()}
    assert len(names) > 200
    assert {"toymodels.metrics.collapse.nc1", "toymodels.layerwise.matrix.LinearNetwork.solve"} <= names


@pytest.mark.slow
@pytest.mark.parametrize("package", ["toymodels", "dnn", "comparisons", "figures"])
def test_every_mutation_of_every_call(package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a word that is taken for a folder does no harm
    assert [describe(*case) for case in table.tried(f"{package}.") if case[3] not in judging.FINE] == []


def test_what_is_written_by_hand_runs_and_fills_the_gaps_of_the_examples():
    import dnn
    from dnn import probes

    calls = written()
    for good in calls:
        good.call()
    functions = [good.function for good in [*calls, *good_calls()]]
    missing = [name for name in dnn.__all__ if name not in ("data", "probes") and getattr(dnn, name) not in functions]
    assert missing == []
    assert [name for name in probes.__all__ if getattr(probes, name) not in functions] == []


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda x: float(x), "foreign error"),
        (lambda x: x.missing, "other exception"),
        (lambda x: float("nan"), "silent NaN"),
        (lambda x: (lambda array: array / 0)(__import__("numpy").ones(1)), "warning"),
        (lambda x: __import__("time").sleep(5), "hang"),
        (lambda x: 1.0, "accepted"),
    ],
)
def test_the_judge_sees_every_kind_of_fault(function, kind, monkeypatch):
    from tests.fuzz.calls import Good

    monkeypatch.setattr(judging, "SECONDS", 0.2)
    good = Good("mine", function, {"x": 1.0})
    assert judging.outcome(good, "x", "string", "word")[0] == kind
