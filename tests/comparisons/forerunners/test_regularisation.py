"""The ensembles that drift to simpler solutions: every curve of a run, from states of the same drift."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import root

from comparisons.forerunners import regularisation
from comparisons.forerunners.regularisation import Condensation, Layerwise, condensation, layerwise
from comparisons.implicit_regularisation import STUDY
from comparisons.order_parameters.probes import SAMPLES
from toymodels.condensation import TwoLayerNetwork
from toymodels.condensation.label_noise import descend_to_loss, effective_directions, paired_start
from toymodels.condensation.label_noise import label_noise_descent as network_descent
from toymodels.layerwise import SparseRegression, label_noise_descent

SPARSE = Layerwise(
    dim=12, samples=8, active=2, start=0.4, lr=0.02, batch=2, steps=200, records=5, lr_spread=1.0, start_spread=1.0
)
LARGER = replace(SPARSE, dim=30, samples=24)  # so that in every draw there are both classes
RELU = Condensation(
    dim=3, samples=8, width=6, lr=0.03, batch=2, noise=0.5, steps=120, loss=0.02, records=4, lr_spread=1.0
)


def in_use(weights):
    return np.abs(weights).sum() ** 2 / (weights**2).sum()


def interpolator(x, y, beta, start):
    """Where the flow of u^2 - v^2 ends: w = 2 beta^2 sinh(x' nu + arcsinh(start / 2 beta^2)) with x w = y."""
    shift = np.arcsinh(start / (2 * beta**2))

    def end(nu):
        return 2 * beta**2 * np.sinh(x.T @ nu + shift)

    found = root(lambda nu: x @ end(nu) - y, np.zeros(len(y)), tol=1e-12)
    assert found.success
    return end(found.x)


def test_the_curves_of_a_diagonal_network_are_those_of_its_drift():
    run = layerwise(SPARSE, np.random.default_rng(6))
    rng = np.random.default_rng(6)
    rng.random(2)  # the spreads, which are none
    x, y, _ = SparseRegression(12, 8, 2, 0.4, 0.0).sample(rng)
    steps = np.unique(np.rint(np.geomspace(200 / 300, 200, 5)).astype(int))
    drift = label_noise_descent(x, y, 0.4, 200, 0.02, 2, SPARSE.noise, rng, steps.tolist())
    assert run.t.tolist() == steps.tolist()
    full = in_use(interpolator(x, y, np.full(12, 0.4), 0.0))
    expected = {name: [] for name in ("test", "effective_start", "inputs_in_use", "loss", "trace", "weight_norm")}
    for k in range(1, len(drift.t)):
        u, v = drift["u"][k], drift["v"][k]
        w, beta = u**2 - v**2, np.sqrt(u * v)
        slopes = np.hstack([2 * u * x, -2 * v * x])  # of the outputs by the weights, a row a sample
        expected["test"].append(np.log10(full / in_use(interpolator(x, y, beta, w))))
        expected["effective_start"].append(np.prod(beta) ** (1 / 12))
        expected["inputs_in_use"].append(in_use(w))
        expected["loss"].append(((x @ w - y) ** 2).sum() / (2 * 8))
        expected["trace"].append((slopes**2).sum() / 8)
        expected["weight_norm"].append(np.sqrt((u**2 + v**2).sum()))
    for name, values in expected.items():
        np.testing.assert_allclose(run[name], values, rtol=1e-6, err_msg=name)
    assert (run["train"] == 1).all()
    assert run.meta["order"][:4] == ["effective_start", "inputs_in_use", "loss", "trace"]
    assert run.meta["train_level"] == 1
    assert run.meta["test_level"] == STUDY.question.shown_from  # the event is where the study's score is shown


def test_the_curves_of_a_network_are_those_of_its_drift():
    run = condensation(RELU, np.random.default_rng(7))
    rng = np.random.default_rng(7)
    rng.random()
    teacher = rng.standard_normal((2, 3))
    x, _ = rng.standard_normal((8, 3)), rng.standard_normal((SAMPLES, 3))
    y = sum(np.maximum(x @ direction / np.linalg.norm(direction), 0) for direction in teacher)
    start = paired_start(6, 3, rng)
    steps = np.unique(np.rint(np.geomspace(120 / 100, 120, 4)).astype(int))
    drift = network_descent(start, x, y, 120, 0.03, 2, 0.5, rng, steps.tolist())
    assert run.t.tolist() == steps.tolist()
    a, w = descend_to_loss(drift["a"], drift["w"], x, y, 0.02, 0.1)
    directions = [effective_directions(TwoLayerNetwork(*pair)) for pair in zip(a, w, strict=True)]
    np.testing.assert_allclose(run["test"], np.log10(directions[0] / np.array(directions[1:])))
    for k, (outer, inner) in enumerate(zip(drift["a"][1:], drift["w"][1:], strict=True)):
        network = TwoLayerNetwork(outer, inner)
        assert run["directions_now"][k] == pytest.approx(effective_directions(network))
        assert run["loss"][k] == pytest.approx(((network(x) - y) ** 2).mean() / 2)
        gradients = [np.concatenate([np.ravel(g) for g in slopes(network, sample)]) for sample in x]
        assert run["trace"][k] == pytest.approx(np.mean([gradient @ gradient for gradient in gradients]))
        assert run["weight_norm"][k] == pytest.approx(np.sqrt((outer**2).sum() + (inner**2).sum()))
    assert (run["train"] == 1).all()
    assert run.meta["silent"]["elasticity"] == regularisation.DEAD
    assert "elasticity" not in run.meta["order"]


def slopes(network, sample):
    """Of the output for one sample by the outer weights and by the inner ones."""
    padded = np.r_[sample, 1.0]
    fields = network.w @ padded
    return np.maximum(fields, 0), (network.a * (fields > 0))[:, None] * padded


@pytest.mark.parametrize(("made", "settings"), [(layerwise, LARGER), (condensation, RELU)])
def test_a_slower_rate_is_given_as_many_more_steps_as_its_square(made, settings):
    """Complexity falls along lr^2 T, so that every run of an ensemble goes equally far."""
    lengths = []
    for seed in range(4):
        run = made(replace(settings, lr_spread=2.0, records=2), np.random.default_rng(seed))
        factor = 2.0 ** (np.random.default_rng(seed).random() - 0.5)
        assert run.t[-1] == round(settings.steps / factor**2)
        lengths.append(run.t[-1])
    assert max(lengths) > 1.5 * min(lengths)


@pytest.mark.parametrize(("made", "settings"), [(layerwise, LARGER), (condensation, RELU)])
def test_a_batch_is_at_most_all_samples(made, settings):
    runs = [
        made(replace(settings, batch=batch, records=2), np.random.default_rng(1)) for batch in (settings.samples, 1000)
    ]
    np.testing.assert_array_equal(runs[0]["loss"], runs[1]["loss"])
