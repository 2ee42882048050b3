"""Constants that code names: as they are now, wherever they lie; they count for what is kept and go to workers."""

import hashlib
import importlib
import os
import subprocess
import sys
import types
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from toymodels.run import source_files
from toymodels.run.cells import made_by
from toymodels.run.identity import canonical
from toymodels.run.values import MOST, in_words, use_values, values_named

ROOT = Path(__file__).parents[3]
RATES = """
LEVEL = 2.0
UNUSED = 3.0
def rate():
    return LEVEL
"""
MODEL = """
import functools
from types import SimpleNamespace
from . import rates
from .rates import rate
SIZE, OTHER, table = 3, 4, {"a": [1, 2], "b": (0.5,)}
asked = SimpleNamespace(k=7, more={"x": 1})
class Base:
    depth = 5
    width = 6
    def run(self, x=0):
        return self.depth
class Derived(Base):
    pass
def direct(x=0):
    return SIZE
def tabled(x=0):
    return table["a"], asked.k
def through_a_module(x=0):
    return rates.LEVEL
def through_a_function(x=0):
    return rate()
def through_a_class(x=0):
    return Derived().run()
def late(x=0):
    from .rates import rate
    from NAME import rates
    return rates.rate()
def with_its_own(x=0):
    return with_its_own.scale
with_its_own.scale = 8
def recursive(x=0):
    return recursive(x - 1) if x else SIZE
@functools.lru_cache
def kept(x=0):
    return SIZE
def wrapped(x=0):
    return kept(x)
def none(x=0):
    return x.UNUSED, "SIZE"
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    name = f"lab_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    (tmp_path / name).mkdir()
    for file, text in (("__init__", ""), ("model", MODEL.replace("NAME", name)), ("rates", RATES)):
        (tmp_path / name / f"{file}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(source_files, "_STARTED", source_files._STARTED + 1e4)
    loaded = {module: importlib.import_module(f"{name}.{module}") for module in ("model", "rates")}
    yield types.SimpleNamespace(name=name, **loaded)
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def named(lab, *things):
    """Values by "module.name", with the package's name left out."""
    found = values_named(*things)
    assert all(module.startswith(f"{lab.name}.") for module, _ in found)
    return {f"{module.removeprefix(f'{lab.name}.')}.{name}": value for (module, name), value in found.items()}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("direct", {"model.SIZE": 3}),
        ("through_a_module", {"rates.LEVEL": 2.0}),
        ("through_a_function", {"rates.LEVEL": 2.0}),
        ("through_a_class", {"model.Base.depth": 5}),
        ("late", {"rates.LEVEL": 2.0}),
        ("with_its_own", {"model.with_its_own.scale": 8}),
        ("recursive", {"model.SIZE": 3}),
        ("none", {}),
    ],
)
def test_constants_are_found_where_code_names_them(function, expected, lab):
    assert named(lab, getattr(lab.model, function)) == expected


def test_tables_and_objects_of_plain_values_count(lab):
    assert named(lab, lab.model.tabled) == {"model.table": lab.model.table, "model.asked": lab.model.asked}


@pytest.mark.parametrize(
    "bind",
    [
        lambda model: partial(model.direct, 1),
        lambda model: partial(max, key=model.direct),
        lambda model: [model.direct],
        lambda model: {"a": (0, model.direct)},
        lambda model: lambda x: model.direct(x),
    ],
)
def test_what_is_bound_and_held_is_looked_into(bind, lab):
    assert named(lab, bind(lab.model))["model.SIZE"] == 3


def test_methods_and_objects_have_the_constants_of_their_class(lab):
    for thing in (lab.model.Derived, lab.model.Base().run, lab.model.Derived().run, lab.model.Base):
        assert named(lab, thing) == {"model.Base.depth": 5}


def test_values_are_those_of_now_and_count_for_identities(lab):
    before = made_by([lab.model.through_a_function])
    assert before["constants"] == {f"{lab.name}.rates.LEVEL": "2.0"}
    lab.rates.LEVEL = 2.5
    after = made_by([lab.model.through_a_function])
    assert after["constants"] == {f"{lab.name}.rates.LEVEL": "2.5"}
    assert {**after, "constants": None} == {**before, "constants": None}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (1j, 2j),
        ("a", b"a"),
        (None, "None"),
        ([1, 2], (1, 2)),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 2}),
        ({1: 2}, {"1": 2}),
        ({1, 2}, {1, 3}),
        (np.arange(3), np.arange(3.0)),
        (np.arange(4), np.arange(4).reshape(2, 2)),
        (np.float32(0.1), np.float64(0.1)),
        (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2)),
        (types.SimpleNamespace(a=1), {"a": 1}),
        (Path("a"), "a"),
    ],
)
def test_values_are_told_apart(one, other):
    in_one, in_other = ({("m", "n"): value} for value in (one, other))
    assert canonical(in_words(in_one)) != canonical(in_words(in_other))
    assert in_words(in_one) == in_words({("m", "n"): one})


def test_an_order_that_a_set_does_not_have_does_not_count():
    assert in_words({("m", "n"): {"a", "b", "c"}}) == in_words({("m", "n"): {"c", "b", "a"}})


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        (list(range(MOST - 1)), True),
        (list(range(MOST)), False),
        (np.zeros(MOST), True),
        (np.zeros(MOST + 1), False),
        (np.array([None]), False),
        ([[]], True),
        (object(), False),
        (np.random.default_rng(0), False),
        (len, False),
        ([len], False),
        ("x" * 100_001, False),
    ],
)
def test_only_plain_values_of_some_size_count(value, counts, lab):
    lab.model.SIZE = value
    assert ("model.SIZE" in named(lab, lab.model.direct)) == counts


def test_what_holds_itself_does_not_count(lab):
    lab.model.SIZE = held = []
    held.append(held)
    assert named(lab, lab.model.direct) == {}


def test_constants_of_the_suite_and_of_installed_packages_do_not_count():
    import scipy.stats

    from comparisons.grokking import models

    assert values_named(models.layerwise, scipy.stats.norm.pdf, np.median, Path.exists) == {}


def test_values_are_put_where_they_belong(lab):
    where = {(f"{lab.name}.model", name): value for name, value in (("SIZE", 30), ("Base.depth", 50))}
    where |= {(f"{lab.name}.model", "with_its_own.scale"): 80, ("no_such_module_anywhere", "K"): 1}
    where |= {(f"{lab.name}.model", "no_class.K"): 1}
    use_values(where)
    assert lab.model.direct() == 30
    assert lab.model.through_a_class() == 50
    assert lab.model.with_its_own() == 80


SCRIPT = """
import os, sys
from pathlib import Path
import rules
from toymodels import sweep

def values(function, **options):
    return sweep(function, {"n": [1, 2]}, **options)["v"].values.ravel().tolist()

if __name__ == "__main__":
    rules.K, rules.TABLE["k"], rules.Rule.k = 5, 20, 300
    for engine, jobs in (("local", 1), ("local", 2), ("dask", 2)):
        assert values(rules.rule, engine=engine, jobs=jobs) == [325.0, 330.0], (engine, jobs)
    for k in (7, 8, 7):
        rules.K = k
        assert values(rules.rule, cache="kept", jobs=2) == [320 + k, 320 + 2 * k], k
    for folder, word in (("one", "1"), ("two", "2")):
        Path(folder).mkdir()
        Path(folder, "number.txt").write_text(word)
    for folder, word in (("one", "1"), ("../two", "2")):
        os.chdir(folder)
        os.environ["OF_THIS_TEST"] = word
        for jobs in (1, 2):
            assert values(rules.place, jobs=jobs) == [int(word) * 11.0] * 2, (folder, jobs)
    del os.environ["OF_THIS_TEST"]
    for jobs in (1, 2):
        assert values(rules.place, jobs=jobs) == [2.0] * 2, jobs
"""
RULES = """
import os
K, TABLE = 1, {"k": 2}
class Rule:
    k = 3
    def all(self, n):
        return K * n + TABLE["k"] + self.k
def rule(n, rng):
    return {"v": Rule().all(n)}
def place(n, rng):
    return {"v": float(open("number.txt").read()) + 10 * float(os.environ.get("OF_THIS_TEST", 0))}
"""


def test_numbers_are_the_same_in_workers_whatever_was_changed_since_the_import(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "rules.py").write_text(RULES)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "script.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
