"""Information that is no bottleneck, and true ones that must not be missed."""

from __future__ import annotations

import numpy as np

from comparisons.harness.cases import Case, narrow, rise, same, spike, walk, wave

FALSE = [
    Case("constant", same(lambda t, rng: np.full(len(t), 5.0), "about_input", about_label=1.0)),
    Case("uniform noise", same(lambda t, rng: rng.random(len(t)), "about_input", "about_label")),
    Case("noise about the input", same(lambda t, rng: 5 * rng.random(len(t)), "about_input", about_label=1.0)),
    Case("random walks", same(lambda t, rng: 5 * walk(t, rng, 0.5, 0), "about_input", "about_label")),
    Case("a walk beside a kept label", same(lambda t, rng: 5 * walk(t, rng, 0.5, 0), "about_input", about_label=1.0)),
    Case("one spike", same(lambda t, rng: spike(t, len(t) // 3, 2.0, 6.0), "about_input", about_label=1.0)),
    Case("a dip at the end", same(lambda t, rng: spike(t, -1, 4.0, 1.0), "about_input", about_label=1.0)),
    Case(
        "a narrow spike on a slow fall",
        same(lambda t, rng: narrow(4 - 0.15 * np.log10(t), len(t) // 3, 6.0), "about_input", about_label=1.0),
    ),
    Case("oscillating", same(lambda t, rng: wave(t, 6.0, 1.0), "about_input", about_label=1.0)),
    Case("never fitting", same(lambda t, rng: 6 - rise(t, 1000, 0, 3), "about_input", about_label=1.0)),
    Case(
        "dying network",
        same(lambda t, rng: rise(t, 10, 1, 6) - rise(t, 1000, 0, 6), "about_input", "about_label"),
    ),
    Case(
        "a fall that stops high",
        same(lambda t, rng: rise(t, 10, 1, 6) - rise(t, 1000, 0, 1), "about_input", about_label=1.0),
    ),
    Case(
        "a fall from the estimator's ceiling",
        same(lambda t, rng: rise(t, 10, 1, 6.6) - rise(t, 1000, 0, 4), "about_input", about_label=1.0),
        (("samples", 100),),
    ),
]


TRUE = [
    Case(
        "fits, then forgets",
        same(lambda t, rng: rise(t, 10, 1, 6) - rise(t, 1000, 0, 3), "about_input", about_label=1.0),
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
]
