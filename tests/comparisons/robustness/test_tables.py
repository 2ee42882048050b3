"""What came of the variations is counted, listed and kept."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from comparisons import Model, Verdict
from comparisons.robustness import survey, tables, variations
from tests.comparisons.harness import toy
from tests.comparisons.robustness.frail import STUDY, Frail, asked


def test_flips_refusals_and_failures_are_listed_and_only_flips_count(tmp_path):
    came = survey.survey(asked(), replicates=2, out=tmp_path)
    rows = tables.entries(came.answers, replicates=2, seeds=3)["toy"]
    own = rows["frail"]
    assert (own["base"], own["n"], own["m"]) == ("shown", 5, 6)  # two seeds, units twice, parts and limit once
    assert own["at_seeds"] == ["shown"] * 3
    assert (own["replicates"], own["seeds"], own["left_out"]) == (2, 3, 0)
    flip = own["flips"][0]
    assert (flip["changed"], flip["outcome"]) == ("units 5 -> 2", "unclear")
    assert flip["score"] == pytest.approx(0.4, abs=0.01)
    assert [(each["changed"], each["reason"]) for each in own["not_counted"]] == [
        ("parts 4 -> 2", "loss is not finite at step 3 (2 of 2 runs)"),
        ("limit 10 -> 20", "refused: limit must be at most 15, got 20"),
    ]
    control = rows["frail (off)"]
    assert (control["base"], control["n"], control["m"], control["flips"]) == ("absent", 6, 6, [])
    assert len(control["not_counted"]) == 2


def test_a_base_that_fails_says_nothing_of_its_variations(tmp_path):
    study = STUDY.adding(broken=Model(toy.broken, Frail()))
    came = survey.survey(asked(study, ["broken"]), replicates=1, out=tmp_path)
    entry = tables.entries(came.answers, replicates=1, seeds=3)["toy"]["broken"]
    assert (entry["base"], entry["score"], entry["n"], entry["m"]) == ("failed", None, 0, 0)


def test_networks_in_torch_come_last_and_are_left_out_when_the_time_is_up(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "uses_torch", lambda study, name: name == "late")
    came = survey.survey(asked(models=["late", "frail"]), replicates=1, out=tmp_path, hours=1e-9)
    rows = tables.entries(came.answers, replicates=1, seeds=3)["toy"]
    assert (rows["late"]["base"], rows["late"]["m"], rows["late"]["not_counted"]) == ("left out", 0, [])
    assert rows["late"]["left_out"] == len([case for case in asked(models=["late"]) if case.row == "late"])
    assert rows["frail"]["m"] == 6
    assert "Left out, the time was up" in tables.plain({"toy": rows})
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps({"toy": {"late": rows["frail"]}}))
    assert tables.merged({"toy": rows}, came.answers, earlier)["toy"]["late"] == rows["frail"]


def answers():
    """A base, two seeds of which one flips, a failure, and what there was no time for; a row of which nothing ran."""

    def answer(row, what, verdict, seed=0, **more):
        return survey.Answer(variations.Case(STUDY, "late", row, what, seed), verdict, **more)

    shown, late = Verdict("shown", (1.5, 2.0, 9.0)), Verdict("failed", note="not begun")
    return [
        answer("late", "base", shown),
        answer("late", "seed 1", shown, 1),
        answer("late", "seed 2", Verdict("absent", (0.1,), note="flat"), 2),
        answer("late", "n 1 -> 2", Verdict("failed", note="no luck")),
        answer("late", "m 1 -> 2", Verdict("failed", note="no luck")),
        answer("late", "n 1 -> 0.5", late, left_out=True),
        answer("late (off)", "base", late, left_out=True),
        answer("late (off)", "seed 1", Verdict("absent", (0.0,)), 1),
    ]


def test_what_came_of_a_row_is_counted():
    content = tables.entries(answers(), replicates=2, seeds=3)
    assert content == {
        "toy": {
            "late": {
                "base": "shown",
                "score": 2.0,
                "n": 1,
                "m": 2,
                "at_seeds": ["shown", "shown", "absent"],
                "flips": [{"changed": "seed 2", "outcome": "absent", "score": 0.1, "note": "flat"}],
                "not_counted": [{"changed": name, "reason": "no luck"} for name in ("n 1 -> 2", "m 1 -> 2")],
                "left_out": 1,
                "replicates": 2,
                "seeds": 3,
            },
            "late (off)": {
                "base": "left out",
                "score": None,
                "n": 0,
                "m": 0,
                "at_seeds": ["absent"],
                "flips": [],
                "not_counted": [],
                "left_out": 1,
                "replicates": 2,
                "seeds": 3,
            },
        }
    }
    assert tables.plain(content).splitlines() == [
        "study  row         base      holds in           seeds alike",
        "toy    late        shown 2   1 of 2 variations  2 of 3, 2 replicates each",
        "toy    late (off)  left out  0 of 0 variations  0 of 1, 2 replicates each",
        "",
        "Flips:",
        "  toy, late: seed 2: shown -> absent 0.1: flat",
        "",
        "Refused or failed, counted neither for nor against:",
        "  toy, late: n 1 -> 2, m 1 -> 2: no luck",
        "",
        "Left out, the time was up:",
        "  toy, late: 1 variations",
        "  toy, late (off): 1 variations",
    ]
    page = tables.markdown(content).splitlines()
    assert page[6:9] == [
        "| study | row | base | holds in | seeds alike |",
        "|---|---|---|---|---|",
        "| toy | late | shown 2 | 1 of 2 variations | 2 of 3, 2 replicates each |",
    ]
    assert page[-2:] == ["- toy, late: 1 variations", "- toy, late (off): 1 variations"]


def test_every_variation_is_a_line_of_the_file():
    assert tables.comma_separated(answers()).splitlines()[1:] == [
        "toy,late,base,0,shown,shown,0,,2.0,1.5,9.0,3,,",
        "toy,late,seed 1,1,shown,shown,1,1,2.0,1.5,9.0,3,,",
        "toy,late,seed 2,2,absent,shown,1,0,0.1,0.1,0.1,1,,flat",
        "toy,late,n 1 -> 2,0,failed,shown,0,,,,,,,no luck",
        "toy,late,m 1 -> 2,0,failed,shown,0,,,,,,,no luck",
        "toy,late,n 1 -> 0.5,0,left out,shown,0,,,,,,,not begun",
        "toy,late (off),base,0,left out,failed,0,,,,,,,not begun",
        "toy,late (off),seed 1,1,absent,failed,0,,0.0,0.0,0.0,1,,",
    ]


def test_numbers_are_written_where_they_are_told_to_be(tmp_path):
    content = tables.entries(answers(), replicates=2, seeds=3)
    tables.commit(content, answers(), tmp_path / "numbers.json", tmp_path)
    text = (tmp_path / "numbers.json").read_text()
    assert text.startswith('{\n "toy": {\n  "late": {\n   "base": "shown",')
    assert json.loads(text) == content
    assert (tmp_path / "ROBUSTNESS.md").read_text() == tables.markdown(content)


def lines_of(text):
    return [dict(line) for line in csv.DictReader(io.StringIO(text))]


def test_words_with_commas_quotes_and_ends_of_lines_come_back():
    note = 'it said "no, never",\nthen stopped'
    case = variations.Case(STUDY, "late", "late", "base")
    text = tables.comma_separated([survey.Answer(case, Verdict("unclear", (0.25,), note=note), code="c0de")])
    (line,) = lines_of(text)
    assert (line["note"], line["code"], line["runs"], line["score"]) == (note, "c0de", "1", "0.25")
    again = tables.comma_separated([], text)
    assert again == text


def test_lines_that_were_not_asked_stay_and_the_others_are_new():
    before = tables.comma_separated(answers())
    (new,) = [each for each in answers() if each.case.what == "seed 2"]
    new = replace(new, verdict=Verdict("shown", (5.0, 7.0)))
    after = {(line["row"], line["changed"]): line for line in lines_of(tables.comma_separated([new], before))}
    old = {(line["row"], line["changed"]): line for line in lines_of(before)}
    assert after.keys() == old.keys()
    assert {key: line for key, line in after.items() if key != ("late", "seed 2")} == {
        key: line for key, line in old.items() if key != ("late", "seed 2")
    }
    changed = after["late", "seed 2"]
    assert (changed["outcome"], changed["low"], changed["high"], changed["runs"]) == ("shown", "5.0", "7.0", "2")
    assert (changed["base"], changed["counts"], changed["holds"]) == ("", "0", "")  # its base was not asked
    assert tables.comma_separated(answers(), before) == before


def test_what_there_was_no_time_for_does_not_take_the_place_of_what_was_found():
    found = answers()
    before = tables.comma_separated(found)
    late = [replace(each, verdict=Verdict("failed", note="not begun"), left_out=True) for each in found]
    after, old = lines_of(tables.comma_separated(late, before)), lines_of(before)
    assert len(after) == len(old)
    assert [line for line in old if line["outcome"] != "left out"] == after[: len(old) - 2]
    assert {line["outcome"] for line in lines_of(tables.comma_separated(late))} == {"left out"}


@pytest.mark.parametrize("earlier", ["a,b\n1,2\n", ",".join(reversed(tables.COLUMNS)) + "\n"])
def test_another_table_is_no_earlier_one(earlier):
    with pytest.raises(ValueError, match=r"study,row,changed,.*must be the columns of an earlier table, got "):
        tables.comma_separated(answers(), earlier)
    assert lines_of(tables.comma_separated([], "")) == []


@pytest.mark.parametrize("scores", [(np.nan, 1.0, 2.0), (1.0, np.nan, 2.0), (1.0, 2.0, np.nan)])
def test_scores_that_are_no_numbers(scores):
    case = variations.Case(STUDY, "late", "late", "base")
    answer = survey.Answer(case, Verdict("unclear", scores))
    entry = tables.entries([answer], replicates=3, seeds=1)["toy"]["late"]
    assert (entry["base"], entry["score"]) == ("unclear", None)
    (line,) = lines_of(tables.comma_separated([answer]))
    assert (line["score"], line["low"], line["high"], line["runs"]) == ("nan", "nan", "nan", "3")
    infinite = replace(answer, verdict=Verdict("unclear", (np.inf, np.inf)))
    assert tables.entries([infinite], replicates=2, seeds=1)["toy"]["late"]["score"] is None
    assert "toy    late  unclear  0 of 0 variations  1 of 1" in tables.plain(
        tables.entries([answer], replicates=3, seeds=1)
    )


def test_a_row_without_its_base_counts_nothing():
    rest = [each for each in answers() if each.case.what != "base" and each.case.row == "late"]
    entry = tables.entries(rest, replicates=2, seeds=3)["toy"]["late"]
    assert (entry["base"], entry["score"], entry["n"], entry["m"], entry["flips"]) == ("left out", None, 0, 0, [])
    assert entry["at_seeds"] == ["shown", "absent"]
    assert tables.entries([], replicates=2, seeds=3) == {}
    assert tables.plain({}).splitlines() == ["study  row  base  holds in  seeds alike"]


def test_a_base_that_failed_is_alike_at_no_seed():
    failed = Verdict("failed", note="no luck")
    rows = [replace(each, verdict=failed) for each in answers() if not each.left_out and each.case.row == "late"]
    content = tables.entries(rows, replicates=1, seeds=3)
    assert content["toy"]["late"]["at_seeds"] == ["failed"] * 3
    assert "0 of 3, 1 replicates each" in tables.plain(content)


def test_pages_name_studies_in_words():
    content = {"edge_of_stability": tables.entries(answers(), replicates=2, seeds=3)["toy"]}
    assert "edge of stability, late: seed 2: shown -> absent 0.1: flat" in tables.plain(content)
    page = tables.markdown(content)
    assert "| edge of stability | late | shown 2 |" in page
    assert "## Flips\n\n- edge of stability, late: seed 2" in page
    assert page.startswith("# Robustness of the verdicts\n")
    assert page.endswith("\n")


def test_an_earlier_file_keeps_other_studies_and_rows_that_there_still_are(tmp_path):
    content = tables.entries(answers(), replicates=2, seeds=3)
    entry = content["toy"]["late"]
    other = entry | {"n": 7}
    earlier = tmp_path / "earlier.json"
    assert tables.merged(content, answers(), earlier) == content
    before = {"mine": {"row": other}, "toy": {"gone": other, "frail": other, "late": other, "late (off)": other}}
    earlier.write_text(json.dumps(before))
    whole = tables.merged(content, answers(), earlier)
    assert list(whole) == ["mine", "toy"]
    assert whole["mine"] == {"row": other}
    # in the order of the study; a base for which there was no time does not take the place of what was found
    assert list(whole["toy"].items()) == [("late", entry), ("late (off)", other), ("frail", other)]
