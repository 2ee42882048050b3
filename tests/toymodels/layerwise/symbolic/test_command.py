"""What the command of the symbolic page prints, with two steps in place of all."""

import pytest
from sympy import Integer, Symbol

from toymodels.layerwise.symbolic import command
from toymodels.layerwise.symbolic.printing import javascript_source, latex_source, numpy_source
from toymodels.layerwise.symbolic.steps import Step

RIGHT = Step("a square", Symbol("x") ** 2, Integer(0))
WRONG = Step("no cube", Symbol("x") ** 3, 2 * Symbol("x"))


@pytest.mark.parametrize(("language", "source"), [("numpy", numpy_source), ("javascript", javascript_source)])
def test_code_is_printed_as_it_is(language, source, capsys, monkeypatch):
    monkeypatch.setattr(command, "derivations", lambda: pytest.fail("no step is needed for code"))
    assert command.main(["--language", language]) == 0
    assert capsys.readouterr().out == source()


@pytest.mark.parametrize(
    ("steps", "status"), [([RIGHT], 0), ([WRONG], 1), ([RIGHT, WRONG], 1), ([WRONG, RIGHT], 1), ([RIGHT, RIGHT], 0)]
)
@pytest.mark.parametrize("arguments", [[], ["--language", "latex"]])
def test_each_step_is_printed_with_whether_it_holds_and_decides_the_status(
    arguments, steps, status, capsys, monkeypatch
):
    monkeypatch.setattr(command, "derivations", lambda: steps)
    printed = {
        RIGHT: "% a square: holds\n\\[ x^{2} \\]\n\n",
        WRONG: "% no cube: FAILS by 2*x\n\\[ x^{3} \\]\n\n",
    }
    assert command.main(arguments) == status
    expected = "".join(printed[step] for step in steps) + "% the form that is evaluated\n" + latex_source()
    assert capsys.readouterr().out == expected


def test_the_arguments_are_those_of_the_process_by_default(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["symbolic", "--language", "numpy"])
    assert command.main() == 0
    assert capsys.readouterr().out == numpy_source()


def test_other_languages_are_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["--language", "fortran"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert all(word in said for word in ("toymodels.layerwise.symbolic", "fortran", "latex", "numpy", "javascript"))
