import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.neurashed import Additive, Frozen, Multiplicative, Stochastic, graphs
from toymodels.neurashed.rules import batch_frequency, mean_log_rate


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Multiplicative(1.0), r"a must be > 1 so that g\+\(x\) > x"),
        (lambda: Multiplicative(1.1, 1.2), r"b must be in \(0, 1\]"),
        (lambda: Multiplicative(1.1, 0.0), r"b must be in \(0, 1\]"),
        (lambda: Multiplicative(np.nan), "a must be finite"),
        (lambda: Multiplicative(lambda step: 1.1, np.inf), "b must be finite"),
        (lambda: Additive(0.0), "c must be > 0"),
        (lambda: Additive(1.0, 1.1), r"b must be in \[0, 1\]"),
        (lambda: Additive(1.0, -0.1), r"b must be in \[0, 1\]"),
        (lambda: Stochastic(Additive(1.0), 0.0), "probability must be > 0"),
        (lambda: Stochastic(Additive(1.0), 1.5), "probability must be in"),
        (lambda: Stochastic(Frozen(), 0.5), "rule must be Multiplicative or Additive"),
    ],
)
def test_rules_that_do_not_grow_or_shrink_as_they_must_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@given(st.floats(1.001, 3), st.floats(0.3, 1), st.floats(0, 1))
def test_the_mean_rate_changes_sign_at_its_critical_frequency(a, b, share):
    rule = Multiplicative(a, b)
    critical = np.log(1 / b) / np.log(a / b)
    assert_allclose(mean_log_rate(rule, critical), 0, atol=1e-15)
    assert mean_log_rate(rule, share) == pytest.approx(share * np.log(a) + (1 - share) * np.log(b))


def test_a_node_grows_at_the_mean_rate_in_simulation():
    task = graphs.three_class()
    rule = Multiplicative(1.1, 0.95)
    replicates, n_steps = 200, 100
    run = task.model.train(
        task.inputs,
        task.labels,
        rule,
        n_steps=n_steps,
        rng=np.random.default_rng(0),
        initial=1.0,
        batch_size=2,
        replicates=replicates,
        scale="log",
        every=n_steps,
    )
    growth = run["log_amplification"][-1] / n_steps
    frequency = batch_frequency(task.model.firing_table(task.inputs).mean(axis=0), 2)
    error = np.sqrt(frequency * (1 - frequency) / (n_steps * replicates)) * np.log(1.1 / 0.95)
    assert (np.abs(growth.mean(axis=0) - mean_log_rate(rule, frequency)) < MONTE_CARLO * error).all()


def test_a_frequency_outside_0_1_or_a_changing_rule_has_no_mean_rate():
    with pytest.raises(ValueError, match="frequency"):
        mean_log_rate(Multiplicative(1.1), 1.5)
    with pytest.raises(ValueError, match="constant"):
        mean_log_rate(Multiplicative(lambda step: 1.1), 0.5)


def test_batch_frequency_is_the_chance_of_at_least_one():
    assert_allclose(batch_frequency(0.5, 3), 1 - 0.5**3, **EXACT)
