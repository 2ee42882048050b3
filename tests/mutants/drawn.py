"""How many slips drawn at random the tests notice: python -m tests.mutants.drawn [--count 30] [--seed 0] [--only WORD].

In every package as many lines are drawn, and in each one sign, number, axis, comparison or name is exchanged. The tests
of the module are run first, then those of all that import it, until one fails. Survivors are printed with their line:
some change nothing (a tolerance, a size of blocks), the others lack a test.
"""

import argparse
import ast
import random
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.table import AIM, KILLED, NONE_RAN, ROOT, copy_of_checkout, run_tests

PACKAGES = ("toymodels", "dnn", "comparisons", "figures")
LEFT_OUT = re.compile(
    r"(_|/)drawing\.py$|/(style|pictures?|sheet|graph_drawing|similarity_maps|parting|coverage|adversaries)\.py$|__main__\.py$"
)
CHOSEN = re.compile(r"FIGURE|STUDY|PRESETS|CASES|ADVERSARIES")  # sizes and texts that somebody chose
OPERATORS = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
}
PAIRS = (
    ("min", "max"),
    ("argmin", "argmax"),
    ("minimum", "maximum"),
    ("mean", "median"),
    ("log", "log2"),
    ("any", "all"),
    ("floor", "ceil"),
)
NAMES = dict(PAIRS) | {second: first for first, second in PAIRS}
SMALLEST = 1e-6  # a smaller number is a tolerance
OF_ALL = {  # tests that hold everything in a package to something
    "comparisons": ("tests/comparisons/test_studies.py", "tests/comparisons/test_committed_scores.py"),
    "figures": ("tests/figures/harness/test_contract.py", "tests/figures/claims/test_every_bound.py"),
}


@dataclass(frozen=True)
class Slip:
    """`new` in place of the text from `start` to `end`, offsets in the file."""

    file: str
    line: int
    start: int
    end: int
    new: str

    def into(self, text):
        """The file's text with the slip."""
        return text[: self.start] + self.new + text[self.end :]


class _Finder(ast.NodeVisitor):
    """All slips that can be made in a file, but in what only words, types or pictures come of."""

    def __init__(self, file, text):
        self.file, self.text, self.found = file, text, []
        self._lines = [0]
        for line in text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line.encode()))
        self._bytes = text.encode()

    def _at(self, line, column):
        return len(self._bytes[: self._lines[line - 1] + column].decode())

    def _slip(self, line, start, end, new):
        self.found.append(Slip(self.file, line, start, end, new))

    def visit(self, node):
        if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.AnnAssign):
            return  # words, types, and the settings of an experiment
        if isinstance(node, ast.FunctionDef) and re.match(r"_?draw|.*tidy|parser|to_dict|__repr__|__str__", node.name):
            return
        if isinstance(node, ast.Assign) and CHOSEN.match(ast.unparse(node.targets[0])):
            return
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and _names_settings(node.value):
            return
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        super().visit(node)

    def visit_ClassDef(self, node):
        for child in node.body:
            self.visit(child)

    def visit_keyword(self, node):
        if node.arg not in (
            "strict",
            "ndim",
            "name",
            "flush",
        ):  # guards, which bad input tests, and when a line is seen
            self.visit(node.value)

    def visit_Call(self, node):
        """Every negative length says the same to `reshape`."""
        if getattr(node.func, "attr", "") == "reshape":
            node.args = [each for each in node.args if ast.unparse(each) != "-1"]
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        for child in (*node.args.defaults, *(each for each in node.args.kw_defaults if each), *node.body):
            self.visit(child)

    def _between(self, left, right, operator):
        old, new = OPERATORS[type(operator)]
        start, end = self._at(left.end_lineno, left.end_col_offset), self._at(right.lineno, right.col_offset)
        place = re.search(
            rf"(?<![<>=!*/+-]){re.escape(old)}(?![=*/])|(?<=\s){re.escape(old)}(?=\s)", self.text[start:end]
        )
        if place and "#" not in self.text[start:end]:
            self._slip(left.end_lineno, start + place.start(), start + place.end(), new)

    def visit_BinOp(self, node):
        if type(node.op) in OPERATORS and not any(_is_text(side) for side in (node.left, node.right)):
            self._between(node.left, node.right, node.op)
        self.generic_visit(node)

    def visit_Compare(self, node):
        sides = [node.left, *node.comparators]
        for left, right, operator in zip(sides, sides[1:], node.ops, strict=False):
            if type(operator) in OPERATORS:
                self._between(left, right, operator)
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, node.op)
        self.generic_visit(node)

    def visit_Constant(self, node):
        value = node.value
        if isinstance(value, bool):
            new = str(not value)
        elif isinstance(value, int):
            new = str(value + 1)
        elif isinstance(value, float) and abs(value) > SMALLEST:
            new = repr(value * 1.5)
        else:
            return
        self._slip(
            node.lineno, self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset), new
        )

    def visit_Attribute(self, node):
        if node.attr in NAMES:
            end = self._at(node.end_lineno, node.end_col_offset)
            self._slip(node.end_lineno, end - len(node.attr), end, NAMES[node.attr])
        self.generic_visit(node)


def _names_settings(node):
    """Whether a dict changes settings of rows, "layerwise.skills": 8, as a larger preset of a study does."""
    return any(_is_text(key) and re.fullmatch(r"\w+\.\w+", str(getattr(key, "value", ""))) for key in node.keys)


def _is_text(node):
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def slips(file, root=ROOT):
    """All slips that can be made in a file."""
    text = (root / file).read_text()
    finder = _Finder(file, text)
    finder.visit(ast.parse(text))
    return [slip for slip in finder.found if slip.into(text) != text]


def draw(package, count, rng, only="", root=ROOT):
    """`count` slips of a package, every line as likely as any other that has one."""
    files = [path.relative_to(root).as_posix() for path in sorted((root / package).rglob("*.py"))]
    by_line = {}
    for file in files:
        if only in file and not LEFT_OUT.search(file):
            for slip in slips(file, root):
                by_line.setdefault((file, slip.line), []).append(slip)
    lines = sorted(by_line)
    return [rng.choice(by_line[line]) for line in rng.sample(lines, min(count, len(lines)))]


def files_that_test(file, root=ROOT):
    """Tests of a module: its own, its examples, what imports it or names what it defines, of its folder, and of all."""
    path, text = Path(file), (root / file).read_text()
    own = [root / "tests" / path.parent / f"test_{stem}.py" for stem in dict.fromkeys((path.stem, _base(path)))]
    direct = _imports(file)
    parent = path.parent.as_posix().replace("/", ".")
    defined = [each.name for each in ast.parse(text).body if hasattr(each, "name")]
    public = [each for each in defined if not each.startswith("_")]
    reexported = re.compile(rf"from {re.escape(parent)} import (?s:.)*\b({'|'.join(public) or 'nothing'})\b")
    others = []
    for test in sorted((root / "tests").rglob("test_*.py")):
        source = test.read_text()
        if direct.search(source) or (reexported.search(source) and re.search(rf"\b({'|'.join(public)})\(", source)):
            others.append(test)
    others += sorted((root / "tests" / path.parent).glob("test_*.py"))
    first = [test.relative_to(root).as_posix() for test in own if test.exists()]
    if ">>> " in text:
        first.append(f"tests/test_docstrings.py::test_examples_run[{file}]")
    words = {"figures": _figures_of, "comparisons": _studies_of}.get(path.parts[0], lambda *_: [])(file, root)
    if words:
        chosen = f"-k '{' or '.join(words)}'"
        claims = root / "tests/figures/claims" / path.parts[1]
        if path.parts[0] == "figures" and any((claims / f"{word}.py").exists() for word in words):
            first.append(f"tests/figures/claims {chosen}")
        first.append(f"tests/{path.parts[0]}/small_runs {chosen}")
    found = [test.relative_to(root).as_posix() for test in others]
    return list(dict.fromkeys([*first, *found, *OF_ALL.get(path.parts[0], ()), "tests/test_defaults.py"]))


def _imports(file):
    """What tells a text that imports a module."""
    dotted = file.removesuffix(".py").replace("/", ".")
    parent, _, name = dotted.rpartition(".")
    return re.compile(rf"\b{re.escape(dotted)}\b|from {re.escape(parent)} import [^\n(]*\b{name}\b")


def _base(path):
    return re.sub(r"_(claims|runs|measures|drawing)$", "", path.stem)


def _studies_of(file, root):
    """Names of the studies that a module may decide: its own, or those that import it."""
    path, direct = Path(file), _imports(file)
    if len(path.parts) > 2:
        return [path.parts[1]]
    homes = (each for each in sorted((root / "comparisons").glob("*/*.py")) if direct.search(each.read_text()))
    return list(dict.fromkeys(each.parent.name for each in homes))


def _figures_of(file, root):
    """Names of the figures that a module may decide: its own, and those of the modules that import it."""
    names, waiting = [], [file] if len(Path(file).parts) > 2 else []
    while waiting:
        name = waiting.pop(0)
        if name not in names:
            names.append(name)
            direct = _imports(name)
            nearby = (path for path in sorted((root / file).parent.glob("*.py")) if direct.search(path.read_text()))
            waiting += [path.relative_to(root).as_posix() for path in nearby if path.stem != "__init__"]
    return list(dict.fromkeys(_base(Path(name)) for name in names))


def fate(slip, place, patience):
    """Whether a slip was "killed" or "survived", and after how many test files."""
    path = place / slip.file
    text, start, tried = path.read_text(), time.monotonic(), 0
    path.write_text(slip.into(text))
    try:
        for tests in files_that_test(slip.file, place):
            if time.monotonic() - start > patience:
                return "survived", f"{tried} test files, stopped after {patience} s"
            code, tried = run_tests(tests, place), tried + 1
            if code not in (0, NONE_RAN):
                return ("killed" if code == KILLED else f"pytest ends with {code}"), f"{tried} test files"
    finally:
        path.write_text(text)
    return "survived", f"{tried} test files"


def main(argv=None):
    """Print a line a slip, then how many were killed in every package; 1 where that is fewer than 9 of 10."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30, help="slips a package")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="files with that in their path")
    parser.add_argument("--patience", type=float, default=180, help="seconds for the tests of one slip")
    options = parser.parse_args(argv)
    place, enough = copy_of_checkout(), True
    for package in PACKAGES:
        drawn = draw(package, options.count, random.Random(f"{options.seed} {package}"), options.only)
        killed = 0
        for slip in drawn:
            start = time.monotonic()
            what, after = fate(slip, place, options.patience)
            killed += what != "survived"
            text = (ROOT / slip.file).read_text()
            line = text.splitlines()[slip.line - 1].strip()
            change = f"{text[slip.start : slip.end]} -> {slip.new}"
            print(
                f"{what:9} {time.monotonic() - start:4.0f} s  {slip.file}:{slip.line}: {change:18} {line}  ({after})",
                flush=True,
            )
        if drawn:
            print(f"{package:12} {killed} of {len(drawn)} killed", flush=True)
            enough &= killed >= AIM * len(drawn)
    shutil.rmtree(place)
    return int(not enough)


if __name__ == "__main__":
    raise SystemExit(main())
