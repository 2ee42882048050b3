"""Every figure computes, is judged and is drawn with labels at a small size, and its numbers are those kept."""

import pytest

from figures.harness import registry
from tests.figures.small_runs.numbers import changes, computed, kept
from tests.figures.small_runs.sizes import SIZES

NAMES = registry.names()


def test_every_figure_has_a_small_size_and_numbers_and_there_are_no_others():
    assert sorted(SIZES) == sorted(NAMES)
    assert sorted(kept()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_small_run_computes_the_numbers_kept_and_is_judged_and_drawn_with_labels(name):
    figure = registry.load(name)
    settings, data = computed(name)
    again = f"if this is meant, python -m tests.figures.small_runs {name} --write"
    assert changes(name, kept().get(name, {}), data) == [], again
    assert [claim.key for claim in figure.judge(data)] == [claim.key for claim in figure.claims]
    with SIZES[name].in_place():
        axes = [ax for ax in figure.draw(data, settings).axes if ax.has_data()]
    assert axes
    bare = [ax.get_title() for ax in axes if not (ax.get_xlabel() or ax.get_ylabel())]
    assert bare == [*SIZES[name].bare]
