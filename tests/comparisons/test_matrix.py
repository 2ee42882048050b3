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


def test_a_page_has_four_phenomena_a_table():
    results = [result(name, {"a": SHOWN, f"only {name}": ABSENT}) for name in ("one", "two", "three", "four", "five")]
    lines = matrix.markdown(results).splitlines()
    assert lines[:2] == ["| model | one | two | three | four |", "|---|---|---|---|---|"]
    assert [line for line in lines if line.startswith("| model")][1] == "| model | five |"
    assert lines.count("") == 2
    assert [line.split(" | ")[0] for line in lines[2:7]] == [
        "| a",
        *(f"| only {name}" for name in ("one", "two", "three", "four")),
    ]
    assert lines[9:11] == ["|---|---|", "| a | [shown 2.5](figures/gallery/five.png) |"]
    assert lines[-1] == (
        "Scores. one: decades; two: decades; three: decades; four: decades; five: decades. "
        "A row that the other studies do not ask is a control or a variant of one study."
    )


def test_a_cell_says_what_its_control_turns_where_there_is_one_with_a_score():
    assert matrix.cell(SHOWN, ABSENT, "lag 2 -> 0", "holds in 1 of 2") == (
        "shown 2.5 (off: 0.1, lag 2 -> 0); holds in 1 of 2"
    )
    assert matrix.cell(SHOWN, SILENT, "lag 2 -> 0") == matrix.cell(SHOWN, None) == "shown 2.5"
    assert matrix.cell(Verdict("failed", (1.0,), note="no luck"), ABSENT) == "failed: no luck"
    assert matrix.cell(Verdict("unclear", note="why"), ABSENT) == "unclear (off: 0.1)"
    assert matrix.cell(None, ABSENT) == "not asked"


def test_the_page_has_what_the_control_turns_and_the_terminal_has_not(varied):
    varied.write_text(json.dumps({"grokking": {"a": {"base": "shown", "n": 1, "m": 2}, "gone": {"base": "shown"}}}))
    turned = Result("grokking", "", None, FIRST.verdicts, {}, knobs={"a (off)": "lag 2 -> 0"})
    assert "[shown 2.5 (off: 0.1, lag 2 -> 0); holds in 1 of 2]" in matrix.markdown([turned])
    assert [line.rstrip() for line in matrix.plain([turned]).splitlines()] == [
        "model  grokking",
        "a      shown 2.5 (off: 0.1)",
        "b      silent: no clock",
    ]
    assert matrix.holding(turned, "gone") == ""


@pytest.mark.parametrize("there", [(), ("README.md",), ("pyproject.toml",)])
def test_a_checkout_has_both_files(there, tmp_path):
    for name in there:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match="this is an installed package"):
        matrix.require_checkout(tmp_path)
    for name in ("README.md", "pyproject.toml"):
        (tmp_path / name).touch()
    matrix.require_checkout(tmp_path)


@pytest.mark.parametrize("marker", matrix.MARKERS)
def test_a_readme_needs_both_markers(marker, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{marker}\nafter\n")
    with pytest.raises(ValueError, match="must contain the lines"):
        matrix.commit([], {}, "quick", readme, tmp_path)
    assert readme.read_text() == f"before\n{marker}\nafter\n"


def test_committed_verdicts_are_sorted_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "COMMITTED", tmp_path / "verdicts.json")
    matrix.write_verdicts([result("grokking", {"b": SILENT, "a": SHOWN})], studies(), "quick")
    assert report.COMMITTED.read_text() == (
        '{\n "grokking": {\n  "quick": {\n   "a": {\n    "outcome": "shown",\n    "score": 2.5\n   },\n'
        '   "b": {\n    "outcome": "silent"\n   }\n  }\n }\n}\n'
    )
