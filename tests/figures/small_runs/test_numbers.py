"""Arrays of a figure that are exchanged are told, and only the figures named are written."""

import numpy as np

from tests.figures.small_runs.__main__ import main
from tests.figures.small_runs.numbers import changes
from tests.kept_numbers import numbers_of


def test_two_arrays_that_are_exchanged_or_renamed_are_told():
    before = {"train": numbers_of(np.arange(3)), "test": numbers_of(np.arange(3) + 1)}
    name = "layerwise/theorems"
    assert [line.partition(":")[0] for line in changes(name, before, {"train": np.arange(3) + 1, "test": np.arange(3)})]
    assert changes(name, before, {"train": np.arange(3), "tests": np.arange(3) + 1}) == ["test is gone", "tests is new"]


def test_only_the_figures_named_are_written_and_what_moved_is_printed(tmp_path, monkeypatch, capsys):
    place = tmp_path / "numbers.json"
    monkeypatch.setattr("tests.figures.small_runs.numbers.NUMBERS", place)
    place.write_text('{"neurashed/gone": {}, "neurashed/kept": {}}')
    assert main(["scaling_laws"], write=False) == 1
    assert "neurashed/kept" in place.read_text()
    assert "scaling_laws" not in place.read_text()
    assert main(["scaling_laws", "neurashed/gone"], write=True) == 0
    assert "neurashed/gone: there is no such figure" in capsys.readouterr().out
    assert "neurashed/kept" in place.read_text()
    assert "neurashed/gone" not in place.read_text()
    assert main(["scaling_laws"], write=False) == 0
    assert "nothing moved" in capsys.readouterr().out
