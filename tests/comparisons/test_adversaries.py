import pytest

from comparisons.adversaries import FALSE, TRUE, VARIATIONS, judged, table
from comparisons.studies import PHENOMENA

SEEDS = range(8)
CURVES = ("grokking", "local_elasticity", "information_bottleneck", "neural_collapse", "emergence")  # judged over time
CHANCE = (
    "random walks",
    "random walk",
    "random walk, no training score",
    "a walk after a true fit",
    "random walk, all sets alike",
    "a walk under a true flow",
    "random walk without losses",
    "a walk beside a kept label",
)  # a lone walk may look like a rise
LONE = {"a walk beside a kept label": 16}  # one in ten rises and falls as steadily as what is true; three never do


def cases(listed):
    return [pytest.param(study, case, id=f"{study}-{case.name}") for study in PHENOMENA for case in listed[study]]


@pytest.mark.parametrize(("study", "case"), cases(FALSE))
def test_what_is_false_is_never_shown(study, case):
    for seed in SEEDS:
        assert judged(study, case, seed, runs=3).outcome != "shown", seed


@pytest.mark.parametrize(("study", "case"), cases(FALSE))
@pytest.mark.parametrize("name", VARIATIONS)
def test_nor_with_other_records_and_clocks(study, case, name):
    runs = 3 if case.name in CHANCE else 1
    assert judged(study, case, 0, runs=runs, **VARIATIONS[name]).outcome != "shown"


@pytest.mark.parametrize(("study", "case"), cases(FALSE))
def test_a_lone_run_deceives_hardly_ever(study, case):
    shown = [judged(study, case, seed).outcome == "shown" for seed in range(100)]
    assert sum(shown) <= LONE.get(case.name, 8 if case.name in CHANCE else 1)


@pytest.mark.parametrize(("study", "case"), [*cases(FALSE), *cases(TRUE)])
def test_few_records_decide_nothing(study, case):
    fewest = 8 if study == "double_descent" else 12  # a size has several data sets
    for n_records in (3, fewest - 1):
        outcomes = {judged(study, case, seed, n_records=n_records).outcome for seed in SEEDS}
        assert "shown" not in outcomes, n_records
        assert study not in CURVES or "absent" not in outcomes, n_records


@pytest.mark.parametrize(("study", "case"), cases(TRUE))
@pytest.mark.parametrize("name", VARIATIONS)
def test_what_is_true_is_not_missed(study, case, name):
    for seed in SEEDS:
        verdict = judged(study, case, seed, runs=3, **VARIATIONS[name])
        assert verdict.outcome == "shown", verdict.note


def test_every_phenomenon_has_adversaries_and_the_table_lists_them():
    assert set(FALSE) == set(TRUE) == set(PHENOMENA)
    text = table(draws=1)
    assert all(case.name in text for listed in (FALSE, TRUE) for study in listed.values() for case in study)
