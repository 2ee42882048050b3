"""Which ensembles are asked."""

from comparisons.forerunners import STUDY
from comparisons.forerunners.models import MODELS
from comparisons.harness.model import Model, Silent
from comparisons.order_parameters.question import Question


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
