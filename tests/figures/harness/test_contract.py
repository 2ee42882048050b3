"""What every figure owes: it constructs, its claims are complete, and the gallery shows it with labels."""

import json
from pathlib import Path

import numpy as np
import pytest

from comparisons.harness.settings import visible
from comparisons.studies import ALL as STUDIES
from docs.book import tables
from figures.harness import coverage, exports, judging, ledger, pages, parting, registry, running, stored
from figures.harness.figure import PAPERS
from figures.harness.sizes import settings_in_words
from toymodels.claims import (
    AFTER,
    BEFORE,
    CONTRADICTED,
    CONTROL,
    OPEN,
    PAPER,
    READING,
    REPRODUCED,
    SEED_DECIDES,
    Claim,
)
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
    larger = {f"{name}-large" for name in ledger.read_ledger().get("large", {})}
    assert pictures == {*NAMES, *STUDIES, *larger}


def test_the_committed_ledger_has_every_claim_at_two_seeds():
    content = json.loads((ledger.GALLERY / "claims.json").read_text())
    for where in ("figures", "large"):
        for name in content.get(where, {}):
            seeds = ledger.claims_of(content, name, where)
            assert [row[0].key for row in seeds] == [claim.key for claim in registry.load(name).claims]
            assert [row[0].criterion for row in seeds] == [claim.sentence for claim in registry.load(name).claims]
            assert all(len(row) >= 2 for row in seeds) or where == "large", name
    assert list(content["figures"]) == sorted(NAMES)
    assert (ledger.GALLERY / "CLAIMS.md").read_text() == pages.ledger_page(content)
    assert (ledger.GALLERY / "README.md").read_text() == pages.gallery_page(content)
    assert json.loads((ledger.GALLERY / "commands.json").read_text()) == exports.commands(content)


def test_open_rows_that_depend_on_the_seed_are_called_so():
    rows = ledger.rows(ledger.read_ledger())
    page = (ledger.GALLERY / "CLAIMS.md").read_text()
    differ = [row for row in rows if row.verdict == (OPEN, SEED_DECIDES)]
    assert page.count(f"({SEED_DECIDES}). ") == len(differ)
    assert all({REPRODUCED, CONTRADICTED} <= {judged.verdict for judged in row.deciding} for row in differ)
    assert all(row.verdict[1] for row in rows if row.verdict[0] == OPEN)


def test_the_gallery_prints_every_seed_that_decides():
    page = (ledger.GALLERY / "README.md").read_text()
    content = ledger.read_ledger()
    for row in ledger.rows(content):
        assert all(f"{judged.measured} (seed {seed})" in page for seed, judged in row.sizes[row.preset].items())
    for name in NAMES:
        told = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        large = "large" in registry.load(name).presets
        assert ("Large preset: not run yet" in told) == (large and name not in content.get("large", {})), name


def test_the_books_table_of_contradicted_claims_is_that_of_the_largest_size():
    rows = [row for row in ledger.rows(ledger.read_ledger()) if row.claim.source != CONTROL]
    shown = {(row[0], row[3]) for row in tables.contradicted().rows}
    assert shown == {(row.figure, row.claim.statement) for row in rows if row.verdict[0] == CONTRADICTED}
    assert {row.claim.statement for row in parting.standing(rows)} <= {statement for _, statement in shown}


def test_a_row_that_is_not_reproduced_says_at_which_size_and_what_the_authors_could_answer():
    for row in ledger.rows(ledger.read_ledger()):
        missed = [judged for judged in row.deciding if judged.verdict == CONTRADICTED]
        if row.claim.source == PAPER and row.verdict[0] != REPRODUCED:
            missed = [judged for judged in row.deciding if judged.verdict != REPRODUCED]
        for judged in missed:
            assert len(judged.defence) > 15, judged.key
            assert row.settings[row.preset], judged.key


def test_the_settings_of_the_ledger_are_those_of_the_presets():
    for row in ledger.rows(ledger.read_ledger()):
        for preset, words in row.settings.items():
            assert words == settings_in_words(visible(registry.load(row.figure).presets[preset])), row.figure


def test_every_run_is_asked_only_of_what_is_derived():
    """What a paper shows of trained networks is typical; what it derives, or says of every case, holds throughout."""
    asked = {
        claim.key
        for name in NAMES
        for claim in registry.load(name).claims
        if claim.source == PAPER and claim.criterion.sentence.startswith("every run") and "opt_npt" in name
    }
    pooled_layers = {"small-gradients", "gradients-rise", "peak-at-transition"}
    assert {key.partition(".")[2] for key in asked} == pooled_layers


def test_stored_data_give_the_verdicts_of_the_ledger():
    again = list(judging.judge_again(ledger.read_ledger(), NAMES))
    assert [line for one in again for line in one.differs] == []
    kept = {(one.figure, one.preset, one.seed) for one in again}
    assert {(name, "quick", seed) for name in NAMES for seed in (0, 11)} <= kept
    assert {
        (name, "large", int(seed)) for name, seeds in ledger.read_ledger().get("large", {}).items() for seed in seeds
    } <= kept
    for path in (ledger.GALLERY / "data").rglob("*.npz"):
        assert path.stat().st_size < stored.LIMIT
        assert str(path.relative_to(ledger.GALLERY / "data").with_suffix("")) in NAMES


def test_the_pages_made_of_the_ledger_are_the_committed_ones():
    for name, page in pages.documents(ledger.read_ledger()).items():
        assert (pages.DOCS / name).read_text() == page


def test_every_place_of_a_row_is_a_part_of_its_paper_and_every_part_has_rows_or_a_reason():
    content = ledger.read_ledger()
    for paper, parts in coverage.PARTS.items():
        own = ledger.rows(content, [name for name in NAMES if name.startswith(f"{paper}/")])
        known = {name for part in parts for name in (part.name, *part.also)}
        assert len({part.name for part in parts}) == len(parts)
        for row in own:
            assert coverage.named_in(row.claim.place), row.claim.place
            assert coverage.named_in(row.claim.place) <= known, row.claim.place
        for part in parts:
            assert bool(coverage.covering(part, own)) != bool(part.without), (paper, part.name)


def test_what_parts_is_contradicted_and_its_control_decided():
    rows = {row.claim.key: row for row in ledger.rows(ledger.read_ledger())}
    assert len(parting.PARTINGS) == len({one.key for one in parting.PARTINGS}) == 10
    for one in parting.PARTINGS:
        assert rows[one.key].verdict[0] == CONTRADICTED, one.key
        assert rows[one.control].verdict[0] != OPEN, one.control


def test_what_fell_is_no_contradicted_claim_of_a_paper_and_what_stands_was_tested():
    rows = ledger.rows(ledger.read_ledger())
    standing = {row.claim.key for row in parting.standing(rows)}
    assert not standing & parting.FELL.keys()
    assert parting.FELL.keys() <= {row.claim.key for row in rows}
    assert standing == parting.SURVIVED.keys()


def test_a_row_that_is_contradicted_for_the_first_time_does_not_stop_the_pages(monkeypatch):
    monkeypatch.setattr(parting, "SURVIVED", {})
    content = ledger.read_ledger()
    standing = parting.standing(ledger.rows(content))
    assert parting.parting_page(content).count(f"| {parting.NOT_TRIED} |") == len(standing)
