import ast
import random
import subprocess
from collections import Counter

import pytest

from tests.mutants import drawn, table
from tests.mutants.mutant import Mutant
from tests.mutants.planted import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.file}: {mutant.what}")
def test_every_mutant_stands_where_the_list_says(mutant):
    assert (table.ROOT / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new
    named = [word.partition("::")[0] for word in mutant.tests.split() if word.startswith("tests/")]
    assert named
    assert all((table.ROOT / name).exists() for name in named)


def test_all_packages_have_mutants():
    assert min(Counter(mutant.package for mutant in MUTANTS).values()) > 5
    assert {mutant.package for mutant in MUTANTS} == {"toymodels", "dnn", "comparisons", "figures"}


@pytest.fixture
def checkout(tmp_path):
    """A project of one function and one test."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "half.py").write_text("def half(x):\n    return x / 2\n\n\ndef unseen(x):\n    return x\n")
    (tmp_path / "tests" / "test_half.py").write_text(
        "from half import half\n\n\ndef test_half():\n    assert half(4) == 2\n"
    )
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "fate"),
    [
        ("x / 2", "x / 3", "killed"),
        ("return x\n", "return -x\n", "survived"),
        ("return", "yield", "stands 2 times"),
        ("x / 3", "x", "stands 0 times"),
    ],
)
def test_a_mutant_is_killed_by_a_test_that_fails(old, new, fate, checkout):
    place = table.copy_of_checkout(checkout)
    before = (place / "half.py").read_text()
    assert table.planted(Mutant("a slip", "half.py", old, new, "tests/test_half.py"), place) == fate
    assert (place / "half.py").read_text() == before


CODE = '''"""A module of 3 lines."""

LIMIT: int = 5


def largest(values, at=0, *, wide=False):
    """The largest of 2."""
    if len(values) <= at + 1 and not wide:
        raise ValueError(f"at must be below {len(values) - 1}")
    return 3 - values.reshape(-1, 6).max() * 2.0 if wide else "a" + "b"
'''


def test_slips_are_made_in_code_and_not_in_words(tmp_path):
    (tmp_path / "module.py").write_text(CODE)
    made = [(CODE[slip.start : slip.end], slip.new) for slip in drawn.slips("module.py", tmp_path)]
    signs = [("<=", "<"), ("+", "-"), ("-", "+"), ("*", "/"), ("and", "or")]
    others = [("0", "1"), ("False", "True"), ("1", "2"), ("3", "4"), ("6", "7"), ("max", "min"), ("2.0", "3.0")]
    assert sorted(made) == sorted([*signs, *others])
    assert all(
        slip.into(CODE).splitlines()[slip.line - 1] != CODE.splitlines()[slip.line - 1]
        for slip in drawn.slips("module.py", tmp_path)
    )


@pytest.mark.parametrize("package", drawn.PACKAGES)
def test_drawn_slips_can_be_read_and_have_tests(package):
    slips = drawn.draw(package, 40, random.Random(3))
    assert slips == drawn.draw(package, 40, random.Random(3))
    assert len({(slip.file, slip.line) for slip in slips}) == 40
    for slip in slips:
        ast.parse(slip.into((table.ROOT / slip.file).read_text()))
        assert drawn.files_that_test(slip.file), slip.file


def test_a_drawn_slip_meets_the_tests_of_its_module_first(checkout):
    place = table.copy_of_checkout(checkout)
    text = (place / "half.py").read_text()
    slip = drawn.Slip("half.py", 2, text.index("2"), text.index("2") + 1, "3")
    assert drawn.fate(slip, place, 60) == ("killed", "1 test files")
    assert drawn.fate(slip, place, 0)[0] == "survived"
    assert (place / "half.py").read_text() == text
