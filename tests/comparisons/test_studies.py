"""Which preset of a study is meant by a size."""

from types import SimpleNamespace

import pytest

from comparisons.studies import ALL, preset_of, studies


@pytest.mark.parametrize(
    ("presets", "found"),
    [
        (("quick", "large", "paper"), ["quick", "large", "paper"]),
        (("quick", "large"), ["quick", "large", "large"]),
        (("quick", "paper"), ["quick", "quick", "paper"]),
    ],
)
def test_a_preset_is_that_of_the_size_or_the_largest_below_it(presets, found):
    study = SimpleNamespace(presets=dict.fromkeys(presets))
    assert [preset_of(study, size) for size in ("quick", "large", "paper")] == found


CONTROLS = {
    "local_elasticity": ["linear"],
    "information_bottleneck": ["frozen"],
    "emergence": ["layerwise one layer"],
    "implicit_regularisation": ["condensation sampling noise", "layerwise sampling noise"],
}


def test_the_models_that_are_controls_are_these():
    found = {
        study.name: sorted(name for name, model in study.models.items() if getattr(model, "control", False))
        for study in studies(ALL)
    }
    assert {name: models for name, models in found.items() if models} == CONTROLS
