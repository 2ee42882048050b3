"""The direction of imports, figures -> comparisons -> dnn -> toymodels, and what an import may load."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("figures", "comparisons", "dnn", "toymodels")  # an import points right or stays home
FILES = [path.relative_to(ROOT) for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
HEAVY = [
    "dask",
    "distributed",
    "joblib",
    "matplotlib",
    "networkx",
    "pandas",
    "scipy.integrate",
    "scipy.optimize",
    "scipy.stats",
    "sklearn",
    "sympy",
    "torch",
    "xarray",
]
QUICK = [path for path in FILES if path.parts[0] != "dnn" or path.name == "__init__.py" or path.parts[1] == "data"]
MODULES = {}  # dotted name -> path, filled below


def imported(node, package=()):
    """Dotted names that an import statement may load, `from a import b` as both `a` and `a.b`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = [*package[: len(package) - node.level + 1]] if node.level else []
    source = ".".join([*base, *([node.module] if node.module else [])])
    return [source, *(f"{source}.{alias.name}" for alias in node.names)]


def everywhere(tree, package=()):
    return {name for node in ast.walk(tree) for name in imported(node, package)}


def at_import(tree, package=()):
    """Names loaded when the module is: outside of functions and of `if TYPE_CHECKING`."""
    names, waiting = set(), [tree]
    while waiting:
        node = waiting.pop()
        names.update(imported(node, package))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return names


def within(names, roots):
    return {name for name in names if any(name == root or name.startswith(f"{root}.") for root in roots)}


def parsed(path):
    return ast.parse((ROOT / path).read_text()), path.parts[:-1]


def loaded_by(*modules):
    """Which heavy packages a new interpreter holds after importing `modules`."""
    program = f"import sys, {', '.join(modules)}; print(*(name for name in {HEAVY} if name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def module_of(path):
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES |= {module_of(path): path for path in FILES}


def uses(path):
    """Modules of the suite that a file imports anywhere: also in functions, also for type checkers only.

    What is taken from a package counts as the package's `__init__`, unless it is a module of its own.
    """
    tree, package = parsed(path)
    modules = set()
    for node in ast.walk(tree):
        names = imported(node, package)
        inside = [name for name in names[1:] if name in MODULES] if isinstance(node, ast.ImportFrom) else []
        taken = names[1:] if isinstance(node, ast.ImportFrom) else []
        modules.update(inside)
        if len(inside) < len(taken) or not taken:
            modules.update(name for name in names[:1] if name in MODULES)
    return modules


def circles(graph):
    """Groups of modules that reach one another, by a depth-first search over every pair."""
    import networkx

    whole = networkx.DiGraph((name, other) for name, others in graph.items() for other in others)
    return [sorted(group) for group in networkx.strongly_connected_components(whole) if len(group) > 1] + [
        [name] for name, others in graph.items() if name in others
    ]


def test_no_module_imports_itself_in_a_circle_also_none_that_is_hidden():
    assert circles({module_of(path): uses(path) for path in FILES}) == []


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"e"}}) == [["a", "b", "c"], ["e"]]


def exported(path):
    """Names that a package's `__init__` offers, each with whether it is a module."""
    tree = ast.parse((ROOT / path).read_text())
    assigned = {
        ast.unparse(target): node.value for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
    }
    names = {}
    for key in ("__all__", "_EXPORTS", "_MODULES"):
        for name in ast.literal_eval(assigned[key]) if key in assigned else ():
            names[name] = key == "_MODULES"
    package = module_of(path)
    modules = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and imported(node, path.parts[:-1])[0] == package
        for alias in node.names
    }
    return {name: is_module or name in modules for name, is_module in names.items()}


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=str)
def test_no_file_bears_the_name_of_something_else_that_its_package_exports(path):
    folder = (ROOT / path).parent
    for name, is_module in exported(path).items():
        there = (folder / f"{name}.py").exists() or (folder / name).is_dir()
        assert is_module or not there, name


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=str)
def test_every_package_says_what_it_is(path):
    assert ast.get_docstring(ast.parse((ROOT / path).read_text()))


WRITING = (
    "write_text(",
    "write_bytes(",
    "np.savez",
    ".to_csv(",
    ".to_netcdf(",
    "os.replace(",
    "torch.save(",
    '"wb"',
)
MAY_WRITE = {"toymodels/run/files.py"}
INSIDE_WHOLE = {"dnn/training/checkpoints.py"}  # with a `whole` file


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_are_written_in_one_place(path):
    text = (ROOT / path).read_text()
    words = [word for word in WRITING if word in text]
    if str(path) not in MAY_WRITE | INSIDE_WHOLE:
        assert not words
    if str(path) in INSIDE_WHOLE:
        assert "whole(" in text


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_down_the_layers(path):
    above = LAYERS[: LAYERS.index(path.parts[0])]
    assert not within(everywhere(*parsed(path)), above)


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "toymodels"], ids=str)
def test_toymodels_never_imports_torch_and_matplotlib_only_to_draw_graphs(path):
    assert not within(everywhere(*parsed(path)), ("torch",))
    assert path.name == "drawing.py" or not within(everywhere(*parsed(path)), ("matplotlib",))


@pytest.mark.parametrize("path", QUICK, ids=str)
def test_heavy_packages_are_imported_in_the_functions_that_use_them(path):
    assert not within(at_import(*parsed(path)), HEAVY)


def test_toymodels_loads_nothing_heavy():
    assert loaded_by("toymodels") == set()
    program = "import sys, toymodels; print('scipy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == "False"


def test_no_quick_module_loads_anything_heavy_through_others():
    assert loaded_by(*(module_of(path) for path in QUICK if path.name != "__main__.py")) == set()


def test_the_checks_see_every_way_to_import():
    tree = ast.parse(
        "import a.b\n"
        "from c import d\n"
        "from .. import e\n"
        "from .f import g\n"
        "class H:\n    import i\n"
        "def j():\n    import k\n"
        "if TYPE_CHECKING:\n    import l\n"
        "try:\n    import m\nexcept ImportError:\n    import n\n"
    )
    top = {"a.b", "c", "c.d", "p", "p.e", "p.q.f", "p.q.f.g", "i", "m", "n"}
    assert at_import(tree, ("p", "q")) == top
    assert everywhere(tree, ("p", "q")) == top | {"k", "l"}
    assert within(top, ["c", "p.q"]) == {"c", "c.d", "p.q.f", "p.q.f.g"}
