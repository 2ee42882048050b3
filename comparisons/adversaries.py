"""Curves that must never be called `shown`, and true ones that must not be missed, for every study's judge.

`python -m comparisons adversaries` prints how often each study's judge is deceived, over many draws of one run each.
A study's verdict rests on several replicates whose conditions all must hold, so that chance deceives it less often.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.verdict import Verdict
from toymodels.trajectory import Trajectory
from toymodels.validation import positive_int

Curves = Mapping[str, np.ndarray]
Maker = Callable[[np.ndarray, np.random.Generator], Curves]
Curve = Callable[[np.ndarray, np.random.Generator], Any]
NAME = "adversaries"
DRAWS = 200


@dataclass(frozen=True)
class Case:
    """A run as a study's judge sees it.

    Parameters
    ----------
    name : str
        What it is.
    curves : callable (t, rng) -> mapping of str to (n_t,) array
        The quantities of a run at the times t.
    meta : tuple of (str, value), optional
        What the run says besides.
    """

    name: str
    curves: Maker
    meta: tuple = ()

    def run(self, rng: np.random.Generator, n_records: int = 60, decades: float = 4.0, power: float = 1.0):
        """One run; the clock may be raised to a power.

        Parameters
        ----------
        rng : numpy.random.Generator
        n_records : int
        decades : float
            Length of the run from t = 1 on, before the clock is changed.
        power : float

        Returns
        -------
        Trajectory
        """
        t = np.geomspace(1, 10**decades, n_records)
        return Trajectory(t**power, dict(self.curves(t, rng)), clock="step", meta=dict(self.meta))


def rise(t: np.ndarray, half: float, low: float = 0.1, high: float = 1.0) -> np.ndarray:
    """A sigmoid in log time from `low` to `high`, half-way at t = `half`."""
    return low + (high - low) / (1 + (half / t) ** 4)


def walk(t: np.ndarray, rng: np.random.Generator, start: float = 0.5, low: float = -np.inf, high: float = np.inf):
    """A random walk from `start` with steps of a random size, clipped."""
    steps = rng.choice([0.02, 0.05, 0.1, 0.2]) * rng.standard_normal(len(t) - 1)
    return np.clip(start + np.concatenate([[0.0], np.cumsum(steps)]), low, high)


def spike(t: np.ndarray, where: int, base: float, height: float) -> np.ndarray:
    """A constant but for one record."""
    curve = np.full(len(t), base)
    curve[where] = height
    return curve


def narrow(curve: np.ndarray, where: int, height: float) -> np.ndarray:
    """A curve with a spike of two records."""
    curve = curve.copy()
    curve[where : where + 2] = height
    return curve


def wave(t: np.ndarray, start: float, end: float, records: int = 10) -> np.ndarray:
    """An oscillation between `start` and `end` with a period of about so many records."""
    halves = 2 * (len(t) // records) + 1
    return (start + end) / 2 + (start - end) / 2 * np.cos(np.pi * halves * np.linspace(0, 1, len(t)))


def _both(train: Curve | None = None, test: Curve | None = None) -> Maker:
    def curves(t, rng):
        return {
            "train": train(t, rng) if train else rise(t, 10),
            "test": test(t, rng) if test else rise(t, 10, 0.1, 0.9),
        }

    return curves


def _same(curve: Curve, *names: str, **more: float) -> Maker:
    def curves(t, rng):
        return {name: curve(t, rng) for name in names} | {n: np.full(len(t), v) for n, v in more.items()}

    return curves


def _share(t, rng):
    return walk(t, rng, rng.random(), 0, 1)


def _proportional(t, rng):
    train = rise(t, 10)
    return {"train": train, "test": 0.955 * train}


GROKKING = [
    Case("constant", _same(lambda t, rng: np.full(len(t), 0.97), "train", "test")),
    Case("random", _same(lambda t, rng: rng.random(len(t)), "train", "test")),
    Case("random walks", _same(_share, "train", "test")),
    Case("a walk after a true fit", _both(test=_share)),
    Case("one early spike", _both(test=lambda t, rng: spike(t, len(t) // 3, 0.1, 1.0))),
    Case("a spike at the end", _both(test=lambda t, rng: spike(t, -1, 0.1, 1.0))),
    Case("test proportional to train", _proportional),
    Case("creeping through the level", _both(test=lambda t, rng: rise(t, 10, 0.1, 0.949) + 0.002 * (t > 1000))),
    Case("never fitting", _both(train=lambda t, rng: rise(t, 10, 0.1, 0.9), test=lambda t, rng: rise(t, 1000))),
    Case("never generalising", _both(test=lambda t, rng: 0.1 + 0.02 * rng.random(len(t)))),
    Case("starting at the answer", _same(lambda t, rng: np.ones(len(t)), "train", "test")),
    Case("trained from the first record on", _both(lambda t, rng: np.ones(len(t)), lambda t, rng: rise(t, 1000))),
    Case("oscillating", _both(test=lambda t, rng: wave(t, 0.1, 1.0))),
    Case("dying network", _both(lambda t, rng: rise(t, 10) - rise(t, 1000, 0, 0.9), lambda t, rng: rise(t, 100))),
]
INFORMATION = [
    Case("constant", _same(lambda t, rng: np.full(len(t), 5.0), "about_input", about_label=1.0)),
    Case("uniform noise", _same(lambda t, rng: rng.random(len(t)), "about_input", "about_label")),
    Case("noise about the input", _same(lambda t, rng: 5 * rng.random(len(t)), "about_input", about_label=1.0)),
    Case("random walks", _same(lambda t, rng: 5 * walk(t, rng, 0.5, 0), "about_input", "about_label")),
    Case("one spike", _same(lambda t, rng: spike(t, len(t) // 3, 2.0, 6.0), "about_input", about_label=1.0)),
    Case("a dip at the end", _same(lambda t, rng: spike(t, -1, 4.0, 1.0), "about_input", about_label=1.0)),
    Case(
        "a narrow spike on a slow fall",
        _same(lambda t, rng: narrow(4 - 0.15 * np.log10(t), len(t) // 3, 6.0), "about_input", about_label=1.0),
    ),
    Case("oscillating", _same(lambda t, rng: wave(t, 6.0, 1.0), "about_input", about_label=1.0)),
    Case("never fitting", _same(lambda t, rng: 6 - rise(t, 1000, 0, 3), "about_input", about_label=1.0)),
    Case(
        "dying network",
        _same(lambda t, rng: rise(t, 10, 1, 6) - rise(t, 1000, 0, 6), "about_input", "about_label"),
    ),
    Case(
        "a fall that stops high",
        _same(lambda t, rng: rise(t, 10, 1, 6) - rise(t, 1000, 0, 1), "about_input", about_label=1.0),
    ),
    Case(
        "a fall from the estimator's ceiling",
        _same(lambda t, rng: rise(t, 10, 1, 6.6) - rise(t, 1000, 0, 4), "about_input", about_label=1.0),
        (("samples", 100),),
    ),
]


def _elastic(contrast: Curve, start: float = 0.1, fitted: bool = True) -> Maker:
    def curves(t, rng):
        both = {"contrast": np.asarray(contrast(t, rng)), "start_contrast": np.full(len(t), start)}
        return both | ({"train": rise(t, 10)} if fitted else {})

    return curves


ELASTICITY = [
    Case("constant", _elastic(lambda t, rng: np.full(len(t), 0.1))),
    Case("random", _elastic(lambda t, rng: 0.1 + 0.3 * rng.standard_normal(len(t)))),
    Case("uniform noise", _elastic(lambda t, rng: rng.random(len(t)) - 0.4)),
    Case("random walk", _elastic(lambda t, rng: walk(t, rng, 0.1))),
    Case("random walk, no training score", _elastic(lambda t, rng: walk(t, rng, 0.1), fitted=False)),
    Case("noise, no training score", _elastic(lambda t, rng: rng.random(len(t)) - 0.4, fitted=False)),
    Case("untrained kernel", _elastic(lambda t, rng: np.full(len(t), 1.2), start=1.2)),
    Case("starting at the answer", _elastic(lambda t, rng: 0.8 + 0.01 * rng.random(len(t)), start=0.8)),
    Case("at another level all along", _elastic(lambda t, rng: np.full(len(t), 0.6))),
    Case("oscillating", _elastic(lambda t, rng: wave(t, 0.1, 0.6))),
    Case("a spike at the end", _elastic(lambda t, rng: spike(t, -1, 0.1, 1.0))),
    Case("one early spike", _elastic(lambda t, rng: spike(t, len(t) // 4, 0.1, 1.0))),
    Case("dying network", _elastic(lambda t, rng: rise(t, 5, 0.1, 0.5) - rise(t, 1000, 0, 0.4))),
    Case("after the fit only", _elastic(lambda t, rng: rise(t, 2000, 0.1, 0.6))),
]


def _collapsing(ratio: Curve, angle: Curve | None = None, train: Curve | None = None) -> Maker:
    def curves(t, rng):
        return {
            "train": train(t, rng) if train else np.minimum(1.01 * rise(t, 10), 1.0),
            "within_between": np.asarray(ratio(t, rng)),
            "nc2_angle": np.asarray(angle(t, rng)) if angle else rise(t, 200, 0.5, 0.02),
        }

    return curves


def _fitted(t: np.ndarray) -> int:
    """The record from which on the usual training score is 1."""
    return int(np.flatnonzero(1.01 * rise(t, 10) >= 1)[0])


def _falling(t, rng):
    return 10 ** rise(t, 300, 0.0, -2.0)


COLLAPSE = [
    Case("constant", _collapsing(lambda t, rng: np.full(len(t), 0.5))),
    Case("random", _collapsing(lambda t, rng: 10.0 ** rng.normal(-1, 1, len(t)))),
    Case("uniform noise", _collapsing(lambda t, rng: rng.random(len(t)) + 1e-6, lambda t, rng: rng.random(len(t)))),
    Case("random walk", _collapsing(lambda t, rng: 10 ** walk(t, rng, 0.0), lambda t, rng: walk(t, rng, 0.5, 0, 1))),
    Case("a spike at the end", _collapsing(lambda t, rng: spike(t, -1, 1.0, 1e-3))),
    Case("a narrow spike at the fit", _collapsing(lambda t, rng: narrow(0 * t + 0.05, _fitted(t), 1.0))),
    Case("oscillating", _collapsing(lambda t, rng: 10 ** wave(t, 0.0, -2.0))),
    Case("never fitting", _collapsing(_falling, train=lambda t, rng: rise(t, 10, 0.1, 0.99))),
    Case("starting at the answer", _collapsing(lambda t, rng: np.full(len(t), 1e-3), lambda t, rng: 0 * t + 0.01)),
    Case("variability without simplex", _collapsing(_falling, lambda t, rng: 0 * t + 0.385)),
    Case("a fall that stops high", _collapsing(lambda t, rng: 1e3 * 10 ** rise(t, 300, 0.0, -1.0))),
    Case("dying network", _collapsing(_falling, train=lambda t, rng: rise(t, 10) - rise(t, 1000, 0, 0.9))),
    Case("two classes", _collapsing(_falling, lambda t, rng: 0 * t), (("classes", 2),)),
]
FALSE = {
    "grokking": GROKKING,
    "information_bottleneck": INFORMATION,
    "local_elasticity": ELASTICITY,
    "neural_collapse": COLLAPSE,
}


def _noisy(curve: np.ndarray, rng: np.random.Generator, size: float) -> np.ndarray:
    return np.clip(curve + size * rng.standard_normal(len(curve)), 0, 1)


TRUE = {
    "grokking": [
        Case("late rise to .88", _both(test=lambda t, rng: rise(t, 1000, 0.5, 0.88))),
        Case("delay with noise", _both(*(lambda t, rng, h=h: _noisy(rise(t, h), rng, 0.03) for h in (10, 1000)))),
        Case("a sudden delay", _both(lambda t, rng: (t >= 10) * 1.0, lambda t, rng: (t >= 1000) * 1.0)),
    ],
    "information_bottleneck": [
        Case(
            "fits, then forgets",
            _same(lambda t, rng: rise(t, 10, 1, 6) - rise(t, 1000, 0, 3), "about_input", about_label=1.0),
        ),
        Case(
            "fits, then forgets, with noise",
            lambda t, rng: {
                "about_input": rise(t, 10, 1, 6) - rise(t, 1000, 0, 3) + 0.05 * rng.standard_normal(len(t)),
                "about_label": rise(t, 10, 0.2, 1) + 0.01 * rng.standard_normal(len(t)),
            },
        ),
        Case(
            "forgets fast, then stays",
            lambda t, rng: {
                "about_input": rise(t, 10, 1, 6)
                - 3 * np.clip(np.log10(t) - 1.2, 0, 1)
                + 0.05 * rng.standard_normal(len(t)),
                "about_label": np.ones(len(t)),
            },
        ),
    ],
    "local_elasticity": [
        Case("learned by the fit", _elastic(lambda t, rng: rise(t, 5, 0.1, 0.5))),
        Case("learned, without a training score", _elastic(lambda t, rng: rise(t, 5, 0.1, 0.5), fitted=False)),
        Case("with noise", _elastic(lambda t, rng: rise(t, 5, 0.1, 0.5) + 0.02 * rng.standard_normal(len(t)))),
    ],
    "neural_collapse": [
        Case("collapses", _collapsing(_falling)),
        Case("with noise", _collapsing(lambda t, rng: _falling(t, rng) * 10 ** (0.05 * rng.standard_normal(len(t))))),
    ],
}
VARIATIONS = {
    "as it is": {},
    "20 records": {"n_records": 20},
    "200 records": {"n_records": 200},
    "500 records": {"n_records": 500},
    "clock squared": {"power": 2.0},
    "root of the clock": {"power": 0.5},
    "a decade more": {"decades": 5.0},
}


def judged(study: str, case: Case, seed: int, runs: int = 1, **variation) -> Verdict:
    """The study's verdict on runs of a case.

    Parameters
    ----------
    study : str
        Name of a study.
    case : Case
    seed : int
        Of the draws; run k draws from (seed, k).
    runs : int
        How many replicates.
    **variation
        Of :meth:`Case.run`.

    Returns
    -------
    Verdict
    """
    asked = importlib.import_module(f"comparisons.{study}").STUDY
    drawn = [case.run(np.random.default_rng((seed, k)), **variation) for k in range(runs)]
    return asked.judge(drawn, asked.presets["quick"].question)


def table(draws: int = DRAWS) -> str:
    """How often every case is called shown, and why not, as text.

    Parameters
    ----------
    draws : int
        Of one run each.

    Returns
    -------
    str
    """
    lines = []
    for kind, cases in (("must never be shown", FALSE), ("must not be missed", TRUE)):
        lines += ["", f"{kind}: share of {draws} single runs called shown, outcome and reason of the first"]
        for study, listed in cases.items():
            for case in listed:
                verdicts = [judged(study, case, seed) for seed in range(draws)]
                share = np.mean([verdict.outcome == "shown" for verdict in verdicts])
                why = f"{verdicts[0].outcome}: {verdicts[0].note}".removesuffix(": ")
                lines.append(f"  {study.replace('_', ' '):22}  {case.name:36}  {share:5.3f}  {why}")
    return "\n".join(lines[1:])


def main(argv: Sequence[str] = ()) -> int:
    """Print the table and return 0; it judges the judges, and fails nothing.

    Parameters
    ----------
    argv : sequence of str
        Arguments after the command's name.
    """
    parser = argparse.ArgumentParser(prog=f"python -m comparisons {NAME}", description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="single runs of every case")
    print(table(positive_int("draws", parser.parse_args(list(argv)).draws)))
    return 0
