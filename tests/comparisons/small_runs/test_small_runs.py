"""Every row of every study computes, at a small size, the numbers kept."""

import pytest

from tests.comparisons.small_runs.__main__ import main
from tests.comparisons.small_runs.sizes import NAMES, NUMBERS, changed, data_of, every_row, run_of
from tests.kept_numbers import kept


def test_every_row_has_a_small_size_and_numbers_and_there_are_no_others():
    assert sorted(NAMES) == sorted(every_row())
    assert sorted(kept(NUMBERS)) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_small_run_has_the_numbers_kept(name):
    again = f"if this is meant, python -m tests.comparisons.small_runs {name.partition(':')[0]} --write"
    assert changed(name, kept(NUMBERS).get(name, {}), data_of(run_of(name))) == [], again


def test_only_the_studies_named_are_written_and_what_moved_is_printed(tmp_path, monkeypatch, capsys):
    place = tmp_path / "numbers.json"
    monkeypatch.setattr("tests.comparisons.small_runs.__main__.NUMBERS", place)
    monkeypatch.setattr("tests.comparisons.small_runs.__main__.NAMES", ["emergence: layerwise"])
    place.write_text('{"emergence: gone": {}, "grokking: layerwise": {}}')
    assert main(["emergence"], write=False) == 1
    assert "emergence: gone" in place.read_text()
    assert "emergence: layerwise" not in place.read_text()
    assert main(["emergence"], write=True) == 0
    assert sorted(kept(place)) == ["emergence: layerwise", "grokking: layerwise"]
    capsys.readouterr()
    assert main(["emergence"], write=False) == 0
    assert "emergence: layerwise: nothing moved" in capsys.readouterr().out
