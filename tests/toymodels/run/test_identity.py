"""What tells two computations apart, and what must not: each pair was once one identity, or two."""

import ast
import enum
import functools
import json
import operator
import os
import platform
import subprocess
import sys
import typing
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from toymodels.run import identity, source_files
from toymodels.run.cells import Cell, made_by
from toymodels.run.identity import canonical, display_name, function_identity, plain
from toymodels.run.sources import callables_of, sources

ROOT = Path(__file__).parents[3]
FILES = [path for layer in source_files.SUITE for path in sorted((ROOT / layer).rglob("*.py"))]


@pytest.mark.parametrize(
    ("module", "name", "reached"),
    [
        ("toymodels.layerwise.diagonal", "DiagonalNetwork", {"layerwise.riccati", "layerwise.bessel", "trajectory"}),
        ("toymodels.condensation.residual_flow", "descents", {"validation"}),
        ("toymodels.neurashed.training", "initial_values", {"validation"}),
    ],
)
def test_what_the_suite_takes_from_its_own_modules_is_reached(module, name, reached):
    labels = {label.partition(":")[0] for label in sources(getattr(import_module(module), name))}
    assert {f"toymodels.{part}" for part in reached} | {module} <= labels
    assert "toymodels.neurashed.drawing" not in labels


def test_an_import_of_the_suite_takes_the_module_or_what_lies_in_it():
    source = source_files.Source("", False, (("toymodels.run", ("sweep",)), ("toymodels.run.sweep", ("sweep",))), ())
    assert set(source.imports("mine")) == {"toymodels.run.sweep"}
    whole = source_files.Source("", False, (("toymodels.run.files", ()), ("toymodels", ("metrics", "Trajectory"))), ())
    assert set(whole.imports("mine")) == {"toymodels.run.files", "toymodels.metrics", "toymodels"}


def twice(function):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        return 2 * function(*args, **kwargs)

    return wrapped


def thrice(function):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        return 3 * function(*args, **kwargs)

    return wrapped


def level(rng):
    return 1.0


FIRST = level


def level(rng):
    return 2.0


@dataclass(frozen=True)
class Scaled:
    factor: float = 1.0

    def __call__(self, rng):
        return self.factor


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __call__(self, rng):
        return self.value


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (twice(level), thrice(level)),
        (level, twice(level)),
        (FIRST, level),
        (Scaled(1.0), Scaled(2.0)),
        (partial(level, x=np.zeros(2, np.uint8)), partial(level, x=np.zeros(2, np.int64))),
        (partial(level, x=np.zeros(2)), partial(level, x=np.zeros((1, 2)))),
        (partial(level, x=0.0), partial(level, x=-0.0)),
        (partial(level, x={1: 1}), partial(level, x={"1": 1})),
        (partial(level, x=1), partial(level, x=True)),
        (partial(level, x=1), partial(level, x="1")),
        ({3: 1.0}.get, {3: 2.0}.get),
        (lambda rng: 1, lambda rng: 2),
        (partial(level, x=np.tanh), partial(level, x=np.sin)),
    ],
)
def test_what_differs_is_told_apart(left, right):
    first, second = (Cell(function_identity(function), made_by([function])) for function in (left, right))
    assert first.name != second.name


def made(factor):
    class Scale:
        def __call__(self, rng):
            return factor

    return Scale


class Level(enum.Enum):
    LOW = 1.0

    def value_of(self):
        return self.value


class Pair(typing.NamedTuple):
    first: float

    def twice(self):
        return 2 * self.first


def test_classes_of_a_factory_are_told_apart():
    first, second = (Cell(function_identity(made(x)), made_by([made(x)])) for x in (2.0, 3.0))
    assert first.name != second.name
    assert function_identity(type("Named", (), {"x": 2.0})) != function_identity(type("Named", (), {"x": 3.0}))
    assert "entries" not in function_identity(Pair)
    assert Cell(function_identity(made(2.0)), made_by([made(2.0)])).name == first.name


@pytest.mark.parametrize("value", [Level.LOW, Pair(1.0)])
def test_methods_of_what_is_bound_count(value):
    assert type(value) in set(callables_of(partial(level, x=value)))


@pytest.mark.parametrize("function", [operator.itemgetter(0), Slotted(1.0), partial(level, x=object())])
def test_what_cannot_be_told_apart_is_refused(function):
    with pytest.raises(ValueError, match="bound to plain values"):
        function_identity(function)


def test_a_name_of_a_cell_is_its_identity():
    first, other = (Cell({"function": {"name": "f"}, "x": x}, {"sources": {}}) for x in (1, 2))
    assert first.name != other.name
    assert first.name.partition("/")[0] == first.name.partition("/")[2][:2]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_quick_reading_of_imports_finds_what_the_parser_finds(path):
    """The suite's own files are read by a pattern, which is ten times as fast."""
    quick = {module for module, _ in source_files._parsed(str(path), (0, 0)).imported}
    exact = {module for module, _ in source_files.imports_of(ast.walk(ast.parse(path.read_text())))}
    assert exact <= quick


BASE = "import numpy as np\nfrom toymodels import Trajectory\n"
RUN = "def run(s, rng):\n    return Trajectory([1.0, 2.0], {'score': np.full(2, LEVEL())}, clock='step')\n"
PLAIN = "def LEVEL():\n    return 1.0\n"


@pytest.mark.parametrize(
    ("files", "edited", "old", "new"),
    [
        ({"adapter.py": BASE + PLAIN + RUN}, "adapter.py", "1.0", "2.0"),
        ({"adapter.py": BASE + "P = {}\n_ = P.update(level=1.0)\ndef LEVEL():\n    return P['level']\n" + RUN},) * 1
        + ("adapter.py", "level=1.0", "level=2.0"),
        (
            {
                "adapter.py": BASE
                + "KEPT = {}\ndef keep(f):\n    KEPT['f'] = f\n    return f\n@keep\ndef _():\n    return 1.0\n"
                + "def LEVEL():\n    return KEPT['f']()\n"
                + RUN
            },
            "adapter.py",
            "return 1.0",
            "return 2.0",
        ),
        (
            {
                "adapter.py": BASE
                + "def _level():\n    return 1.0\ndef LEVEL():\n    return globals()['_level']()\n"
                + RUN
            },
            "adapter.py",
            "return 1.0",
            "return 2.0",
        ),
        (
            {
                "adapter.py": BASE
                + "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    from helper import LEVEL\n"
                + RUN,
                "helper.py": PLAIN,
            },
            "helper.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE + "import helper\n" + RUN.replace("LEVEL()", "helper.middle()"),
                "helper.py": "from lower import (\n    LEVEL,  # first\n    OTHER,\n)\n"
                "def middle():\n    return LEVEL()\n",
                "lower.py": PLAIN + "OTHER = 3\n",
            },
            "lower.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE + "import helper\n" + RUN.replace("LEVEL()", "helper.middle()"),
                "helper.py": "import os; import lower\ndef middle():\n    return lower.LEVEL()\n",
                "lower.py": PLAIN,
            },
            "lower.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE + "from package import conf\n" + RUN.replace("LEVEL()", "conf.LEVEL"),
                "package/__init__.py": "from package import conf\nconf.LEVEL = 1.0\n",
                "package/conf.py": "LEVEL = 0.0\n",
            },
            "package/__init__.py",
            "1.0",
            "2.0",
        ),
        ({"adapter.py": BASE + "# \x0c\u2028\n" + PLAIN + RUN}, "adapter.py", "1.0", "2.0"),
        (
            {
                "adapter.py": BASE
                + "import plugins\nimport registry\n"
                + RUN.replace("LEVEL()", "registry.KEPT['f']()"),
                "registry.py": "KEPT = {}\n",
                "plugins.py": "import registry\ndef level():\n    return 1.0\nregistry.KEPT['f'] = level\n",
            },
            "plugins.py",
            "1.0",
            "2.0",
        ),
        (
            {"adapter.py": BASE + "from profile import LEVEL\n" + RUN, "profile.py": PLAIN},  # before the stdlib's
            "profile.py",
            "1.0",
            "2.0",
        ),
        (
            {"adapter.py": BASE + "T = {}\nU = T\nU['s'] = 1.0\ndef LEVEL():\n    return T['s']\n" + RUN},
            "adapter.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE + "import lower, other\nfrom middle import level\nlower.LEVEL = other.LEVEL\n"
                "def LEVEL():\n    return level()\n" + RUN,
                "lower.py": "def LEVEL():\n    return 0.0\n",
                "middle.py": "import lower\ndef level():\n    return lower.LEVEL()\n",
                "other.py": PLAIN,
            },
            "other.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE + "from deco import scaled\n@scaled\ndef LEVEL():\n    return 1.0\n" + RUN,
                "deco.py": "import functools\ndef LEVEL():\n    return 9.0\ndef scaled(f):\n"
                "    @functools.wraps(f)\n    def inner():\n        return 3.0 * f()\n    return inner\n",
            },
            "deco.py",
            "3.0",
            "4.0",
        ),
        (
            {
                "adapter.py": BASE
                + "T = {}\ndef put(t, v):\n    t['s'] = v\nDONE = put(T, 1.0)\ndef LEVEL():\n    return T['s']\n"
                + RUN
            },
            "adapter.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE
                + "class C:\n    pass\nT = C()\nT.d = {}\n_ = T.d.setdefault('s', 1.0)\n"
                + "def LEVEL():\n    return T.d['s']\n"
                + RUN
            },
            "adapter.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE
                + "if __name__ == '__main__':\n    S = 0.0\nelse:\n    S = 1.0\ndef LEVEL():\n    return S\n"
                + RUN
            },
            "adapter.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE
                + "KEPT = {}\ndef cache(f):\n    KEPT['f'] = f\n    return f\n@cache\n"
                + "def _():\n    return 1.0\ndef LEVEL():\n    return KEPT['f']()\n"
                + RUN
            },
            "adapter.py",
            "1.0",
            "2.0",
        ),
        (
            {"adapter.py": BASE + "from h import LEVEL\n" + RUN, "h/__init__.py": PLAIN, "h.py": "LEVEL = 0.0\n"},
            "h/__init__.py",
            "1.0",
            "2.0",
        ),
        (
            {
                "adapter.py": BASE + "from package.deep import LEVEL\n" + RUN,
                "package/__init__.py": "",
                "package/deep.py": "from.lower import LEVEL\n",
                "package/lower.py": PLAIN,
            },
            "package/lower.py",
            "1.0",
            "2.0",
        ),
        ({"adapter.py": "\ufeff" + BASE + PLAIN + RUN}, "adapter.py", "1.0", "2.0"),
    ],
)
def test_an_edit_of_anything_that_decides_a_number_is_another_identity(files, edited, old, new, tmp_path):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    code = "import adapter\nfrom toymodels.run.sources import sources\nprint(sorted(sources(adapter.run).items()))\n"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}

    def identity():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = identity()
    assert identity() == before
    path = tmp_path / edited
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert identity() != before


def test_a_file_edited_after_it_was_imported_is_never_taken_for_what_it_says(tmp_path):
    (tmp_path / "adapter.py").write_text(BASE + PLAIN + RUN)
    code = (
        "import adapter, pathlib\nfrom toymodels.run.sources import sources\n"
        "path = pathlib.Path(adapter.__file__)\npath.write_text(path.read_text().replace('1.0\\n', '22.0\\n'))\n"
        "print(sources(adapter.run))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert "changed while in use" in done.stdout, done.stderr


def test_settings_with_methods_count_like_the_model():
    import figures.layerwise.saddle_to_saddle as figure

    settings = figure.FIGURE.presets["quick"]
    assert any(type(settings).__qualname__ in name for name in made_by([figure.FIGURE.compute, settings])["sources"])


def test_what_a_function_does_not_use_is_free():
    import figures.opt_npt.batch_norm_lag as figure

    reached = sources(figure.FIGURE.compute)
    assert "figures.opt_npt.batch_norm_lag:compute" in reached
    assert not any(name.endswith(("_claims", "_drawing")) for name in reached)


@pytest.mark.parametrize(("version", "seen"), [("2.9.1", False), ("2.9.1+cpu", False), ("2.9.1", True)])
def test_auto_is_the_cpu_where_no_torch_can_see_another_device(version, seen, tmp_path, monkeypatch):
    cuda = repr("12.8") if seen else None
    (tmp_path / "version.py").write_text(f"__version__ = {version!r}\ncuda: Optional[str] = {cuda}\n")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(identity.util, "find_spec", lambda name: {"torch": spec}[name])
    ask = identity._torch_may_see_a_gpu.__wrapped__
    monkeypatch.setattr(identity, "_torch_may_see_a_gpu", ask)
    assert identity.device_used("auto") == ("auto" if seen else "cpu")
    assert identity.device_used("auto", ["toymodels.layerwise"]) == "cpu"
    assert identity.device_used("cuda") == "cuda"
    (tmp_path / "version.py").unlink()
    assert identity.device_used("auto") == "auto"  # nobody knows
    monkeypatch.setattr(identity.util, "find_spec", lambda name: None)
    assert identity.device_used("auto") == "cpu"


def test_versions_are_those_of_the_libraries():
    import platform

    import scipy
    import torch

    from toymodels.run.identity import versions

    expected = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    assert versions() == expected | {"torch": torch.__version__}


def test_only_the_lines_of_what_is_used_count(tmp_path):
    text = "X = 1\n# COMMENT\ndef f():\n    return X\n# COMMENT\nY = 2\n"
    digests = []
    for k, new in enumerate(("# COMMENT", "# another", "# COMMENT")):
        (tmp_path / f"m{k}.py").write_text(text.replace("# COMMENT", new).replace("X = 1", f"X = {k // 2}"))
        digests.append(source_files.used_by(str(tmp_path / f"m{k}.py"), "f", False).digest)
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_the_version_of_python_is_that_of_its_release():
    assert identity.versions()["python"] == platform.python_version()


@dataclass(frozen=True)
class Counted:
    rate: float = 2.0
    scratch: str = field(default="", metadata={"identity": False})
    kept: int = field(default=3, metadata={"identity": True})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.0, 2),
        (-3.0, -3),
        (0.0, 0),
        (2.5, 2.5),
        (True, True),
        (None, None),
        ("2.0", "2.0"),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        ((1, [2.0, "x"]), [1, [2, "x"]]),
        ({"a": 1.0, 2: "b", (3, "c"): None}, {"a": 1, "<2>": "b", "<(3, 'c')>": None}),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
        (defaultdict(list, a=1), {"entries": {"a": 1}, "factory": {"name": "builtins.list"}}),
        (np.array([[1.0, 2.5]], np.float32), {"array": [[1, 2.5]], "dtype": "float32", "shape": [1, 2]}),
        (Path("a") / "b", os.path.join("a", "b")),
        (operator, {"module": "operator"}),
        (Counted(0.5, "tmp"), {"type": f"{__name__}.Counted", "rate": 0.5, "kept": 3}),
    ],
)
def test_values_in_terms_of_json(value, expected):
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)
    assert json.loads(canonical(value)) == expected


def test_a_negative_zero_is_no_whole_number():
    assert (canonical(-0.0), canonical(0.0), canonical([0.0, -0.0])) == ("-0.0", "0", "[0,-0.0]")


@given(
    st.dictionaries(
        st.text("ab<>", max_size=2), st.integers() | st.floats(allow_nan=False, allow_infinity=False), max_size=5
    )
)
def test_words_of_a_mapping_hang_on_no_order_and_read_back_as_they_were(values):
    assert canonical(values) == canonical(dict(reversed(values.items())))
    assert json.loads(canonical(values)) == values


def keyword(x, *, y=3):
    return x


def closing(factor, words="w"):
    def inner(x, power=2, *, sign=-1):
        return sign * factor * x**power, words

    return inner


HERE = __name__


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (level, {"name": f"{HERE}.level"}),
        (keyword, {"name": f"{HERE}.keyword", "keyword_defaults": {"y": 3}}),
        (
            partial(partial(keyword, 1.0, y=4), 2, y=5),
            {
                "name": f"{HERE}.keyword",
                "keyword_defaults": {"y": 3},
                "arguments": [1, 2],
                "keywords": {"y": 5},
            },
        ),
        (
            partial(keyword, y=[0.5]),
            {"name": f"{HERE}.keyword", "keyword_defaults": {"y": 3}, "keywords": {"y": [0.5]}},
        ),
        (
            Scaled(0.5),
            {"name": f"{HERE}.Scaled", "self": {"factor": 0.5}},
        ),
        (
            Scaled(0.5).__call__,
            {
                "name": f"{HERE}.Scaled.__call__",
                "self": {"type": f"{HERE}.Scaled", "factor": 0.5},
            },
        ),
        (Scaled, {"name": f"{HERE}.Scaled"}),
        (np.sin, {"name": "numpy.sin"}),
        (len, {"name": "builtins.len"}),
        ([1.0, 2].append, {"name": "builtins.list.append", "self": [1, 2]}),
    ],
)
def test_a_function_is_its_name_and_what_is_bound_to_it(function, expected):
    assert function_identity(function) == expected
    assert isinstance(function, Scaled) or plain(function) == expected


def test_the_name_of_a_function_is_that_under_its_partials():
    assert display_name(partial(partial(keyword, 1), y=2)) == f"{HERE}.keyword"
    assert display_name(Scaled()) == display_name(Scaled) == f"{HERE}.Scaled"
    assert display_name(partial(Scaled().__call__, 1)) == f"{HERE}.Scaled.__call__"
    assert display_name(closing(1)) == f"{HERE}.closing.<locals>.inner"
    assert display_name(len) == "builtins.len"


def test_functions_that_share_a_name_are_told_by_their_code_and_line():
    made_here = function_identity(closing(3.0))
    assert made_here["name"] == f"{HERE}.closing.<locals>.inner"
    assert made_here["line"] == closing(1).__code__.co_firstlineno
    assert (made_here["defaults"], made_here["keyword_defaults"]) == ([2], {"sign": -1})
    assert sorted(map(str, made_here["closure"])) == ["3", "w"]
    assert function_identity(closing(4.0)) != made_here == function_identity(closing(3.0))


def test_functions_of_numpy_and_scipy_go_by_their_name_and_those_made_by_hand_have_none():
    assert function_identity(special.erf) != function_identity(special.erfc)
    with pytest.raises(ValueError, match="function must be bound to plain values to be told from others, got <ufunc"):
        function_identity(np.frompyfunc(len, 1, 1))


def test_arguments_of_partials_come_in_the_order_in_which_they_are_bound():
    function = partial(partial(partial(keyword, 1), 2), 3)
    assert function_identity(function)["arguments"] == [1, 2, 3]
    inner = functools.partial(keyword, y=1)
    assert function_identity(functools.partial(inner, y=2))["keywords"] == {"y": 2}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('__version__ = "1.2.3"\n', "1.2.3"),
        ("version: str = '4.5'\n", "4.5"),
        ('short_version = "1"\nversion = "2.0rc1"\n', "2.0rc1"),
        ('git_version = "0"\n__version__ = version = "3"\n', ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_version_of_a_library_is_that_in_its_file(text, version, tmp_path, monkeypatch):
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path / "nowhere"), str(tmp_path)])
    monkeypatch.setattr(identity.util, "find_spec", lambda name: {"no_such_library": spec, "gone": None}[name])
    if text is not None:
        (tmp_path / "version.py").write_text(text)
    assert identity._version_in_file("no_such_library") == version
    assert identity._version_in_file("gone") == ""


@pytest.mark.parametrize(
    ("reached", "device"),
    [
        ((), "cpu"),
        (("toymodels", "dnnx", "lab.dnn"), "cpu"),
        (("toymodels", "dnn"), "auto"),
        (("dnn.training.loop:train",), "auto"),
    ],
)
def test_only_what_reaches_torch_may_run_elsewhere_than_on_the_cpu(reached, device, monkeypatch):
    monkeypatch.setattr(identity, "_torch_may_see_a_gpu", lambda: True)
    assert identity.device_used("auto", reached) == device
    assert identity.device_used("cuda", reached) == "cuda"
    assert identity.device_used("cpu", reached) == "cpu"
    monkeypatch.setattr(identity, "_torch_may_see_a_gpu", lambda: False)
    assert identity.device_used("auto", reached) == "cpu"


class Outer:
    class Inner:
        rate = 2.0


def test_a_class_in_a_class_goes_by_its_name_and_so_does_one_of_the_program(tmp_path, monkeypatch):
    assert function_identity(Outer.Inner) == {"name": f"{HERE}.Outer.Inner"}
    (tmp_path / "study.py").write_text("")
    monkeypatch.setattr(source_files, "_TOLD", [source_files.Program("study", str(tmp_path / "study.py"))])
    for program in ("__main__", "__mp_main__"):
        kind = type("Named", (), {"__module__": program, "rate": 2.0})
        assert function_identity(kind) == {"name": "study.Named"}
        local = type("Named", (), {"__module__": program, "__qualname__": "make.<locals>.Named", "rate": 2.0})
        assert function_identity(local) == {"name": "study.make.<locals>.Named", "entries": {"rate": 2}}
