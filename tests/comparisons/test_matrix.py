import json
from types import SimpleNamespace

import pytest

from comparisons import Model, Result, Verdict, matrix
from comparisons.harness import report
from comparisons.studies import ALL
from comparisons.studies import studies as every_study

SHOWN, ABSENT, SILENT = Verdict("shown", (2.0, 3.0)), Verdict("absent", (0.1,)), Verdict("silent", note="no clock")


def result(name, verdicts, folder=None):
    return Result(name, f"Is it {name}? Score: decades.", None, verdicts, {}, folder=folder)


def studies(on_request=()):
    models = {name: SimpleNamespace(on_request=name in on_request) for name in ("a", "b", "c", "rare")}
    return {"grokking": SimpleNamespace(models={name: asked(model.on_request) for name, model in models.items()})}


def asked(on_request):
    return Model(lambda s, rng: None, on_request=on_request)


@pytest.fixture(autouse=True)
def varied(tmp_path_factory, monkeypatch):
    """The file that says how far verdicts hold, not there unless a test writes it."""
    path = tmp_path_factory.mktemp("varied") / "robustness.json"
    monkeypatch.setattr(matrix, "ROBUSTNESS", path)
    return path


FIRST = result("grokking", {"a": SHOWN, "a (off)": ABSENT, "b": SILENT})
SECOND = result("neural_collapse", {"a": ABSENT, "c": SHOWN})


def test_rows_are_all_models_once_with_their_controls_in_the_cell():
    assert matrix.rows([FIRST, SECOND]) == ["a", "b", "c"]
    lines = matrix.markdown([FIRST, SECOND]).splitlines()
    assert lines[0] == "| model | grokking | neural collapse |"
    assert lines[2].startswith("| a | [shown 2.5 (off: 0.1)](figures/gallery/grokking.png) | [absent 0.1]")
    assert lines[3] == "| b | [silent: no clock](figures/gallery/grokking.png) | not asked |"
    assert "grokking: decades; neural collapse: decades" in lines[-1]


def test_a_cell_says_in_how_many_variations_its_verdict_holds(varied):
    own, off = {"base": "shown", "n": 12, "m": 13}, {"base": "absent", "n": 13, "m": 13}
    varied.write_text(json.dumps({"grokking": {"a": own, "a (off)": off, "b": own}}))
    lines = matrix.markdown([FIRST, SECOND]).splitlines()
    assert "[shown 2.5 (off: 0.1); holds in 12 of 13, off in 13 of 13](figures/gallery/grokking.png)" in lines[2]
    assert "[absent 0.1](figures/gallery/neural_collapse.png)" in lines[2]
    assert "[silent: no clock]" in lines[3]
    assert "Holds in n of m: " in lines[-1]
    assert "holds" not in matrix.plain([FIRST, SECOND])


@pytest.mark.parametrize("entry", [{"base": "unclear", "n": 1, "m": 2}, {"base": "shown", "n": 0, "m": 0}])
def test_nothing_is_said_of_another_verdict_or_of_no_variation(varied, entry):
    varied.write_text(json.dumps({"grokking": {"a": entry}}))
    text = matrix.markdown([FIRST])
    assert "[shown 2.5 (off: 0.1)](" in text
    assert "olds in" not in text


def test_the_plain_matrix_has_columns_of_one_width():
    lines = matrix.plain([FIRST, SECOND]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[0] for line in lines] == ["model", "a", "b", "c"]


def test_models_on_request_keep_their_committed_verdicts(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "COMMITTED", tmp_path / "verdicts.json")
    rare = {"rare": SHOWN, "rare (off)": ABSENT}
    matrix.write_verdicts([result("grokking", {"a": ABSENT, "gone": SHOWN, **rare})], studies(["rare"]), "quick")
    matrix.write_verdicts([result("grokking", {"a": SHOWN})], studies(["rare"]), "quick")
    committed = json.loads(report.COMMITTED.read_text())
    rows = {
        "a": {"outcome": "shown", "score": 2.5},
        "rare": {"outcome": "shown", "score": 2.5},
        "rare (off)": {"outcome": "absent", "score": 0.1},
    }
    assert committed == {"grokking": {"quick": rows}}


def test_a_readme_is_rewritten_between_its_markers_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "COMMITTED", tmp_path / "verdicts.json")
    (tmp_path / "figure.png").write_bytes(b"picture")
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{matrix.MARKERS[0]}\nold\n{matrix.MARKERS[1]}\nafter\n")
    matrix.commit([result("grokking", FIRST.verdicts, folder=tmp_path)], studies(), "quick", readme, tmp_path)
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| a | [shown 2.5" in text
    assert (tmp_path / "grokking.png").read_bytes() == b"picture"
    readme.write_text("no markers")
    with pytest.raises(ValueError, match="must contain the lines"):
        matrix.commit([], {}, "quick", readme, tmp_path)


@pytest.mark.parametrize("study", every_study(ALL), ids=lambda study: study.name)
def test_what_is_committed_can_be_held_against_a_run(study):
    rows = report.committed(study.name, "quick")
    assert rows
    for row, verdict in rows.items():
        assert set(verdict) <= {"outcome", "score"}, row
        asked_for = study.models[row.removesuffix(" (off)")]
        on_request = isinstance(asked_for, Model) and asked_for.on_request
        assert "score" in verdict or on_request or verdict["outcome"] in ("silent", "unclear"), row
