"""Which preset of a study is meant by a size."""

from types import SimpleNamespace

import pytest

from comparisons.studies import preset_of


@pytest.mark.parametrize(
    ("presets", "found"),
    [
        (("quick", "large", "paper"), ["quick", "large", "paper"]),
        (("quick", "large"), ["quick", "large", "large"]),
        (("quick", "paper"), ["quick", "quick", "paper"]),
    ],
)
def test_a_preset_is_that_of_the_size_or_the_largest_below_it(presets, found):
    study = SimpleNamespace(presets=dict.fromkeys(presets))
    assert [preset_of(study, size) for size in ("quick", "large", "paper")] == found
