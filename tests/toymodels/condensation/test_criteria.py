import numpy as np
import pytest

from toymodels import SimulationError
from toymodels.condensation.__main__ import main
from toymodels.condensation.criteria import CRITERIA
from toymodels.condensation.verdicts import judge, listed, spread

CONTRADICTED = {"C1m", "C6b", "C6d", "C10r"}
FAILING = {"C1"}  # the loss stays above its threshold in some runs


@pytest.mark.parametrize("name", ["C6b", "C6c", "C7b", "C10"])
def test_quick_criteria_come_out_as_recorded(name):
    found = CRITERIA[name](0)
    assert found.name == name
    assert found.verdict == ("contradicted" if name in CONTRADICTED else "pass")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_every_criterion_comes_out_as_recorded(name):
    wanted = "contradicted" if name in CONTRADICTED else "fail" if name in FAILING else "pass"
    assert CRITERIA[name](0).verdict == wanted


def test_the_command_prints_a_row_per_criterion(capsys):
    assert main(["C6c", "C10", "--seed", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["name", "C6c", "C10"]
    assert lines[1].split()[1] == "pass"


def test_a_numerical_failure_is_reported_and_the_rest_runs(capsys, monkeypatch):
    def fail(seed):
        raise SimulationError("loss is not finite at step 3")

    monkeypatch.setitem(CRITERIA, "C10", fail)
    assert main(["C10", "C6c"]) == 1
    out = capsys.readouterr().out
    assert "loss is not finite at step 3" in out
    assert "C6c   pass" in out


@pytest.mark.parametrize("argv", [["C99"], ["--seed", "-1"]])
def test_a_bad_command_line_is_a_usage_error(argv, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    assert "C99" in capsys.readouterr().err or argv[0] == "--seed"


def test_verdicts_are_written_plainly():
    assert judge("C0", "claim", "measured", False).verdict == "fail"
    assert judge("C0", "claim", "measured", False, "contradicted").verdict == "contradicted"
    assert judge("C0", "claim", "measured", True, "contradicted").verdict == "pass"
    assert spread(np.array([1.0, 3.0, 2.0])) == "2 [1, 3]"
    assert listed([1, 2], "d") == "1 2"
