"""The page in a browser, where one is found: nothing is asked of the network, nothing is complained about."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from dnn.observing.report import HEIGHT, MARGIN, WIDTH, page, write_report
from toymodels.trajectory import Trajectory

T = np.array([0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0])
RUN = Trajectory(
    T,
    {"accuracy": np.linspace(0.1, 1, 8), "block.0/nc1": 1 / (1 + T), "still": np.ones(8)},
    clock="step",
    meta={"refused kernel_distance": "needs reference=<a copy>"},
)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_every_series_is_drawn_and_every_text_escaped():
    text = page(RUN)
    assert text.count("<polyline") == 3
    assert "needs reference=&lt;a copy&gt;" in text
    assert not re.search(r"nan|inf(?!o)", text)


def test_a_line_goes_from_the_bottom_of_its_panel_to_the_top_and_on_a_logarithmic_axis():
    text = page(Trajectory([10.0, 100.0, 10_000.0], {"loss": np.array([0.5, 0.75, 1.5])}, clock="step"))
    (line,) = re.findall(r'<polyline points="([^"]*)"', text)
    x, y = np.array([point.split(",") for point in line.split()], dtype=float).T
    assert (y[0], y[-1]) == (HEIGHT - 22, 18)
    assert (y[0] - y[1]) / (y[0] - y[2]) == pytest.approx(0.25, abs=0.01)
    assert (x[0], x[-1]) == (MARGIN, WIDTH - 10)
    assert (x[1] - x[0]) / (x[2] - x[0]) == pytest.approx(1 / 3, abs=0.01)


def test_a_run_of_one_record_is_a_page_too():
    assert "too few to tell" in page(Trajectory([5.0], {"accuracy": [0.5]}, clock="step"))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt-get install chromium")
def test_a_browser_shows_it_without_asking_for_anything(tmp_path):
    path = write_report(RUN, tmp_path / "run.html")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    flags += [
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=2000",
        "--enable-logging=stderr",
        "--v=0",
    ]
    picture = tmp_path / "run.png"
    done = subprocess.run(
        [str(BROWSER), *flags, f"--screenshot={picture}", path.as_uri()], capture_output=True, text=True, timeout=120
    )
    assert picture.stat().st_size > 5_000, done.stderr
    assert "CONSOLE" not in done.stderr
