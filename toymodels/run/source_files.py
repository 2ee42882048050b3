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
import time
from collections.abc import Iterable
from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import Any

from toymodels.run.hidden_acts import acts_on_others, hides_acts, imported_files
from toymodels.run.statements import IMPORTS, acts, all_define, imports_of, names_bound_by, names_used_by, touches

SUITE = ("toymodels", "dnn", "comparisons", "figures")
PROGRAM = ("__main__", "__mp_main__")  # the module that runs as the program; in a process that was spawned the second
IMPORTERS = {"importlib", "import_module", "__import__", "runpy"}  # by names in quotes
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]*([.\w]+)[ \t]+import[ \t]*(\([^)]*\)|[^\n]+)|import[ \t]+([^\n]+))", re.MULTILINE
)


@dataclasses.dataclass(frozen=True)
class Program:
    """The module that runs as the program.

    Parameters
    ----------
    name : str
        Under which others import it.
    file : str
        Empty for a notebook and a prompt.
    stamp : tuple of int
        State of the file when it was first looked at.
    """

    name: str
    file: str = ""
    stamp: tuple[int, int] = (0, 0)


_TOLD: list[Program] = []


def program() -> Program:
    """The program of this process; in a worker, that of the process which it works for."""
    if _TOLD:
        return _TOLD[-1]
    main = sys.modules["__main__"]
    return _program(getattr(getattr(main, "__spec__", None), "name", ""), getattr(main, "__file__", None) or "")


@lru_cache(maxsize=8)
def _program(imported_as: str, file: str) -> Program:
    name = imported_as or Path(file or "__main__").stem
    return Program(name, file, _stamp(file)) if os.path.exists(file) else Program(name)


def work_for(other: Program) -> None:
    """Take what the program defines for what it is where it runs: functions of it come here without their file."""
    if other.file and not os.path.exists(other.file):  # on another machine: what they say is all that tells them
        other = Program(other.name)
    if other.file:
        _STAMPS[other.file] = other.stamp
    _TOLD[:] = [other]


def module_name(function: Any) -> str:
    """Module of a function; the one that runs as a program goes by the name under which others import it."""
    name = getattr(function, "__module__", None) or type(function).__module__ or "builtins"
    return program().name if name in PROGRAM else name


def type_name(kind: type) -> str:
    """Name of a class with its module, the same wherever the module runs."""
    return f"{module_name(kind)}.{kind.__qualname__}"


def file_of(function: Any) -> Path | None:
    """The source file of a function or class; None for what was typed at a prompt or in a notebook."""
    code = getattr(function, "__code__", None)
    name = function.__globals__.get("__name__") if code is not None else None  # a decorator may lend another module's
    name = name or getattr(function, "__module__", None) or type(function).__module__ or ""
    file = program().file or None if name in PROGRAM else getattr(sys.modules.get(name), "__file__", None)
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
        if package.partition(".")[0] not in SUITE:
            yield from _parents(name)
        for module, taken in self.imported:
            base = _absolute(module, package)
            if base.partition(".")[0] not in SUITE:
                yield from _parents(f"{base}.x")
            inside = [f"{base}.{name}" for name in taken if find_module(f"{base}.{name}") is not None]
            yield from inside
            if len(inside) < len(taken) or not taken:  # something is taken from the module itself
                yield base
        yield from (f"{name}.{export}" for export in self.exports)


def _parents(name: str) -> Iterable[str]:
    """The packages that importing a module runs before it; those of this suite only pass names on."""
    parts = name.split(".")[:-1]
    return (".".join(parts[:i]) for i in range(1, len(parts) + 1))


def _absolute(module: str, package: str) -> str:
    dots = len(module) - len(module.lstrip("."))
    if not dots:
        return module
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - dots + 1], *([module[dots:]] if module[dots:] else [])])


_STARTED = time.time()
_STAMPS: dict[str, tuple[int, int]] = {}


def read_source(path: str) -> Source:
    """A file's digest and imports, see :func:`stamped`."""
    first = _stamp(path)
    return stamped(path, _parsed(path, first))


def stamped(path: str, source: Source) -> Source:
    """A source as it was when this process first looked; one that changes under a running process equals no other."""
    first, state = _stamp(path), os.stat(path)
    if first != (state.st_mtime_ns, state.st_size):
        return dataclasses.replace(source, digest=f"changed while in use, {os.urandom(8).hex()}")
    return source


def _stamp(path: str) -> tuple[int, int]:
    """State of a file when this process first looked; one that was edited after it was imported is in none."""
    if path not in _STAMPS:
        state = os.stat(path)
        edited = path in _loaded(len(sys.modules)) and was_edited_since_import(path, state)
        _STAMPS[path] = (0, 0) if edited else (state.st_mtime_ns, state.st_size)
    return _STAMPS[path]


@lru_cache(maxsize=1)
def _loaded(n_modules: int) -> frozenset[str]:
    """Source files of the modules in this process, looked up again when there are more."""
    return frozenset(file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None)))


@lru_cache(maxsize=1)
def _suite() -> tuple[str, ...]:
    return tuple(f"{home}{os.sep}" for name in SUITE for home in _homes(name))


def is_of_suite(path: str) -> bool:
    """Whether a file is one of the suite's own."""
    return path.startswith(_suite())


def was_edited_since_import(path: str, state: os.stat_result) -> bool:
    """Whether a source that was imported here may be in another state now.

    The compiled file that Python keeps of an import says of which state it is; where there is none, a source that is
    younger than this process may be another.
    """
    head = compiled_head(path)
    if head is None:
        return max(state.st_mtime, state.st_ctime) > _STARTED
    if len(head) < 16 or int.from_bytes(head[4:8], "little"):  # not dated by its source
        return False
    stamped_as = int.from_bytes(head[8:12], "little"), int.from_bytes(head[12:16], "little")
    return stamped_as != (int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF)


def compiled_head(path: str) -> bytes | None:
    """The first bytes of the compiled file that Python keeps of a source; None where there is none, or none is kept."""
    if sys.dont_write_bytecode:  # what there is may be of long ago
        return None
    try:
        with open(util.cache_from_source(path), "rb") as file:
            return file.read(16)
    except (OSError, NotImplementedError):
        return None


@lru_cache(maxsize=1024)
def used_by(path: str, top: str, is_package: bool) -> Source | None:
    """The lines of a file that its top-level name `top` uses, and the imports among them; None if unknown."""
    text = _text_of(path)
    tree = ast.parse(text)
    defined = {name for node in tree.body if not isinstance(node, IMPORTS) for name in names_bound_by(node)}
    looked_up = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {"annotations"}
    bound: dict[str, list[ast.stmt]] = {}
    always: list[ast.stmt] = []
    for node in tree.body:
        names = names_bound_by(node)
        if "*" in names:
            return None
        for name in names:
            bound.setdefault(name, []).append(node)
        imports_for_its_own_sake = isinstance(node, IMPORTS) and not names & looked_up
        if imports_for_its_own_sake or acts(node, names, defined):
            always.append(node)
    if top not in bound or _LOOKS_UP_NAMES.search(text):
        return None
    if not is_of_suite(path) and (hides_acts(tree) or _imports_what_acts(tree, Path(path))):  # the suite's own do not
        return None
    waiting, used = [*bound[top], *always], {}
    needed = {top}
    acting = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign | ast.ClassDef)]
    while waiting:
        node = waiting.pop()
        if not waiting:  # what is called on, or derived from, something that is used may change it
            values = {name for name in needed if not all_define(bound.get(name, []))}
            waiting += [
                statement for statement in acting if id(statement) not in used and touches(statement, needed, values)
            ]
        if id(node) in used:
            continue
        used[id(node)] = node
        if isinstance(node, IMPORTS):
            continue
        for name in names_used_by(node):
            needed.add(name)
            waiting += bound.get(name, [])
    lines = text.split("\n")
    taken, imported = [], []
    for node in sorted(used.values(), key=lambda statement: statement.lineno):
        if isinstance(node, IMPORTS):
            aliases = [alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in needed]
            taken.append(ast.unparse(node))
        else:
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
            taken.append("\n".join(lines[first - 1 : node.end_lineno]))
            aliases = None
        for inner in [node] if aliases is not None else ast.walk(node):
            if isinstance(inner, ast.Import):
                imported += [(alias.name, ()) for alias in aliases or inner.names]
            elif isinstance(inner, ast.ImportFrom):
                names = tuple(alias.name for alias in aliases or inner.names)
                imported.append(("." * inner.level + (inner.module or ""), names))
        imported += _named_in_quotes(path, text, node)
    digest = hashlib.sha256("".join(taken).encode()).hexdigest()[:16]
    return Source(digest, is_package, tuple(imported), ())


def _imports_what_acts(tree: ast.Module, path: Path) -> bool:
    """Whether a file imports one of the user's own that acts on others when it is loaded."""
    files = [file for file in imported_files(imports_of(tree.body), path, find_module) if not is_of_suite(str(file))]
    return any(acts_on_others(file, lambda name: _of_user(find_module(name))) for file in files)


def _of_user(file: Path | None) -> Path | None:
    return None if file is None or is_of_suite(str(file)) else file


_LOOKS_UP_NAMES = re.compile(
    r"\b(globals|locals|vars|eval|exec|__subclasses__|__init_subclass__|get_type_hints|modules)\b[\(\[]"
)
_IMPORTS_BY_NAME = re.compile(rf"\b({'|'.join(sorted(IMPORTERS))})\b")
_DOTTED = re.compile(r"\.*[^\W\d]\w*(\.[^\W\d]\w*)*")
_HARD_TO_READ = re.compile(r"^[^#\n]*(;|\\\n|:[ \t]*(import|from)\b)|import[ \t]*\([^)]*#", re.MULTILINE)


def _named_in_quotes(path: str, text: str, part: ast.AST | None = None) -> list[tuple[str, tuple[str, ...]]]:
    """What may be a module among the strings of a file, or a part of it, that imports by names in quotes."""
    if is_of_suite(path) or not _IMPORTS_BY_NAME.search(text):  # the suite's own import what an argument names
        return []
    nodes = ast.walk(part or ast.parse(text))
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return [(name, ()) for name in sorted(strings) if _DOTTED.fullmatch(name)]


def _text_of(path: str) -> str:
    """A source file as Python reads it: without a byte order mark, every line ended alike."""
    text = Path(path).read_bytes().decode("utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(maxsize=4096)
def _parsed(path: str, stamp: tuple[int, int]) -> Source:
    """What a file says, read once for every state in which it is looked at."""
    content = Path(path).read_bytes()
    text = _text_of(path)
    imported = []
    if not is_of_suite(path) and _HARD_TO_READ.search(text):  # the suite's own are written plainly, and tested to be
        imported = imports_of(ast.walk(ast.parse(text)))
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
    imported += _named_in_quotes(path, text)
    is_package = Path(path).name == "__init__.py"
    listed = re.search(r"^_EXPORTS\b[^{]*\{(.*?)^\}", text, re.MULTILINE | re.DOTALL) if is_package else None
    exports = tuple(sorted(set(re.findall(r":\s*\"([\w.]+)\"", listed.group(1))))) if listed else ()
    return Source(hashlib.sha256(content).hexdigest()[:16], is_package, tuple(imported), exports)


@lru_cache(maxsize=4096)
def find_module(name: str) -> Path | None:
    """The source file of a dotted module that is not an installed package; None for all others."""
    top, *rest = name.split(".")
    if not all(part.isidentifier() for part in rest):
        return None
    for home in _homes(top):
        if home.is_file() and not rest:
            return home
        path = home.joinpath(*rest)
        for file in (path / "__init__.py", path.with_name(path.name + ".py") if rest else None):  # as Python looks
            if file is not None and file.is_file():
                return file
    return None


@lru_cache(maxsize=1024)
def _homes(top: str) -> tuple[Path, ...]:
    """Folders, or the file, of a top-level module that is the suite's or the user's own."""
    if not top.isidentifier() or top in PROGRAM or top in sys.builtin_module_names:
        return ()
    try:
        spec = util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return ()
    if spec is None:
        return ()
    paths = [Path(place) for place in spec.submodule_search_locations or ()]
    if not paths and spec.origin and spec.origin.endswith(".py"):
        paths = [Path(spec.origin)]
    return tuple(path for path in paths if not is_installed(path))


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
