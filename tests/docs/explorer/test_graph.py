"""The graph's dynamics in JavaScript are those of the suite, step by step, on recorded runs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from docs.explorer.pages import GRAPHS
from tests.docs.explorer.scripts import Script
from toymodels.neurashed import Additive, Multiplicative, Stochastic, local_elasticity

TITLES = list(GRAPHS)
RULES = {
    "multiplicative": (0, {"grow": 1.07, "fade": 0.96}, Multiplicative(1.07, 0.96), 1e-12),
    "additive": (1, {"grow": 0.3, "fade": 0.97}, Additive(0.3, 0.97), 0),
}


@pytest.fixture(scope="module")
def script():
    return Script("graph")


def recorded(title, rule, size, steps=60):
    """A task, an order of batches, and the suite's run over it."""
    task = GRAPHS[title]()
    rng = np.random.default_rng(size)
    order = rng.integers(len(task.labels), size=(steps, size))
    run = task.model.train(task.inputs, task.labels, rule, n_steps=steps, rng=rng, initial=1.0, order=list(order))
    return task, order, run


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("title", TITLES)
def test_every_step_is_the_suites(script, title, rule, size):
    which, rates, python, error = RULES[rule]
    _, order, run = recorded(title, python, size)
    k = TITLES.index(title)
    found = np.array(script.run(f"train(DATA.graphs[{k}], RULES[{which}], {rates}, 1, {order.tolist()})"))
    exact = np.hstack([run["amplification"], run["edge_weights"]])
    assert_allclose(found, exact, rtol=error, atol=0)  # bit for bit where nothing is a logarithm


class Given(np.random.Generator):
    """A generator that draws the rows it was given."""

    def __init__(self, rows):
        super().__init__(np.random.PCG64(0))
        self._rows = iter(rows)

    def random(self, size):
        row = next(self._rows)
        assert len(row) == size
        return np.array(row)


@pytest.mark.parametrize("chance", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("title", TITLES)
def test_a_stochastic_rule_given_the_same_coins_takes_the_suites_steps(script, title, rule, chance):
    which, rates, python, error = RULES[rule]
    task, order, certain = recorded(title, python, 2)
    coins = np.random.default_rng(8).random((len(order), len(task.model.nodes) + len(task.model.edges)))
    rule = Stochastic(python, chance)
    run = task.model.train(
        task.inputs, task.labels, rule, n_steps=len(order), rng=Given(coins), initial=1.0, order=list(order)
    )
    k = TITLES.index(title)
    call = f"train(DATA.graphs[{k}], RULES[{which}], {rates}, 1, {order.tolist()}, {coins.tolist()}, {chance})"
    exact = np.hstack([run["amplification"], run["edge_weights"]])
    assert_allclose(np.array(script.run(call)), exact, rtol=error, atol=0)
    assert (chance == 1) == np.array_equal(run["amplification"], certain["amplification"])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("title", TITLES)
def test_logits_probabilities_and_elasticity_are_the_suites(script, title, rule):
    which, rates, python, error = RULES[rule]
    task, _, run = recorded(title, python, 2)
    state = run["amplification"][-1], run["edge_weights"][-1]
    values, k = np.concatenate(state).tolist(), TITLES.index(title)
    samples = range(len(task.labels))
    found = [script.run(f"logits(DATA.graphs[{k}], {values}, {i})") for i in samples]
    firing = task.model.fire(task.inputs)
    assert_allclose(found, task.model.logits(*state, firing), rtol=error, atol=0)
    shares = [script.run(f"probabilities({row})") for row in found]
    assert_allclose(shares, task.model.predict(*state, firing), rtol=1e-12, atol=1e-300)
    moved = [script.run(f"elasticity(DATA.graphs[{k}], RULES[{which}], {rates}, {values}, {i})") for i in samples]
    expected = local_elasticity(task.model, state, task.inputs, task.inputs, rule=python, labels=task.labels)
    # a change is a difference of logits
    assert_allclose(moved, expected, rtol=1e-10, atol=1e-10)


def test_batches_are_drawn_evenly_and_again_alike(script):
    order = np.array(script.call("draw", 4, 5, 2000, 3))
    assert order.shape == (2000, 5)
    assert_allclose(np.bincount(order.ravel()) / order.size, 0.25, atol=4 * np.sqrt(0.25 * 0.75 / order.size))
    assert np.array_equal(order, script.call("draw", 4, 5, 2000, 3))
    assert not np.array_equal(order, script.call("draw", 4, 5, 2000, 4))
    lagged = np.corrcoef(order.ravel()[:-1], order.ravel()[1:])[0, 1]
    assert abs(lagged) < 4 / np.sqrt(order.size)


def test_coins_are_even_again_alike_and_not_those_of_the_batches(script):
    coins = np.array(script.call("toss", 30, 500, 3))
    assert coins.shape == (500, 30)
    assert ((coins > 0) & (coins < 1)).all()
    shares = np.histogram(coins, 10, (0, 1))[0] / coins.size
    assert_allclose(shares, 0.1, atol=4 * np.sqrt(0.1 * 0.9 / coins.size))
    assert np.array_equal(coins, script.call("toss", 30, 500, 3))
    flat = coins.ravel()
    for other in (np.array(script.call("toss", 30, 500, 4)).ravel(), np.roll(flat, 1), np.roll(flat, 30)):
        assert abs(np.corrcoef(flat, other)[0, 1]) < 4 / np.sqrt(flat.size)
    batches = np.array(script.call("draw", 2**20, 30, 500, 3)).ravel()
    assert abs(np.corrcoef(flat, batches)[0, 1]) < 4 / np.sqrt(flat.size)


@pytest.mark.parametrize("chance", [1.0, 0.35])
def test_what_the_page_shows_is_what_its_batches_and_coins_make(script, chance):
    state = {"graph": 0, "rule": 0, "grow": 0.04, "fade": 0.98, "batch": 2, "seed": 5, "step": 30, "input": 1}
    read = script.call("PAGE.compute", state | {"chance": chance})["read"]
    task = GRAPHS[TITLES[0]]()
    order = script.call("draw", len(task.labels), 2, 120, 5)[:30]
    n_units = len(task.model.nodes) + len(task.model.edges)
    coins = np.array(script.call("toss", n_units, 120, 5))[:30]
    rule = Stochastic(Multiplicative(1.04, 0.98), chance)
    run = task.model.train(task.inputs, task.labels, rule, n_steps=30, rng=Given(coins), initial=1.0, order=order)
    last, firing = (run["amplification"][-1], run["edge_weights"][-1]), task.model.fire(task.inputs)
    label = task.labels[1]
    assert read["logit"] == pytest.approx(task.model.logits(*last, firing)[1, label], rel=1e-12)
    assert read["probability"] == pytest.approx(task.model.predict(*last, firing)[1, label], rel=1e-12)
    assert read["last"] == ", ".join(task.names[i] for i in order[-1])
    assert read["followed"] == f"{(coins[-1] < chance).sum()} of {n_units}"
