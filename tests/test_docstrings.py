"""What a package exports is documented parameter by parameter and has an example, all else in words; all examples run.

A package exports the names in its `__all__` (in `_EXPORTS` where they load on first use); a module named there exports
all its names without an underscore.
"""

import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("toymodels", "dnn", "comparisons", "figures")
FILES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
EXAMPLES = [path for path in (*FILES, *sorted((ROOT / "docs").rglob("*.py"))) if ">>> " in path.read_text()]
SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)


def literal(tree, name):
    """Value of a top-level assignment of constants, empty if there is none."""
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and name in [ast.unparse(target) for target in node.targets]
    ]
    return ast.literal_eval(values[0]) if values else ()


def sources(tree):
    """Exported name -> dotted module that defines it, for the `__init__` of a package."""
    imports = {
        alias.asname or alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return {name: imports.get(name) for name in literal(tree, "__all__")}


def exports():
    """File -> names it defines for its package, None for all of them."""
    names = {}
    for init in (path for path in FILES if path.name == "__init__.py"):
        tree, folder = ast.parse(init.read_text()), init.parent
        package = ".".join(folder.relative_to(ROOT).parts)
        lazy = dict(literal(tree, "_EXPORTS") or {})  # modules named from the package on
        named = sources(tree) | {name: f"{package}.{module}" for name, module in lazy.items()}
        for name, module in named.items():
            if (folder / f"{name}.py").exists() and module in (None, package):
                names[folder / f"{name}.py"] = None
            elif module is not None and not (folder / name).is_dir():
                home = ROOT.joinpath(*module.split(".")) if "." in module else folder / module
                names.setdefault(home.with_suffix(".py"), set()).add(name)
        for module in literal(tree, "_MODULES"):
            names[folder / module / "__init__.py" if (folder / module).is_dir() else folder / f"{module}.py"] = None
    return names


EXPORTED = exports()


def public(body, kinds):
    return [node for node in body if isinstance(node, kinds) and not node.name.startswith("_")]


def decorators(node):
    return {ast.unparse(decorator).split("(")[0].split(".")[-1] for decorator in node.decorator_list}


def arguments(function, bound=False):
    """Names a caller passes, without `self` or `cls`."""
    plain = [*function.args.posonlyargs, *function.args.args]
    plain = plain[1:] if bound else plain
    names = [argument.arg for argument in [*plain, *function.args.kwonlyargs]]
    names += [star.arg for star in (function.args.vararg, function.args.kwarg) if star]
    return {name for name in names if not name.startswith("_")}


def fields(cls):
    """What a caller passes to make the class: dataclass or named-tuple fields, or the arguments of `__init__`."""
    made = [node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if made:
        return arguments(made[0], bound=True)
    bases = {ast.unparse(base).split(".")[-1] for base in cls.bases}
    if not (decorators(cls) & {"dataclass"} or bases & {"NamedTuple", "TypedDict"}):
        return set()
    annotated = [node for node in cls.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    passed = [
        node
        for node in annotated
        if "ClassVar" not in ast.unparse(node.annotation) and "init=False" not in ast.unparse(node).replace(" ", "")
    ]
    return {node.target.id for node in passed if not node.target.id.startswith("_")}


def documented(docstring):
    """Names with an entry `a, b : type` under Parameters or Attributes."""
    parts = SECTION.split(docstring)
    bodies = [
        body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title in ("Parameters", "Attributes")
    ]
    entries = re.findall(r"^(\S.*?)(?: *:.*)?$", "\n".join(bodies), re.MULTILINE)
    return {name.strip().lstrip("*") for entry in entries for name in entry.split(",")}


def mentioned(docstring):
    return documented(docstring) | set(re.findall(r"\w+", " ".join(re.findall(r"`+([^`]*)`+", docstring))))


def problems_of(tree, exported=None):
    """One line for every name without words, and for every parameter of an exported name (None: all) without a word."""
    problems = []

    def check(node, label, needed, known):
        docstring = ast.get_docstring(node)
        if not docstring:
            problems.append(f"{label} has no docstring")
        else:
            problems.extend(f"{label} does not document {name}" for name in sorted(needed - known(docstring)))

    for node in public(tree.body, FUNCTIONS | ast.ClassDef):
        strict = exported is None or node.name in exported
        needed = fields(node) if isinstance(node, ast.ClassDef) else arguments(node)
        check(node, node.name, needed if strict else set(), documented)
        for method in public(node.body, FUNCTIONS) if isinstance(node, ast.ClassDef) else ():
            if method.name != "forward" and not decorators(method) & {"overload", "setter"}:  # torch names it
                needed = arguments(method, bound="staticmethod" not in decorators(method))
                check(method, f"{node.name}.{method.name}", needed if strict else set(), mentioned)
    return problems


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_and_their_parameters_are_documented(path):
    tree = ast.parse(path.read_text())
    missing = problems_of(tree, EXPORTED.get(path, set()))
    if tree.body and not ast.get_docstring(tree):
        missing.append("the module has no docstring")
    assert not missing, "\n".join(missing)


def without_example(tree, exported=None):
    """Exported names (None: all public ones) whose docstring shows no call in a section of examples."""
    nodes = public(tree.body, FUNCTIONS | ast.ClassDef)
    chosen = [node for node in nodes if exported is None or node.name in exported]
    return [node.name for node in chosen if not has_example(ast.get_docstring(node) or "")]


def has_example(docstring):
    parts = SECTION.split(docstring)
    bodies = dict(zip(parts[1::2], parts[2::2], strict=True))
    return ">>> " in bodies.get("Examples", "")


@pytest.mark.parametrize("path", EXPORTED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_exported_name_has_an_example(path):
    assert without_example(ast.parse(path.read_text()), EXPORTED[path]) == []


def test_what_a_study_exports_has_an_example():
    """`STUDY`, `run` and `score` are no definitions of their own."""
    from comparisons import Study

    assert all(has_example(inspect.getdoc(thing) or "") for thing in (Study, Study.run, Study.score))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
    assert not any(tmp_path.iterdir())


def test_no_example_is_skipped():
    assert [path for path in EXAMPLES if "doctest: +SKIP" in path.read_text()] == []


def test_the_checks_see_what_is_missing():
    source = '''
def bare(x): ...

def partly(x, y, *rest, option=1, _hidden=2):
    """Words.

    Parameters
    ----------
    x, rest : int
        Text that mentions `y` only.

    Returns
    -------
    option : int
    """

@dataclass(frozen=True)
class Model:
    """Words.

    Parameters
    ----------
    a : int
    """
    a: int
    b: int = 1
    c: ClassVar[int] = 2
    d: int = field(init=False)

    def solve(self, t, lr):
        """At `t`."""

    @property
    def rate(self): ...

def _private(x): ...
'''
    assert problems_of(ast.parse(source)) == [
        "bare has no docstring",
        "partly does not document option",
        "partly does not document y",
        "Model does not document b",
        "Model.solve does not document lr",
        "Model.rate has no docstring",
    ]
    assert problems_of(ast.parse(source), {"Model"}) == [
        "bare has no docstring",
        "Model does not document b",
        "Model.solve does not document lr",
        "Model.rate has no docstring",
    ]


def test_the_checks_see_a_missing_example():
    source = '''
def shows(x):
    """Words.

    Examples
    --------
    >>> shows(1)
    1
    """

def mentions(x):
    """Words about >>> mentions(1).

    Examples
    --------
    None yet.
    """

class Says:
    """Words.

    >>> Says()
    """

def _private(x): ...
'''
    assert without_example(ast.parse(source)) == ["mentions", "Says"]
    assert without_example(ast.parse(source), {"shows", "Says"}) == ["Says"]


def test_the_checks_find_what_packages_export():
    assert EXPORTED[ROOT / "toymodels/metrics/grokking.py"] is None
    assert EXPORTED[ROOT / "toymodels/metrics/information/neighbours.py"] == {"ksg"}
    assert "Trajectory" in EXPORTED[ROOT / "toymodels/trajectory.py"]
    assert "MLP" in EXPORTED[ROOT / "dnn/networks/mlp.py"]
    assert "Study" in EXPORTED[ROOT / "comparisons/harness/study.py"]
    assert all(path.exists() for path in EXPORTED)
