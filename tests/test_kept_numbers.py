"""The numbers of an array move with its values and their places, and not with rounding."""

import numpy as np
import pytest

from tests.kept_numbers import moved, numbers_of

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
