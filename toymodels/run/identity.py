"""What tells one computation from another: the function with its sources, what it is called with, and the versions.

Two cells are the same when their identities are: same function by name, same bytes of its own file and of every file
of the suite (or of yours, outside of the installed packages) that it can reach by imports, same arguments, seed, device
and versions. Whatever cannot be told for certain makes an identity that no other equals, so that nothing stale is taken
for new: at worst something is computed twice.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import inspect
import json
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from importlib import util
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

COUNTS = "identity"  # of a dataclass field's metadata: False for what decides no number, like a folder for scratch
LIBRARIES = ("numpy", "scipy", "torch")
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n]+)|import[ \t]+([^\n]+))", re.MULTILINE
)
_WORD = re.compile(r"[\w.]+")


def canonical(value: Any) -> str:
    """JSON that is equal for equal values: sorted, without spaces, whole floats as integers.

    Raises
    ------
    ValueError
        For anything but numbers, strings, None, paths, arrays, dataclasses, sequences and mappings of them.

    Examples
    --------
    >>> canonical({"b": 2.0, "a": (1, None)})
    '{"a":[1,null],"b":2}'
    """
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"))


def plain(value: Any) -> Any:
    """`value` in terms of JSON; functions as their name with the arguments bound to them."""
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        counted = [field.name for field in dataclasses.fields(value) if field.metadata.get(COUNTS, True)]
        return plain({"type": type(value).__qualname__, **{name: getattr(value, name) for name in counted}})
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, ModuleType):
        return {"module": value.__name__}
    if callable(value):
        return function_identity(value)
    raise ValueError(f"function must be bound to plain values to be told from others, got {value!r}")


def function_identity(function: Callable) -> dict[str, Any]:
    """Name of a function and all that is bound to it: arguments of partials, defaults, closure, `self`.

    Raises
    ------
    ValueError
        If something bound to it is no plain value.
    """
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    while isinstance(function, partial):
        arguments, keywords = [*function.args, *arguments], {**function.keywords, **keywords}
        function = function.func
    found: dict[str, Any] = {"name": display_name(function)}
    if isinstance(function, MethodType):
        found["self"], function = plain(function.__self__), function.__func__
    if isinstance(function, FunctionType):
        closure = [cell.cell_contents for cell in function.__closure__ or ()]
        bound = {"defaults": function.__defaults__, "keyword_defaults": function.__kwdefaults__, "closure": closure}
        found |= {name: plain(value) for name, value in bound.items() if value}
        if _file_of(function) is None:  # typed at a prompt or in a notebook: no file says what it does
            found["code"] = _pickle_digest(function)
        elif "<" in function.__qualname__:  # lambdas and local functions share their names
            found["code"] = hashlib.sha256(repr(_code_in_words(function.__code__)).encode()).hexdigest()[:16]
    elif not inspect.isbuiltin(function) and not isinstance(function, type):
        found["self"] = plain(_without_call(function))
        if _file_of(type(function)) is None:
            found["code"] = _pickle_digest(type(function))
    return (
        found
        | ({"arguments": plain(arguments)} if arguments else {})
        | ({"keywords": plain(keywords)} if keywords else {})
    )


def _without_call(instance: Any) -> Any:
    if dataclasses.is_dataclass(instance):
        return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}
    return dict(vars(instance)) if hasattr(instance, "__dict__") else {}


def display_name(function: Callable) -> str:
    """Dotted name of the function under any partials."""
    while isinstance(function, partial):
        function = function.func
    return f"{module_name(function)}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def module_name(function: Any) -> str:
    """Module of a function; the one that runs as a program goes by the name under which others import it."""
    name = getattr(function, "__module__", None) or type(function).__module__ or "builtins"
    if name != "__main__":
        return name
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return spec.name
    return Path(getattr(main, "__file__", "__main__")).stem


def _pickle_digest(thing: Any) -> str:
    """Digest of a function or class that lies in no file, with everything of its module that it uses."""
    import cloudpickle

    return hashlib.sha256(cloudpickle.dumps(thing)).hexdigest()[:16]


def _code_in_words(code: CodeType) -> tuple:
    """What tells a piece of code from another at the same name: where it stands, what it does, with which constants."""
    constants = [_code_in_words(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return code.co_firstlineno, code.co_code.hex(), code.co_names, tuple(constants)


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that compute."""
    from importlib import metadata

    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def sources(*functions: Any) -> dict[str, str]:
    """Every file that these functions can reach by imports, with a digest of its bytes.

    Parameters
    ----------
    *functions : callables
        Also partials, methods, and callable objects; callables in what is bound to them count too.

    Returns
    -------
    dict of str to str
        Dotted module to 16 hexadecimal digits; of the module that a function lies in, only what the function uses, as
        "module:name". Installed packages other than this suite stand in :func:`versions`, not here.
    """
    found: dict[str, str] = {}
    waiting: list[tuple[str, Path]] = []
    for one in (inner for function in functions for inner in _callables(function)):
        part = _part_of_module(one)
        if part is None:
            waiting += _roots(one).items()
        else:
            name, label, source = part
            found[label] = source.digest
            waiting += [(other, file) for other in source.imports(name) if (file := _find(other)) is not None]
    while waiting:
        name, path = waiting.pop()
        if name in found:
            continue
        read = _read(str(path))
        found[name] = read.digest
        waiting += [(other, file) for other in read.imports(name) if (file := _find(other)) is not None]
    return dict(sorted(found.items()))


def _callables(value: Any, depth: int = 0) -> Iterable[Any]:
    """`value` and every callable bound to it: the functions that decide what is computed."""
    if depth > 6:
        return
    if isinstance(value, partial):
        inner = [value.func, *value.args, *value.keywords.values()]
    elif isinstance(value, MethodType):
        inner = [value.__func__, value.__self__]
    elif isinstance(value, ModuleType):
        yield value
        inner = []
    elif isinstance(value, FunctionType):
        yield value
        inner = [cell.cell_contents for cell in value.__closure__ or ()]
    elif dataclasses.is_dataclass(value):
        yield value if isinstance(value, type) else type(value)
        inner = [] if isinstance(value, type) else [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        inner = list(value.values())
    elif isinstance(value, list | tuple):
        inner = list(value)
    elif callable(value):
        yield value if isinstance(value, type) or inspect.isbuiltin(value) else type(value)
        inner = [] if isinstance(value, type) else list(vars(value).values()) if hasattr(value, "__dict__") else []
    else:
        return
    for one in inner:
        yield from _callables(one, depth + 1)


def _roots(function: Any) -> dict[str, Path]:
    """The file a function lies in; for one that lies in none, those of what its code names."""
    if isinstance(function, ModuleType):
        file = _find(function.__name__)
        return {} if file is None else {function.__name__: file}
    path = _file_of(function)
    if path is not None:
        return {} if _is_installed(path) else {module_name(function): path}
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    names = set(_names_in(code)) & function.__globals__.keys()
    modules = {_module_of(function.__globals__[name]) for name in names} | set(_imports_of_code(code))
    return {name: file for name in modules if name and name != "__main__" and (file := _find(name)) is not None}


def _part_of_module(function: Any) -> tuple[str, str, _Source] | None:
    """Module, "module:name" and source of a function with what it uses of its own module; None without a file."""
    path = None if isinstance(function, ModuleType) else _file_of(function)
    if path is None or _is_installed(path):
        return None
    name, top = module_name(function), getattr(function, "__qualname__", "").partition(".")[0]
    source = _used_by(str(path), top, path.name == "__init__.py")
    return None if source is None else (name, f"{name}:{top}", _stamped(str(path), source))


def _module_of(value: Any) -> str:
    return value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "") or ""


def _names_in(code: CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _imports_of_code(code: CodeType) -> Iterable[str]:
    """Modules that a code object may import: every prefix-joined pair of the names it holds is tried by the caller."""
    names = list(_names_in(code))
    yield from names
    yield from (f"{first}.{second}" for first in names if _find(first) is not None for second in names)


def _file_of(function: Any) -> Path | None:
    module = sys.modules.get(getattr(function, "__module__", None) or type(function).__module__ or "")
    file = getattr(module, "__file__", None)
    code = getattr(function, "__code__", None)
    if file is None or (code is not None and code.co_filename.startswith("<")):
        return None
    return Path(file).with_suffix(".py") if str(file).endswith(".pyc") else Path(file)


@dataclasses.dataclass(frozen=True)
class _Source:
    """Bytes of a file by their digest, and the names it imports."""

    digest: str
    is_package: bool
    imported: tuple[tuple[str, tuple[str, ...]], ...]  # (module as written, names taken from it)
    exports: tuple[str, ...]  # modules that an `__init__` loads on first use

    def imports(self, name: str) -> Iterable[str]:
        """Dotted modules that the module called `name` may load."""
        package = name if self.is_package else name.rpartition(".")[0]
        for module, taken in self.imported:
            base = _absolute(module, package)
            inside = [f"{base}.{one}" for one in taken if _find(f"{base}.{one}") is not None]
            yield from inside
            if len(inside) < len(taken) or not taken:  # something is taken from the module itself
                yield base
        yield from (f"{name}.{one}" for one in self.exports)


def _absolute(module: str, package: str) -> str:
    dots = len(module) - len(module.lstrip("."))
    if not dots:
        return module
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - dots + 1], *([module[dots:]] if module[dots:] else [])])


_STAMPS: dict[str, tuple[int, int]] = {}


def _read(path: str) -> _Source:
    return _stamped(path, _parsed(path))


def _stamped(path: str, source: _Source) -> _Source:
    """A source as it was when this process first looked; one that changes under a running process equals no other."""
    state = os.stat(path)
    stamp = (state.st_mtime_ns, state.st_size)
    if _STAMPS.setdefault(path, stamp) != stamp:
        return dataclasses.replace(source, digest=f"changed while in use, {os.urandom(8).hex()}")
    return source


@lru_cache(maxsize=1024)
def _used_by(path: str, top: str, is_package: bool) -> _Source | None:
    """The lines of a file that its top-level name `top` uses, and the imports among them; None if unknown."""
    text = Path(path).read_text(errors="replace")
    tree = ast.parse(text)
    bound: dict[str, list[ast.stmt]] = {}
    always: list[ast.stmt] = []
    for node in tree.body:
        names = _names_bound_by(node)
        if "*" in names:
            return None
        for name in names:
            bound.setdefault(name, []).append(node)
        if not names and not _does_nothing(node):
            always.append(node)
    if top not in bound:
        return None
    waiting, used = [*bound[top], *always], {}
    needed = {top}
    while waiting:
        node = waiting.pop()
        if id(node) in used:
            continue
        used[id(node)] = node
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in _names_used_by(node):
            needed.add(name)
            waiting += bound.get(name, [])
    lines = text.splitlines(keepends=True)
    taken, imported = [], []
    for node in sorted(used.values(), key=lambda one: one.lineno):
        if isinstance(node, ast.Import | ast.ImportFrom):
            aliases = [alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in needed]
            taken.append(ast.unparse(node))
        else:
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            taken.append("".join(lines[first - 1 : node.end_lineno]))
            aliases = None
        for inner in [node] if aliases is not None else ast.walk(node):
            if isinstance(inner, ast.Import):
                imported += [(alias.name, ()) for alias in aliases or inner.names]
            elif isinstance(inner, ast.ImportFrom):
                names = tuple(alias.name for alias in (inner.names if aliases is None else aliases))
                imported.append(("." * inner.level + (inner.module or ""), names))
    digest = hashlib.sha256("".join(taken).encode()).hexdigest()[:16]
    return _Source(digest, is_package, tuple(imported), ())


def _names_used_by(node: ast.AST) -> set[str]:
    """Names that a statement looks up when it runs; the types of arguments are for readers."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        for field, value in ast.iter_fields(inner):
            if field != "returns" and not (field == "annotation" and isinstance(inner, ast.arg)):
                waiting += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]
    return found


def _names_bound_by(node: ast.stmt) -> set[str]:
    """Names that a statement at the top of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names} - {"annotations"} or {"annotations"}
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
    return set()


def _does_nothing(node: ast.stmt) -> bool:
    """Docstrings, and blocks that run for type checkers or as a program only."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    return isinstance(node, ast.Pass) or "TYPE_CHECKING" in test or "__name__" in test


@lru_cache(maxsize=4096)
def _parsed(path: str) -> _Source:
    content = Path(path).read_bytes()
    text = content.decode(errors="replace")
    imported = []
    for module, names, plain_names in _IMPORT.findall(text):
        if module:
            taken = tuple(
                part.split()[0]
                for part in names.strip("() \t").replace("\n", " ").split("#")[0].split(",")
                if part.split()
            )
            imported.append((module, taken))
        else:
            imported += [(word.split()[0], ()) for word in plain_names.split("#")[0].split(",") if word.split()]
    is_package = Path(path).name == "__init__.py"
    listed = re.search(r"^_EXPORTS\b[^{]*\{(.*?)^\}", text, re.MULTILINE | re.DOTALL) if is_package else None
    exports = tuple(sorted(set(re.findall(r":\s*\"([\w.]+)\"", listed.group(1))))) if listed else ()
    return _Source(hashlib.sha256(content).hexdigest()[:16], is_package, tuple(imported), exports)


@lru_cache(maxsize=4096)
def _find(name: str) -> Path | None:
    """The source file of a dotted module that is not an installed package; None for all others."""
    top, *rest = name.split(".")
    home = _home(top)
    if home is None or not all(part.isidentifier() for part in rest):
        return None
    if home.is_file():
        return home if not rest else None
    path = home.joinpath(*rest)
    for file in (path.with_name(path.name + ".py") if rest else None, path / "__init__.py"):
        if file is not None and file.is_file():
            return file
    return None


@lru_cache(maxsize=1024)
def _home(top: str) -> Path | None:
    """Folder or file of a top-level module, if it is the suite's or the user's own."""
    if not top.isidentifier() or top in sys.stdlib_module_names or top == "__main__":
        return None
    try:
        spec = util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        path = Path(next(iter(spec.submodule_search_locations)))
    elif spec.origin and spec.origin.endswith(".py"):
        path = Path(spec.origin)
    else:
        return None
    return None if _is_installed(path) else path


SUITE = ("toymodels", "dnn", "comparisons", "figures")


@lru_cache(maxsize=4096)
def _is_installed(path: Path) -> bool:
    """Whether a file belongs to Python or to an installed package that is not this suite."""
    resolved = path.resolve()
    for root in {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}:
        if resolved.is_relative_to(Path(root).resolve()):
            return resolved.relative_to(Path(root).resolve()).parts[0] not in SUITE
    if {"site-packages", "dist-packages"} & set(resolved.parts):
        return not set(SUITE) & set(resolved.parts)
    return resolved.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())


def device_used(device: str, reached: Iterable[str] = ("dnn",)) -> str:
    """The device that "auto" certainly stands for, found without loading torch; else "auto" itself.

    Parameters
    ----------
    device : str
        "auto", "cpu" or "cuda".
    reached : iterable of str
        Modules that the computation can reach; one that reaches no torch code runs on the "cpu", as does everything
        where the torch that is installed has no GPU support.
    """
    uses_torch = any(name == "dnn" or name.startswith("dnn.") for name in reached)
    return "cpu" if device == "auto" and not (uses_torch and _torch_may_see_a_gpu()) else device


@lru_cache(maxsize=1)
def _torch_may_see_a_gpu() -> bool:
    spec = util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return False
    try:
        text = (Path(next(iter(spec.submodule_search_locations))) / "version.py").read_text()
    except OSError:
        return True
    return not re.search(r"^cuda[^=]*=\s*None", text, re.MULTILINE)
