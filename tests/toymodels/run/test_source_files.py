"""Source files: which of their lines a name uses, what they import, where they lie, and whether one was edited."""

import ast
import functools
import hashlib
import importlib.util
import json
import os
import py_compile
import sys
import sysconfig
import time
import types
from pathlib import Path

import numpy as np
import pytest

from toymodels.run import source_files
from toymodels.run.source_files import (
    Program,
    Source,
    compiled_head,
    file_of,
    find_module,
    is_installed,
    module_name,
    program,
    read_source,
    type_name,
    used_by,
    was_edited_since_import,
    work_for,
)
from toymodels.run.statements import imports_of


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Name and folder of a package of the user's, unlike any other's: where modules lie is remembered."""
    name = f"lab_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    for file in ("__init__", "rates", "deep/__init__", "deep/inner/__init__", "deep/inner/core", "deep/rates"):
        path = tmp_path / name / f"{file}.py"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("LEVEL = 1.0\n")
    (tmp_path / name / "bare").mkdir()
    (tmp_path / name / "bare" / "leaf.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return name, tmp_path / name


@pytest.mark.parametrize(
    ("module", "imported", "reached"),
    [
        ("{}.main", [("{}.deep.inner.core", ())], {"{}", "{}.deep", "{}.deep.inner", "{}.deep.inner.core"}),
        ("{}.deep.inner.main", [], {"{}", "{}.deep", "{}.deep.inner"}),
        ("{}.main", [(".", ("rates",))], {"{}", "{}.rates"}),
        ("{}.deep.main", [(".", ("rates",))], {"{}", "{}.deep", "{}.deep.rates"}),
        ("{}.deep.inner.main", [("..", ("rates",))], {"{}", "{}.deep", "{}.deep.inner", "{}.deep.rates"}),
        ("{}.deep.inner.main", [("...rates", ("LEVEL",))], {"{}", "{}.deep", "{}.deep.inner", "{}.rates"}),
        ("{}.deep.main", [(".inner", ("core", "LEVEL"))], {"{}", "{}.deep", "{}.deep.inner", "{}.deep.inner.core"}),
        (
            "{}.deep.main",
            [("json", ()), ("numpy.linalg", ("norm",))],
            {"{}", "{}.deep", "json", "numpy", "numpy.linalg"},
        ),
    ],
)
def test_importing_a_module_runs_it_and_the_packages_above_it(module, imported, reached, package):
    name, _ = package
    source = Source("", False, tuple((written.format(name), taken) for written, taken in imported), ())
    assert set(source.imports(module.format(name))) == {each.format(name) for each in reached}


def test_relative_imports_of_a_package_start_in_it(package):
    name, _ = package
    imported = ((".inner", ("core",)), (".rates", ("LEVEL",)), ("..rates", ()))
    from_package = set(Source("", True, imported, ()).imports(f"{name}.deep"))
    assert from_package == {
        name,
        f"{name}.deep",
        f"{name}.deep.inner",
        f"{name}.deep.inner.core",
        f"{name}.deep.rates",
        f"{name}.rates",
    }


def test_packages_of_the_suite_only_pass_names_on():
    imported = (
        ("..run", ("files", "cells")),
        (".", ("collapse",)),
        ("..validation", ("finite",)),
        ("..", ("Trajectory",)),
    )
    source = Source("", False, imported, ())
    assert set(source.imports("toymodels.metrics.mine")) == {
        "toymodels.run.files",
        "toymodels.run.cells",
        "toymodels.metrics.collapse",
        "toymodels.validation",
        "toymodels",
    }
    assert set(Source("", True, ((".collapse", ("x",)),), ("plateaus", "curves.low")).imports("toymodels.metrics")) == {
        "toymodels.metrics.collapse",
        "toymodels.metrics.plateaus",
        "toymodels.metrics.curves.low",
    }


@pytest.mark.parametrize(
    "module",
    ["", ".rates", ".deep", ".deep.rates", ".deep.inner", ".deep.inner.core", ".bare.leaf"],
)
def test_modules_lie_where_python_finds_them(module, package):
    name, _ = package
    assert str(find_module(f"{name}{module}")) == importlib.util.find_spec(f"{name}{module}").origin


def test_a_package_comes_before_a_module_of_its_name(package):
    name, folder = package
    (folder / "deep.py").write_text("")
    assert find_module(f"{name}.deep") == folder / "deep" / "__init__.py"


@pytest.mark.parametrize("module", [".nothing", ".deep.nothing", ".rates.LEVEL", ".bare", ".9", ".rates.", ".a b"])
def test_what_is_no_module_lies_nowhere(module, package):
    assert find_module(f"{package[0]}{module}") is None


def test_a_module_in_a_single_file_holds_no_others(package):
    name, folder = package
    (folder.parent / f"{name}_solo.py").write_text("LEVEL = 1\n")
    assert find_module(f"{name}_solo") == folder.parent / f"{name}_solo.py"
    assert find_module(f"{name}_solo.LEVEL") is None


@pytest.mark.parametrize(
    "module", ["numpy", "numpy.linalg", "json", "sys", "__main__", "no_such_module_at_all", "a-b", ""]
)
def test_modules_that_are_no_file_of_ones_own_lie_nowhere(module):
    assert find_module(module) is None


def test_modules_of_the_suite_are_ones_own():
    for module in ("toymodels", "toymodels.run", "toymodels.run.cells"):
        assert str(find_module(module)) == importlib.util.find_spec(module).origin


def test_what_lies_among_installed_packages_is_installed_unless_it_is_the_suite(tmp_path):
    assert is_installed(Path(np.__file__))
    assert is_installed(Path(json.__file__))
    assert not is_installed(Path(source_files.__file__))
    assert not is_installed(tmp_path / "model.py")
    for kind in ("purelib", "platlib"):
        assert is_installed(Path(sysconfig.get_path(kind)) / "other" / "toymodels" / "x.py")
        assert not is_installed(Path(sysconfig.get_path(kind)) / "toymodels" / "x.py")
    for folder in ("site-packages", "dist-packages"):
        assert is_installed(tmp_path / folder / "other" / "x.py")
        assert not is_installed(tmp_path / folder / "toymodels" / "x.py")


def test_a_file_is_told_by_its_bytes_until_it_is_edited(tmp_path):
    path = tmp_path / "model.py"
    path.write_bytes(b"import a\r\nX = 1\r\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert read_source(str(path)) == Source(digest, False, (("a", ()),), ()) == read_source(str(path))
    state = path.stat()
    path.write_bytes(b"import a\r\nX = 12\r\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    longer, again = read_source(str(path)).digest, read_source(str(path)).digest
    assert longer.startswith("changed while in use, ")
    assert longer != again
    path.write_bytes(b"import a\r\nX = 2\r\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert read_source(str(path)).digest.startswith("changed while in use, ")
    path.write_bytes(b"import a\r\nX = 1\r\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert read_source(str(path)).digest == digest


@pytest.mark.parametrize(
    "text",
    [
        "import a, b.c as d, e  # f, g\n",
        "from a.b import c as d, e  # f\n",
        "from a import (\n    b,\n    c as d,\n)\n",
        "from . import a\nfrom .. import b\nfrom ..c.d import e\n",
        "from.a import b\n",
        "def f():\n    import a\n    if b:\n        from c import d\n",
        "x = 1; import a\nimport b; import c\n",
        "if x: import a\n",
        "from a import \\\n    b, c\n",
        "from a import (b,  # c, d\n    e)\n",
        "from a import *\n",
        "x = 'import a'\n\timport_me = 3\n".replace("\t", ""),
        "# from a import b\nimportant = 1\n",
    ],
)
def test_all_imports_of_a_file_are_found_however_they_are_written(text, tmp_path):
    path = tmp_path / "model.py"
    path.write_text(text)
    expected = set(imports_of(ast.walk(ast.parse(text))))
    found = read_source(str(path)).imported
    plain = not any(word in text for word in (";", "\\", "#", "x: "))
    assert set(found) == expected if plain else set(found) >= expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("import importlib\nx = importlib.import_module('a.b')\n", {"a.b"}),
        ("from importlib import import_module as load\nfor name in ('a', 'b'):\n    load(name)\n", {"a", "b"}),
        ("x = __import__('a')\n", {"a"}),
        ("import importlib\nx = importlib.import_module('.a', __package__)\n", {".a"}),
        ("import runpy\nx = runpy.run_module(mod_name='a.b')\n", {"a.b"}),
        ("import importlib\nx = importlib.import_module('a'), 'no name', '9', 'a/b', '', 'b.'\n", {"a"}),
        ("x = 'a.b'\n", set()),
    ],
)
def test_modules_named_in_quotes_are_imports_where_a_file_imports_by_names(text, named, tmp_path):
    path = tmp_path / "model.py"
    path.write_text(text)
    written = set(imports_of(ast.walk(ast.parse(text))))
    assert set(read_source(str(path)).imported) - written == {(name, ()) for name in named}


def test_comments_and_other_names_of_plain_imports_are_left_out(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("import a.b as c, d  # e\nfrom f import g as h, i  # j\nfrom k import (\n    l,\n    m as n,\n)\n")
    assert read_source(str(path)).imported == (("a.b", ()), ("d", ()), ("f", ("g", "i")), ("k", ("l", "m")))


def test_names_that_a_package_loads_on_first_use_are_its_exports(tmp_path):
    text = '_EXPORTS: dict[str, str] = {\n    "f": "low.part",\n    "g": "low.part",\n    "h": "high",\n}\n'
    text += 'X = {"i": "no"}\n'
    for name in ("__init__.py", "plain.py"):
        (tmp_path / name).write_text(text)
    package, plain = (read_source(str(tmp_path / name)) for name in ("__init__.py", "plain.py"))
    assert (package.is_package, package.exports) == (True, ("high", "low.part"))
    assert (plain.is_package, plain.exports) == (False, ())
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "__init__.py").write_text("X = 1\n")
    assert read_source(str(tmp_path / "empty" / "__init__.py")).exports == ()


def lines_that_count(text, top, folder):
    """Numbers of the lines (counted from 1) an edit of which changes what tells `top` from others."""

    def digest(edited, name):
        path = folder / f"{name}.py"
        path.write_text("\n".join(edited))
        source = used_by(str(path), top, False)
        return None if source is None else source.digest

    lines = text.split("\n")
    before = digest(lines, "before")
    assert before is not None
    assert digest([*lines, "", "# the end"], "longer") == before
    changed = ([*lines[:k], f"{lines[k]}  # edited", *lines[k + 1 :]] for k in range(len(lines)))
    return {k + 1 for k, edited in enumerate(changed) if digest(edited, f"edited_{k}") != before}


MODEL = """A = 1
B = A + 1
C = 2
def f(x):
    return B * x

def g(x: C) -> C:
    return f(x)
@wrap
def h(x=C):
    return x
class K:
    c = C
    def call(self):
        return h
class L(K): pass
TABLE = {}
def fill(v): return v
TABLE.setdefault(1, A)
"""


@pytest.mark.parametrize(
    ("top", "counted"),
    [
        ("A", {1}),
        ("f", {1, 2, 4, 5}),
        ("g", {1, 2, 4, 5, 7, 8}),
        ("h", {3, 9, 10, 11}),
        ("K", {3, 9, 10, 11, 12, 13, 14, 15, 16}),
        ("fill", {18}),
    ],
)
def test_the_lines_that_count_are_those_that_a_name_uses(top, counted, tmp_path):
    always = {1, 19, 17, 3, 9, 10, 11}  # what acts when the file is loaded, with what it uses
    assert lines_that_count(MODEL, top, tmp_path) == counted | always


USERS = """from lab import table, add, Base
T = table()
U = table()
x = T.row.put(1)
y = add(T)
z = add(U)
class D(Base): pass
class E(D): pass
def f():
    return T
def g():
    return D
def h(): return f
w = add(f)"""


@pytest.mark.parametrize(
    ("top", "counted"),
    [
        ("f", {2, 4, 5, 9, 10}),
        ("g", {7, 8, 11, 12}),
        ("h", {2, 4, 5, 9, 10, 13}),  # a function that is only handed on stays as it is
        ("U", {3, 6}),
    ],
)
def test_what_is_called_on_or_with_what_is_used_counts(top, counted, tmp_path, monkeypatch):
    monkeypatch.setattr(source_files, "_suite", lambda: (f"{tmp_path}{os.sep}",))
    assert lines_that_count(USERS, top, tmp_path) == counted


@pytest.mark.parametrize(
    "text",
    [
        "from a import *\ndef f(): pass\n",
        "def g(): pass\n",
        "def f(): return globals()['X']\n",
        "import sys\ndef f(): return sys.modules['m']\n",
        "class C:\n    def __init_subclass__(cls): pass\ndef f(): pass\n",
        "T = []\ndef put(v): T.append(v)\nA = put(1)\ndef f(): return T\n",
    ],
)
def test_a_file_whose_lines_do_not_say_what_is_used_counts_whole(text, tmp_path):
    (tmp_path / "model.py").write_text(text)
    assert used_by(str(tmp_path / "model.py"), "f", False) is None


def test_a_file_counts_whole_where_it_imports_what_acts_on_others(package):
    name, folder = package
    (folder / "patch.py").write_text("from . import rates\nrates.LEVEL = 2.0\n")
    (folder / "model.py").write_text(f"import {name}.patch, {name}.rates\ndef f():\n    return 1\n")
    (folder / "calm.py").write_text(f"import {name}.rates\ndef f():\n    return 1\n")
    assert used_by(str(folder / "model.py"), "f", False) is None
    assert used_by(str(folder / "calm.py"), "f", False) is not None


def test_imports_count_where_their_names_are_used_or_nobody_looks_them_up(tmp_path):
    (tmp_path / "model.py").write_text(
        "from __future__ import annotations\nimport plugin\nfrom a import b, c as d\nimport e.f, g.h as i\n"
        "from ..deep import j\n"
        "def f():\n    from .k import l\n    import m, n\n    return b + e.f(1)\n"
        "def g():\n    import o\n    return d, i, j\n"
    )
    f, g = (used_by(str(tmp_path / "model.py"), top, package) for top, package in (("f", False), ("g", True)))
    assert (f.is_package, g.is_package, f.exports) == (False, True, ())
    assert set(f.imported) == {("plugin", ()), ("a", ("b",)), ("e.f", ()), (".k", ("l",)), ("m", ()), ("n", ())}
    assert set(g.imported) == {("plugin", ()), ("a", ("c",)), ("g.h", ()), ("..deep", ("j",)), ("o", ())}


def test_line_ends_and_a_byte_order_mark_are_no_other_code(tmp_path):
    text = "X = 1\ndef f():\n    return X\n"
    forms = [text.encode(), text.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + text.replace("\n", "\r").encode()]
    digests = set()
    for k, form in enumerate(forms):
        (tmp_path / f"m{k}.py").write_bytes(form)
        digests.add(used_by(str(tmp_path / f"m{k}.py"), "f", False).digest)
    assert len(digests) == 1


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """A source with its compiled file, and a function that gives the state of the source under changes."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "model.py"
    path.write_text("X = 1\n")
    os.utime(path, (1.6e9, 1.6e9))
    py_compile.compile(str(path), doraise=True)

    def state(**changes):
        return types.SimpleNamespace(**{"st_mtime": 1.6e9, "st_ctime": 1.6e9, "st_size": 6} | changes)

    return path, state


def test_a_compiled_file_says_of_which_state_it_is(compiled):
    path, state = compiled
    assert not was_edited_since_import(str(path), path.stat())
    assert was_edited_since_import(str(path), state(st_size=7))
    assert was_edited_since_import(str(path), state(st_mtime=1.6e9 + 1))
    assert not was_edited_since_import(str(path), state(st_mtime=1.6e9 + 0.5))  # Python keeps whole seconds
    assert not was_edited_since_import(str(path), state(st_mtime=1.6e9 + 2**32, st_size=6 + 2**32))  # of 32 bits


def test_a_compiled_file_that_is_not_dated_says_nothing(compiled):
    path, state = compiled
    py_compile.compile(str(path), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert not was_edited_since_import(str(path), state(st_size=7))
    Path(importlib.util.cache_from_source(str(path))).write_bytes(compiled_head(str(path))[:12])
    assert not was_edited_since_import(str(path), state(st_size=7))


def test_without_a_compiled_file_a_source_younger_than_the_process_may_be_another(compiled, monkeypatch):
    path, state = compiled
    head = compiled_head(str(path))
    assert head == Path(importlib.util.cache_from_source(str(path))).read_bytes()[:16]
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert compiled_head(str(path)) is None
    started = source_files._STARTED
    assert not was_edited_since_import(str(path), state(st_mtime=started - 9, st_ctime=started - 3))
    assert was_edited_since_import(str(path), state(st_mtime=started - 9, st_ctime=started + 3))
    assert was_edited_since_import(str(path), state(st_mtime=started + 3, st_ctime=started - 9))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert compiled_head(str(path.with_name("other.py"))) is None


def test_an_imported_file_that_was_edited_since_is_in_no_known_state(package, monkeypatch):
    name, folder = package
    for module in ("rates", "deep.rates"):
        loaded = types.ModuleType(f"{name}.{module}")
        loaded.__file__ = str(folder / f"{module.replace('.', '/')}.py")
        monkeypatch.setitem(sys.modules, loaded.__name__, loaded)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    os.utime(folder / "rates.py")
    source_files._loaded.cache_clear()
    monkeypatch.setattr(source_files, "_STARTED", (folder / "rates.py").stat().st_ctime - 1)
    assert read_source(str(folder / "rates.py")).digest.startswith("changed while in use, ")
    monkeypatch.setattr(source_files, "_STARTED", (folder / "deep" / "rates.py").stat().st_ctime + 100)
    digest = hashlib.sha256(b"LEVEL = 1.0\n").hexdigest()[:16]
    assert read_source(str(folder / "deep" / "rates.py")).digest == digest
    source_files._loaded.cache_clear()


@pytest.fixture
def untold(monkeypatch):
    """Nothing is known of any file yet, and what a test writes is older than the process."""
    monkeypatch.setattr(source_files, "_TOLD", [])
    monkeypatch.setattr(source_files, "_STAMPS", {})
    monkeypatch.setattr(source_files, "_STARTED", time.time() + 1000)


@pytest.mark.usefixtures("untold")
def test_a_worker_takes_the_program_of_the_process_it_works_for(tmp_path):
    path = tmp_path / "study.py"
    path.write_text("X = 1\n")
    here, state = program(), path.stat()
    work_for(Program("lab.study", str(path), (state.st_mtime_ns, state.st_size)))
    assert program().name == "lab.study"
    assert read_source(str(path)).digest == hashlib.sha256(b"X = 1\n").hexdigest()[:16]
    work_for(Program("lab.study", str(path), (state.st_mtime_ns - 1, state.st_size)))
    assert read_source(str(path)).digest.startswith("changed while in use, ")
    work_for(Program("lab.study", str(tmp_path / "elsewhere.py"), (5, 6)))
    assert program() == Program("lab.study")
    work_for(here)
    assert program() == here


@pytest.mark.usefixtures("untold")
def test_the_program_goes_by_the_name_under_which_others_import_it(tmp_path, monkeypatch):
    path = tmp_path / "study.py"
    path.write_text("X = 1\n")
    state = path.stat()
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert program() == Program("__main__")
    main.__file__ = str(path)
    assert program() == Program("study", str(path), (state.st_mtime_ns, state.st_size))
    main.__spec__ = types.SimpleNamespace(name="lab.study")
    assert program() == Program("lab.study", str(path), (state.st_mtime_ns, state.st_size))
    main.__file__ = str(tmp_path / "gone.py")
    assert program() == Program("lab.study")


def function(*, module, name="f", file="<string>"):
    """A function that is defined in a module of this name by text from `file`."""
    space = {"__name__": module}
    exec(compile(f"def {name}(x):\n    return x\nclass C: pass\n", file, "exec"), space)
    return space[name], space["C"]


def test_what_the_program_defines_goes_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "study.py").write_text("X = 1\n")
    monkeypatch.setattr(source_files, "_TOLD", [Program("lab.study", str(tmp_path / "study.py"))])
    for name in ("__main__", "__mp_main__"):
        f, kind = function(module=name, file=str(tmp_path / "study.py"))
        assert (module_name(f), type_name(kind)) == ("lab.study", "lab.study.C")
        assert file_of(f) == tmp_path / "study.py" == file_of(kind)
        typed, _ = function(module=name, file="<stdin>")
        assert file_of(typed) is None
    monkeypatch.setattr(source_files, "_TOLD", [Program("__main__")])
    assert file_of(kind) is None
    assert file_of(f) is None


def test_what_a_module_defines_lies_in_its_file_whatever_name_a_decorator_lends_it(tmp_path, monkeypatch):
    for name, file in (("lab_first", "first.py"), ("lab_second", "second.pyc")):
        loaded = types.ModuleType(name)
        loaded.__file__ = str(tmp_path / file)
        monkeypatch.setitem(sys.modules, name, loaded)
    first, first_class = function(module="lab_first", file=str(tmp_path / "first.py"))
    second, _ = function(module="lab_second", file=str(tmp_path / "second.py"))
    assert file_of(first) == tmp_path / "first.py" == file_of(first_class) == file_of(first_class())
    assert file_of(second) == tmp_path / "second.py"  # the source of what was compiled
    assert file_of(functools.wraps(second)(first)) == tmp_path / "first.py"
    assert module_name(functools.wraps(second)(first)) == "lab_second"
    assert module_name(first_class()) == "lab_first"
    assert type_name(first_class) == "lab_first.C"
    assert file_of(function(module="lab_nowhere", file=str(tmp_path / "x.py"))[0]) is None


def test_what_is_built_in_lies_in_no_file():
    assert (file_of(len), file_of(int), file_of(3.0)) == (None, None, None)
    assert (module_name(len), module_name(int), module_name(3.0), type_name(int)) == (*["builtins"] * 3, "builtins.int")
