import subprocess
import sys

import pytest

from toymodels.neurashed.__main__ import main
from toymodels.neurashed.criteria import Criterion, check_all


def test_all_eight_criteria_pass_and_are_printed(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert [line[:2] for line in printed.splitlines() if line.startswith("F")] == [f"F{k}" for k in range(1, 9)]
    assert "8 of 8 criteria pass" in printed


def test_a_failure_is_printed_and_returned(monkeypatch, capsys):
    failing = Criterion("F9", "nothing", "asked", "got", False)
    monkeypatch.setattr("toymodels.neurashed.__main__.check_all", lambda seed: [failing])
    assert main(["--seed", "3"]) == 1
    assert "FAIL" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_criteria_do_not_hang_on_the_seed(seed):
    assert all(criterion.passed for criterion in check_all(seed))


def test_importing_the_model_loads_no_heavy_library():
    code = (
        "import sys, toymodels.neurashed; "
        "assert not {'networkx', 'scipy.sparse', 'scipy.optimize', 'sympy', 'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
