"""Masked entries are refused by name wherever an array is taken: numpy would read them as if they counted."""

import warnings

import numpy as np

from tests.fuzz import judging
from tests.fuzz.calls import good_calls


def masked(value):
    """An array of numbers or booleans with its first entry masked; None for what is no array."""
    if not isinstance(value, np.ndarray | list | tuple):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.dtype.kind not in "biuf" or not array.size:
        return None
    mask = np.zeros(array.shape, dtype=bool)
    mask.flat[0] = True
    return np.ma.array(array, mask=mask)


def test_masked_entries_are_refused_by_name():
    accepted = []
    for good in good_calls():
        if not good.name.startswith("toymodels.") or good.name.startswith("toymodels.run."):
            continue
        for name, value in good.arguments.items():
            spoiled = masked(value)
            if spoiled is None:
                continue
            try:
                with judging.at_most(judging.SECONDS), warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("error")
                    good.call(**{name: spoiled})
            except ValueError as error:
                if "mask" not in str(error).lower():
                    accepted.append(f"{good.name}({name}): {error}")
            except Exception as error:
                accepted.append(f"{good.name}({name}): {error}")
            else:
                accepted.append(f"{good.name}({name}) is accepted")
    assert not accepted, "\n".join(accepted)
