"""The picture of leads before events that are no jumps."""

from types import SimpleNamespace

import numpy as np
import pytest

from comparisons import Verdict
from comparisons.forerunners.picture import HEADING, draw
from comparisons.order_parameters import picture
from comparisons.order_parameters.question import CLOCK, TEST, Lead, Question
from toymodels.trajectory import Trajectory

RUN = Trajectory([1.0, 2.0], {"train": [1.0, 1.0]}, clock="step")


@pytest.fixture
def figure(monkeypatch):
    def lead(value):
        return Lead(np.full(3, value), np.full(3, 0.03), np.full(3, 0.1))

    leads = {"weight_norm": lead(0.6), TEST: lead(0.1), CLOCK: lead(np.nan)}
    monkeypatch.setattr(picture, "flaw", lambda runs, asked: "")
    monkeypatch.setattr(picture, "foretellings", lambda runs, asked: leads)
    verdicts = {"edge layerwise": Verdict("shown", (0.5,)), "edge condensation": Verdict("absent", (0.0,))}
    runs = {row: [RUN] * 8 for row in verdicts}
    return draw(SimpleNamespace(runs=runs, verdicts=verdicts, question=Question()))


def test_the_null_is_the_score_and_no_quantity_is_set_aside(figure):
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == ["weight norm", CLOCK, "score itself"]
    assert first.get_xlabel() == "decades before the event"
    assert "decays anyway" not in [text.get_text() for text in first.texts]
    assert figure.get_suptitle() == HEADING


def test_long_names_fit_above_their_panels(figure):
    figure.canvas.draw()
    titles = [ax.title for ax in figure.axes]
    assert titles[0].get_text() == "edge layerwise, 8 runs: shown\nbest: 0.50 beyond the grey"
    boxes = [title.get_window_extent() for title in titles]
    assert boxes[0].x1 < boxes[1].x0
