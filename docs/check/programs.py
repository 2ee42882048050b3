"""Judging a short program: one function, run on drawn inputs in a process of its own, with limits.

Two fences. The source may use only a small part of Python: no imports but math, numpy and the models, no attribute
that is not on a list of harmless ones, no name with two underscores, nothing that opens, evaluates or inspects. Then it
runs in a separate process with limits on time, memory and file size, in an empty folder, without the environment. That
keeps mistakes and pranks out; it is no prison for somebody who is determined, so judge what strangers send in a
container. In a notebook the function is already defined there, and is called as it is.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from docs.check.differences import close, difference
from docs.check.formulas import Span
from docs.check.judgement import Judgement, refused, right, wrong

SECONDS = 5
MEMORY = 2 * 2**30  # bytes
LONGEST = 10_000  # characters
RUNS = 12
ROOT = Path(__file__).parents[2]

MODULES = ("math", "numpy", "toymodels", "toymodels.layerwise", "toymodels.neurashed", "toymodels.condensation")
FORBIDDEN = {
    "open", "eval", "exec", "compile", "input", "getattr", "setattr", "delattr", "globals", "locals", "vars", "dir",
    "breakpoint", "memoryview", "object", "type", "super", "help", "exit", "quit", "id", "classmethod",
}  # fmt: skip
ATTRIBUTES = {
    "T", "a", "abs", "append", "arange", "arccosh", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin",
    "argsort", "array", "asarray", "b", "ceil", "choice", "clip", "column_stack", "copy", "cos", "cosh", "cumprod",
    "cumsum", "default_rng", "det", "diag", "diff", "dot", "e", "eigh", "eigvalsh", "empty", "exp", "expm1",
    "extend", "eye", "fabs", "factorial", "fire", "flatten", "float64", "floor", "full", "gamma_inf", "geomspace",
    "get", "graphs", "hypot", "imbalance", "inf", "integers", "inv", "isclose", "isfinite", "isnan", "items",
    "keys", "linalg", "linspace", "log", "log10", "log1p", "log2", "logits", "logspace", "matrix_rank", "max",
    "maximum", "mean", "median", "min", "minimum", "multiply", "nan", "ndim", "newaxis", "norm", "normal", "ones",
    "optimal_stopping", "outer", "permutation", "pi", "predict", "prod", "qr", "random", "ravel", "reshape",
    "round", "shape", "sign", "sin", "sinh", "size", "solve", "sort", "split", "sqrt", "square", "standard_normal",
    "std", "sum", "svd", "swapaxes", "t", "tan", "tanh", "time_to", "tolist", "trace", "train", "transpose",
    "trapezoid", "uniform", "values", "var", "vdot", "vstack", "w", "weight_to_target", "where", "zeros",
    "zeros_like",
}  # fmt: skip
STATEMENTS = (
    ast.Match,
    ast.ClassDef,
    ast.AsyncFunctionDef,
    ast.Global,
    ast.Nonlocal,
    ast.Await,
    ast.Yield,
    ast.YieldFrom,
)

RUNNER = """
import json, resource, sys
seconds, memory = int(sys.argv[1]), int(sys.argv[2])
import numpy
import toymodels.layerwise
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
task = json.load(sys.stdin)
space = {"__name__": "answer"}
out, sys.stdout = sys.stdout, sys.stderr
try:
    exec(compile(task["source"], "answer.py", "exec"), space)
    results = [numpy.asarray(space[task["name"]](**inputs), float).ravel().tolist() for inputs in task["inputs"]]
    few = all(len(row) <= 1000 for row in results)
    json.dump({"results": results} if few else {"error": "it returns more than 1000 numbers"}, out)
except MemoryError:
    json.dump({"error": "it asks for too much memory"}, out)
except BaseException as error:
    json.dump({"error": f"it raises {type(error).__name__}: {error}"[:300]}, out)
"""


@dataclass(frozen=True)
class Program:
    """An answer that is a Python function.

    Parameters
    ----------
    asks : str
        What is asked for, in a line.
    name : str
        What the function must be called.
    truth : callable
        The same function, from the models: keywords to a number or an array.
    symbols : mapping
        Its arguments, name to :class:`Span`.
    within : float
        Relative tolerance.
    """

    asks: str
    name: str
    truth: Callable[..., Any]
    symbols: Mapping[str, Span]
    within: float = 1e-6

    def judge(self, answer: Any) -> Judgement:
        """Whether the function gives what the exact one gives, and if not how it differs.

        Parameters
        ----------
        answer : path of a file of at most 10,000 characters, its source as text, or the function itself
            The function itself runs where it was defined, without limits.
        """
        inputs = self._inputs()
        if callable(answer):
            try:
                results = [np.asarray(answer(**point), float).ravel().tolist() for point in inputs]
            except Exception as error:
                return wrong(f"it raises {type(error).__name__}: {error}")
            return self._compared(results, inputs)
        try:
            source = _source(answer)
            check_source(source, self.name)
        except ValueError as error:
            return refused(str(error))
        found = run(source, self.name, inputs)
        return wrong(found) if isinstance(found, str) else self._compared(found, inputs)

    def _inputs(self) -> list[dict[str, float]]:
        rng = np.random.default_rng(21)
        drawn = {name: span.draw(RUNS, rng).tolist() for name, span in self.symbols.items()}
        whole = {name for name, span in self.symbols.items() if span.whole}
        return [
            {name: int(values[k]) if name in whole else values[k] for name, values in drawn.items()}
            for k in range(RUNS)
        ]

    def _compared(self, results: list[list[float]], inputs: list[dict[str, float]]) -> Judgement:
        truth = [np.asarray(self.truth(**point), float).ravel() for point in inputs]
        for mine, exact in zip(results, truth, strict=True):
            if len(mine) != len(exact):
                return wrong(f"{self.name} must return {len(exact)} number(s), got {len(mine)}")
        mine, exact = np.concatenate(results), np.concatenate(truth)
        if close(mine, exact, self.within).all():
            return right()
        sizes = [len(row) for row in truth]
        points = {name: np.repeat([point[name] for point in inputs], sizes) for name in self.symbols}
        found = (
            self._by_entry(np.array(results), np.array(truth), inputs)
            if len(set(sizes)) == 1 and sizes[0] > 1
            else None
        )
        if found := found or difference(mine, exact, points, self.within):
            return wrong(found)
        bad = int((~close(mine, exact, self.within)).argmax())
        place = ", ".join(f"{name} = {values[bad]:.4g}" for name, values in points.items())
        return wrong(f"for {place} it gives {mine[bad]:.6g}, which it should not")

    def _by_entry(self, mine: np.ndarray, truth: np.ndarray, inputs: list[dict[str, float]]) -> str | None:
        points = {name: np.array([point[name] for point in inputs]) for name in self.symbols}
        words = [difference(mine[:, k], truth[:, k], points, self.within) or "wrong" for k in range(truth.shape[1])]
        if "right" not in words:
            return None
        good = [str(k) for k, word in enumerate(words) if word == "right"]
        bad = [f"entry {k} is {word}" for k, word in enumerate(words) if word != "right"]
        return f"entry {' and '.join(good)} of what it returns is right, {', '.join(bad)}"


def _source(answer: Any) -> str:
    if isinstance(answer, Path) or (isinstance(answer, str) and "\n" not in answer and answer.endswith(".py")):
        path = Path(answer)
        if not path.is_file():
            raise ValueError(f"a program must be in a file, and there is none at {path}")
        if path.stat().st_size > 4 * LONGEST:
            raise ValueError(f"a program must have at most {LONGEST} characters")
        return path.read_text(encoding="utf-8", errors="replace")
    if not isinstance(answer, str):
        raise ValueError(f"a program must be a file, a text or a function, got {type(answer).__name__}")
    return answer


def check_source(source: str, name: str) -> None:
    """Refuse a source that uses more of Python than an exercise needs.

    Parameters
    ----------
    source : str
    name : str
        The function that it must define.

    Raises
    ------
    ValueError
        Saying what is not allowed, and in which line.
    """
    if len(source) > LONGEST:
        raise ValueError(f"a program must have at most {LONGEST} characters, got {len(source)}")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"it is not Python: {error}") from None
    for node in ast.walk(tree):
        if problem := _problem(node):
            raise ValueError(f"{problem} is not allowed here, line {getattr(node, 'lineno', '?')}")
    if name not in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]:
        raise ValueError(f"it must define a function called {name}")


def _problem(node: ast.AST) -> str | None:
    if isinstance(node, ast.Import):
        return next((f"import {alias.name}" for alias in node.names if alias.name not in MODULES), None)
    if isinstance(node, ast.ImportFrom):
        names = [alias.name for alias in node.names]
        if node.level or node.module not in MODULES:
            return f"import from {node.module}"
        if node.module in ("numpy", "math"):
            return next((f"import of {name}" for name in names if name not in ATTRIBUTES), None)
        return next((f"import of {name}" for name in names if name.startswith("_") or not name[0].isupper()), None)
    if isinstance(node, ast.Attribute) and node.attr not in ATTRIBUTES:
        return f"attribute {node.attr}"
    if isinstance(node, ast.Name) and (node.id in FORBIDDEN or node.id.startswith("__")):
        return f"name {node.id}"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "__" in node.value:
        return "text with two underscores"
    if isinstance(node, STATEMENTS):
        return type(node).__name__
    return None


def run(source: str, name: str, inputs: list[dict[str, float]], seconds: int = SECONDS) -> list[list[float]] | str:
    """The results of the function `name` on every input, or in words why there are none.

    Parameters
    ----------
    source, name : str
        As checked by :func:`check_source`.
    inputs : list of dicts
    seconds : int
        Of processor time; twice as long by the clock.
    """
    task = json.dumps({"source": source, "name": name, "inputs": inputs})
    command = [sys.executable, "-s", "-B", "-c", RUNNER, str(seconds), str(MEMORY)]
    late = f"it takes longer than {seconds} seconds"
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": folder}
        try:
            done = subprocess.run(
                command,
                input=task,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=folder,
                env=environment,
                timeout=2 * seconds,
            )
        except subprocess.TimeoutExpired:
            return late
    if done.returncode:
        return late if done.returncode < 0 else f"it ends with exit code {done.returncode}"
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        return "it ends without a result"
    return answer.get("error") or answer["results"]
