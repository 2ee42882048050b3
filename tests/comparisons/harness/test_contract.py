"""What every study owes, run on the models that take a blink; the whole quick preset is `--check`ed by hand."""

import importlib

import pytest

from comparisons.harness.model import OFF, Model
from comparisons.harness.result import digest
from comparisons.harness.settings import visible
from comparisons.studies import EXCHANGE, PHENOMENA

FAST = ["layerwise", "neurashed"]
ALL = (*PHENOMENA, EXCHANGE)
SHOWN = [
    ("grokking", "layerwise"),
    ("grokking", "neurashed"),
    ("local_elasticity", "layerwise"),
    ("local_elasticity", "neurashed disjoint"),
    ("information_bottleneck", "layerwise"),
    ("neural_collapse", "layerwise"),
    ("neural_collapse", "neurashed"),
]


def study(name):
    return importlib.import_module(f"comparisons.{name}").STUDY


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    also = {"local_elasticity": ["neurashed disjoint"]}
    replicates = {name: 3 for name, _ in SHOWN}
    return {
        name: study(name).run([*FAST, *also.get(name, [])], out=out, replicates=replicates.get(name, 1))
        for name in PHENOMENA
    }


@pytest.mark.parametrize("name", ALL)
def test_a_study_has_two_presets_and_a_headline_with_its_thresholds(name):
    asked = study(name)
    assert asked.name == name
    assert next(iter(asked.presets)) == "quick"
    assert asked.presets.keys() & {"large", "paper"}
    settings = asked.presets["quick"]
    assert settings.absent_below < settings.shown_from
    assert f"shown from {settings.shown_from:g}, absent below {settings.absent_below:g}" in asked.headline


@pytest.mark.parametrize("name", ALL)
def test_a_study_is_used_three_ways(name):
    module = importlib.import_module(f"comparisons.{name}")
    assert module.run.__self__ is module.STUDY
    assert callable(module.score("layerwise"))


@pytest.mark.parametrize("name", ALL)
def test_every_setting_of_every_model_is_documented(name):
    for model in study(name).models.values():
        if isinstance(model, Model):
            documented = "".join(cls.__doc__ or "" for cls in type(model.settings).__mro__)
            for key in vars(model.settings):
                assert key in documented, key


@pytest.mark.parametrize("name", PHENOMENA)
def test_every_family_answers_or_says_why_not(name):
    assert {"layerwise", "neurashed", "condensation", "dnn"} <= study(name).models.keys()


@pytest.mark.parametrize("name", PHENOMENA)
def test_a_control_turns_a_single_knob(name):
    settings = study(name).settings()
    for preset in study(name).presets.values():
        for model, control in preset.off.items():
            on, off = visible(preset.models[model]), visible(control)
            assert [key for key in on if on[key] != off[key]] == list(study(name).models[model].off), model
            assert len(study(name).models[model].off) == 1, model
    assert settings.off


@pytest.mark.parametrize(("name", "model"), SHOWN)
def test_the_knob_switches_the_phenomenon_on_and_off_in_every_replicate(results, name, model):
    verdicts = results[name].verdicts
    assert verdicts[model].outcome == "shown"
    assert verdicts[model + OFF].absent_in_every_replicate
    assert len(verdicts[model].scores) == 3
    assert results[name].knobs[model + OFF]


@pytest.mark.parametrize("name", PHENOMENA)
def test_two_jobs_give_the_same_bits(results, name, tmp_path):
    again = study(name).run(models=FAST, out=tmp_path, jobs=2, replicates=1)
    for row, runs in again.runs.items():
        assert digest(runs[0]) == digest(results[name].runs[row][0])


@pytest.mark.parametrize(
    ("name", "model", "relative"),
    [
        ("grokking", "layerwise", 0.25),
        ("grokking", "neurashed", 0.25),
        ("local_elasticity", "neurashed disjoint", 1e-6),
        ("information_bottleneck", "layerwise", 0.02),
    ],
)
def test_predictions_stand_beside_measurements(results, name, model, relative):
    verdict = results[name].verdicts[model]
    assert verdict.measured == pytest.approx(verdict.predicted, rel=relative)


@pytest.mark.parametrize("name", PHENOMENA)
def test_pictures_show_every_model_with_labels(results, name):
    figure = results[name].figure()
    titles = [ax.get_title() for ax in figure.axes]
    answering = [model for model in FAST if results[name].verdicts[model].outcome != "silent"]
    assert all(any(model in title for title in titles) for model in answering)
    assert any(ax.get_xlabel() for ax in figure.axes)
    assert any(ax.get_ylabel() for ax in figure.axes)


@pytest.mark.parametrize("name", ALL)
def test_the_score_for_a_sweep_is_the_score_of_the_study(results, name):
    import numpy as np

    from comparisons.harness.running import row_seed

    if name not in results:
        return
    named = next(model for model in reversed(FAST) if isinstance(study(name).models[model], Model))
    rng = np.random.default_rng(row_seed(0, 0, study(name).models[named].stream or named))
    alone = study(name).score(named)(rng=rng)
    assert alone["score"] == results[name].verdicts[named].scores[0]
