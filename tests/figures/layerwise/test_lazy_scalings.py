"""Test accuracy when the training digits are fitted, and its late rise."""

import numpy as np
import pytest

from figures.layerwise.lazy_scalings import CLAIMS, PANELS, accuracy_at_fit, at_once, curves, delay, late_rise

CLAIM = {claim.key.partition(".")[2]: claim for claim in CLAIMS}


def accuracies(epochs=2000, late=0.5):
    """Two runs a scaling: one fits at the second record, one never; the test accuracy is higher off the default."""
    train = np.array([[0.5, 0.99, 1.0], [0.5, 0.6, 0.98]])
    test = np.array([[0.1, 0.2, late], [0.1, 0.2, 0.3]])
    times, others = np.array([1, epochs // 2, epochs]), len(PANELS) - 1
    data = {"epochs": times, "others_epochs": times, "train": train, "test": test}
    data |= {"others_train": np.repeat(train[None], others, axis=0)}
    return data | {"others_test": test + np.linspace(0.1, 0.4, others)[:, None, None]}


def test_test_accuracy_is_read_at_the_first_fit_or_at_the_end():
    assert accuracy_at_fit(accuracies(), "default").tolist() == [0.2, 0.3]
    assert late_rise(accuracies()) == pytest.approx([0.3, 0])


@pytest.mark.parametrize(("panel", "expected"), list(zip([*PANELS][1:], np.linspace(0.1, 0.4, 4), strict=True)))
def test_every_scaling_is_compared_with_its_own_end(panel, expected):
    assert curves(accuracies(), panel)[2][0, 0] == pytest.approx(0.1 + expected)
    assert at_once(panel)(accuracies()) == pytest.approx([(0.2 + expected) / (0.5 + expected), 1])


@pytest.mark.parametrize(("epochs", "verdict"), [(500, "open"), (2000, "contradicted")])
def test_a_short_run_does_not_exclude_that_all_is_gained_at_the_fit(epochs, verdict):
    data = accuracies(epochs)
    fitted = {name: data[name][:, :1] for name in ("others_train", "others_test")}
    assert CLAIM["output-at-fit"].judge(data | fitted).verdict == verdict


@pytest.mark.parametrize(("epochs", "verdict"), [(500, "open"), (2000, "contradicted")])
def test_a_short_run_does_not_exclude_a_late_rise(epochs, verdict):
    assert CLAIM["late"].judge(accuracies(epochs, late=0.3)).verdict == verdict


def test_a_delay_is_from_half_of_one_end_to_half_of_the_other():
    """By default half of the test accuracy comes at the last epoch and in the middle, half of the other at once."""
    data = accuracies()
    assert delay("default")(data) == pytest.approx([np.log10(2000), np.log10(1000)])
    assert delay("output")(data) == pytest.approx([0, 0])
