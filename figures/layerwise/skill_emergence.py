"""Figure 4 of Nam et al. (2025): skills emerge in time, data and parameters, in the solvable model and in a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from comparisons.harness.settings import Settings
from figures.layerwise import limited_skills as _skills
from figures.harness.figure import Claim, Grid, PaperFigure, all_above, all_below, median_below
from figures.layerwise.skill_emergence_drawing import draw
from toymodels.layerwise import SkillModel


@dataclass(frozen=True)
class Params(Settings):
    """Task, networks and lengths of training; the exact model has five skills as published."""

    alpha: float = 0.6
    target: float = 5.0
    n_skills: int = 3
    n_bits: int = 9
    width: int = 400
    batch_size: int = 500
    n_test: int = 1000
    n_steps: int = 5500
    replicas: int = 3
    data_sizes: tuple[int, ...] = (40, 80, 160, 320, 640, 1280, 2560, 5120)
    data_width: int = 100
    data_replicas: int = 5
    widths: tuple[int, ...] = (1, 2, 3, 5, 8, 12, 18, 25)
    width_replicas: int = 10
    limited_steps: int = 5000  # as the settings below, in data and in width
    limited_batch: int = 100
    limited_lr: float = 0.01
    limited_init: float = 0.05
    momentum: float = 0.9
    samples: int = 30  # in a finite training set of the exact model


def network(alpha: float, rng: np.random.Generator, p: Params) -> dict[str, np.ndarray]:
    """Strengths of the skills of a ReLU network in time, and those of the model calibrated on its first skill."""
    from dnn.networks.skill_network import SkillNetwork

    sizes = {"width": p.width, "batch_size": p.batch_size, "n_test": p.n_test}
    task = SkillNetwork(alpha, p.n_skills, p.n_bits, p.target, **sizes, device=p.device)
    run = task.simulate(p.n_steps, rng)
    model = task.calibrated(run)
    half = np.minimum(task.crossing_times(run), 2.0 * p.n_steps)  # skills not learned in time count as twice it
    return {
        "t": run.t,
        "skill": run["skill"] / p.target,
        "model": model.solve(run.t)["skill"] / p.target,
        "half": half,
        "predicted": model.time_to(0.5),
    }


def compute(p: Params, rng: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
    """The network in time, in data and in width, and the exact model on finite training sets."""
    seed = int(rng.integers(2**31))
    runs = grid(partial(network, p=p), {"alpha": [p.alpha]}, replicates=p.replicas, seed=seed)
    published = SkillModel(p.alpha, 5, target=p.target, initial=1e-4)
    shares = published.frequencies
    counts = rng.multinomial(p.samples, shares, size=50)  # finite training sets
    learned = [published.solve([0.0, np.inf], count / p.samples)["skill"][1] for count in counts]
    return {
        **{str(name): values.values[0] for name, values in runs.data_vars.items()},  # (replicates, ...)
        "t": runs["t"].values[0, 0],
        **_skills.limited(p, int(rng.integers(2**31)), grid),
        "counts": counts,
        "learned": np.array(learned) / p.target,
    }


FIGURE = PaperFigure(
    name="layerwise_04",
    paper="layerwise",
    caption=(
        "Skills of power-law frequency emerge one after another in time, with more data and with more units, in a ReLU "
        "network trained on parities and in the solvable model set by its first skill alone. Settings are not printed; "
        "those of the published code (arXiv:2404.17563) in the paper preset, fewer skills, bits and units in the quick "
        "one. In data and parameters the constants of the extended model (examples D_c, units per skill) are set here "
        "by the median size at which the first skill has half its strength; the authors fitted 800 and 4 to their "
        "network. Chosen here: momentum and 5000 steps in (b) and (c), nested training sets in (b), fresh samples in "
        "(c), for which the authors used Adam. Last, the exact model on random small training sets."
    ),
    presets={
        "quick": Params(),
        "paper": Params(
            n_skills=5,
            n_bits=32,
            width=1000,
            batch_size=4000,
            n_test=20_000,
            n_steps=30_000,
            replicas=10,
            data_sizes=(*range(500, 10_000, 500), *range(10_000, 35_001, 5000)),
            data_width=1000,
            data_replicas=10,
            widths=tuple(range(2, 49, 2)),
            width_replicas=50,
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
    cost="about 10 runs of 2 hours (time), 10 of 17 hours (data) and 50 of 1 hour (parameters) on one core (estimated "
    "from the quick preset).",
    claims=(
        Claim(
            key="layerwise-4a-order",
            place="Figure 4a",
            statement="In the network skills emerge in the order of their frequency.",
            criterion="half-times increase (smallest ratio of neighbours > 1), every run",
            measure=lambda data: _skills.ordered(data["half"]),
            holds=all_above(1.0),
        ),
        Claim(
            key="layerwise-4a-times",
            place="Figure 4a",
            statement="The model captures when they emerge: half-times are inverse to frequencies.",
            criterion="ratios of half-times to that of skill 1 within 25% of P_1 / P_k, every run",
            measure=lambda data: _skills.ratio_error(data["half"], data["predicted"]),
            holds=all_below(0.25),
            why="runs differ: in some the rarest skill is up to 29% later than its frequency says",
        ),
        Claim(
            key="layerwise-4a-curves",
            place="Figure 4a",
            statement="It captures their course accurately.",
            criterion="calibrated on skill 1, root mean square distance < 0.1 of the target for every skill, median",
            measure=lambda data: _skills.curve_error(data["skill"], data["model"]),
            holds=median_below(0.1),
            why="the rarest skill rises later and more slowly than the model says (seed 1: 0.18), more so with smaller "
            "width and batch (200 units, batches of 300: 0.18, half-times off by 27%); published size not run",
        ),
        Claim(
            key="layerwise-4b-data",
            place="Appendix E.4",
            statement="A skill is learned if and only if an example of it is in the training set.",
            criterion="exact model: strength over target within 1e-3 of [count > 0] in 50 random sets (value: worst)",
            measure=lambda data: [np.abs(data["learned"] - (data["counts"] > 0)).max()],
            holds=all_below(1e-3),
        ),
        Claim(
            key="layerwise-4b-order",
            place="Figure 4b",
            statement="With more data the network acquires skills in the order of their frequency.",
            criterion="examples needed for half strength increase (smallest ratio of neighbours > 1), every run",
            measure=lambda data: _skills.ordered(data["half_data"]),
            holds=all_above(1.0),
        ),
        Claim(
            key="layerwise-4b-thresholds",
            place="Figure 4b",
            statement="The model captures how much each needs: examples inverse to frequency.",
            criterion="ratios of examples at half strength to that of skill 1 within 25% of P_1 / P_k, median",
            measure=lambda data: _skills.ratio_error(data["half_data"], 1 / data["shares"]),
            holds=median_below(0.25),
            why="sets differ: skill 2 needs 240 to 450 examples, skill 1 from 80 to 120; ratios of the medians over "
            "sets are within 21% of the prediction",
        ),
        Claim(
            key="layerwise-4b-curves",
            place="Figure 4b",
            statement="It captures the growth with data accurately.",
            criterion="calibrated on skill 1, root mean square distance < 0.1 of the target for every skill, median",
            measure=lambda data: _skills.curve_error(data["strength_by_data"], data["predicted_by_data"]),
            holds=median_below(0.1),
            why="the network follows a sigmoid, not the square root: weaker than predicted with few examples, and "
            "not yet at full strength where the model is",
        ),
        Claim(
            key="layerwise-4c-order",
            place="Figure 4c",
            statement="With more hidden units the network acquires skills in the order of their frequency.",
            criterion="units needed for half strength increase (smallest ratio of neighbours > 1), every run",
            measure=lambda data: _skills.ordered(data["half_width"]),
            holds=all_above(1.0),
            why="medians are in order, single networks not always: in 2 or 3 of 10 runs a rarer skill comes first",
        ),
        Claim(
            key="layerwise-4c-widths",
            place="Figure 4c",
            statement="Every skill takes the same number of units.",
            criterion="ratios of the median half-widths to that of skill 1 within 25% of 2 k - 1",
            measure=_skills.even_spacing_error,
            holds=all_below(0.25),
        ),
        Claim(
            key="layerwise-4c-curves",
            place="Figure 4c",
            statement="The model captures the growth with width accurately.",
            criterion="calibrated on skill 1, root mean square distance of medians < 0.1 of the target for every skill",
            measure=_skills.width_curve_error,
            holds=all_below(0.1),
            why="varies with the draw of runs: at seed 1 the second skill has 0.23 at 8 units, by the model 0.58",
        ),
    ),
)
