"""What every page computes for its readers, against the suite; and the pages as files."""

import json
import re

import numpy as np
import pytest

from comparisons.order_parameters.probes import FLOOR
from comparisons.order_parameters.question import crossings
from docs.explorer import __main__ as command
from docs.explorer import building, recording
from docs.explorer.pages import pages
from tests.docs.explorer.scripts import PAGES, Script
from toymodels.condensation import distance_exponent
from toymodels.layerwise import DiagonalNetwork

NAMES = list(PAGES)
LARGEST = 150_000
ROUNDING_DECADES = np.log10(10 * FLOOR)  # below, another processor rounds otherwise


def defaults(name):
    """Values of the controls as the page opens."""
    found = {}
    for tag in re.findall(r"<(?:input|select)[^>]*>", PAGES[name].controls):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        value = float(given.get("value", 0))
        found[given["id"]] = 10**value if "data-log" in given else value
    return found


@pytest.fixture(scope="module")
def texts():
    return building.built(pages())


def test_there_are_eight_pages_and_an_index(texts):
    assert len(NAMES) == 8
    assert set(texts) == {"index.html", *(f"{name}.html" for name in NAMES)}


def test_the_committed_pages_are_what_the_builder_writes(texts):
    # what is printed of sympy depends on its version, which constraints.txt fixes; nothing else may differ
    for name, text in texts.items():
        assert (building.FOLDER / name).read_text() == text, f"{name}: run `make explorer`"


def test_every_page_is_small_and_asks_for_nothing(texts):
    for name, text in texts.items():
        assert len(text.encode()) < LARGEST
        loads = re.findall(r'<(?:script|img|link|iframe|source)[^>]*(?:src|href)="([^"]*)"', text)
        assert [address for address in loads if address != "data:,"] == [], name
        assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|WebSocket|import\(|sendBeacon", text), name
        outside = re.findall(r'(\w+)="(https?://[^"]*)"', text)
        assert {attribute for attribute, _ in outside} <= {"href"}
        assert all("arxiv.org" in address for _, address in outside)


def test_identifiers_are_unique_and_controls_have_names(texts):
    for name in NAMES:
        text = texts[f"{name}.html"].split("<script>")[0]
        found = re.findall(r'\bid="([^"]*)"', text)
        assert len(found) == len(set(found)), name
        controls = re.findall(r'<(?:input|select)[^>]* id="([^"]*)"', text)
        assert sorted(controls) == sorted(re.findall(r'<label for="([^"]*)"', text))


def test_a_page_that_is_too_large_is_refused():
    page = PAGES["stages"]._replace(data="x" * LARGEST)
    with pytest.raises(ValueError, match=r"stages\.html must have less than 150000 bytes, got \d+"):
        building.built([page])


def test_the_command_writes_them(tmp_path, capsys):
    assert command.main(["--out", str(tmp_path / "new")]) == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        ["index.html", *(f"{n}.html" for n in NAMES)]
    )
    assert capsys.readouterr().out.count("kB") == 9


@pytest.mark.parametrize("name", NAMES)
def test_every_number_shown_is_computed(name):
    read = Script(name).call(
        "PAGE.compute", {**defaults(name), **({"targets": PAGES[name].data["targets"]} if name == "circle" else {})}
    )["read"]
    assert set(PAGES[name].readouts) <= set(read)
    assert all(value is not None for value in read.values())


def test_lazy_to_rich_is_the_diagonal_network():
    state = {"scale": 0.4, "balance": -0.3, "target": 1.2, "time": 0.35}
    read = Script("lazy_rich").call("PAGE.compute", state)["read"]
    a0, b0 = 0.4 * np.sqrt(0.35), 0.4 * np.sqrt(0.65)
    network = DiagonalNetwork([1.2], a0, b0)
    run = network.solve([read["t"], np.inf])
    assert read["t"] == pytest.approx(0.35 * 1.25 * network.time_to(0.99)[0], rel=1e-9)
    assert read["f"] == pytest.approx(run["product"][0, 0], rel=1e-12)
    assert [read["kernel_growth"], read["final_growth"]] == pytest.approx(run["ntk"][:, 0] / 0.16, rel=1e-12)
    assert read["half_way"] == pytest.approx(network.time_to(0.5)[0], rel=1e-9)


def test_stages_are_the_diagonal_networks():
    state = {"start": 1e-4, "ratio": 0.5, "modes": 4, "imbalance": 0.0, "time": 0.5}
    read = Script("stages").call("PAGE.compute", state)["read"]
    network = DiagonalNetwork([1, 0.5, 0.25, 0.125], 1e-2, 1e-2)
    assert [read["first"], read["last"]] == pytest.approx(network.time_to(0.5)[[0, -1]], rel=1e-9)
    assert read["loss"] == pytest.approx(network.solve([read["t"]])["loss"][0], rel=1e-9)


def test_the_delay_is_that_of_decaying_weights():
    state = {"scale": 5.0, "decay": 0.1, "weak": 0.08, "time": 0.7}
    read = Script("decay").call("PAGE.compute", state)["read"]
    network = DiagonalNetwork([1.0, 0.08], 5.0, 0.0, weight_decay=0.1)
    found = network.solve([read["t"], read["seen"], np.inf])["product"]
    assert [read["strong"], read["weak"]] == pytest.approx(found[0], rel=1e-9)
    assert [read["strong_end"], read["weak_end"]] == pytest.approx(found[2], abs=1e-12)
    peak = network.solve(np.geomspace(0.01, 20, 500))["product"][:, 1].max()
    assert found[1, 1] == pytest.approx(peak / 2, rel=0.01)  # read off a curve of 301 points
    assert read["delay"] == pytest.approx(np.log10(read["seen"] / read["fit"]), rel=1e-12)


def test_the_plane_shows_what_was_measured_beside_what_is_predicted():
    cells = recording.load()["plane"]["cells"]
    far = [cell for cell in cells if abs(distance_exponent(cell["gamma"], cell["prime"])) > 0.3]
    assert len(cells) >= 70
    assert len(far) >= 30
    assert all(cell["slope"] * distance_exponent(cell["gamma"], cell["prime"]) > 0 for cell in far)


def test_a_recorded_run_is_run_again_alike():
    run = recording.recorded("neurashed")
    again, kept = recording.played(run), recording.load()["runs"]["neurashed"]
    assert again["clock"] == kept["clock"]
    assert list(again["series"]) == list(kept["series"])
    for name, series in kept["series"].items():
        again_above, above = (np.maximum(values, ROUNDING_DECADES) for values in (again["series"][name], series))
        assert again_above == pytest.approx(above, rel=2e-3, abs=1e-9), name
    fit, jump = crossings(run, recording.STUDY.question)
    assert [kept["fit"], kept["jump"]] == pytest.approx([fit, jump], rel=1e-3)


def test_every_family_is_played_back_with_its_order_parameters():
    runs = recording.load()["runs"]
    assert list(runs) == list(recording.FAMILIES)
    for run in runs.values():
        assert len(run["theory"]) >= 8
        assert set(run["theory"]) | {"train", "test"} == set(run["series"])
        assert all(len(series) == len(run["t"]) <= recording.MOMENTS for series in run["series"].values())
        assert np.all(np.diff(run["t"]) > 0)
        assert run["fit"] < run["jump"] <= run["t"][-1]


def test_the_time_slider_goes_through_the_records():
    script, runs = Script("playback"), recording.load()["runs"]
    for k, run in enumerate(runs.values()):
        for place in (0, 0.4, 1):
            result = script.call("PAGE.compute", {"family": k, "time": place})
            assert min(t for t in run["t"] if t > 0) <= result["at"] <= run["t"][-1] * (1 + 1e-12)
        assert result["read"]["test"] == run["series"]["test"][-1]
        early = [name for name in run["theory"] if result["half"][name] < run["jump"]]
        assert result["read"]["early"] == len(early)


def test_data_are_valid_json_without_words_for_numbers():
    for page in pages():
        assert json.loads(json.dumps(page.data, allow_nan=False)) is not False
