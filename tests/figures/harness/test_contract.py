"""What every figure owes: it constructs, its claims are complete, and the committed gallery shows it with labels."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from figures.harness import figure as core

from figures.harness import ledger

from figures.harness import running as runner

NAMES = runner.names()
QUICK = (  # seconds each; the others are redrawn by `python -m figures all`
    "layerwise_03",
    "layerwise_07",
    "layerwise_saddles",
    "layerwise_scaling",
    "neurashed_02",
    "neurashed_claims",
    "neurashed_theorems",
)
SAME_PICTURE = ("layerwise_03", "neurashed_theorems")  # quick ones whose committed picture is drawn by this version


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_complete(name):
    figure = runner.load(name)
    assert figure.name == name
    assert {"quick", "paper"} <= figure.presets.keys()
    assert len(figure.caption) > 60
    assert figure.claims
    for claim in figure.claims:
        assert claim.place
        assert claim.statement
        assert claim.criterion


def test_marks_of_late_criteria_name_claims():
    keys = {claim.key for name in NAMES for claim in runner.load(name).claims}
    assert set(ledger.AFTERWARDS) <= keys


def test_claim_keys_are_unique_over_all_figures():
    keys = [claim.key for name in NAMES for claim in runner.load(name).claims]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", QUICK)
def test_quick_figures_are_measured_and_drawn_as_committed_with_labels(name, tmp_path):
    made = runner.make(runner.Request(name, out=str(tmp_path)))
    assert not made.error
    committed = json.loads((ledger.GALLERY / "claims.json").read_text())["claims"][name]
    assert [(claim.key, claim.verdict) for claim in made.claims] == [(one["key"], one["verdict"]) for one in committed]
    medians = [one["median"] for one in committed]
    assert [claim.median for claim in made.claims] == pytest.approx(medians, rel=1e-6, abs=1e-12)
    from matplotlib.image import imread

    pixels = imread(made.picture)[..., :3]
    assert pixels.std() > 0.02
    if name in SAME_PICTURE:
        shown = imread(ledger.GALLERY / f"{name}.png")[..., :3]
        assert pixels.shape == shown.shape
        assert np.sqrt(np.mean((pixels - shown) ** 2)) < 0.05
    again = runner.make(runner.Request(name, out=str(tmp_path), resume=True))
    assert again.claims == made.claims
    drawn = runner.load(name)
    with np.load(made.picture.with_name("data.npz")) as file:
        data = {key: file[key] for key in file.files if key != "identity"}
    axes = [ax for ax in drawn.draw(data, drawn.presets["quick"]).axes if ax.has_data() and ax.get_xticks().size]
    assert axes  # a drawn graph has no scale and owes no labels
    assert [ax.get_title() for ax in axes if not (ax.get_xlabel() and ax.get_ylabel())] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_gallery_shows_every_figure(name):
    assert (ledger.GALLERY / f"{name}.png").exists()
    assert f"## {name}" in (ledger.GALLERY / "README.md").read_text()


def test_the_pictures_of_the_gallery_are_small():
    sizes = {path.name: path.stat().st_size for path in Path(ledger.GALLERY).glob("*.png")}
    assert {name: size for name, size in sizes.items() if not 5_000 < size < 300_000} == {}


def test_the_committed_ledger_has_every_claim():
    content = json.loads((ledger.GALLERY / "claims.json").read_text())
    committed = {claim["key"] for claims in content["claims"].values() for claim in claims}
    assert committed == {claim.key for name in NAMES for claim in runner.load(name).claims}


def toy(values, holds, decisive=None):
    claim = core.Claim("toy", "Figure 0", "it is large", "median > 1", lambda _: values, holds, "because", decisive)
    return core.PaperFigure(
        "toy",
        "layerwise",
        "A toy.",
        {"quick": core.BaseParams()},
        lambda p, rng, grid: {},
        lambda data, p: None,
        (claim,),
        1,
        "nothing",
    )


@pytest.mark.parametrize(
    ("values", "holds", "verdict"),
    [
        ([2.0, 3.0], core.median_above(1), core.REPRODUCED),
        ([0.0, 3.0], core.all_above(1), core.CONTRADICTED),
        ([0.0], lambda values: None, core.OPEN),
        ([0.2, 0.4], core.all_between(0, 1), core.REPRODUCED),
        ([0.2, 0.4], core.median_below(0.2), core.CONTRADICTED),
        ([0.2, 0.4], core.all_below(0.5), core.REPRODUCED),
    ],
)
def test_verdicts_follow_the_criterion(values, holds, verdict):
    (judged,) = toy(values, holds).judge({})
    assert judged.verdict == verdict
    assert (judged.low, judged.high, judged.replicates) == (min(values), max(values), len(values))
    assert bool(judged.why) == (verdict != core.REPRODUCED)


def test_data_that_cannot_contradict_a_claim_leave_it_open():
    figure = toy([0.0, 3.0], core.all_above(1), decisive=lambda data: data["steps"] > 10)
    assert [claim.verdict for claim in figure.judge({"steps": np.array(5)})] == [core.OPEN]
    assert [claim.verdict for claim in figure.judge({"steps": np.array(50)})] == [core.CONTRADICTED]
    met = toy([2.0], core.all_above(1), decisive=lambda data: False)
    assert [claim.verdict for claim in met.judge({})] == [core.REPRODUCED]


@pytest.mark.parametrize("name", NAMES)
def test_every_criterion_can_be_met_and_missed(name):
    tried = [
        np.array([value]) for value in (-1e12, -1.0, -0.5, 0.0, 0.04, 0.3, 0.55, 0.9, 1.0, 2.0, 3.0, 4.0, 6.0, 1e12)
    ]
    for claim in runner.load(name).claims:
        assert {True, False} <= {claim.holds(values) for values in tried}, claim.key


def test_a_claim_that_measures_no_number_is_refused():
    with pytest.raises(ValueError, match="must measure numbers"):
        toy([float("nan")], core.median_above(1)).judge({})


def test_a_claim_that_measures_no_number_is_the_error_of_its_figure_alone(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    figures = {"good": toy([2.0], core.median_above(1)), "bad": toy([float("nan")], core.median_above(1))}
    drawn = {name: replace(one, draw=lambda data, p: Figure()) for name, one in figures.items()}
    monkeypatch.setattr(runner, "load", drawn.__getitem__)
    good, bad = (runner.make(runner.Request(name, out=str(tmp_path / name))) for name in figures)
    assert (good.error, len(good.claims)) == ("", 1)
    assert (bad.error, bad.claims) == ("claim toy must measure numbers, got [nan]", ())


def test_a_figure_whose_data_are_missing_fails_alone(tmp_path, monkeypatch):
    def compute(p, rng, grid):
        raise FileNotFoundError("no mnist here")

    figure = replace(toy([2.0], core.median_above(1)), compute=compute)
    monkeypatch.setattr(runner, "load", lambda name: figure)
    assert runner.make(runner.Request("toy", out=str(tmp_path))).error == "no mnist here"


def test_the_longest_figures_are_started_first(monkeypatch, capsys):
    from figures import __main__ as command

    started = []

    def make_all(requests, jobs, engine):
        started.extend(request.name for request in requests)
        yield from (runner.Made(one.name, Path(one.name), (), 0.0) for one in requests)

    monkeypatch.setattr(runner, "make_all", make_all)
    assert command.main(["layerwise_03", "layerwise_08", "neurashed_05"]) == 0
    assert started == ["layerwise_08", "neurashed_05", "layerwise_03"]
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[:3]] == sorted(started)


def test_the_ledger_counts_and_shows_every_claim(tmp_path):
    claims = toy([2.0, 3.0], core.median_above(1)).judge({}) + toy([0.0], core.median_above(1)).judge({})
    assert ledger.summary(claims) == "2 claims: 1 reproduced, 1 contradicted, 0 open"
    page = ledger.ledger_page(claims, "quick")
    assert "2.5 [2, 3], 2 runs" in page
    assert "**contradicted**: because" in page


def test_a_figure_that_failed_keeps_what_an_earlier_run_committed(tmp_path, monkeypatch):
    figures = {name: replace(toy([2.0], core.median_above(1)), name=name) for name in ("one", "two")}
    monkeypatch.setattr(ledger, "load", figures.__getitem__)
    gallery, picture = tmp_path / "gallery", tmp_path / "figure.png"
    gallery.mkdir()
    picture.write_bytes(b"first")
    made = [runner.Made(name, picture, tuple(one.judge({})), 1.0) for name, one in figures.items()]
    ledger.write_gallery(made, "quick", gallery)
    before = json.loads((gallery / "claims.json").read_text())
    picture.write_bytes(b"second")
    ledger.write_gallery([made[0], replace(made[1], error="no data", claims=())], "quick", gallery)
    assert json.loads((gallery / "claims.json").read_text()) == before
    assert [(gallery / f"{name}.png").read_bytes() for name in figures] == [b"second", b"first"]
    assert "Kept from an earlier run, since this one could not make them: two." in (gallery / "CLAIMS.md").read_text()
    assert "## two" in (gallery / "README.md").read_text()
    ledger.write_gallery([made[0], replace(made[1], error="no data", claims=())], "paper", gallery)
    assert list(json.loads((gallery / "claims.json").read_text())["claims"]) == ["one"]


def test_another_seed_stands_beside_the_committed_claims(tmp_path):
    figure = toy([2.0, 3.0], core.median_above(1))
    made = runner.Made("toy", tmp_path / "toy.png", tuple(figure.judge({})), 1.0)
    content = {"preset": "quick", "claims": {"toy": [asdict(claim) for claim in made.claims]}}
    (tmp_path / "claims.json").write_text(json.dumps(content))
    other = replace(made, claims=tuple(toy([0.5], core.median_above(1)).judge({})))
    ledger.write_confirmation([other], "quick", 7, tmp_path)
    page = (tmp_path / "CLAIMS.md").read_text()
    assert "| at seed 7 |" in page
    assert "0.5: **contradicted**" in page
    assert "1 claims: 0 reproduced, 1 contradicted, 0 open. The verdict is the same for 0 of 1 claims" in page
    ledger.write_confirmation([made], "quick", 8, tmp_path)
    assert "The verdict is the same for 1 of 1 claims" in (tmp_path / "CLAIMS.md").read_text()
    with pytest.raises(ValueError, match="preset must be that of the committed claims"):
        ledger.write_confirmation([made], "paper", 7, tmp_path)


def test_unknown_names_and_presets_are_refused():
    with pytest.raises(ValueError, match="name must be one of"):
        runner.load("layerwise_99")
    with pytest.raises(ValueError, match="preset must be one of"):
        runner.make(runner.Request(NAMES[0], preset="huge"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], "seed must be >= 0, got -1"),
        (["--jobs", "0"], "jobs must be >= 1, got 0"),
        (["--engine", "spark"], "engine must be local, dask or dask:ADDRESS, got 'spark'"),
        (["--set", "n_times=-5"], "n_times must be >= 1, got -5"),
    ],
)
def test_bad_options_are_named(arguments, message, tmp_path, capsys):
    from figures.__main__ import main

    assert main(["layerwise_03", *arguments, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_listing_needs_no_torch_and_no_matplotlib():
    import subprocess
    import sys

    code = (
        "import sys\nfrom figures.__main__ import main\nassert main([]) == 0\n"
        "heavy = {'torch', 'matplotlib', 'sklearn', 'sympy'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(NAMES)


def test_the_gallery_has_no_leftovers():
    pictures = {path.stem for path in Path(ledger.GALLERY).glob("*.png")}
    studies = {"grokking", "local_elasticity", "information_bottleneck", "neural_collapse", "order_parameters"}
    assert pictures <= {*NAMES, *studies}
