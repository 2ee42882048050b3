"""Every sheet is complete, every solution is right, and the judges agree with measurements that do not use them."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from docs.check import SHEETS, Curve, Program, check, problems
from docs.check.sheets import answers
from docs.course.answers import basins_and_ranks, embedding, lazy_and_rich, noise, sparse_graphs
from docs.course.answers.slopes import slope_at_start
from tests.toymodels.layerwise.flows import integrate
from toymodels.condensation import inertia, split_inertia
from toymodels.layerwise import ScalarNetwork, TeacherStudent

COURSE = Path(__file__).parents[3] / "docs" / "course"
PROBLEMS = [(sheet, key) for sheet in SHEETS for key in problems(sheet)]


def solution(sheet, key):
    """The answer that the page of solutions gives."""
    page = COURSE / "solutions" / f"{sheet}.md"
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        if block.startswith(f"# {key}\n"):
            space = {}
            exec(compile(block, page.name, "exec"), space)
            return space["x"], space["y"]
    return answers(page)[key]


@pytest.mark.parametrize(("sheet", "key"), PROBLEMS, ids=lambda value: value)
def test_every_solution_is_right(sheet, key):
    verdict = check(sheet, key, solution(sheet, key))
    assert verdict.right, str(verdict)


@pytest.mark.parametrize(("sheet", "key"), PROBLEMS, ids=lambda value: value)
def test_an_answer_to_something_else_is_wrong(sheet, key):
    problem = problems(sheet)[key]
    if isinstance(problem, Program):
        names = ", ".join(problem.symbols)
        assert not problem.judge(f"def {problem.name}({names}):\n    return {'1.2345, 3.21'}\n").right
    elif isinstance(problem, Curve):
        x = np.linspace(*problem.covers, 50)
        assert not problem.judge((x, 1.2345 * np.asarray(problem.truth(x)))).right
    else:
        assert not problem.judge("1.2345").right


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_sheet_has_four_to_six_problems_the_first_a_warm_up_the_last_open(sheet):
    text = (COURSE / "sheets" / f"{sheet}.md").read_text()
    titles = re.findall(r"^## (\d)\. (.*)$", text, re.MULTILINE)
    assert 4 <= len(titles) <= 6
    assert [int(number) for number, _ in titles] == list(range(1, len(titles) + 1))
    assert titles[0][1] == "Warm-up"
    assert titles[-1][1].startswith("Open")
    assert set(problems(sheet)) <= set(re.findall(r"`([\w-]+)`", text))


@pytest.mark.parametrize("sheet", SHEETS)
def test_no_sheet_gives_a_solution_away(sheet):
    text = (COURSE / "sheets" / f"{sheet}.md").read_text()
    given = answers(COURSE / "solutions" / f"{sheet}.md")
    assert [key for key, value in given.items() if len(value) > 4 and value in text] == []


def test_the_class_finds_what_its_script_promises():
    assert ScalarNetwork([3.0], [-2.9], 1.0).gamma_inf > 100  # rich at a large scale
    assert ScalarNetwork([0.01], [0.01], 1.0).time_to(0.5) > 4
    minutes = re.findall(r"^\| (\d+)–(\d+) \|", (COURSE / "class.md").read_text(), re.MULTILINE)
    assert [int(end) for _, end in minutes[:-1]] == [int(start) for start, _ in minutes[1:]]
    assert (minutes[0][0], minutes[-1][1]) == ("0", "120")


def test_slopes_are_those_of_known_functions():
    assert_allclose(slope_at_start(lambda t: np.exp(3 * t), 1 / 3), 3, rtol=1e-9)


def test_the_final_rate_is_that_of_the_integrated_flow():
    end = integrate(lambda s: s[::-1] * (1.3 - s[0] * s[1]), np.array([1.5, 0.5]), np.array([0.0, 30.0]))[-1]
    assert_allclose(lazy_and_rich.final_kernel(1.3, 2.0), end @ end / 2, rtol=1e-8)


def test_the_mean_over_noise_is_that_of_many_draws():
    l, sigma, n, t = 0.8, 0.6, 10, 1.3
    rng = np.random.default_rng(0)
    shifts = sigma * rng.standard_normal((40_000, n)).mean(axis=1) / np.sqrt(l)
    w = (1 + shifts) * (1 - np.exp(-l * t))
    draws = 0.5 * (w - 1) ** 2
    assert abs(noise.loss(l, sigma, n, [t])[0] - draws.mean()) < 4 * draws.std() / 200


def test_the_loss_at_the_end_is_near_that_of_drawn_data():
    rng = np.random.default_rng(1)
    model = TeacherStudent(40, 160, 0.5)
    draws = np.array([model.draw(rng).solve([np.inf])["test_loss"][0] for _ in range(200)])
    bias = 40 / (160 - 41) / (40 / 120)  # the mean at finite d over that for large d
    assert abs(bias * noise.final_loss(40, 160, 0.5) - draws.mean()) < 4 * draws.std() / np.sqrt(200)


def test_accuracies_under_noise_are_those_that_the_basins_measure():
    from dnn import sample_basin, weight_basin

    network = torch.nn.Linear(1, 2, bias=False)
    network.weight.data = torch.tensor([[-1.0], [1.0]])
    x, y = torch.tensor([[-1.0], [1.0]]).repeat(2000, 1), torch.arange(2).repeat(2000)
    rng = np.random.default_rng(0)
    pixels = sample_basin(network, x, y, rng, amplitudes=[0.5], method="grid")
    weights = weight_basin(network, x, y, rng, amplitudes=[1.0], method="grid", draws=4000)
    share = basins_and_ranks.pixel_accuracy() / 100
    spread = np.sqrt(share * (1 - share))
    assert abs(pixels.curve[0] - share) < 4 * spread / np.sqrt(16_000)
    assert abs(weights.curve[0] - basins_and_ranks.weight_accuracy() / 100) < 4 * spread / np.sqrt(4000)


def test_the_narrow_minimum_is_one_and_its_split_is_as_predicted():
    network, x, y = embedding.narrow_minimum()
    hessian = network.hessian(x, y)
    assert inertia(hessian) == (3, 0, 0)
    assert np.mean((network(x) - y) ** 2) > 1e-3
    assert split_inertia(network, x, y, 0, 0.3)[1] == embedding.flat_directions()


def test_the_batch_that_keeps_half_is_the_first():
    from toymodels.neurashed import Multiplicative
    from toymodels.neurashed.sparsity import predicted_log_ratio

    size = sparse_graphs.batch_without_sparsity()
    below, at = (np.exp(predicted_log_ratio(300, B, Multiplicative(1.02, 0.98), 4)) for B in (size - 1, size))
    assert below < 0.5 <= at
