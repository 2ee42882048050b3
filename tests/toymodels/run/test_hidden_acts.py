"""Which files may change what their functions use while they are loaded, by ways that their lines do not show."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from toymodels.run.hidden_acts import acts_on_others, hides_acts, imported_files
from toymodels.run.statements import imports_of

ROOT = Path(__file__).parents[3]
TABLE = "T = []\nN = 3\ndef put(v, t=T):\n    t.append(v)\n    return v\ndef fill(t, v):\n    t.append(v)\n"
HIDDEN = [
    "A = put(1)",
    "A: int = put(1)",
    "READY = fill(T, 1)",
    "_ = fill(t=T, v=1)",
    "_ = fill(*(T, 1))",
    "class C:\n    t = T\n_ = fill(C.t, 1)",
    "A = T\nA += [1]",
    "A = T\n_ = A.append(1)",
    "ALL = [T]\n_ = ALL[0].append(1)",
    "class D:\n    T.append(1)",
    "class D:\n    T[0:] = [1]",
    "class D:\n    for k in range(3):\n        T.append(k)",
    "class D:\n    n = put(1)",
    "class D:\n    def f(self, v=put(1)):\n        return v",
    "class D:\n    def __init__(self, v):\n        T.append(v)\nD1 = D(1)",
    "class D(metaclass=type):\n    pass\nD1 = D()",
    "_ = list(map(T.append, [1, 2]))",
    "_ = (A := T).append(1)",
    "def g(x=put(1)):\n    return x",
    "A = [put(k) for k in range(3)]",
    "N += 1",
    "N: int = put(1) + 2",
    "def g(*, x=put(1)):\n    return x",
    "async def g(x=put(1)):\n    return x",
    "A = B = T",
    "A = {'t': T}",
    "A: list = T",
    "A = sorted(T)",
    "A = max(N, len(T))",
    "class D:\n    class E:\n        n = 3",
    "class D:\n    n: int = put(1)",
    "class D:\n    def f(self, *, v=put(1)):\n        return v",
    "class D:\n    T.x = 3",
    "class D:\n    def __post_init__(self):\n        T.append(1)\nD1 = D()",
    "P, Q = T, 3",
    "B = (A := 3)",
    "A = [1] * 2\n_ = A.append(3)",
    "A = 2 * [1]\n_ = A.append(3)",
    "A = (1, [2])\n_ = len(A)",
]
PLAIN = [
    "A = 7",
    "A = (1, -2.5, 'word')",
    "import numpy as np\nGRID = np.linspace(0, 1, N)",
    "import dataclasses\n@dataclasses.dataclass\nclass S:\n    t: list = dataclasses.field(default_factory=list)",
    "class S:\n    'words'\n    n = 3\n    def f(self, v=2):\n        return put(v)\nS1 = S()",
    "def g(x=(1, 2)):\n    return put(x)",
    "class S:\n    pass",
    "A = (1, (2, -3), 2 * 3 + 1)\nB = A",
    "A = -N",
    "N2: int",
    "A = max(N, 4)",
    "def g(*, x=N, y=None):\n    return put(x)",
    "class S:\n    n: int = 3\n    m: str\n    def f(self, *, v=2):\n        return put(v)",
    "class S:\n    def other(self):\n        return put(1)\nS1 = S()",
    "import os\nA = os.path.join('a', 'b')",
    "if N:\n    put(1)",  # such a statement counts anyway
]


@pytest.mark.parametrize("more", HIDDEN)
def test_what_may_fill_a_table_on_the_way_is_seen(more):
    assert hides_acts(ast.parse(f"{TABLE}{more}\n"))


@pytest.mark.parametrize("more", PLAIN)
def test_plain_files_hide_nothing(more):
    assert not hides_acts(ast.parse(f"{TABLE}{more}\n"))


def test_a_module_that_acts_on_others_is_seen_through_those_that_import_it(tmp_path):
    (tmp_path / "patch.py").write_text("import base\nbase.RATE = 1\n")
    (tmp_path / "between.py").write_text("from . import patch\nX = 3\n")
    (tmp_path / "base.py").write_text("'words'\nRATE = 0\nif __name__ == '__main__':\n    print(RATE)\n")

    def find(name):
        path = tmp_path / f"{name}.py"
        return path if path.exists() else None

    assert acts_on_others(tmp_path / "patch.py", find)
    assert acts_on_others(tmp_path / "between.py", find)
    assert not acts_on_others(tmp_path / "base.py", find)


def test_a_file_that_cannot_be_read_may_do_anything(tmp_path):
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "first.py").write_text("from . import second\n")
    (tmp_path / "second.py").write_text("from . import first\nfrom .first import X\n")
    (tmp_path / "third.py").write_text("from . import second, broken\n")
    assert acts_on_others(tmp_path / "broken.py", lambda name: None)
    assert acts_on_others(tmp_path / "missing.py", lambda name: None)
    assert not acts_on_others(tmp_path / "first.py", lambda name: None)  # two that import each other
    assert acts_on_others(tmp_path / "third.py", lambda name: None)


def test_a_file_imports_modules_that_are_found_and_those_beside_it(tmp_path):
    for name in ("a", "deep/__init__", "deep/b", "deep/inner/__init__", "deep/inner/c", "deep/inner/here"):
        (tmp_path / f"{name}.py").parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / f"{name}.py").touch()
    known = {"lab": tmp_path / "lab.py", "lab.rates": tmp_path / "rates.py"}

    def of(text):
        imports, path = imports_of(ast.parse(text).body), tmp_path / "deep" / "inner" / "here.py"
        return {file.relative_to(tmp_path).as_posix() for file in imported_files(imports, path, known.get)}

    assert of("import lab, numpy") == {"lab.py"}
    assert of("from lab import rates, other") == {"lab.py", "rates.py"}
    assert of("from . import c, nothing") == {"deep/inner/c.py"}
    assert of("from .c import c") == {"deep/inner/c.py"}
    assert of("from .. import b, inner") == {"deep/b.py", "deep/inner/__init__.py"}
    assert of("from ..inner import c") == {"deep/inner/__init__.py", "deep/inner/c.py"}
    assert of("from ... import a, deep") == {"a.py", "deep/__init__.py"}
    assert of("from ...deep.inner.c import x") == {"deep/inner/c.py"}


TABLED = """
T = []
def reg(v):
    T.append(v)
    return v
A = reg({})
def f(rng):
    return {{"x": float(sum(T))}}
"""
PATCHED = """
import patch, base
def g():
    return patch.other()
def f(rng):
    return {{"x": float(base.RATE)}}
"""
PROGRAMS = {"tab": TABLED, "tab2": PATCHED}


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_edit_of_what_is_done_on_the_way_is_no_old_result(name, tmp_path):
    (tmp_path / "base.py").write_text("RATE = 0\n")
    run = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        f"from {name} import f\nfrom toymodels.run.sweep import sweep\n"
        f"print(float(sweep(f, {{}}, cache={str(tmp_path / 'cells')!r})['x'].values.flat[0]))"
    )
    for value in (1, 7, 1):
        (tmp_path / f"{name}.py").write_text(PROGRAMS[name].format(value))
        (tmp_path / "patch.py").write_text(f"import base\nbase.RATE = {value}\ndef other():\n    return 3\n")
        done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert float(done.stdout.split()[-1]) == value
