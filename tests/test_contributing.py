"""Every code block of CONTRIBUTING, written to the file it names and followed by a newcomer in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = dict(re.findall(r"```python\n# ([\w/]+\.py)\n(.*?)```", TEXT, flags=re.DOTALL))


@pytest.fixture
def follow(tmp_path):
    for name, block in BLOCKS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]), "OMP_NUM_THREADS": "1"}

    def run(*words):
        words = [sys.executable, "-W", "error", *words]
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_each_way_to_add_has_four_steps_and_code():
    sections = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    ways = [section for section in sections if section.startswith("Add a ")]
    assert [section.split("\n")[0] for section in ways] == [
        "Add a model to a question",
        "Add a metric",
        "Add a figure",
        "Add a phenomenon",
    ]
    for section in ways:
        assert re.findall(r"^(\d)\. ", section, flags=re.MULTILINE) == ["1", "2", "3", "4"]
        assert "```python" in section
    assert len(BLOCKS) == 8


def test_a_model(follow):
    follow("my_model.py")


def test_a_metric(follow):
    follow("-m", "doctest", "my_metric.py")
    follow("my_metric.py")


def test_a_figure_outside_the_package(follow, tmp_path):
    printed = follow("my_figure.py")
    assert "1 readings of ours: 1 reproduced, 0 contradicted, 0 open" in printed
    assert "time at the smaller start over that at the larger: every run > 1" in printed
    assert (tmp_path / "results" / "figures" / "mine" / "half_times" / "quick-s0" / "figure.png").exists()


def test_a_phenomenon(follow, tmp_path):
    printed = follow("-m", "plateau", "--replicates", "2")
    assert "Does the loss wait before it falls? Score: share of the time" in printed
    assert re.search(r"layerwise +shown", printed)
    assert re.search(r"layerwise \(off\) +absent .* start 0\.001 -> 0\.7", printed)
    assert re.search(r"dnn +silent .* not asked yet", printed)
    assert (tmp_path / "results" / "plateau" / "quick-s0" / "figure.png").exists()
    code = (
        "import plateau\nfrom toymodels import sweep\n"
        "print(sweep(plateau.score('layerwise'), {'start': [1e-3, 1e-2]}, cache='results/cells')['score'].shape)\n"
    )
    assert "(2, 1)" in follow("-c", code)


def test_the_map_names_folders_that_exist():
    for name in re.findall(r"^(\w+)/ ", TEXT, flags=re.MULTILINE):
        assert (ROOT / name).is_dir(), name
    for name in ("run", "metrics", "layerwise", "neurashed", "condensation"):
        assert (ROOT / "toymodels" / name).is_dir()
    for name in ("networks", "training", "reading", "data", "tasks"):
        assert (ROOT / "dnn" / name).is_dir()
