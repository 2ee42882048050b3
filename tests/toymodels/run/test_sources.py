"""What a function can reach, by the files in which it lies: through what it calls, imports and has bound to it."""

import functools
import hashlib
import importlib
import json
import sys
import time
import types
from collections import defaultdict

import numpy as np
import pytest

from toymodels.run import source_files
from toymodels.run.source_files import Program
from toymodels.run.sources import code_digest, code_in_words, functions_of, names_in, sources

RATES = """
LEVEL = 1.0
def rate(x=None):
    return LEVEL
def unused():
    return 0
"""
MODEL = """
import dataclasses
import enum
import functools
from .rates import rate, LEVEL
SIZE = 3
def run(rng=None, *more, **named):
    return SIZE * rate()
def other(x=0):
    return x
def closed(inner):
    def call(x):
        return inner(x)
    return call
def with_default(inner):
    def call(x=inner):
        return x
    return call
def with_keyword(inner):
    def call(*, x=inner):
        return x
    return call
def lent(inner):
    @functools.wraps(inner)
    def call(x):
        return 2 * inner(x)
    return call
@dataclasses.dataclass
class Settings:
    inner: object = None
    def scaled(self):
        return SIZE
class Caller:
    def __init__(self, inner=None):
        self.inner = inner
    def __call__(self, x):
        return self.inner(x)
    def method(self, x):
        return SIZE
class Table(dict):
    pass
class Row(list):
    pass
class Number(float):
    pass
class Level(enum.IntEnum):
    LOW = 1
class Plain:
    pass
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A package of the user's with the modules `model` and `rates`, loaded; its name is no other's."""
    name = f"lab_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    (tmp_path / name).mkdir()
    for file, text in (("__init__", ""), ("model", MODEL), ("rates", RATES)):
        (tmp_path / name / f"{file}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(source_files, "_STARTED", time.time() + 1000)
    loaded = {module: importlib.import_module(f"{name}.{module}") for module in ("model", "rates")}
    yield types.SimpleNamespace(name=name, folder=tmp_path / name, **loaded)
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def labels(lab, *functions):
    """What is reached, with the package's name left out."""
    return {label.removeprefix(f"{lab.name}.") for label in sources(*functions) if label != lab.name}


def test_a_function_reaches_its_lines_and_the_files_that_these_import(lab):
    reached = sources(lab.model.run)
    assert list(reached) == sorted([lab.name, f"{lab.name}.model:run", f"{lab.name}.model:run()", f"{lab.name}.rates"])
    assert reached[f"{lab.name}.rates"] == hashlib.sha256(RATES.encode()).hexdigest()[:16]
    assert reached[lab.name] == hashlib.sha256(b"").hexdigest()[:16]
    assert all(len(digest) == 16 and int(digest, 16) >= 0 for digest in reached.values())
    assert labels(lab, lab.model.other) == {"model:other", "model:other()"}
    assert labels(lab, lab.model.run, lab.model.other) == labels(lab, lab.model.run) | labels(lab, lab.model.other)


RATE = {"rates:rate", "rates:rate()"}


@pytest.mark.parametrize(
    "bind",
    [
        lambda model, inner: functools.partial(inner, 1),
        lambda model, inner: functools.partial(model.other, inner),
        lambda model, inner: functools.partial(model.other, x=inner),
        lambda model, inner: functools.partial(model.other, x=functools.partial(inner, 2)),
        lambda model, inner: model.closed(inner),
        lambda model, inner: model.with_default(inner),
        lambda model, inner: model.with_keyword(inner),
        lambda model, inner: model.lent(inner),
        lambda model, inner: model.Caller(inner),
        lambda model, inner: model.Caller(inner).method,
        lambda model, inner: model.Settings(inner),
        lambda model, inner: model.Settings({"a": [(0, inner)]}).scaled,
        lambda model, inner: model.Table(a=inner),
        lambda model, inner: model.Row([inner]),
        lambda model, inner: defaultdict(inner),
        lambda model, inner: {0: inner}.get,
        lambda model, inner: [inner].__getitem__,
    ],
)
def test_what_is_bound_to_a_function_is_reached(bind, lab):
    assert labels(lab, bind(lab.model, lab.rates.rate)) >= RATE
    assert not labels(lab, bind(lab.model, lab.model.other)) & RATE


def test_what_binds_itself_is_reached_once(lab):
    ring = [lab.rates.rate]
    ring.append(ring)
    caller = lab.model.Caller(ring)
    ring.append(caller)
    assert labels(lab, caller) == RATE | {"model:Caller"}
    assert (
        sources(lab.rates.rate, lab.rates.rate, [lab.rates.rate])[f"{lab.name}.rates:rate"]
        == (sources(lab.rates.rate)[f"{lab.name}.rates:rate"])
    )


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda model: model.Table(), "Table"),
        (lambda model: model.Row([1]), "Row"),
        (lambda model: model.Number(2), "Number"),
        (lambda model: model.Level.LOW, "Level"),
        (lambda model: model.Plain(), "Plain"),
        (lambda model: model.Settings(), "Settings"),
        (lambda model: model.Caller(), "Caller"),
        (lambda model: model.Plain, "Plain"),
    ],
)
def test_the_class_of_a_value_is_reached_for_its_methods(make, kind, lab):
    assert labels(lab, functools.partial(lab.model.other, make(lab.model))) == {
        "model:other",
        "model:other()",
        f"model:{kind}",
    }


def test_a_module_is_reached_whole_with_what_it_imports(lab):
    assert labels(lab, lab.rates) == {"rates"}
    assert labels(lab, functools.partial(lab.model.other, lab.model)) == {
        "model",
        "model:other",
        "model:other()",
        "rates",
    }


@pytest.mark.parametrize(
    "value", [len, 3, "word", None, np, np.zeros(3), np.sin, int, [], {}, np.float64(2), [1].append]
)
def test_what_is_python_s_own_or_installed_is_told_by_versions(value):
    assert sources(value) == {}


def test_of_an_installed_function_only_what_was_compiled_is_told():
    assert sources(json.dumps) == {"json:dumps()": code_digest(json.dumps)} | sources(json.dumps)
    assert sources(json.dumps).keys() == {"json:dumps()"}


def test_two_functions_of_one_name_are_told_together(lab):
    space = {"__name__": lab.rates.__name__}
    file = str(lab.folder / "rates.py")
    exec(compile("def rate():\n    return 2.0\n", file, "exec"), space)
    label = f"{lab.name}.rates:rate()"
    first, second = sources(lab.rates.rate)[label], sources(space["rate"])[label]
    assert first != second
    assert len({first, second, sources(lab.rates.rate, space["rate"])[label]}) == 3


def test_a_function_of_the_program_reaches_the_whole_program(lab, monkeypatch):
    path = lab.folder.parent / "study.py"
    path.write_text(f"from {lab.name} import rates\ndef f():\n    return 1\n")
    monkeypatch.setattr(source_files, "_TOLD", [Program("study", str(path))])
    space = {"__name__": "__main__"}
    exec(compile("def f():\n    return 1\n", str(path), "exec"), space)
    reached = sources(space["f"])
    assert reached.keys() == {"study", "study:f()", lab.name, f"{lab.name}.rates"}
    assert reached["study"] == hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def typed(text, name, **given):
    """What is typed at a prompt under this name."""
    space = {"__name__": "__main__", **given}
    exec(compile(text, "<stdin>", "exec"), space)
    return space[name]


def test_what_is_typed_reaches_what_it_names(lab, monkeypatch):
    monkeypatch.setattr(source_files, "_TOLD", [Program("__main__")])
    rate, model = lab.rates.rate, lab.model
    direct = typed("def f(): return rate()", "f", rate=rate)
    assert labels(lab, direct) == {"rates", "__main__:f()", *RATE}
    assert labels(lab, typed("def g(): return rate()\ndef f(): return g()", "f", rate=rate)) >= RATE
    assert labels(lab, typed("def f(): return [(lambda: rate())() for k in (1, 2)]", "f", rate=rate)) >= RATE
    assert labels(lab, typed("def f(): return model", "f", model=model)) == {"model", "rates", "__main__:f()"}
    assert labels(lab, typed("def f(): return 1", "f", rate=rate)) == {"__main__:f()"}
    assert labels(lab, typed(f"def f():\n    import {lab.name}.rates", "f")) == {"rates", "__main__:f()"}
    assert labels(lab, typed(f"def f():\n    from {lab.name} import rates", "f")) == {"rates", "__main__:f()"}


@pytest.mark.parametrize(
    "body",
    [
        "importlib.import_module('NAME.rates')",
        "load('NAME.rates').rate()",
        "[load(name) for name in ('other', 'NAME.rates')]",
        "[load(name) for name in {'other', 'NAME.rates'}]",
        "(lambda: __import__('NAME.rates'))()",
    ],
)
def test_modules_named_in_quotes_are_reached(body, lab, monkeypatch):
    body = body.replace("NAME", lab.name)
    written = (
        f"import importlib\nload = importlib.import_module\ndef f(): return {body}\ndef g(): return 'NAME.rates'\n"
    )
    (lab.folder / "named.py").write_text(written)
    named = importlib.import_module(f"{lab.name}.named")
    assert labels(lab, named.f) == {"rates", "named:f", "named:f()"}
    assert labels(lab, named.g) == {"named:g", "named:g()"}
    monkeypatch.setattr(source_files, "_TOLD", [Program("__main__")])
    inside = {"importlib": importlib, "load": importlib.import_module}
    assert labels(lab, typed(f"def f(): return {body}", "f", **inside)) - {"importlib:import_module()"} == {
        "rates",
        "__main__:f()",
    }
    assert labels(lab, typed(f"def f(): return '{lab.name}.rates'", "f", **inside)) == {"__main__:f()"}


@pytest.mark.parametrize(
    "body",
    [
        "def f(self): return rate()",
        "@staticmethod\n    def f(): return rate()",
        "@classmethod\n    def f(kind): return rate()",
        "@property\n    def f(self): return rate()",
        "@property\n    def f(self): return 1\n    @f.setter\n    def f(self, x): rate()",
        "@functools.cached_property\n    def f(self): return rate()",
    ],
)
def test_a_typed_class_reaches_what_its_methods_name(body, lab, monkeypatch):
    monkeypatch.setattr(source_files, "_TOLD", [Program("__main__")])
    text = f"import functools\nclass Base:\n    {body}\nclass Derived(Base): pass\n"
    for name in ("Base", "Derived"):
        kind = typed(text, name, rate=lab.rates.rate)
        assert labels(lab, kind) >= RATE
        assert labels(lab, kind()) >= RATE
    assert not labels(lab, typed(text.replace("rate()", "1"), "Derived", rate=lab.rates.rate)) & RATE


@pytest.mark.parametrize("base", ["dict", "list", "float", "object"])
def test_typed_classes_of_values_are_told_by_what_their_methods_do(base, lab, monkeypatch):
    monkeypatch.setattr(source_files, "_TOLD", [Program("__main__")])
    first, same, second = (
        typed(f"class T({base}):\n    def level(self):\n        return {k}", "T")() for k in (1, 1, 2)
    )
    told, again, other = (sources(functools.partial(lab.model.other, value)) for value in (first, same, second))
    assert told == again
    assert told.keys() == other.keys()
    assert told != other


def test_functions_of_an_entry_of_a_class_are_found_under_what_wraps_them():
    def first(self):
        return 1

    def second(self, x):
        return 2

    assert functions_of(first) == functions_of(staticmethod(first)) == functions_of(classmethod(first)) == [first]
    assert functions_of(property(first)) == functions_of(functools.cached_property(first)) == [first]
    assert functions_of(property(first, second)) == [first, second]
    assert functions_of(functools.partialmethod(second, 1)) == [second]
    assert functions_of(3) == functions_of(len) == functions_of(property()) == []


def code_of(text):
    return typed(text, "f")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("\n\n\ndef f(x): return x + 2", True),
        ("def f(x):\n    # words\n    return x + 2", True),
        ("def f(x): return x + 3", False),
        ("def f(x): return x + 2.0", False),
        ("def f(x): return x - 2", False),
        ("def f(x): return y + 2", False),
    ],
)
def test_code_is_told_by_what_it_does_and_not_by_where_it_stands(text, same):
    assert (code_digest(code_of(text)) == code_digest(code_of("def f(x): return x + 2"))) is same


def test_functions_inside_and_names_from_outside_are_part_of_the_code():
    first, second = (code_of(f"def f(x):\n    def g(): return {word}\n    return g") for word in ("x + 'a'", "x + 'b'"))
    assert code_digest(first) != code_digest(second)
    assert names_in(code_of("def f(): return [g(k) for k in h.i]").__code__) is not None
    assert {"g", "h", "i"} <= set(names_in(code_of("def f():\n    def j(): return g()\n    return h.i").__code__))


def test_the_order_of_a_set_is_no_part_of_the_code():
    code = code_of("def f(x): return x in {0, 8}").__code__
    first, second = frozenset([0, 8]), frozenset([8, 0])
    assert repr(first) != repr(second)
    one, other, third = (
        code_in_words(code.replace(co_consts=(None, members))) for members in (first, second, frozenset([0, 9]))
    )
    assert one == other
    assert one != third
