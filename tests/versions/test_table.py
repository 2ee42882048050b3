"""The table of versions: which Pythons it takes, and which tests it leaves out where something is not installed."""

import sys

import pytest

from tests.versions import table

FILE = """
import numpy
import {top}


def test_plain():
    assert numpy.ones(1)


def test_imports():
    import torch


def test_starts_a_program():
    run("import torch; print(1)")
"""


def test_this_python_is_found_and_a_shim_that_does_not_start_is_not(tmp_path):
    version = ".".join(map(str, sys.version_info[:2]))
    shim = tmp_path / "python"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert table.answers(sys.executable, version)
    assert not table.answers(str(shim), version)
    assert not table.answers(sys.executable, "3.0")


@pytest.mark.parametrize(("top", "needs"), [("scipy", ["test_imports", "test_starts_a_program"]), ("torch.nn", True)])
def test_what_needs_a_module_is_left_out_and_no_more(top, needs):
    assert table.needing(FILE.format(top=top), {"torch", "dask"}) == needs


def test_lower_bounds_are_those_of_the_project():
    bounds = table.lower_bounds((table.ROOT / "pyproject.toml").read_text())
    assert {"numpy==1.26.*", "scipy==1.12.*", "cloudpickle==3.0.*", "dask[distributed]==2024.8.*"} <= set(bounds)
    assert not [entry for entry in bounds if ">" in entry]


@pytest.mark.parametrize(
    ("line", "expected"),
    [("9 passed in 1s", (9, 0)), ("2 failed, 7 passed, 1 error in 3.2s", (7, 3)), ("1 error in 0.1s", (0, 1))],
)
def test_passed_and_failed_are_read_from_the_last_line(line, expected):
    assert table.counts(f"....\n{line}\n") == expected
