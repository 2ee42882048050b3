"""Which ensembles are asked, and that each of their settings has an effect."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from comparisons.forerunners import STUDY, edge, emergence, regularisation
from comparisons.forerunners.models import MODELS
from comparisons.harness.model import Model, Silent
from comparisons.harness.result import digest
from comparisons.harness.settings import visible
from comparisons.order_parameters.question import Question

SMALL = [
    (edge.layerwise, edge.Layerwise(depth=3, large=2.0, small=0.5, lr=0.05, time=2.0, records=3)),
    (edge.condensation, edge.Condensation(width=4, samples=6, time=3.0, records=2)),
    (emergence.layerwise, emergence.Layerwise(records=2)),
    (emergence.condensation, emergence.Condensation(width=4, steps=40, start=0.2, records=2)),
    (regularisation.layerwise, regularisation.Layerwise(dim=30, samples=24, batch=4, steps=100, records=2)),
    (
        regularisation.condensation,
        regularisation.Condensation(samples=24, width=4, batch=4, steps=100, loss=0.05, records=2),
    ),
]
EACH = [
    pytest.param(made, settings, name, id=f"{made.__module__.rpartition('.')[2]}-{made.__name__}-{name}")
    for made, settings in SMALL
    for name in visible(settings)
]


@pytest.fixture(scope="module")
def run_of():
    """The digest of a run on few samples; the same one is computed once."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (emergence, regularisation):
            patch.setattr(module, "SAMPLES", 24)
        yield cache(lambda made, settings: digest(made(settings, np.random.default_rng(0))))


@pytest.mark.parametrize(("made", "settings", "name"), EACH)
def test_no_setting_is_without_effect(made, settings, name, run_of):
    value = getattr(settings, name)
    other = value + 2 if isinstance(value, int) else value * 1.25 if value else 0.5
    assert run_of(made, settings) != run_of(made, replace(settings, **{name: other}))


def test_every_ensemble_has_with_its_replicates_enough_runs_to_tell():
    replicates = 3  # of a call that says nothing
    for name, model in MODELS.items():
        if isinstance(model, Model):
            assert replicates * model.members >= Question().fewest_runs, name
            assert model.off is None, name


def test_three_phenomena_are_asked_in_two_families_each():
    asked = [name.split() for name, model in MODELS.items() if isinstance(model, Model)]
    phenomena = {phenomenon for phenomenon, _ in asked}
    assert phenomena == {"emergence", "edge", "regularisation"}
    assert sorted(asked) == sorted([word, family] for word in phenomena for family in ("condensation", "layerwise"))


def test_a_family_that_is_not_asked_says_why():
    silent = [name for name, model in MODELS.items() if isinstance(model, Silent)]
    assert silent == ["emergence neurashed"]
    assert list(STUDY.rows(silent).values()) == [MODELS["emergence neurashed"]]


def test_a_larger_preset_changes_sizes_and_nothing_that_is_asked():
    quick, large = STUDY.presets["quick"], STUDY.presets["large"]
    assert large.question == quick.question
    moved = {name for name in large.models if large.models[name] != quick.models[name]}
    assert {name.split()[0] for name in moved} == {"emergence", "edge", "regularisation"}
    for name in moved:
        before, after = vars(quick.models[name]), vars(large.models[name])
        assert all(after[key] >= before[key] for key in before if after[key] != before[key]), name


@pytest.mark.parametrize(("made", "settings"), SMALL, ids=lambda each: getattr(each, "__module__", ""))
def test_a_run_has_two_records_at_least_and_a_spread_is_none_or_more(made, settings):
    assert replace(settings, records=2).records == 2
    with pytest.raises(ValueError, match="records must be >= 2, got 1"):
        replace(settings, records=1)
    for name in (name for name in visible(settings) if name.endswith("_spread")):
        with pytest.raises(
            ValueError, match=r"spread must be >= 1 and finite, the largest over the smallest, got 0\.5"
        ):
            made(replace(settings, **{name: 0.5}), np.random.default_rng(0))


@pytest.mark.parametrize(("made", "settings"), SMALL[1:], ids=lambda each: getattr(each, "__module__", ""))
def test_order_parameters_see_two_classes_of_which_neither_is_rare_and_the_start_first(made, settings, monkeypatch):
    seen = {}

    def with_order(run, snapshots, labels, n_train, own, **more):
        outputs = [each.outputs for each in snapshots]
        seen.update(run=run, outputs=outputs, labels=labels, n_train=n_train)
        return run

    module = {"edge": edge, "emergence": emergence, "regularisation": regularisation}[made.__module__.split(".")[-1]]
    monkeypatch.setattr(module, "with_order", with_order)
    made(settings, np.random.default_rng(0))
    labels, outputs = seen["labels"], seen["outputs"]
    assert len(outputs) == 1 + len(seen["run"].t)
    assert {len(each) for each in outputs} == {len(labels)}
    assert 0 < seen["n_train"] <= len(labels)
    share = 0.0 if made is regularisation.condensation else 0.15  # there classes are above and below the median
    assert labels.mean() == pytest.approx(0.5, abs=share)
    assert set(labels) == {0, 1}
    if made is emergence.layerwise:  # by the end of which both skills are learned
        assert ((outputs[-1][:, 0] > 0) == labels).mean() > 0.95
