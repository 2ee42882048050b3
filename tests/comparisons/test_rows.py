"""Which rows are controls, asked on request only, and ensembles."""

from comparisons.harness.model import OFF, Model
from comparisons.studies import ALL, studies

CONTROLS = {  # beside those of their models
    "local_elasticity: linear",
    "information_bottleneck: frozen",
    "emergence: layerwise one layer",
    "implicit_regularisation: layerwise sampling noise",
    "implicit_regularisation: condensation sampling noise",
}
ON_REQUEST = {
    "grokking: linear estimator",
    "grokking: condensation even",
    "grokking: statistics lag",
    "grokking: modular addition",
    "local_elasticity: dnn cross-entropy momentum",
    "double_descent: condensation trained",
    "double_descent: condensation trained lazily",
    "double_descent: dnn trained",
}
MEMBERS = {
    "order_parameters": {"layerwise": 8, "neurashed": 8, "condensation": 6, "dnn": 5},
    "forerunners": {
        "emergence layerwise": 8,
        "emergence condensation": 8,
        "edge layerwise": 8,
        "edge condensation": 8,
        "regularisation layerwise": 8,
        "regularisation condensation": 5,
    },
}
ROWS = {
    f"{study.name}: {row}": (study, row, model)
    for study in studies(ALL)
    for row, model in study.models.items()
    if isinstance(model, Model)
}


def test_rows_that_must_come_out_absent():
    assert {name for name, (study, row, _) in ROWS.items() if study.is_control(row)} == CONTROLS
    assert all(study.is_control(row + OFF) for study, row, model in ROWS.values() if model.off)


def test_rows_that_are_run_when_they_are_named():
    assert {name for name, (_, _, model) in ROWS.items() if model.on_request} == ON_REQUEST
    assert {f"{study.name}: {row}" for study in studies(ALL) for row in study.chosen(None)} & ROWS.keys() == (
        ROWS.keys() - ON_REQUEST
    )


def test_an_ensemble_has_so_many_members_a_replicate_and_any_other_row_one():
    for study, row, model in ROWS.values():
        assert model.members == MEMBERS.get(study.name, {}).get(row, 1), row
