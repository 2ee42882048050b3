import subprocess
from collections import Counter

import pytest

from tests.mutants import table
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
