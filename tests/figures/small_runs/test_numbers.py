"""The numbers of an array move with its values and their places, and not with rounding."""

import numpy as np
import pytest

from tests.figures.small_runs.__main__ import main
from tests.figures.small_runs.numbers import changes, moved, numbers_of

DRAWN = np.random.default_rng(0).lognormal(0, 3, (3, 3, 4))
MIDDLE = np.median(DRAWN)
HOLED = np.where(DRAWN < MIDDLE, DRAWN, np.nan)

SLIPS = {
    "axes exchanged": lambda x: x.swapaxes(0, 1),
    "axes flattened otherwise": lambda x: x.transpose(1, 0, 2).reshape(x.shape),
    "rolled": lambda x: np.roll(x, 1, axis=2),
    "reversed": lambda x: x[:, :, ::-1],
    "a replicate for another": lambda x: x[:, [1, 0, 2]],
    "sign": lambda x: -x,
    "one sign": lambda x: np.where(x == np.nanmax(x), -x, x),
    "a small value": lambda x: np.where(x == np.nanmin(x), 2 * x, x),
    "factor": lambda x: 1.001 * x,
    "another shape": lambda x: x[None],
    "infinite": lambda x: np.where(x == np.nanmax(x), np.inf, x),
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("values", [DRAWN, HOLED], ids=["finite", "holed"])
def test_a_slip_moves_the_numbers(slip, values):
    assert moved(numbers_of(values), numbers_of(SLIPS[slip](values)), 1e-5)


@pytest.mark.parametrize("values", [DRAWN, HOLED, np.zeros(4), np.array(3.0), np.array([True, False]), np.empty(0)])
def test_rounding_does_not(values):
    nearly = values * (1 + 1e-9) + 1e-12
    assert moved(numbers_of(values), numbers_of(nearly), 1e-5) == []


def test_not_a_number_infinity_and_its_negative_differ():
    kinds = [numbers_of(np.array([1.0, value])) for value in (np.nan, np.inf, -np.inf)]
    assert len({kind["not_finite"] for kind in kinds}) == 3
    assert moved(numbers_of(np.array([np.nan, 1.0])), kinds[0], 1e-5)


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
