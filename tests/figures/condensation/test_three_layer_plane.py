import numpy as np

from figures.condensation.three_layer_plane import FIGURE, ThreeLayerPlane, agreement, deep_cell, flat_cell

DERIVED = np.array([[-1.0, 0.5], [0.1, 1.0]])


def data(**changes):
    predicted = np.stack([DERIVED, DERIVED.T - 1.0, DERIVED], axis=-1)
    return {"flat_slope": DERIVED, "flat_predicted": DERIVED, "slope": predicted, "predicted": predicted, **changes}


def verdicts(**changes):
    return {claim.key.partition(".")[2]: claim.verdict for claim in FIGURE.judge(data(**changes))}


def test_measured_exponents_that_are_the_derived_ones_reproduce_all_claims():
    assert set(verdicts().values()) == {"reproduced"}


def test_only_cells_off_the_critical_line_are_asked_for_their_sign():
    assert agreement(np.array([[-2.0, 0.01], [-3.0, 0.4]]), DERIVED) == 1
    assert agreement(np.array([[-2.0, -0.01], [-3.0, 0.4]]), DERIVED) == 2 / 3


def test_a_cell_that_does_not_fit_agrees_with_nothing():
    assert agreement(np.array([[np.nan, 0.1], [0.1, 0.1]]), DERIVED) == 2 / 3


def test_one_layer_against_its_line_and_shifted_exponents_are_contradicted():
    flipped = data()["slope"].copy()
    flipped[..., 2] *= -1
    assert verdicts(slope=flipped)["each-layer"] == "contradicted"
    assert verdicts(slope=data()["slope"] + 0.16)["exponents"] == "contradicted"
    assert verdicts(flat_slope=-DERIVED)["two-layers"] == "contradicted"


def test_a_middle_layer_on_the_line_of_the_outer_ones_refutes_its_own():
    same = np.stack([DERIVED] * 3, axis=-1)
    assert verdicts(slope=same, predicted=same)["line-of-its-own"] == "contradicted"


def test_cells_have_a_distance_for_every_width():
    deep = deep_cell((20, 40), np.random.default_rng(0), 0.5, 1.0)["distance"]
    assert deep.shape == (2, 3)
    assert (deep > 0).all()
    assert flat_cell((20, 40), np.random.default_rng(0), 1.0, 0.0)["distance"].shape == (2,)


def test_every_preset_has_the_settings_of_its_class():
    assert all(isinstance(preset, ThreeLayerPlane) for preset in FIGURE.presets.values())
