"""Every made-up course of information is what its name says, and is turned down for that reason."""

import numpy as np
import pytest

from comparisons.adversaries import judged
from comparisons.information_bottleneck import STUDY
from comparisons.information_bottleneck.adversaries import FALSE, TRUE

CASES = {case.name: case for case in (*FALSE, *TRUE)}
ASKED = STUDY.question


def made(name, seed=0, **variation):
    run = CASES[name].run(np.random.default_rng(seed), **variation)
    return run.t, run["about_input"], run["about_label"]


@pytest.mark.parametrize(
    ("name", "outcome", "note"),
    [
        ("constant", "absent", "I(X;T) 5.00 -> 5.00 -> 5.00 bits"),
        ("uniform noise", "unclear", "forgets the label too"),
        ("noise about the input", "unclear", "fluctuates after its peak rather than falls"),
        ("one spike", "absent", "I(X;T) 2.00 -> 2.00 -> 2.00 bits"),
        ("a dip at the end", "absent", "I(X;T) 4.00 -> 4.00 -> "),
        (
            "a narrow spike on a slow fall",
            "unclear",
            "the peak stands on two records only; I(X;T) 4.00 -> 6.00 -> 3.40",
        ),
        ("oscillating", "unclear", "forgets, but never fitted; I(X;T) 6.00 -> 6.00 -> 1.00"),
        ("never fitting", "unclear", "forgets, but never fitted; I(X;T) 6.00 -> 6.00 -> 3.00"),
        ("dying network", "unclear", "forgets the label too; I(X;T) 1.00 -> 6.00 -> 0.00"),
        ("a fall that stops high", "unclear", "I(X;T) 1.00 -> 6.00 -> 5.00 bits, I(Y;T) 1.00 -> 1.00"),
        ("a fall from the estimator's ceiling", "unclear", "at the estimator's ceiling, log2 100 = 6.64 bits"),
        ("fits, then forgets", "shown", "I(X;T) 1.00 -> 6.00 -> 3.00 bits, I(Y;T) 1.00 -> 1.00"),
        ("fits, then forgets, with noise", "shown", "I(X;T) 1."),
        ("forgets fast, then stays", "shown", "I(X;T) 1."),
    ],
)
def test_a_case_is_turned_down_for_what_it_is_called_after(name, outcome, note):
    verdict = judged("information_bottleneck", CASES[name], seed=0)
    assert verdict.outcome == outcome
    assert verdict.note.startswith(note)


@pytest.mark.parametrize("name", CASES)
def test_the_label_is_kept_unless_another_thing_is_said(name):
    _, _, label = made(name)
    if name in ("uniform noise", "random walks", "dying network"):
        assert np.ptp(label) > 0.1
    elif name != "fits, then forgets, with noise":
        assert set(label) == {1.0}


def test_noise_and_walks_are_these_each_drawn_for_itself():
    for name, high in (("uniform noise", 1), ("noise about the input", 5)):
        _, bits, _ = made(name, n_records=4000)
        np.testing.assert_allclose(np.quantile(bits, [0.25, 0.5, 0.75]), high * np.array([0.25, 0.5, 0.75]), rtol=0.1)
    _, bits, label = made("uniform noise", n_records=4000)
    assert abs(np.corrcoef(bits, label)[0, 1]) < 0.05
    for name in ("random walks", "a walk beside a kept label"):
        walks = [made(name, seed)[1] for seed in range(20)]
        assert {walk[0] for walk in walks} == {2.5}
        assert min(map(np.min, walks)) == 0
        assert max(map(np.max, walks)) > 6


def test_spikes_and_dips_are_one_record_or_two():
    _, bits, _ = made("one spike")
    assert np.flatnonzero(bits != 2).tolist() == [20]
    assert bits[20] > 2 / (1 - ASKED.shown_from)
    _, bits, _ = made("a dip at the end")
    assert np.flatnonzero(bits != 4).tolist() == [59]
    assert bits[-1] < 4 * (1 - ASKED.shown_from)
    t, bits, _ = made("a narrow spike on a slow fall")
    assert np.flatnonzero(bits == 6).tolist() == [20, 21]
    np.testing.assert_allclose(np.delete(bits, [20, 21]), np.delete(4 - 0.15 * np.log10(t), [20, 21]))


def test_an_oscillation_is_between_one_bit_and_six():
    _, bits, _ = made("oscillating", n_records=600)
    assert (bits[0], bits[-1], bits.min(), bits.max()) == tuple(pytest.approx(value) for value in (6, 1, 1, 6))
    assert np.count_nonzero(np.diff(np.sign(bits - 3.5))) > 10


@pytest.mark.parametrize(
    ("name", "first", "peak", "last"),
    [
        ("never fitting", 6, 6, 3),
        ("dying network", 1, 6, 0),
        ("a fall that stops high", 1, 6, 5),
        ("a fall from the estimator's ceiling", 1, 6.6, 2.6),
        ("fits, then forgets", 1, 6, 3),
        ("fits, then forgets, with noise", 1, 6, 3),
        ("forgets fast, then stays", 1, 5.4, 3),
    ],
)
def test_information_goes_from_the_first_through_the_peak_to_the_last_number(name, first, peak, last):
    t, bits, _ = made(name, n_records=400, decades=6)
    scatter = 0.2 if "noise" in name or "fast" in name else 0.01
    np.testing.assert_allclose(bits[[0, -1]], [first, last], atol=scatter)
    assert bits.max() == pytest.approx(peak, abs=scatter + 0.02)
    if first != peak:
        assert 10 < t[bits.argmax()] < 200


def test_the_ceiling_is_that_of_a_hundred_samples():
    case = CASES["a fall from the estimator's ceiling"]
    assert case.run(np.random.default_rng(0)).meta == {"samples": 100}
    fewer, more = (type(case)(case.name, case.curves, (("samples", n),)) for n in (100, 1000))
    outcomes = [judged("information_bottleneck", each, 0).outcome for each in (fewer, more)]
    assert outcomes == ["unclear", "shown"]  # nothing else is wrong with it


def test_what_is_true_may_have_noise():
    t, bits, label = made("fits, then forgets, with noise", n_records=4000, decades=6)
    late = t > 1e5
    assert bits[late].std() == pytest.approx(0.05, rel=0.1)
    assert (label[late].mean(), label[late].std()) == (pytest.approx(1, abs=1e-3), pytest.approx(0.01, rel=0.1))
    assert label[0] == pytest.approx(0.2, abs=0.05)
    t, bits, _ = made("forgets fast, then stays", n_records=4000)
    stays = t > 10**2.3
    assert (bits[stays].mean(), bits[stays].std()) == (pytest.approx(3, abs=0.01), pytest.approx(0.05, rel=0.1))
