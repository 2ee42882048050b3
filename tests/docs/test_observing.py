"""The page on observing: its table is what is computed, its code runs, and it leaves no quantity out."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from dnn import observe, probes, quantities
from dnn.data import Split
from docs.observing_table import GROUPS, PAGE, PROBED, as_markdown, measured, read, table, with_table
from tests.dnn.observing.kinds import LABELS, kinds

TEXT = PAGE.read_text()
TABLE = read(TEXT)
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def assert_as_printed(kind, cells):
    """Refusals word by word; numbers to 3 digits, and to what another machine's rounding makes of them."""
    share = 0.2 if kind == "bfloat16" else 0.05
    assert cells.keys() == TABLE[kind].keys()
    for name, cell in cells.items():
        expected = TABLE[kind][name]
        assert isinstance(cell, str) == isinstance(expected, str), f"{kind}, {name}: {cell}"
        assert cell == (expected if isinstance(cell, str) else pytest.approx(expected, rel=share, abs=0.02)), name


def test_the_table_has_every_kind_and_every_quantity():
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted([*quantities(), *PROBED])
    assert list(TABLE) == list(kinds())
    assert all(list(row) == names for row in TABLE.values())


def test_the_page_says_what_every_quantity_means():
    described = re.findall(r"^\| ([\w, ]+) \| ", TEXT.split("## What each")[1].split("## What is")[0], re.MULTILINE)
    assert set(", ".join(described[1:]).split(", ")) == {*quantities(), *PROBED}


@pytest.mark.parametrize("kind", ["in place", "3-d convolution"])
def test_numbers_of_a_kind_are_those_of_the_page(kind):
    assert_as_printed(kind, measured(kind))


@pytest.mark.parametrize("kind", kinds())
def test_what_is_refused_is_what_the_page_says(kind):
    module, x = kinds()[kind]
    cheap = ["accuracy", "loss", "rank_gradient", "nc1", "nc4", "clusters", "firing_overlap", "dead_units"]
    cells = dict(observe(module, (x, LABELS), [*cheap, "basin_sample"]).refused)
    try:
        probes.linear_map_accuracy(module, Split(x, LABELS, x, LABELS))
    except ValueError as error:
        cells["linear_map_accuracy"] = str(error)
    assert cells == {name: cell for name, cell in TABLE[kind].items() if isinstance(cell, str)}


@pytest.mark.slow
def test_the_whole_table_is_what_is_computed():
    for kind, cells in table().items():
        assert_as_printed(kind, cells)


def test_the_table_is_written_and_read_back_and_the_words_stay():
    ones = {
        kind: {name: cell if isinstance(cell, str) else 1.0 for name, cell in row.items()}
        for kind, row in TABLE.items()
    }
    page = with_table(TEXT, ones)
    assert read(page) == ones
    assert page.split("<!--")[0] == TEXT.split("<!--")[0]
    assert with_table(page, TABLE) == TEXT
    assert as_markdown(TABLE) in TEXT


def test_the_plain_loop_runs_as_it_stands(capsys):
    torch.manual_seed(0)
    space = {"__name__": "page"}
    exec(compile(BLOCKS[0], "observing.md", "exec"), space)
    assert "training accuracy" in capsys.readouterr().out
    assert space["seen"]["kernel_distance"] > 0
    assert space["recorder"].trajectory()["kernel_distance"][0] >= 0
    assert np.isfinite(space["seen"]["0/clusters"])


@pytest.mark.parametrize("block", BLOCKS[1:])
def test_callbacks_are_those_of_the_recorder(block):
    names = {node.attr for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Attribute)}
    from dnn import Recorder

    assert any(hasattr(Recorder, name) for name in names - {"Trainer", "fit", "train"})


def test_scripts_that_are_named_exist():
    for name in re.findall(r"python (docs/\S+\.py)", TEXT):
        assert (PAGE.parents[1] / name).exists(), name
    assert Path(PAGE.parent / "observing_table.py").exists()
