"""The command line of figures: what is made of its words, how jobs are shared, what is printed, how it exits."""

import sys

import pytest

from comparisons.harness.command import ALL_RAN, FAILED, INTERRUPTED, USAGE
from figures.harness import command, judging, ledger, pages, registry, running
from tests.figures.harness import toy

FIGURES = [
    toy.figure("toys/one", seconds=1.0),
    toy.figure("toys/two", seconds=5.0),
    toy.figure("toys/three", seconds=3.0),
]
NAMES = [figure.name for figure in FIGURES]


def judged(value, key="figure.large"):
    return toy.claim(key, measure=lambda data: value).judge({})


def result(tmp_path, name, *values, error="", messages=()):
    keys = [f"{name.partition('/')[2]}.{letter}" for letter in "abc"]
    claims = tuple(judged(value, key) for value, key in zip(values, keys, strict=False))
    return running.FigureResult(name, tmp_path / "figure.png", claims, 1.5, error, messages=messages)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What is asked for, (requests, jobs, engine) a call; every figure measures 2, the second of the toys fails."""
    calls = []

    def make_all(requests, jobs, engine):
        calls.append((list(requests), jobs, engine))
        for request in requests:
            yield result(tmp_path, request.name, 2.0, error="no data" if request.name == "toys/two" else "")

    monkeypatch.setattr(running, "make_all", make_all)
    monkeypatch.setattr(pages, "write_gallery", lambda *made: pytest.fail("it writes"))
    return calls


def main(*arguments, out, figures=FIGURES):
    return command.main([*arguments, "--out", str(out)], figures)


def test_all_or_none_means_every_own_figure_and_a_word_only_its_own(asked, tmp_path):
    for words in ((), ("all",)):
        main(*words, out=tmp_path)
        assert sorted(request.name for request in asked[-1][0]) == sorted(NAMES)
    main("toys/one", out=tmp_path)
    assert [request.name for request in asked[-1][0]] == ["toys/one"]
    assert asked[-1][0][0].figure is FIGURES[0]
    main("one", "toys/three", "one", out=tmp_path)  # once, though it is named twice
    assert [request.name for request in asked[-1][0]] == ["toys/three", "toys/one"]


def test_all_means_every_figure_of_the_papers_without_own_ones(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "names", lambda: ("layerwise/theorems", "neurashed/theorems"))
    monkeypatch.setattr(command, "_written_beside", lambda made, options: tmp_path)
    assert main("all", out=tmp_path, figures=None) == ALL_RAN
    assert {request.figure for request in asked[-1][0]} == {"layerwise/theorems", "neurashed/theorems"}


def test_the_longest_is_made_first_and_told_in_the_order_of_the_words(asked, tmp_path, capsys):
    main("one", "two", "three", out=tmp_path)
    assert [request.name for request in asked[0][0]] == ["toys/two", "toys/three", "toys/one"]
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines() if line.startswith("toys/")] == NAMES
    assert shown.err.splitlines() == [
        "toys/two: failed: no data  (1 of 3)",
        "toys/three: 1.5 s  (2 of 3)",
        "toys/one: 1.5 s  (3 of 3)",
    ]


@pytest.mark.parametrize("words", [("one",), ("one", "three")])
def test_workers_are_shared_by_figures_or_by_the_runs_of_a_single_one(words, asked, tmp_path):
    main(*words, "--jobs", "3", "--engine", "dask", out=tmp_path)
    ((requests, jobs, engine),) = asked
    inner = {(request.jobs, request.engine) for request in requests}
    many, alone = (3, "dask"), (1, "local")
    assert ((jobs, engine), inner) == ((many, {alone}) if len(words) > 1 else (alone, {many}))


def test_options_reach_every_request(asked, tmp_path):
    options = [
        "--seed",
        "4",
        "--set",
        "level=0.5",
        "--preset",
        "paper",
        "--device",
        "cpu",
        "--format",
        "pdf",
        "--resume",
    ]
    main("one", "three", *options, "--data", "folder", out=tmp_path)
    for request in asked[0][0]:
        assert (request.seed, dict(request.changes), request.preset) == (4, {"level": "0.5"}, "paper")
        assert (request.device, request.format, request.resume, request.data) == ("cpu", "pdf", True, "folder")
        assert request.out == str(tmp_path)


def test_words_are_those_of_the_process_where_none_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["figures", "toys/two", "--settings"])
    assert command.main(figures=FIGURES) == ALL_RAN
    assert capsys.readouterr().out == "toys/two\n  n_times=5\n  level=1.0\n"


def test_settings_are_those_of_the_preset_and_help_has_all_of_them(capsys):
    assert command.main(["--settings", "--preset", "paper"], FIGURES) == ALL_RAN
    assert capsys.readouterr().out.count("  n_times=50\n") == 3
    for flag in ("-h", "--help"):
        with pytest.raises(SystemExit) as left:
            command.main([flag], FIGURES, "What this is.")
        assert left.value.code == 0
        shown = capsys.readouterr().out
        assert "What this is." in shown
        assert shown.rstrip().endswith("toys/three\n  n_times=5\n  level=1.0")


def test_a_figure_that_fails_is_a_failed_call(asked, tmp_path, capsys):
    assert main("one", "three", out=tmp_path) == ALL_RAN
    assert main("one", "two", out=tmp_path) == FAILED
    shown = capsys.readouterr().out
    assert "toys/two  failed: no data" in shown
    assert "  reproduced   2                                Figure 0: value: median > 1" in shown


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), INTERRUPTED, "interrupted; what is finished is kept"),
        (OSError(28, "No space left on device", "/disk"), FAILED, "figures: No space left on device: /disk; what is"),
        (ValueError("jobs must be"), USAGE, "figures: jobs must be"),
    ],
)
def test_what_stops_it_has_an_exit_code_and_a_line(error, code, words, tmp_path, monkeypatch, capsys):
    def stop(*arguments):
        raise error

    monkeypatch.setattr(command, "_make", stop)
    assert main("one", out=tmp_path) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_one_figure_has_no_ledger_of_its_own_and_several_have(asked, tmp_path, capsys):
    main("one", out=tmp_path)
    assert not (tmp_path / "figures" / "ledger").exists()
    main("one", "three", "--seed", "3", out=tmp_path)
    place = tmp_path / "figures" / "ledger" / "quick-s3"
    assert f"{place / 'CLAIMS.md'}" in capsys.readouterr().out
    written = ledger.read_ledger(place)
    assert list(written["figures"]) == ["toys/one", "toys/three"]
    assert list(written["figures"]["toys/one"]) == ["3"]


def expected(monkeypatch, **figures):
    """A ledger in which the claims a, b, ... of each figure have these medians at seed 0."""
    monkeypatch.setattr(ledger, "read_ledger", lambda *gallery: content(figures))


def content(figures):
    listed = {}
    for name, values in figures.items():
        claims = [judged(value, f"{name}.{letter}").to_dict() for value, letter in zip(values, "abc", strict=False)]
        listed[f"toys/{name}"] = {"0": {"made_by": "code", "settings": "n times 5, level 1", "claims": claims}}
    return {"preset": "quick", "figures": listed}


@pytest.mark.parametrize(
    ("words", "keys", "said"),
    [
        (("one",), (), "as expected: 1 claim"),
        (("one", "three"), (), "as expected: 2 claims"),
        (("one", "three"), ("one.a", "three.a"), "as expected: 2 claims"),
    ],
)
def test_the_claims_that_were_compared_are_counted(words, keys, said, asked, tmp_path, monkeypatch, capsys):
    expected(monkeypatch, one=[2.0], three=[2.0])
    assert main(*words, "--check", *keys, out=tmp_path) == ALL_RAN
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_of_several_claims_only_those_named_are_counted(tmp_path, monkeypatch, capsys):
    expected(monkeypatch, one=[2.0, 3.0, 4.0])
    monkeypatch.setattr(running, "make_all", lambda *asked, **how: iter([result(tmp_path, "toys/one", 2.0, 3.0, 4.0)]))
    for keys, said in ((["one.a"], "1 claim"), (["one.a", "one.c"], "2 claims"), ([], "3 claims")):
        assert main("one", "--check", *keys, out=tmp_path) == ALL_RAN
        assert capsys.readouterr().out.splitlines()[-1] == f"as expected: {said}"


def test_a_claim_that_is_not_as_expected_is_a_failed_call_and_is_told(asked, tmp_path, monkeypatch, capsys):
    expected(monkeypatch, one=[2.0], three=[0.5])
    assert main("one", "three", "--check", out=tmp_path) == FAILED
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("three.a: median 2, expected 0.5 within")
    assert lines[-1] == "three.a: reproduced, expected contradicted"


def test_the_messages_of_a_figure_are_told_under_its_name(tmp_path, monkeypatch, capsys):
    made = result(tmp_path, "toys/one", 2.0, messages=("set aside as x",))
    monkeypatch.setattr(running, "make_all", lambda *asked, **how: iter([made]))
    main("one", out=tmp_path)
    assert capsys.readouterr().err.splitlines()[0] == "toys/one: set aside as x"


@pytest.mark.parametrize(
    ("caption", "shown"),
    [
        ("Modes in time. Settings are ours.", "Modes in time"),
        ("Data of Lyu et al. (2024), drawn anew. Sizes are ours.", "Data of Lyu et al. (2024), drawn anew"),
        ("Which units are nodes? Our answer. It is ours.", "Which units are nodes?"),
        ("Exponents of 0.6 and 1.5.", "Exponents of 0.6 and 1.5"),
    ],
)
def test_the_list_shows_the_first_sentence_of_each_caption(caption, shown, monkeypatch, capsys):
    monkeypatch.setattr(registry, "names", lambda: ("toys/one",))
    monkeypatch.setattr(registry, "load", lambda name: toy.figure(name, caption=caption))
    for words in ([], ["list"]):
        assert command.main(words) == ALL_RAN
        assert capsys.readouterr().out == f"{'toys/one':40} {shown}\n"


class TestJudging:
    @pytest.fixture(autouse=True)
    def _stored(self, monkeypatch):
        """Two figures with data, one without; the ledger says 2 of one and .5 of three, measured are 2 and 2."""
        self.written = []
        known = content({"one": [2.0], "three": [0.5]})
        monkeypatch.setattr(ledger, "read_ledger", lambda *gallery: known)
        monkeypatch.setattr(registry, "names", lambda: tuple(NAMES))
        monkeypatch.setattr(registry, "load", lambda name: FIGURES[NAMES.index(name)])
        monkeypatch.setattr(judging, "load", lambda name: FIGURES[NAMES.index(name)])
        monkeypatch.setattr(
            judging, "maker_of", lambda figure, preset: "code" if figure.name == "toys/one" else "newer"
        )
        monkeypatch.setattr(judging, "judge_again", self.judge_again)
        monkeypatch.setattr(pages, "write_pages", self.written.append)
        self.known, self.unread = known, ""

    def judge_again(self, listed, names):
        for name in names:
            if name == self.unread:
                raise ValueError(f"the data of {name} lack 'x'")
            if name != "toys/two":
                short = name.partition("/")[2]
                entry = listed["figures"][name]["0"]
                committed = [type(judged(1.0)).from_dict(row) for row in entry["claims"]]
                yield judging.Again(name, "quick", 0, [judged(2.0, f"{short}.a")], committed)

    def test_differences_are_told_and_counted_over_all_figures(self, capsys):
        assert command.main(["judge"]) == FAILED
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("toys/three, quick, seed 0: three.a is reproduced (2), the ledger says contradicted")
        assert lines[1] == "2 verdicts of 2 figures; nothing is stored of 1 others"
        assert lines[2] == "0 of 2 entries were computed with other settings than those of their preset"
        assert lines[3].startswith("1 of them by other code or versions than those of now")
        assert lines[3].endswith("; --verbose names them")
        assert self.written == []

    def test_only_what_other_code_has_made_is_named_at_length(self, capsys):
        assert command.main(["judge", "one"]) == ALL_RAN
        shown = capsys.readouterr().out
        assert shown.startswith("all as the ledger says\n1 verdicts of 1 figures; nothing is stored of 0 others\n")
        assert "--verbose" not in shown  # there is nothing to name
        assert command.main(["judge", "--verbose"]) == FAILED
        shown = capsys.readouterr().out
        assert "toys/three, quick, seed 0: computed by other code\n" in shown
        assert "--verbose names" not in shown

    def test_writing_puts_what_was_judged_into_the_ledger_and_is_no_failure(self, capsys):
        assert command.main(["judge", "--write"]) == ALL_RAN
        assert capsys.readouterr().out.splitlines()[-1] == str(ledger.GALLERY)
        (written,) = self.written
        assert written["figures"]["toys/three"]["0"]["claims"][0]["median"] == 2
        assert self.known["figures"]["toys/three"]["0"]["claims"][0]["median"] == 0.5

    def test_data_that_cannot_be_read_leave_everything_as_it_is(self, capsys):
        self.unread = "toys/one"
        assert command.main(["judge"]) == FAILED
        shown = capsys.readouterr().out
        assert "the data of toys/one lack 'x'\n1 verdicts of 1 figures; nothing is stored of 2 others" in shown
        assert "nothing is written" not in shown
        assert command.main(["judge", "--write"]) == FAILED
        assert capsys.readouterr().out.splitlines()[-1] == "nothing is written"
        assert self.written == []

    def test_an_own_figure_may_be_called_like_a_command(self, asked, tmp_path):
        figures = [toy.figure("toys/judge"), toy.figure("toys/sheet"), toy.figure("toys/list")]
        for word in ("judge", "sheet", "list"):
            assert main(word, out=tmp_path, figures=figures) == ALL_RAN
            assert [request.name for request in asked[-1][0]] == [f"toys/{word}"]


def test_the_sheet_shows_the_figures_named_or_all(tmp_path, monkeypatch, capsys):
    shown = []

    def write(names, folder):
        shown.append((list(names), folder))
        return [folder / "sheet-1.png", folder / "sheet-2.png"]

    monkeypatch.setattr(command.sheet, "write", write)
    folder = tmp_path / "figures" / "sheet"
    assert command.main(["sheet", "--out", str(tmp_path)]) == ALL_RAN
    assert capsys.readouterr().out.splitlines() == [str(folder / f"sheet-{i}.png") for i in (1, 2)]
    assert command.main(["sheet", "pathways", "--out", str(tmp_path)]) == ALL_RAN
    assert command.main(["sheet", "sigmoidal_modes", "pathways", "--out", str(tmp_path)]) == ALL_RAN
    assert shown == [
        (list(registry.names()), folder),
        (["neurashed/pathways"], folder),
        (["layerwise/sigmoidal_modes", "neurashed/pathways"], folder),
    ]


@pytest.mark.parametrize("options", [["--set", "level=2"], ["--format", "svg"]])
def test_the_gallery_takes_only_presets_as_png(options, asked, tmp_path, capsys):
    assert main("sigmoidal_modes", "--write", *options, out=tmp_path, figures=None) == USAGE
    assert "--write takes the papers' figures with the settings of the preset, as png" in capsys.readouterr().err
    assert main("sigmoidal_modes", "--write", "--preset", "paper", out=tmp_path, figures=None) == USAGE
    assert "preset must be that of the gallery, quick, or large, got paper" in capsys.readouterr().err
    assert asked == []


def test_a_larger_size_is_written_only_beside_the_usual_one(asked, tmp_path, monkeypatch, capsys):
    usual = content({"one": [2.0]})
    usual["figures"]["layerwise/theorems"] = usual["figures"].pop("toys/one")
    monkeypatch.setattr(ledger, "read_ledger", lambda *gallery: usual)
    words = ("layerwise/theorems", "neurashed/theorems", "--write", "--preset", "large")
    assert main(*words, out=tmp_path, figures=None) == USAGE
    words = "figures at the larger size must be in the gallery at quick, got neurashed/theorems"
    assert words in capsys.readouterr().err
    assert asked == []


def test_what_was_made_is_written_at_its_size_and_seed_and_too_large_data_named(asked, tmp_path, monkeypatch, capsys):
    written = []

    def write_gallery(made, preset, seed):
        written.append(([one.name for one in made], preset, seed))
        return ["neurashed/theorems"]

    monkeypatch.setattr(pages, "write_gallery", write_gallery)
    words = ("layerwise/theorems", "neurashed/theorems", "--preset", "large", "--seed", "4")
    monkeypatch.setattr(running, "settings_of", lambda figure, request: None)
    assert main(*words, "--write", out=tmp_path, figures=None) == ALL_RAN
    assert written == [(["layerwise/theorems", "neurashed/theorems"], "large", 4)]
    assert "neurashed/theorems: its data are too large to be kept" in capsys.readouterr().err
    assert not (tmp_path / "figures" / "ledger").exists()
