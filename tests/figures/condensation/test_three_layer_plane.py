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


def test_unfitted_cells_meet_no_claim_and_refute_none_that_they_could_turn():
    plane = np.tile([1.0, -1.0], (20, 1))
    same = {
        "flat_slope": plane.copy(),
        "flat_predicted": plane,
        "slope": np.stack([plane] * 3, axis=-1),
        "predicted": np.stack([plane] * 3, axis=-1),
    }

    def judged(cells, fitted=np.nan):
        changed = {name: values.copy() for name, values in same.items()}
        changed["flat_slope"][:cells, 0] = changed["slope"][:cells, 0] = fitted
        return {claim.key.partition(".")[2]: claim.judge(changed) for claim in FIGURE.claims}

    assert judged(2, -1.0)["line-of-its-own"].verdict == "contradicted"  # 38 of 40 are more than .9
    own = judged(5)["line-of-its-own"]  # 35 of 40 are less, but none of them is known to lie on another line
    assert (own.verdict, own.median) == ("open", 1)
    assert judged(3)["line-of-its-own"].verdict == "contradicted"
    assert judged(20)["two-layers"].verdict == judged(20)["each-layer"].verdict == "open"
    assert judged(20)["two-layers"].median == 0.5
    assert judged(2)["two-layers"].verdict == "open"  # 38 of 40 are .95
    assert judged(2, -1.0)["two-layers"].verdict == judged(2, -1.0)["each-layer"].verdict == "contradicted"
    unfitted = {**same, "slope": np.where(np.arange(20)[:, None, None] < 12, np.nan, same["slope"])}
    exponents = next(claim for claim in FIGURE.claims if claim.key.endswith("exponents"))
    assert exponents.judge(unfitted).verdict == "open"
    assert exponents.judge(unfitted).median == 1
    assert exponents.judge({**same, "slope": np.full((20, 2, 3), np.nan)}).verdict == "open"


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
