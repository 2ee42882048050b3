"""Every benchmark runs on one thread unless it says otherwise, and what it records goes into RESULTS.md."""

from pathlib import Path

import pytest
import torch

from benchmarks.results import Results, between_markers, quoted

RESULTS = Results()


def pytest_addoption(parser):
    parser.addoption("--results", metavar="FILE", help="write what was measured as a page, and quote it in the README")


def pytest_deselected(items):
    RESULTS.left_out += [item.name for item in items]


def pytest_runtest_logreport(report):
    if report.failed:
        RESULTS.failed.append(report.nodeid.rpartition("::")[2])


def pytest_sessionfinish(session, exitstatus):
    """Write the page, unless the run was stopped: half of the rows must not replace all of them."""
    path = session.config.getoption("--results")
    if path and RESULTS.rows and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        torch.set_num_threads(1)
        Path(path).write_text(RESULTS.page())
        root = session.config.rootpath
        if Path(path).resolve() == root / "benchmarks" / "RESULTS.md":
            readme = root / "README.md"
            readme.write_text(between_markers(readme.read_text(), quoted(RESULTS.rows)))


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def record():
    """Call it with a name, our seconds, the peer's name and seconds: see `benchmarks.results.Row`."""
    return RESULTS


@pytest.fixture(autouse=True)
def _record_pytest_benchmark(request):
    """What pytest-benchmark measures is recorded as well, by the name of its test."""
    fixture = request.getfixturevalue("benchmark") if "benchmark" in request.fixturenames else None
    yield
    if fixture is not None and fixture.stats is not None:
        words = request.node.name.removeprefix("test_").replace("_", " ")
        clock = "" if request.node.get_closest_marker("benchmark") else ", wall clock"
        RESULTS(f"{request.node.path.stem.removeprefix('test_')}: {words}{clock}", fixture.stats.stats.data)
