"""The page on clusters: its code can be read, its addresses are taken, its setting is the one that is asked for."""

import ast
import re
from pathlib import Path

import pytest

from toymodels.run import cluster
from toymodels.run.sweep import MOST_CELLS

TEXT = (Path(__file__).parents[2] / "docs" / "clusters.md").read_text()


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL))
def test_a_block_is_python(block):
    assert ast.parse(block).body


def test_every_address_on_the_page_is_taken():
    addresses = re.findall(r"dask:([\w.]+:\d+)|(tcp://[\w.-]+:\d+)", TEXT)
    assert len(addresses) >= 4
    for address in addresses:
        assert cluster.parse_address("".join(address))


def test_the_patience_is_set_as_the_page_says(monkeypatch):
    import dask

    name = re.search(r"`(DASK_\w+)=3600`", TEXT)
    assert name is not None
    assert cluster._patience() == cluster.PATIENCE == 60
    assert "60 seconds" in TEXT
    with dask.config.set(dask.config.collect(paths=[], env={name.group(1): "3600"})):
        assert cluster._patience() == 3600


def test_the_bounds_are_those_of_the_code():
    assert cluster.CONNECTING == 15
    assert "after 15 seconds" in TEXT
    assert cluster.CHUNK == 0.5
    assert MOST_CELLS == 10**7


def test_the_plan_counts_the_cells_of_the_figure():
    from figures.opt_npt.accuracy_by_depth import FIGURE

    settings = FIGURE.presets["paper"]
    assert len(settings.depths) * len(settings.widths) * settings.replicates == 120
    assert "10 depths x\n4 widths x 3 replicates are 120 cells" in TEXT
