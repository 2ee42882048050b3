"""Source files of the suite and of its user: what they say, what they import, and which lines a name in them uses.

Files of Python itself and of installed packages other than this suite have no place here: their versions tell them.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import Any

SUITE = ("toymodels", "dnn", "comparisons", "figures")
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n]+)|import[ \t]+([^\n]+))", re.MULTILINE
)


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


def file_of(function: Any) -> Path | None:
    """The source file of a function or class; None for what was typed at a prompt or in a notebook."""
    module = sys.modules.get(getattr(function, "__module__", None) or type(function).__module__ or "")
    file = getattr(module, "__file__", None)
    code = getattr(function, "__code__", None)
    if file is None or (code is not None and code.co_filename.startswith("<")):
        return None
    return Path(file).with_suffix(".py") if str(file).endswith(".pyc") else Path(file)


@dataclasses.dataclass(frozen=True)
class Source:
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
            inside = [f"{base}.{one}" for one in taken if find_module(f"{base}.{one}") is not None]
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


def read_source(path: str) -> Source:
    """A file's digest and imports, see :func:`stamped`."""
    return stamped(path, _parsed(path))


def stamped(path: str, source: Source) -> Source:
    """A source as it was when this process first looked; one that changes under a running process equals no other."""
    state = os.stat(path)
    stamp = (state.st_mtime_ns, state.st_size)
    if _STAMPS.setdefault(path, stamp) != stamp:
        return dataclasses.replace(source, digest=f"changed while in use, {os.urandom(8).hex()}")
    return source


@lru_cache(maxsize=1024)
def used_by(path: str, top: str, is_package: bool) -> Source | None:
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
    return Source(digest, is_package, tuple(imported), ())


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
def _parsed(path: str) -> Source:
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
    return Source(hashlib.sha256(content).hexdigest()[:16], is_package, tuple(imported), exports)


@lru_cache(maxsize=4096)
def find_module(name: str) -> Path | None:
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
    return None if is_installed(path) else path


@lru_cache(maxsize=4096)
def is_installed(path: Path) -> bool:
    """Whether a file belongs to Python or to an installed package that is not this suite."""
    resolved = path.resolve()
    for root in {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}:
        if resolved.is_relative_to(Path(root).resolve()):
            return resolved.relative_to(Path(root).resolve()).parts[0] not in SUITE
    if {"site-packages", "dist-packages"} & set(resolved.parts):
        return not set(SUITE) & set(resolved.parts)
    return resolved.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())
