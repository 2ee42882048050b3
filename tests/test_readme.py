"""Every Python block of the README runs as it stands, and the models it adds are judged; its commands exist."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from toymodels.run.engine import THREADS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_there_are_blocks_to_run():
    assert len(BLOCKS) == 7


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Elsewhere, with a sweep of three points a side: what a block prints is the same in kind."""
    import matplotlib.pyplot

    import toymodels
    from toymodels.run.sweep import sweep

    def smaller(function, grid, **options):
        return sweep(function, {name: values[::4] for name, values in grid.items()}, **{**options, "jobs": 1})

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(toymodels, "sweep", smaller)
    yield
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_runs(block, small):
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


def test_the_phase_diagram_is_four_lines():
    (block,) = (block for block in BLOCKS if "grokking.score" in block)
    assert len([line for line in block.splitlines() if line and "import" not in line]) == 4


def test_a_users_model_joins_the_study_and_is_set_like_the_others(tmp_path):
    (block,) = (block for block in BLOCKS if "def mine(" in block)
    space = {"__name__": "readme"}
    exec(compile(block, "README.md", "exec"), space)
    result = space["study"].run(models=["mine", "layerwise"], replicates=1, out=tmp_path)
    assert result.verdicts["layerwise"].outcome == result.verdicts["mine"].outcome == "shown"
    assert result.verdicts["mine (off)"].absent_in_every_replicate
    assert result.knobs["mine (off)"] == "lag 1000 -> 3"
    assert (result.folder / "figure.png").exists()
    early = space["study"].run(models=["mine"], settings={"mine.lag": 2.0}, replicates=1, out=tmp_path)
    assert early.verdicts["mine"].outcome == "absent"


def test_a_users_network_joins_the_study(tmp_path):
    from comparisons.grokking import STUDY

    (block,) = (block for block in BLOCKS if "def my_network(" in block)
    space = {"__name__": "readme"}
    exec(compile(block, "README.md", "exec"), space)
    result = STUDY.adding(my_network=space["my_network"]).run(models=["my_network"], replicates=1, out=tmp_path)
    assert result.verdicts["my_network"].outcome == "unclear"


def test_the_route_without_torch_needs_no_torch(tmp_path):
    import subprocess

    (line,) = (line for line in README.splitlines() if line.endswith("--models layerwise neurashed condensation"))
    words = [*line.split()[3:], "--replicates", "1", "--out", str(tmp_path)]
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom comparisons.harness.command import main\n"
        f"raise SystemExit(main('grokking', {words!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "condensation        shown" in done.stdout


def runs(module: str) -> bool:
    """Whether `python -m module` finds something to run; a package without __main__ is not enough."""
    spec = find_spec(module)
    is_package = spec is not None and spec.submodule_search_locations is not None
    return spec is not None and (not is_package or find_spec(f"{module}.__main__") is not None)


def test_the_commands_that_the_readme_names_exist():
    modules = set(re.findall(r"python -m ([\w.]+)", README))
    assert {module for module in modules if not runs(module)} == set()
    assert [runs(module) for module in ("toymodels", "toymodels.nothing", "nothing")] == [False] * 3


def test_a_cuda_build_of_torch_without_gpu_is_noted_and_does_not_stop_make(monkeypatch, capsys):
    (check,) = re.findall(r'python -c "(.*)"', (ROOT / "Makefile").read_text())
    torch = SimpleNamespace(version=SimpleNamespace(cuda="13.0"), cuda=SimpleNamespace(is_available=lambda: False))
    monkeypatch.setitem(sys.modules, "torch", torch)
    exec(check, {})
    section = capsys.readouterr().out.strip().rpartition("see README, ")[2]
    assert f"\n## {section}\n" in README
    torch.version.cuda = None
    exec(check, {})
    assert capsys.readouterr().out == ""


def test_make_and_the_engine_set_the_same_numbers_of_threads():
    """By the names under which the libraries read them, that of Apple's among them."""
    exported = re.findall(r"^export (\w+_THREADS) := 1$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert sorted(THREADS) == sorted(exported)
    assert "VECLIB_MAXIMUM_THREADS" in exported
