"""Every Python block of the README runs as it stands, and the models it adds are judged; its commands exist."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_there_are_blocks_to_run():
    assert len(BLOCKS) == 4


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_runs(block):
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("name", ["mine", "my_network"])
def test_a_users_model_joins_the_study_in_under_twenty_lines(name, tmp_path):
    from comparisons import runner
    from comparisons.grokking import STUDY

    (block,) = (block for block in BLOCKS if f"def {name}(" in block)
    assert len(block.splitlines()) < 20
    space = {"__name__": "readme"}
    exec(compile(block, "README.md", "exec"), space)
    result = runner.run(STUDY.adding(**{name: space[name]}), models=[name, "layerwise"], replicates=1, out=tmp_path)
    assert result.verdicts["layerwise"].outcome == "shown"
    assert result.verdicts[name].outcome == ("shown" if name == "mine" else "unclear")
    assert (result.folder / "figure.png").exists()


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
