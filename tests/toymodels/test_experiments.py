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


def test_lines_are_laid_out_in_two_columns_and_wrapped(capsys):
    long = claim("high.long", mean < 1, why="word " * 60)
    assert run([], Experiment("high", lambda rng: {"x": 2.0}, (long,))) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "contradicted  high.long (Figure 1; paper)"
    assert all(line.startswith(" " * 14) for line in lines[1:-1])
    assert lines[1] == " " * 14 + "high.long holds."
    assert max(map(len, lines)) <= 118
    (first, *others) = [line for line in lines if "word" in line]
    assert first.startswith(" " * 14 + "why: word word")
    assert len(others) == 2
    assert all(line.startswith(" " * 16 + "word") for line in others)
    assert lines[-2].startswith(" " * 14 + "high: ")
    assert lines[-2].endswith(" s")


def test_the_time_an_experiment_took_is_printed_in_seconds(monkeypatch, capsys):
    times = iter([100.0, 102.5])
    monkeypatch.setattr("toymodels.experiments.time.perf_counter", lambda: next(times))
    assert run(["draw"], DRAW, HIGH) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [" " * 14 + "draw: 2.5 s", "1 reproduced"]


def test_verdicts_are_counted_in_the_order_of_their_appearance(capsys):
    both = Experiment("both", lambda rng: {"x": 0.5}, (claim("b.small", mean < 1), claim("b.large", mean > 1)))
    assert run(["high", "both", "bad"], DRAW, BAD, HIGH, both) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 contradicted, 1 reproduced, 1 failed"


def test_named_experiments_run_in_the_order_in_which_they_are_named(capsys):
    assert run(["high", "draw", "high"], DRAW, HIGH, UNDECIDED) == 0
    keys = [line.split()[1] for line in capsys.readouterr().out.splitlines() if "(Figure 1" in line]
    assert keys == ["high.small", "draw.small"]


def test_help_names_the_program_and_all_experiments(capsys):
    with pytest.raises(SystemExit) as stopped:
        run(["--help"], DRAW, HIGH)
    assert stopped.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    for words in ("usage: python -m family", "The criteria.", "any of draw, high (default: all)", "(default: 0)"):
        assert words in out


def test_a_failure_of_the_run_itself_is_no_bad_number():
    broken = Experiment("broken", lambda rng: {"y": 1.0}, (claim("broken.small", mean < 1),))
    with pytest.raises(KeyError):
        run([], broken)
    judged = DRAW.judge(np.random.default_rng(7))
    assert [each.key for each in judged] == ["draw.small"]
    assert judged[0].median == np.median(np.random.default_rng(7).random(3))
    with pytest.raises(SimulationError, match=r"claim nan\.small must measure numbers"):
        NAN.judge(np.random.default_rng(0))
