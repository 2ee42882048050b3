import json

import numpy as np
import pytest

from figures.harness import ledger
from tests.figures.harness import toy
from toymodels.claims import Judged

SCHEMA = json.loads((ledger.GALLERY / "claims.schema.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int}


def errors(value, schema, where="ledger"):
    """What of a value is not as the schema says: the words of JSON Schema that ours uses."""
    if "$ref" in schema:
        return errors(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], where)
    if "anyOf" in schema:
        ways = [errors(value, way, where) for way in schema["anyOf"]]
        return [] if [] in ways else ways[0]
    if not isinstance(value, TYPES[schema["type"]]):
        return [f"{where} is no {schema['type']}"]
    found = [f"{where} is {value!r}"] if "enum" in schema and value not in schema["enum"] else []
    if schema["type"] == "array":
        return found + [
            line for i, entry in enumerate(value) for line in errors(entry, schema["items"], f"{where}[{i}]")
        ]
    if schema["type"] == "object":
        known, rest = schema.get("properties", {}), schema["additionalProperties"]
        found += [f"{where} lacks {name}" for name in schema.get("required", []) if name not in value]
        for name, entry in value.items():
            inner = known.get(name, rest)
            found += errors(entry, inner, f"{where}.{name}") if inner else [f"{where} has {name}"]
    return found


def test_the_committed_ledger_is_as_its_schema_says():
    content = json.loads((ledger.GALLERY / "claims.json").read_text())
    assert errors(content, SCHEMA) == []
    assert content == ledger.with_rows(ledger.read_ledger())
    assert len({row["key"] for row in content["rows"]}) == len(content["rows"]) >= 290


def described(schema, where="ledger"):
    """Properties, at any depth, without a description."""
    found = []
    for name, inner in schema.get("properties", {}).items():
        found += [] if "description" in inner else [f"{where}.{name}"]
    for name, inner in schema.get("$defs", {}).items():
        found += described(inner, name)
    return found


def test_every_field_of_the_schema_is_described():
    assert described(SCHEMA) == []


def test_a_file_says_every_rows_verdict_over_all_sizes_and_seeds_and_its_paper():
    def entry(*values):
        claims = [toy.claim(measure=lambda data, value=value: value).judge({}).to_dict() for value in values]
        return {"made_by": "code", "settings": "n 1", "claims": claims}

    content = {"preset": "quick", "figures": {"layerwise/figure": {"0": entry(2.0), "11": entry(2.0)}}}
    written = ledger.with_rows(content | {"large": {"layerwise/figure": {"0": entry(0.0)}}})
    assert errors(json.loads(json.dumps(written)), SCHEMA) == []
    assert "Nam et al." in written["papers"]["layerwise"]
    (row,) = written["rows"]
    assert (row["key"], row["figure"], row["paper"]) == ("figure.large", "layerwise/figure", "layerwise")
    assert (row["verdict"], row["remark"]) == ("open", "depends on the seed") or row["remark"] == ledger.ONE_LARGER_SEED
    assert row["decided_by"] == [{"preset": "quick", "seeds": ["0", "11"]}, {"preset": "large", "seeds": ["0"]}]
    assert ledger.with_rows(content)["rows"][0]["verdict"] == "reproduced"


def test_the_schema_has_the_fields_of_a_judged_claim():
    (judged,) = toy.FIGURE.judge({"values": np.array([2.0])})
    assert set(SCHEMA["$defs"]["claim"]["properties"]) == set(judged.to_dict())
    assert Judged.from_dict(judged.to_dict()) == judged


def test_a_number_without_end_is_a_word_of_the_schema():
    judged = toy.claim(measure=lambda data: [-np.inf, np.inf, np.inf]).judge({})
    text = json.dumps(judged.to_dict(), allow_nan=False)
    assert errors(json.loads(text), SCHEMA["$defs"]["claim"]) == []
    assert Judged.from_dict(json.loads(text)) == judged


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "perhaps"}, "verdict is 'perhaps'"),
        ({"median": "1"}, "median is no number"),
        ({"high": "Infinity"}, "high is no number"),
        ({"colour": "red"}, "has colour"),
    ],
)
def test_a_wrong_claim_is_told(change, message):
    content = ledger.with_rows(ledger.read_ledger())
    claim = next(iter(next(iter(content["figures"].values())).values()))["claims"][0]
    claim.update(change)
    assert any(message in line for line in errors(content, SCHEMA))
