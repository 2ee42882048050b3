"""Finished studies are read back with their numbers and, where the study is known, their picture."""

import json
from dataclasses import replace

import numpy as np
import pytest

from comparisons import load
from tests.comparisons.harness import toy


@pytest.fixture
def result(tmp_path):
    return toy.STUDY.run(models=["late"], replicates=2, out=tmp_path, seed=3)


def test_what_comes_back_is_what_was_judged(result):
    for given in (result.folder, str(result.folder)):
        again = load(given, toy.STUDY)
        assert again.verdicts == result.verdicts
        assert (again.study, again.headline, again.question) == ("toy", result.headline, toy.STUDY.question)
        for row, runs in result.runs.items():
            for old, new in zip(runs, again.runs[row], strict=True):
                assert all(np.array_equal(old[name], new[name]) for name in old.data)
        assert len(again.figure().axes) == 1


def test_a_study_of_ones_own_has_numbers_without_its_picture(result):
    again = load(result.folder)
    assert again.verdicts == result.verdicts
    assert again.picture is None


@pytest.mark.parametrize("name", ["grokking", "no_such_study", "studies", "not a name"])
def test_studies_of_the_package_are_found_by_name(result, name):
    from comparisons.grokking import STUDY

    manifest = result.folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"study": name, "question": {}}))
    again = load(result.folder)
    assert again.study == name
    assert again.picture is (STUDY.picture if name == "grokking" else None)
    assert type(again.question) is (type(STUDY.question) if name == "grokking" else type(None))


@pytest.mark.parametrize(
    ("study", "words"),
    [
        (replace(toy.STUDY, name="other"), "study must be the one of the result, toy, got other"),
        ("toy", "study must be a Study, got 'toy'"),
        (3, "study must be a Study, got 3"),
    ],
)
def test_another_study_is_refused(result, study, words):
    with pytest.raises(ValueError, match=words):
        load(result.folder, study)


def test_a_folder_without_a_result_is_refused(tmp_path, result):
    with pytest.raises(FileNotFoundError, match="nowhere holds no result of a study"):
        load(tmp_path / "nowhere")
    for folder in (None, 3):
        with pytest.raises(ValueError, match="folder must"):
            load(folder)
    manifest = result.folder / "manifest.json"
    whole = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({key: value for key, value in whole.items() if key != "verdicts"}))
    with pytest.raises(ValueError, match="holds no finished result"):
        load(result.folder)
    manifest.write_text(json.dumps({key: value for key, value in whole.items() if key != "study"}))
    with pytest.raises(ValueError, match="is damaged"):
        load(result.folder)
