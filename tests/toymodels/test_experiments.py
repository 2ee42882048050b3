import numpy as np
import pytest

from toymodels import SimulationError
from toymodels.claims import Claim, Quantity, every_run, mean
from toymodels.experiments import Experiment, main


def claim(key, criterion, **options):
    return Claim(key, "Figure 1", f"{key} holds.", Quantity("a draw", lambda data: data["x"]), criterion, **options)


def diverge(rng):
    raise SimulationError("loss is not finite at step 3")


DRAW = Experiment("draw", lambda rng: {"x": rng.random(3)}, (claim("draw.small", every_run < 1),))
HIGH = Experiment("high", lambda rng: {"x": 2.0}, (claim("high.small", mean < 1, why="it is 2", defence="once"),))
UNDECIDED = Experiment("undecided", lambda rng: {"x": 2.0}, (claim("undecided.small", (mean < 1).open_if(mean > 1)),))
BAD = Experiment("bad", diverge, (claim("bad.small", mean < 1),))
NAN = Experiment("nan", lambda rng: {"x": np.nan}, (claim("nan.small", mean < 1),))


def run(argv, *experiments):
    return main("python -m family", "The criteria.", experiments, argv)


def test_every_claim_is_printed_with_what_was_asked_and_measured(capsys):
    assert run([], DRAW, UNDECIDED) == 0
    out = capsys.readouterr().out
    assert "reproduced" in out
    assert "open" in out
    for text in ("draw.small (Figure 1; paper)", "draw.small holds.", "criterion: a draw: every run < 1", "3 values"):
        assert text in out
    assert out.splitlines()[-1] == "1 reproduced, 1 open"


def test_a_contradiction_is_explained_and_no_failure(capsys):
    assert run([], HIGH, DRAW) == 0
    out = capsys.readouterr().out
    assert "why: it is 2" in out
    assert "defence: once" in out
    assert out.splitlines()[-1] == "1 contradicted, 1 reproduced"


@pytest.mark.parametrize(("bad", "words"), [(BAD, "bad: loss is not finite at step 3"), (NAN, "must measure numbers")])
def test_bad_numbers_fail_and_the_others_go_on(bad, words, capsys):
    assert run([], bad, DRAW) == 1
    out = capsys.readouterr().out
    assert out.startswith("failed")
    assert words in out
    assert out.splitlines()[-1] == "1 failed, 1 reproduced"


def test_each_experiment_draws_from_the_seed_alone(capsys):
    draws = []
    record = Experiment("record", lambda rng: draws.append(rng.random()) or {"x": 0.5}, ())
    assert run(["--seed", "3"], DRAW, record) == 0
    assert run(["record", "record", "--seed", "3"], DRAW, record) == 0
    assert draws == [np.random.default_rng(3).random()] * 2  # twice the same name, but in one call it runs once
    capsys.readouterr()


def test_only_the_named_ones_run(capsys):
    assert run(["draw"], BAD, DRAW) == 0
    assert "bad" not in capsys.readouterr().out


def test_two_experiments_of_one_name_are_refused():
    with pytest.raises(ValueError, match="names of their own"):
        run([], DRAW, DRAW)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["drew"], "NAME must be one of draw, high, got drew"),
        (["--seed", "-1"], "--seed must be >= 0, got -1"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_a_bad_command_line_is_a_usage_error(argv, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(argv, DRAW, HIGH)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err
