"""Numbers by name, and a reason for each that is not there."""

import numpy as np
import pytest
import torch
from torch import nn

from dnn.observing.observation import Observation, check_finite, known, measured
from dnn.observing.passes import Refused
from dnn.observing.quantities import QUANTITIES

SEEN = Observation(
    {"loss": 0.25, "blocks.0/nc1": 3.0, "blocks.1/keys/nc1": -2.0, "loss/nc1": 12345.678},
    {"nc2_norm": "needs two classes", "nc3": "needs a readout"},
)


def test_an_observation_is_a_mapping_of_its_numbers():
    assert dict(SEEN) == {"loss": 0.25, "blocks.0/nc1": 3.0, "blocks.1/keys/nc1": -2.0, "loss/nc1": 12345.678}
    assert len(SEEN) == 4
    assert "loss" in SEEN
    assert "nc2_norm" not in SEEN
    assert SEEN.get("nc2_norm") is None


def test_a_quantity_is_told_by_layer():
    assert SEEN.of("nc1") == {"blocks.0": 3.0, "blocks.1/keys": -2.0, "loss": 12345.678}
    assert SEEN.of("loss") == {"": 0.25}
    assert SEEN.of("nc2_norm") == {}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nc2_norm", "'nc2_norm: needs two classes'"),
        ("blocks.0/nc3", "'blocks.0/nc3: needs a readout'"),
        ("nc1", "'nc1; there are loss, blocks.0/nc1, blocks.1/keys/nc1, loss/nc1'"),
    ],
)
def test_a_number_that_is_not_there_has_its_reason(name, words):
    with pytest.raises(KeyError) as caught:
        SEEN[name]
    assert str(caught.value) == words


def test_an_observation_keeps_copies():
    numbers, refused = {"loss": 1.5}, {"nc1": "no"}
    seen = Observation(numbers, refused)
    numbers["loss"], refused["nc1"] = 2.5, "yes"
    assert (dict(seen), seen.refused) == ({"loss": 1.5}, {"nc1": "no"})


def test_a_table_has_a_line_a_number():
    table = SEEN.to_dataframe()
    assert list(table.columns) == ["layer", "quantity", "value"]
    assert table.values.tolist() == [
        ["", "loss", 0.25],
        ["blocks.0", "nc1", 3.0],
        ["blocks.1/keys", "nc1", -2.0],
        ["loss", "nc1", 12345.678],
    ]
    empty = Observation({}, {"nc1": "no"}).to_dataframe()
    assert (list(empty.columns), len(empty)) == (["layer", "quantity", "value"], 0)


def test_it_prints_numbers_then_reasons():
    lines = repr(SEEN).splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["loss", "0.25"],
        ["blocks.0/nc1", "3"],
        ["blocks.1/keys/nc1", "-2"],
        ["loss/nc1", "1.235e+04"],
    ]
    assert [line.split(maxsplit=2) for line in lines[4:]] == [
        ["nc2_norm", "refused:", "needs two classes"],
        ["nc3", "refused:", "needs a readout"],
    ]


def test_quantities_are_those_that_there_are():
    assert known(None) == list(QUANTITIES)
    assert known(name for name in ("nc1", "loss")) == ["nc1", "loss"]
    assert known([]) == []
    for wrong, words in (
        (["loss", "los", 3], "quantities must be out of accuracy, loss, .*, got los, 3$"),
        (5, "quantities must be names, got 5"),
        ("nc1", "quantities must be names, got 'nc1'"),
    ):
        with pytest.raises(ValueError, match=words):
            known(wrong)


def module(**changes):
    made = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    for name, value in changes.items():
        made.state_dict()[name.replace("_", ".", 1)][0] = value
    return made


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("place", ["0_weight", "0_bias", "1_weight", "1_running_mean", "1_running_var"])
def test_one_entry_that_is_not_finite_is_found_by_its_name(place, wrong):
    name = place.replace("_", ".", 1)
    with pytest.raises(ValueError, match=rf"^module must have finite parameters, got {name}"):
        check_finite(module(**{place: wrong}))


def test_finite_parameters_whose_sum_is_none_pass():
    made = module()
    with torch.no_grad():
        made[0].weight.fill_(torch.finfo(torch.float32).max)
    check_finite(made)
    check_finite(nn.ReLU())


def test_what_is_measured_is_a_number_by_layer_or_a_reason():
    values = {
        "loss": np.float32(0.5),
        "nc1": {"0": 2, "2": np.float64(3.0)},
        "nc3": np.nan,
        "clusters": {"0": 4.0, "2": np.inf},
        "firing_overlap": {},
    }

    def value_of(name):
        if name == "accuracy":
            raise Refused("needs classes")
        return values[name]

    seen = measured([*values, "accuracy"], value_of)
    assert dict(seen) == {"loss": 0.5, "0/nc1": 2.0, "2/nc1": 3.0, "0/clusters": 4.0}
    assert all(type(value) is float for value in seen.values())
    assert seen.refused == {
        "nc3": "is not finite here (nc3: nan)",
        "clusters": "is not finite here (2/clusters: inf)",
        "firing_overlap": "needs a hidden layer",
        "accuracy": "needs classes",
    }
    with pytest.raises(KeyError, match="of the user"):
        measured(["loss"], lambda name: {}["of the user"])
