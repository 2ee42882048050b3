"""Without PyTorch three families run, and the networks say what they lack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = """
import importlib.machinery, runpy, sys
found = importlib.machinery.PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in ("torch", "safetensors", "sklearn") else found(name, path, target)
importlib.machinery.PathFinder.find_spec = find_spec
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def without_torch(*words, folder):
    return subprocess.run(
        [sys.executable, "-c", BLOCK, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd=folder,
        check=False,
    )


def test_three_families_run_and_the_fourth_names_what_to_install(tmp_path):
    models = ["layerwise", "neurashed", "condensation", "dnn"]
    done = without_torch("comparisons.grokking", "--replicates", "1", "--models", *models, folder=tmp_path)
    verdicts = {name: done.stdout.split(f"\n{name} ", 1)[1].split()[0] for name in models}
    assert done.returncode == 1, done.stderr
    assert verdicts == {"layerwise": "shown", "neurashed": "shown", "condensation": "shown", "dnn": "failed"}
    assert "No module named 'torch', which the networks need: pip install 'toymodels[dnn]'" in done.stdout


@pytest.mark.parametrize("words", [("dnn", "--steps", "1"), ("dnn.data", "mnist-mini")], ids=" ".join)
def test_commands_of_the_networks_say_it_in_a_line(words, tmp_path):
    done = without_torch(*words, folder=tmp_path)
    assert done.returncode != 0
    assert "No module named 'torch', which the networks need: pip install 'toymodels[dnn]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_metadata_ask_for_torch_only_as_an_extra():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [entry for entry in project["dependencies"] if entry.startswith("torch")]
    assert "torch>=2.6" in project["optional-dependencies"]["dnn"]
    assert set(project["optional-dependencies"]["dnn"]) <= set(project["optional-dependencies"]["dev"])
