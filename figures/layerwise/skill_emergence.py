"""Figure 4 of Nam et al. (2025): skills emerge in time, data and parameters, in the solvable model and in a network."""

from __future__ import annotations

from functools import partial

import numpy as np

from figures.harness.figure import Grid, PaperFigure
from figures.layerwise.skill_emergence_claims import CLAIMS
from figures.layerwise.skill_emergence_drawing import draw
from figures.layerwise.skill_emergence_runs import SkillEmergence, in_time, limited
from toymodels.layerwise import SkillModel


def compute(settings: SkillEmergence, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """The network in time, in data and in width, and the exact model on finite training sets."""
    seed = int(rng.integers(2**31))
    runs = grid(partial(in_time, settings), {"alpha": [settings.alpha]}, replicates=settings.replicates, seed=seed)
    published = SkillModel(settings.alpha, 5, target=settings.target, initial=1e-4)
    shares = published.frequencies
    counts = rng.multinomial(settings.samples, shares, size=50)  # finite training sets
    learned = [published.solve([0.0, np.inf], count / settings.samples)["skill"][1] for count in counts]
    return {
        **{str(name): values.values[0] for name, values in runs.data_vars.items()},  # (replicates, ...)
        "t": runs["t"].values[0, 0],
        **limited(settings, int(rng.integers(2**31)), grid),
        "counts": counts,
        "skills": np.array(settings.n_skills),
        "units": np.array(settings.width),
        "data_units": np.array(settings.data_width),
        "learned": np.array(learned) / settings.target,
    }


FIGURE = PaperFigure(
    name="layerwise/skill_emergence",
    caption=(
        "Figure 4. Skills of power-law frequency emerge one after another in time, with more data and with more "
        "units, in a ReLU network trained on parities and in the solvable model set by its first skill alone. "
        "Settings are not printed; those of the published code (arXiv:2404.17563) in the paper preset, fewer skills, "
        "bits and units in the quick one. In data and parameters the constants of the extended model (examples D_c, "
        "units per skill) are set here by the median size at which the first skill has half its strength; the authors "
        "fitted 800 and 4 to their network, and so do the claims that are the paper's. Chosen here: momentum and fewer "
        "steps in (b) and (c), nested training sets in (b), fresh samples in (c), for which the authors used Adam. "
        "Last, the exact model on random small training sets."
    ),
    presets={
        "quick": SkillEmergence(),
        "large": SkillEmergence(
            n_skills=5,
            n_bits=32,
            width=1000,
            n_steps=30_000,
            data_sizes=(160, 320, 640, 1280, 2560, 5120, 10_240, 20_480, 40_960),
            data_width=1000,
            data_replicates=3,
            widths=(2, 4, 6, 9, 13, 18, 25, 35, 48),
            limited_steps=50_000,
        ),
        "paper": SkillEmergence(
            n_skills=5,
            n_bits=32,
            width=1000,
            batch_size=4000,
            n_test=20_000,
            n_steps=30_000,
            replicates=10,
            data_sizes=(*range(500, 10_000, 500), *range(10_000, 35_001, 5000)),
            data_width=1000,
            data_replicates=10,
            widths=tuple(range(2, 49, 2)),
            width_replicates=50,
            limited_steps=100_000,
            limited_batch=2000,
            limited_lr=0.05,
            limited_init=0.01,
            momentum=0.0,
            samples=300,
        ),
    },
    compute=compute,
    draw=draw,
    seconds=180,
    large_seconds=1512,
    cost="about 10 runs of 2 hours (time), 10 of 17 hours (data) and 50 of 1 hour (parameters) on one core (estimated "
    "from the quick preset).",
    claims=CLAIMS,
    aliases=("layerwise_04", "fig-4", "section-4.3"),
    stream="layerwise_04",
)
