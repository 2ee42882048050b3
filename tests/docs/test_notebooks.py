"""Both notebooks run from top to bottom and carry no outputs of an earlier run."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from toymodels.run.engine import THREADS

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PATIENCE = 600  # seconds a cell: on a quiet machine a notebook takes half a minute
pytestmark = pytest.mark.filterwarnings("default")  # of the kernel's client, not of the notebooks


def test_there_are_two():
    assert [path.stem for path in NOTEBOOKS] == ["from_toy_to_digits", "predict_then_see"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch):
    for threads in THREADS:  # small matrices: a second thread of several kernels only waits
        monkeypatch.setenv(threads, "1")
    notebook = nbformat.read(path, as_version=4)
    assert all(cell.get("outputs", []) == [] for cell in notebook.cells)
    strict, lenient = (f"import warnings\nwarnings.simplefilter('{action}')" for action in ("error", "ignore"))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(strict))
    notebook.cells.append(nbformat.v4.new_code_cell(lenient))  # for the kernel's own shutdown
    NotebookClient(notebook, timeout=PATIENCE, resources={"metadata": {"path": str(FOLDER)}}).execute()
    streams = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"
    ]
    assert streams == []
