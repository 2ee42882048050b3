"""What `show` prints of a call and of one run, and what `prune` counts as a stored run."""

import json

from comparisons import Model
from comparisons.keeping import main, pruned, shown
from tests.comparisons.harness import toy


def test_a_call_is_shown_with_its_table_and_every_run(tmp_path, capsys):
    study = toy.STUDY.adding(broken=Model(toy.broken))
    result = study.run(models=["late", "broken"], replicates=2, out=tmp_path)
    rows = json.loads((result.folder / "manifest.json").read_text())["rows"]
    lines = shown(result.folder).splitlines()
    assert lines[0] == study.headline
    first, second = rows["late"]
    ends = [
        f"late {k + 1}: {run['cell']}  digest {run['digest'][:12]}, {run['seconds']} s"
        for k, run in enumerate((first, second))
    ]
    assert lines[-6:-4] == ends
    assert lines[-1] == f"broken 2: {rows['broken'][1]['cell']}  loss is not finite at step 3"
    assert 0 <= first["seconds"] < 60
    assert 0 <= result.seconds < 60
    assert main(["show", str(result.folder)]) == 0
    assert lines[0] in capsys.readouterr().out


def test_one_run_is_shown_by_its_identity(tmp_path, capsys):
    result = toy.STUDY.run(models=["late"], replicates=1, seed=7, out=tmp_path)
    cell = json.loads((result.folder / "manifest.json").read_text())["rows"]["late"][0]["cell"]
    path = tmp_path / "cells" / f"{cell}.npz"
    assert main(["show", str(path)]) == 0
    text = capsys.readouterr().out
    assert json.loads(text)["asked"]["seed"] == 7
    assert text.startswith('{\n "asked": {\n')
    assert main(["show", str(tmp_path / "nowhere")]) == 2


def test_a_call_that_did_not_end_is_shown_by_its_state(tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    content = {
        "call": "x",
        "state": "running",
        "rows": {"late": [{"cell": "ab/cd"}, {"cell": "", "file": "runs/a.npz"}]},
    }
    (folder / "manifest.json").write_text(json.dumps(content))
    assert shown(folder).splitlines() == [
        f"{folder}: running",
        "late 1: ab/cd  digest not finished, - s",
        "late 2: runs/a.npz  digest not finished, - s",
    ]


def test_only_files_that_a_store_names_so_are_stored_runs(tmp_path):
    place = tmp_path / "cells" / "ab"
    name = f"{'0' * 20}-{'a' * 20}.npz"
    (place / f"{'1' * 20}-{'b' * 20}.npz").mkdir(parents=True)
    (place / "notes.npz").write_bytes(b"mine")
    (place / f"{name}.damaged-1").write_bytes(b"12345")
    (place / name).write_bytes(b"123")
    assert pruned(tmp_path, delete=False).splitlines() == [
        "     2 of a damaged file",
        "2 of 2 stored runs, 0.0 MB, could be deleted (--yes does it)",
    ]
    assert pruned(tmp_path, delete=True).endswith("2 of 2 stored runs, 0.0 MB, deleted")
    assert sorted(path.name for path in place.iterdir()) == [f"{'1' * 20}-{'b' * 20}.npz", "notes.npz"]
    assert pruned(tmp_path, delete=False) == "nothing to prune: 0 stored runs, all named by a manifest"


def test_what_an_interrupted_figure_goes_on_from_is_not_deleted(tmp_path, capsys):
    name = f"{'0' * 20}-{'a' * 20}.npz"
    (tmp_path / "cells" / "00").mkdir(parents=True)
    (tmp_path / "cells" / "00" / name).write_bytes(b"a run of its inside")
    folder = tmp_path / "figures" / "toy" / "quick-s0"
    folder.mkdir(parents=True)
    for state in ("running", "failed"):
        content = {"figure": "toy", "call": "x", "state": state, "rows": {"data": [{"cell": "ab/cd"}]}}
        (folder / "manifest.json").write_text(json.dumps(content))
        assert f"--resume of {folder} may need some of them" in pruned(tmp_path, delete=False)
        assert main(["prune", "--out", str(tmp_path), "--yes"]) == 2
        assert "let it finish, or delete its folder first" in capsys.readouterr().err
        assert (tmp_path / "cells" / "00" / name).exists()
    (folder / "manifest.json").write_text(json.dumps(content | {"state": "finished"}))
    assert main(["prune", "--out", str(tmp_path), "--yes"]) == 0
    assert not (tmp_path / "cells" / "00" / name).exists()
