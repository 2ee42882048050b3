import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from figures.harness import command, exports, judging, ledger, pages, registry, running, sheet, stored
from tests.figures.harness import toy
from toymodels.claims import OPEN, REPRODUCED

ROOT = Path(__file__).parents[3]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make(out, figure=toy.FIGURE, **options):
    return running.make(running.Request(figure, out=str(out), **options))


def cell_of(out, made):
    return Path(out) / "cells" / f"{made.cell}.npz"


def test_a_figure_leaves_data_claims_picture_and_manifest(tmp_path):
    made = make(tmp_path)
    assert not made.error
    assert made.picture == tmp_path / "figures" / "toys" / "figure" / "quick-s0" / "figure.png"
    assert made.picture.read_bytes()[:4] == b"\x89PNG"
    manifest = json.loads(made.picture.with_name("manifest.json").read_text())
    assert manifest["state"] == "finished"
    assert manifest["rows"]["data"][0]["cell"] == made.cell
    (claim,) = json.loads(made.picture.with_name("claims.json").read_text())
    assert claim["verdict"] == REPRODUCED
    assert claim["criterion"] == "value: median > 1"


def test_a_figure_is_drawn_and_judged_again_without_computing(tmp_path):
    first = make(tmp_path)
    stamp = cell_of(tmp_path, first).stat().st_mtime_ns
    again = make(tmp_path, resume=True)
    assert again.claims == first.claims
    assert cell_of(tmp_path, first).stat().st_mtime_ns == stamp
    make(tmp_path)
    assert cell_of(tmp_path, first).stat().st_mtime_ns > stamp


@pytest.mark.parametrize("damage", ["times 1.5", "cut off", "one bit"])
def test_data_that_were_altered_are_set_aside_and_computed_again(damage, tmp_path):
    first = make(tmp_path)
    path = cell_of(tmp_path, first)
    content = path.read_bytes()
    if damage == "times 1.5":
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        np.savez(path, **(arrays | {"a/values": 1.5 * arrays["a/values"]}))
    else:
        middle = len(content) // 2
        bad = content[:middle] if damage == "cut off" else content[:middle] + b"\x01" + content[middle + 1 :]
        path.write_bytes(bad)
    again = make(tmp_path, resume=True)
    assert again.claims == first.claims
    assert "set aside as" in again.messages[0]
    assert path.with_name(f"{path.name}.damaged-1").exists()
    assert path.read_bytes() == content


def test_two_seeds_of_the_same_code_are_made_by_the_same(tmp_path):
    assert make(tmp_path).made_by == make(tmp_path, seed=1).made_by != ""


def test_other_settings_and_seeds_touch_nothing_of_the_first(tmp_path):
    make(tmp_path)
    before = contents(tmp_path)
    second = make(tmp_path, changes={"level": 3.0})
    make(tmp_path, seed=1)
    after = contents(tmp_path)
    assert {path: after.get(path) for path in before} == before
    assert second.picture.parent.name == "quick-s0@2"


def test_the_stream_and_not_the_name_draws_the_numbers(tmp_path):
    first = make(tmp_path)
    renamed = make(tmp_path, toy.figure("toys/renamed", stream="toys/figure"))
    assert renamed.claims[0].median == first.claims[0].median
    assert make(tmp_path, toy.figure("toys/other")).claims[0].median != first.claims[0].median


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (toy.figure(compute=toy.missing), "no mnist here"),
        (toy.figure(compute=toy.singular), "LinAlgError: Singular matrix"),
        (toy.figure(compute=lambda s, rng, grid: {"values": np.array([np.nan])}), "values is NaN in 1 places"),
        (toy.figure(claims=(toy.claim(measure=lambda data: np.nan),)), "claim figure.large must measure numbers"),
        (toy.figure(draw=lambda data, s: 1 / 0), "ZeroDivisionError: division by zero"),
    ],
)
def test_whatever_goes_wrong_is_the_error_of_its_figure_alone(figure, message, tmp_path):
    made = list(
        running.make_all(
            [running.Request(recipe, out=str(tmp_path)) for recipe in (toy.figure("a/b"), figure)], 1, "local"
        )
    )
    assert not made[0].error
    assert message in made[1].error
    assert made[1].claims == ()
    manifest = json.loads(made[1].picture.with_name("manifest.json").read_text())
    assert manifest["state"] == "failed"


def test_a_worker_that_dies_is_the_error_of_its_figure(tmp_path):
    import os
    import signal

    def die(settings, rng, grid):
        os.kill(os.getpid(), signal.SIGKILL)

    requests = [
        running.Request(figure, out=str(tmp_path)) for figure in (toy.figure("a/b"), toy.figure("a/c", compute=die))
    ]
    made = {result.name: result for result in running.make_all(requests, 2, "local")}
    assert not made["a/b"].error
    assert "its worker process died" in made["a/c"].error


def test_an_out_that_is_a_file_is_one_clear_line(tmp_path, capsys):
    place = tmp_path / "out"
    place.write_text("")
    assert command.main(["--out", str(place)], [toy.FIGURE]) == 2
    error = capsys.readouterr().err
    assert "the folder of results must be one that can be written" in error
    assert len(error.splitlines()) == 1


def test_figures_of_ones_own_are_made_without_lying_in_the_package(tmp_path, capsys):
    figures = [toy.FIGURE, toy.figure("toys/second")]
    assert command.main(["--out", str(tmp_path), "--jobs", "2"], figures) == 0
    printed = capsys.readouterr().out
    assert "2 claims of the papers: 2 reproduced, 0 contradicted, 0 open" in printed
    assert (tmp_path / "figures" / "ledger" / "quick-s0" / "CLAIMS.md").exists()
    assert command.main(["toys/second", "--out", str(tmp_path), "--set", "level=0.1"], figures) == 0
    assert "contradicted (criterion set for the preset)" in capsys.readouterr().out
    assert command.main(["toys/second", "--settings"], figures) == 0
    assert "  level=1.0" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["figure.svg", "figure.png", "claims.json", "scratch/notes.txt"])
def test_files_that_lie_where_a_figure_would_go_are_the_users(name, tmp_path):
    mine = tmp_path / "figures" / "toys" / "figure" / "quick-s0" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    made = make(tmp_path, format="svg")
    assert not made.error
    assert made.picture.parent.name == "quick-s0@2"
    assert mine.read_text() == "mine"


SCRIPT = """
import sys
import numpy as np
from figures.harness import command
from tests.figures.harness import toy

def helper():
    return FACTOR * np.ones(3)

def compute(settings, rng, grid):
    return {"values": helper()}

if __name__ == "__main__":
    figures = [toy.figure(name, compute=compute) for name in ("toys/first", "toys/second")]
    sys.exit(command.main(sys.argv[1:], figures))
"""


@pytest.mark.parametrize("typed", [False, True])
def test_an_edited_helper_of_a_script_is_noticed_by_its_workers_too(typed, tmp_path):
    def values(factor, *options):
        text, script = SCRIPT.replace("FACTOR", factor), tmp_path / "script.py"
        script.write_text(text)
        program = [sys.executable, "-" if typed else str(script), "all", "--out", str(tmp_path / "out"), *options]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(program, input=text, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return [line.split()[1] for line in done.stdout.splitlines() if "Figure 0" in line]

    def stored():
        return len(list((tmp_path / "out" / "cells").rglob("*.npz")))

    assert values("2") == ["2", "2"]
    assert (values("2", "--jobs", "2", "--resume"), stored()) == (["2", "2"], 2)
    assert (values("3.5", "--jobs", "2", "--resume"), stored()) == (["3.5", "3.5"], 4)
    assert (values("3.5", "--resume"), stored()) == (["3.5", "3.5"], 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "-1"], "seed must be >= 0, got -1"),
        (["--jobs", "0"], "jobs must be >= 1, got 0"),
        (["--engine", "spark"], "engine must be local, dask or dask:ADDRESS, got 'spark'"),
        (["--set", "n_times=-5"], "n_times must be >= 1, got -5"),
        (["--set", "n_tmes=5"], "did you mean n_times"),
        (["--write"], "--write takes the papers' figures"),
    ],
)
def test_bad_options_are_named(arguments, message, tmp_path, capsys):
    assert command.main([*arguments, "--out", str(tmp_path)], [toy.FIGURE]) == 2
    assert message in capsys.readouterr().err


def test_making_figures_changes_no_file_of_the_package(tmp_path):
    before = contents(ledger.GALLERY)
    name = "layerwise/sigmoidal_modes"
    assert command.main([name, "--out", str(tmp_path)]) == 0
    assert command.main([name, "neurashed/theorems", "--seed", "11", "--out", str(tmp_path)]) == 0
    assert contents(ledger.GALLERY) == before


def test_a_rerun_is_compared_with_the_ledger(tmp_path, capsys):
    name = "layerwise/sigmoidal_modes"
    run = [name, "--resume", "--out", str(tmp_path)]
    assert command.main([*run, "--check", "sigmoidal_modes.sigmoid"]) == 0
    assert "as expected" in capsys.readouterr().out
    assert command.main([*run, "--check"]) == 0
    assert command.main([*run, "--check", "sigmoidal_modes.none"]) == 2
    assert f"claims to check must be of {name}, got sigmoidal_modes.none" in capsys.readouterr().err
    assert command.main([*run, "--seed", "5", "--check"]) == 2
    assert "preset and seed must be of the ledger" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--check", "sigmoidal_modes.none"], "claims to check must be of"),
        (["two", "--check", "sigmoidal_modes.none"], "got sigmoidal_modes.none"),
        (["two", "--check", "sigmoidal_modes.sigmoid"], "got none of neurashed/theorems"),
        (["--check", "--write"], "--check compares a preset with the ledger as it is"),
        (["--check", "--set", "n_times=5"], "goes without --write and --set, got --set"),
        (["--check", "--seed", "-1"], "seed must be >= 0"),
        (["--check", "--preset", "paper"], "preset and seed must be of the ledger"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_computed(more, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "_make", lambda *asked: pytest.fail("it computes"))
    before = contents(ledger.GALLERY)
    names = ["layerwise/sigmoidal_modes", "neurashed/theorems"] if "two" in more else ["layerwise/sigmoidal_modes"]
    arguments = [word for word in more if word != "two"]
    assert command.main([*names, "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert contents(ledger.GALLERY) == before
    assert not (tmp_path / "out").exists()


def test_nothing_is_as_expected_without_a_ledger_or_in_a_figure_that_failed(tmp_path, monkeypatch, capsys):
    assert command.main(["--check", "--out", str(tmp_path)], [toy.FIGURE]) == 2
    assert "figures to check must be of the ledger, got toys/figure" in capsys.readouterr().err
    figure = toy.figure("layerwise/sigmoidal_modes", compute=toy.missing)
    assert command.main(["--check", "--out", str(tmp_path)], [figure]) == 1
    printed = capsys.readouterr().out
    assert "nothing to compare, it failed" in printed
    assert "as expected" not in printed
    monkeypatch.setattr(ledger, "read_ledger", lambda: {"preset": "quick", "figures": {}})
    assert command.main(["sigmoidal_modes", "--check", "--out", str(tmp_path)]) == 2
    assert "--check needs the ledger that the gallery of a checkout keeps" in capsys.readouterr().err


def test_judging_counts_what_other_code_has_computed_and_fails_where_settings_differ(monkeypatch, capsys):
    monkeypatch.setattr(judging, "maker_of", lambda figure, preset: "this code")
    assert command.main(["judge", "sigmoidal_modes"]) == 0
    printed = capsys.readouterr().out
    assert "0 of 2 entries were computed with other settings than those of their preset" in printed
    assert "2 of them by other code or versions than those of now" in printed
    assert "--verbose names them" in printed
    assert command.main(["judge", "sigmoidal_modes", "--verbose"]) == 0
    assert "layerwise/sigmoidal_modes, quick, seed 11: computed by other code" in capsys.readouterr().out
    content = ledger.read_ledger()
    content["figures"]["layerwise/sigmoidal_modes"]["11"]["settings"] = "n 1"
    monkeypatch.setattr(ledger, "read_ledger", lambda: content)
    assert command.main(["judge", "sigmoidal_modes"]) == 1
    assert "layerwise/sigmoidal_modes, quick, seed 11: computed with n 1; the preset is " in capsys.readouterr().out


def test_data_that_lack_what_a_claim_reads_are_all_listed_and_nothing_is_written(monkeypatch, capsys):
    names = ["layerwise/sigmoidal_modes", "neurashed/theorems"]
    lacking = toy.figure(claims=(toy.claim(measure=lambda data: data["new"]),))
    monkeypatch.setattr(judging, "load", lambda name: lacking)
    before = contents(ledger.GALLERY)
    assert command.main(["judge", *names, "--write"]) == 1
    printed = capsys.readouterr().out
    assert all(f"the stored data of {name}, quick, seed 0, lack 'new'" in printed for name in names)
    assert "nothing is written" in printed
    assert contents(ledger.GALLERY) == before


def test_stored_data_are_judged_again_from_the_command_line(capsys):
    assert command.main(["judge", "sigmoidal_modes"]) == 0
    assert "all as the ledger says" in capsys.readouterr().out
    assert command.main(["judge", "sigmoidel_modes"]) == 2


def test_the_pictures_of_the_gallery_are_put_side_by_side(tmp_path, capsys):
    from matplotlib.image import imread

    assert command.main(["sheet", "sigmoidal_modes", "pathways", "--out", str(tmp_path)]) == 0
    (page,) = (tmp_path / "figures" / "sheet").iterdir()
    assert capsys.readouterr().out.strip() == str(page)
    assert imread(page)[..., :3].std() > 0.02
    assert len(sheet.sheets([ledger.GALLERY / "layerwise" / "sigmoidal_modes.png"] * 7)) == 2
    with pytest.raises(ValueError, match="pictures must be at least one"):
        sheet.write(["layerwise/none"], tmp_path)


def test_an_installed_package_is_never_written(tmp_path):
    from comparisons.matrix import require_checkout

    with pytest.raises(ValueError, match="--write changes the files of a checkout, but this is an installed package"):
        require_checkout(tmp_path)
    require_checkout()


class TestRegistry:
    def test_names_are_found_by_subject_number_and_former_name(self):
        assert registry.find("sigmoidal_modes") == "layerwise/sigmoidal_modes"
        assert registry.find("layerwise/sigmoidal-modes") == "layerwise/sigmoidal_modes"
        assert registry.find("layerwise_03") == "layerwise/sigmoidal_modes"
        assert registry.find("dnn_n6") == "opt_npt/batch_norm_lag"
        assert registry.find("layerwise/fig-3") == "layerwise/sigmoidal_modes"

    def test_every_former_name_is_an_alias_of_one_figure(self):
        former = re.compile(r"(layerwise|neurashed|condensation|dnn)_\w+")
        known = {
            name: [alias for alias in registry.load(name).aliases if former.fullmatch(alias)]
            for name in registry.names()
        }
        assert len([name for name, aliases in known.items() if aliases]) >= 39
        for name, aliases in known.items():
            assert [registry.find(alias) for alias in aliases] == [name] * len(aliases)

    def test_a_word_of_several_figures_lists_them(self):
        with pytest.raises(
            ValueError, match=r"'fig-7' is not the name of one figure; it may mean .*aligned_modes"
        ) as e:
            registry.find("fig-7")
        assert "condensation/loss_plateaus" in str(e.value)
        with pytest.raises(ValueError, match="batch_norm_lag"):
            registry.find("norm_lag")
        with pytest.raises(ValueError, match="it may mean layerwise/sigmoidal_modes"):
            registry.find("sigmodial_modes")
        with pytest.raises(ValueError, match="see the list"):
            registry.find("qqqqqq")
        with pytest.raises(ValueError, match="name must be one of"):
            registry.load("layerwise/figure_99")

    def test_figures_of_your_own_are_found_alike_and_first(self):
        from dataclasses import replace

        mine = replace(registry.load("layerwise/saddle_to_saddle"), name="mine/some_modes", aliases=("fig-3",))
        own = {mine.name: mine}
        for word in ("mine/some_modes", "some-modes", "SOME_MODES", "fig-3", "mine/fig-3"):
            assert registry.find(word, own) == mine.name
        assert registry.find("layerwise/fig-3", own) == "layerwise/sigmoidal_modes"
        assert registry.find("sigmoidal_modes", own) == "layerwise/sigmoidal_modes"
        with pytest.raises(ValueError, match=r"it may mean mine/some_modes \(fig-3\)"):
            registry.find("some_mode", own)
        with pytest.raises(ValueError, match=r"it may mean mine/some_modes"):
            registry.find("soem_modes", own)

    def test_listing_needs_no_torch_and_no_matplotlib(self):
        import subprocess
        import sys

        code = (
            "import sys\nfrom figures.harness.command import main\nassert main([]) == 0\n"
            "heavy = {'torch', 'matplotlib', 'sklearn', 'sympy'} & set(sys.modules)\nassert not heavy, heavy\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == len(registry.names())


class TestLedger:
    def made(self, tmp_path, value, name="toys/figure", **more):
        figure = toy.figure(name, claims=(toy.claim(measure=lambda data: value, **more),))
        picture = tmp_path / "figure.png"
        picture.write_bytes(b"picture")
        kept = {"values": np.ones(2)}
        return running.FigureResult(
            name, picture, tuple(figure.judge({})), 1.0, made_by="this code", kept=kept, settings="n 1"
        )

    def test_the_verdict_is_that_of_both_seeds(self, tmp_path):
        empty = {"preset": "quick", "figures": {}}
        first = ledger.merged(empty, [self.made(tmp_path, [2.0, 3.0])], "quick", 0)
        assert "<b>reproduced</b> at <code>quick</code> (one seed). Figure 0: It is large." in pages.ledger_page(first)
        same = ledger.merged(first, [self.made(tmp_path, 4.0)], "quick", 11)
        page = pages.ledger_page(same)
        assert "Measured at <code>quick</code>: 2.5 [2, 3], 2 values (seed 0); 4 (seed 11)" in page
        assert "<b>reproduced</b> at <code>quick</code>" in page
        other = ledger.merged(first, [self.made(tmp_path, 0.5)], "quick", 11)
        page = pages.ledger_page(other)
        assert "<b>open</b> at <code>quick</code> (depends on the seed)" in page
        assert "Why: because" in page
        assert "1 claims of the papers: 0 reproduced, 0 contradicted, 1 open." in page

    def test_readings_and_controls_count_apart(self, tmp_path):
        empty = {"preset": "quick", "figures": {}}
        made = [self.made(tmp_path, 2.0), self.made(tmp_path, 0.0, "toys/b", key="b.c", source="control")]
        page = pages.ledger_page(ledger.merged(empty, made, "quick", 0))
        assert "1 claims of the papers: 1 reproduced, 0 contradicted, 0 open; 1 controls of ours: 0 rep" in page

    def test_writing_some_figures_keeps_the_others_and_the_other_seed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(pages, "load", lambda name: toy.figure(name))
        monkeypatch.setattr(exports, "load", lambda name: toy.figure(name))
        gallery = tmp_path / "gallery"
        both = [self.made(tmp_path, 2.0), self.made(tmp_path, 2.0, "toys/b", key="b.c")]
        pages.write_gallery(both, "quick", 0, gallery)
        pages.write_gallery(both, "quick", 11, gallery)
        assert (gallery / "toys" / "figure.png").read_bytes() == b"picture"
        pages.write_gallery([self.made(tmp_path, 5.0)], "quick", 0, gallery)
        content = ledger.read_ledger(gallery)
        assert list(content["figures"]["toys/b"]) == ["0", "11"]
        assert content["figures"]["toys/figure"]["0"]["claims"][0]["median"] == 5.0
        assert content["figures"]["toys/figure"]["11"]["claims"][0]["median"] == 2.0
        origins = {where: origin for where, (_, origin) in stored.read_with_origin(gallery, "toys/figure").items()}
        assert origins == {("quick", seed): {"settings": "n 1", "made_by": "this code"} for seed in (0, 11)}
        assert "## toys/b" in (gallery / "README.md").read_text()
        with pytest.raises(ValueError, match="preset must be that of the gallery"):
            pages.write_gallery(both, "paper", 0, gallery)

    def test_pages_that_cannot_be_made_leave_everything_as_it_is(self, tmp_path):
        gallery = tmp_path / "gallery"
        made = ledger.merged(ledger.read_ledger(gallery), [self.made(tmp_path, 2.0)], "quick", 0)
        with pytest.raises(ValueError, match="name must be one of"):
            pages.write_gallery([self.made(tmp_path, 2.0)], "quick", 0, gallery)
        with pytest.raises(ValueError, match="name must be one of"):
            pages.write_pages(made, gallery)
        assert not gallery.exists()

    def test_a_page_of_a_row_that_is_gone_is_told_in_a_line(self, tmp_path, monkeypatch):
        def lost(ledger):
            raise KeyError("figure.gone")

        monkeypatch.setattr(pages, "documents", lost)
        monkeypatch.setattr(pages, "GALLERY", tmp_path)
        with pytest.raises(
            ValueError, match=r"pages must be of rows that the ledger has, got KeyError: 'figure\.gone'"
        ):
            pages.write_pages({"preset": "quick", "figures": {}}, tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_large_preset_that_the_ledger_does_not_have_has_not_run(self, tmp_path, monkeypatch):
        presets = {"quick": toy.Toy(), "large": toy.Toy(20), "paper": toy.Toy(50)}
        figure = toy.figure(presets=presets, large_seconds=99.0)
        monkeypatch.setattr(pages, "load", lambda name: figure)
        content = ledger.merged({"preset": "quick", "figures": {}}, [self.made(tmp_path, 2.0)], "quick", 0)
        assert "Large preset: not run yet." in pages.gallery_page(content, tmp_path)
        larger = ledger.merged(content, [self.made(tmp_path, 2.0)], "large", 0)
        assert "Large preset: 99 s." in pages.gallery_page(larger, tmp_path)

    def test_seeds_of_different_code_are_called_out(self, tmp_path):
        empty = {"preset": "quick", "figures": {}}
        first = self.made(tmp_path, 2.0)
        other = running.FigureResult(first.name, first.picture, first.claims, 1.0, made_by="other code")
        content = ledger.merged(ledger.merged(empty, [first], "quick", 0), [other], "quick", 11)
        page = pages.ledger_page(content)
        assert "not all seeds of one size were computed by the same code and library versions: `toys/figure`." in page

    def test_a_figure_that_failed_changes_nothing(self, tmp_path):
        empty = {"preset": "quick", "figures": {}}
        first = ledger.merged(empty, [self.made(tmp_path, 2.0)], "quick", 0)
        failed = running.FigureResult("toys/figure", tmp_path, (), 1.0, "no data")
        assert ledger.merged(first, [failed], "quick", 0) == first

    def test_open_is_said_with_what_can_decide(self, tmp_path):
        from toymodels.claims import at_least

        figure = toy.figure(claims=(toy.claim(measure=lambda data: 0.0, decisive=at_least(n=10)),))
        (judged,) = figure.judge({"n": np.array(5)})
        assert judged.verdict == OPEN
        assert judged.criterion == "value: median > 1; contradicted only with n >= 10"
