import json

import pytest

pytest.importorskip("torch")

from tests.kept_defaults import KEPT, defaults


def test_defaults_are_the_kept_ones():
    kept, here = json.loads(KEPT.read_text()), defaults()
    gone = {name: kept[name] for name in kept if kept[name] != here.get(name)}
    new = {name: here[name] for name in here if here[name] != kept.get(name)}
    assert here == kept, f"kept: {gone}; here: {new}; if it is meant, python -m tests.kept_defaults --write"


def test_what_is_kept_is_what_a_caller_gets():
    assert defaults()["dnn.observing.recorder.Recorder"]["samples"] == "300"
    assert defaults()["dnn.embedding.merging.merge_units"]["tolerance"] == "1e-06"
    assert defaults()["comparisons.parity.train_parity"]["n_records"] == "40"
    assert defaults()["dnn.observing.diagnosis"]["LATE"] == "0.5"
    assert defaults()["toymodels.metrics.emergence"]["LEVELS"] == "(0.1, 0.5, 0.9)"
    assert len(defaults()) > 300
