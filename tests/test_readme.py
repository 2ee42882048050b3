"""Every Python block of the README runs as it stands, and the models it adds are judged."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
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


def test_the_commands_that_the_readme_names_exist():
    import importlib.util

    modules = re.findall(r"python -m ([\w.]+)", README)
    for module in set(modules):
        spec = importlib.util.find_spec(module) or importlib.util.find_spec(f"{module}.__main__")
        assert spec is not None, module
