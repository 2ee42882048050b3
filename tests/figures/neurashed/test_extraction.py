import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.neurashed.extraction import (
    FIGURE,
    Extraction,
    agreements,
    compute,
    inner_products,
    lengths,
    middle,
    of_each_class,
)
from figures.neurashed.extraction_claims import above_random, amount, explained, trend
from toymodels.run.sweep import sweep

SMALL = Extraction(
    architectures=("784-20-15-10", "784-20-10"),
    n_steps=40,
    more_steps=20,
    epochs=1,
    replicates=1,
    draws=3,
    early_steps=20,
    bases=2,
    tests=3,
)


@pytest.fixture(scope="module")
def data():
    return compute(SMALL, np.random.default_rng(0), sweep)


def test_a_small_figure_is_judged_and_drawn(data):
    judged = {claim.key: claim for claim in FIGURE.judge(data)}
    assert judged["extraction.together-shuffled"].verdict == "reproduced"
    assert judged["extraction.rules"].replicates == 1  # of the one architecture with nodes above the first layer
    assert judged["extraction.elasticity"].replicates == 2
    axes = FIGURE.draw(data, SMALL).axes
    assert len(axes) == 6
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in axes)


def test_the_picture_takes_numbers_as_the_store_has_them(data):
    floats = {name: np.asarray(values, dtype=float) for name, values in data.items()}
    assert FIGURE.draw(floats, SMALL).axes


def test_samples_are_taken_class_by_class():
    labels = np.array([1, 0, 0, 1, 0, 1])
    assert of_each_class(labels, 1, 2).tolist() == [2, 4, 3, 5]


def test_the_inputs_say_what_a_linear_classifier_does():
    x = np.array([[1.0, 0.0], [0.0, 2.0], [2.0, 0.0], [1.0, 1.0]])
    labels, rows = np.array([0, 1, 0, 1]), np.arange(4)
    assert_allclose(inner_products(x, labels, rows[:2], rows[2:]), [[2.0, 1.0], [0.0, 0.5]])


def test_agreements_are_of_the_values_and_of_the_pairs():
    rng = np.random.default_rng(0)
    pairs, columns = np.exp(rng.normal(size=(6, 6))), np.exp(4 * rng.normal(size=6))
    found = agreements({"graph": pairs, "in class": None, "inputs": np.eye(6)}, pairs * columns)
    assert found["paired_graph"] == pytest.approx(1.0)
    assert found["agreement_graph"] < 0.9
    assert found["agreement_in_class"] == found["paired_in_class"] == found["paired_inputs"] == 0.0


def test_lengths_are_equal_updates_and_equal_epochs():
    assert lengths(Extraction(more_steps=7, epochs=3), 1000, 64) == (7, 48)
    assert lengths(Extraction(more_steps=7, epochs=3), 1000, 1) == (7, 3000)


def test_layers_count_alike_in_the_middle():
    assert middle(np.array([4.0, 9.0])) == pytest.approx(6.0)


def test_quantities_of_the_claims():
    ratios = np.ones((1, 2, 2, 3))  # architecture, replicate, kind, batch size
    predicted, measured = ratios.copy(), ratios.copy()
    predicted[0, :, :, -1] = np.e**2
    measured[0, 0, :, -1], measured[0, 1, :, -1] = np.e, np.exp(-1.0)
    data = {"predicted_ratio": predicted, "measured_ratio": measured}
    assert_allclose(trend(1)(data), [1.0, -1.0])
    assert_allclose(trend(0)({**data, "predicted_ratio": 1 / predicted}), [-1.0, 1.0])
    assert_allclose(amount(data), [0.5, -0.5])
    assert_allclose(amount({name: 3.0 * values for name, values in data.items()}), [0.5, -0.5])  # ratios of ratios
    measured[0, :, 1, -1] = 7.0  # of equal epochs, which the amount leaves out
    assert_allclose(amount(data), [0.5, -0.5])
    assert_allclose(trend(0)(data), [1.0, -1.0])
    assert_allclose(trend(1)(data), np.log([7.0, 7.0]))
    random = np.linspace(0, 1, 101)[None, None]
    assert_allclose(above_random({"dominant": np.array([[0.97]]), "random": random}), [0.02])
    assert explained({"explained": np.array([[0.5, 0.7], [-1.0, -1.0]])}).tolist() == [0.5, 0.7]


def test_runs_without_a_predicted_slope_are_left_out_and_none_with_one_leaves_the_amount_open():
    ratios = np.ones((1, 3, 2, 3))
    predicted, measured = ratios.copy(), np.e * ratios
    measured[..., 0] = 1
    predicted[0, :2, 0, -1] = np.e, np.e**4
    data = {"predicted_ratio": predicted, "measured_ratio": measured}
    assert_allclose(amount(data), [1, 0.25])
    claims = {claim.key.partition(".")[2]: claim for claim in FIGURE.claims}
    assert claims["batch-size-amount"].judge({**data, "predicted_ratio": ratios}).verdict == "open"
    assert claims["batch-size-amount"].judge({**data, "measured_ratio": ratios}).verdict == "contradicted"


def test_networks_of_one_hidden_layer_leave_open_what_rules_explain():
    (claim,) = (claim for claim in FIGURE.claims if claim.key.endswith(".rules"))
    assert claim.judge({"explained": np.full((2, 3), -1.0)}).verdict == "open"
    assert claim.judge({"explained": np.zeros((2, 3))}).verdict == "contradicted"
