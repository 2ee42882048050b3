"""What every figure owes: it constructs, its claims are complete, and the gallery shows it with labels."""

import json
from pathlib import Path

import numpy as np
import pytest

from figures.harness import ledger, registry, running
from figures.harness.figure import PAPERS
from toymodels.claims import AFTER, BEFORE, CONTROL, PAPER, READING, Claim, verdict_of
from toymodels.run.cells import read

NAMES = registry.names()
QUICK = (  # seconds each; the others are redrawn by `python -m figures all`
    "layerwise/sigmoidal_modes",
    "layerwise/aligned_modes",
    "layerwise/saddle_to_saddle",
    "layerwise/scaling_laws",
    "neurashed/pathways",
    "neurashed/outlook",
    "neurashed/theorems",
)
SAME_PICTURE = ("layerwise/sigmoidal_modes", "neurashed/theorems")  # quick ones whose committed picture is of this code


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_complete(name):
    figure = registry.load(name)
    assert figure.name == name
    assert figure.paper in PAPERS
    assert {"quick", "paper"} <= figure.presets.keys()
    assert len(figure.caption) > 60
    assert figure.claims
    assert figure.aliases
    assert figure.seconds > 0
    for claim in figure.claims:
        assert isinstance(claim, Claim)
        assert claim.key.startswith(f"{name.partition('/')[2]}.")
        assert len(claim.quantity.words) > 10
        assert claim.source in (PAPER, READING, CONTROL)
        assert claim.fixed in (BEFORE, AFTER)


def test_claim_keys_are_unique_over_all_figures():
    keys = [claim.key for name in NAMES for claim in registry.load(name).claims]
    assert len(keys) == len(set(keys))
    assert len(keys) >= 290


@pytest.mark.parametrize("name", QUICK)
def test_quick_figures_are_measured_and_drawn_as_committed_with_labels(name, tmp_path):
    made = running.make(running.Request(name, out=str(tmp_path)))
    assert not made.error
    committed = ledger.read_ledger()["figures"][name][str(ledger.FIRST)]["claims"]
    assert [(claim.key, claim.verdict) for claim in made.claims] == [(row["key"], row["verdict"]) for row in committed]
    medians = [row["median"] for row in committed]
    assert [claim.median for claim in made.claims] == pytest.approx(medians, rel=1e-6, abs=1e-12)
    from matplotlib.image import imread

    pixels = imread(made.picture)[..., :3]
    assert pixels.std() > 0.02
    if name in SAME_PICTURE:
        shown = imread(ledger.GALLERY / f"{name}.png")[..., :3]
        assert pixels.shape == shown.shape
        assert np.sqrt(np.mean((pixels - shown) ** 2)) < 0.05
    figure = registry.load(name)
    data = read(tmp_path / "cells" / f"{made.cell}.npz").arrays
    axes = [ax for ax in figure.draw(data, figure.presets["quick"]).axes if ax.has_data() and ax.get_xticks().size]
    assert axes  # a drawn graph has no scale and owes no labels
    assert [ax.get_title() for ax in axes if not (ax.get_xlabel() and ax.get_ylabel())] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_criterion_can_be_met_and_missed(name):
    tried = [
        np.array([value]) for value in (-1e12, -1.0, -0.5, 0.0, 0.04, 0.3, 0.55, 0.9, 1.0, 2.0, 3.0, 4.0, 6.0, 1e12)
    ]
    for claim in registry.load(name).claims:
        assert {True, False} <= {claim.criterion.met_by(values) for values in tried}, claim.key


@pytest.mark.parametrize("name", NAMES)
def test_the_gallery_shows_every_figure(name):
    picture = ledger.GALLERY / f"{name}.png"
    assert 5_000 < picture.stat().st_size < 300_000
    assert f"## {name}" in (ledger.GALLERY / "README.md").read_text()


def test_the_gallery_has_no_leftovers():
    pictures = {str(path.relative_to(ledger.GALLERY).with_suffix("")) for path in Path(ledger.GALLERY).rglob("*.png")}
    studies = {"grokking", "local_elasticity", "information_bottleneck", "neural_collapse", "order_parameters"}
    assert pictures == {*NAMES, *studies}


def test_the_committed_ledger_has_every_claim_at_two_seeds():
    content = json.loads((ledger.GALLERY / "claims.json").read_text())
    for name in NAMES:
        seeds = ledger.claims_of(content, name)
        assert [row[0].key for row in seeds] == [claim.key for claim in registry.load(name).claims]
        assert [row[0].criterion for row in seeds] == [claim.sentence for claim in registry.load(name).claims]
        assert all(len(row) >= 2 for row in seeds), name
    assert (ledger.GALLERY / "CLAIMS.md").read_text() == ledger.ledger_page(content)


def test_open_rows_that_depend_on_the_seed_are_called_so():
    content = ledger.read_ledger()
    page = (ledger.GALLERY / "CLAIMS.md").read_text()
    differ = [row for name in NAMES for row in ledger.claims_of(content, name) if len({j.verdict for j in row}) > 1]
    assert page.count("**open**, depends on the seed") == len(differ)
    assert all(verdict_of(row)[0] == "open" for row in differ)
