"""A Dask scheduler and workers as processes of their own on the loopback device, which tests may kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.02)


class Processes:
    """One scheduler, and workers without a nanny."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.workers = []
        self.scheduler = self.address = None

    def start_scheduler(self, port="0"):
        note = self.folder / f"scheduler-{time.time_ns()}.json"
        words = ["scheduler", "--port", port, "--scheduler-file", str(note), "--no-dashboard", "--host", "127.0.0.1"]
        self.scheduler = self._start(*words)
        wait_for(note.exists)
        wait_for(lambda: note.read_text().strip().endswith("}"))
        self.address = json.loads(note.read_text())["address"]
        return self.address

    def start_worker(self, *options, threads=1, path=ROOT, **environment):
        words = ["--no-dashboard", "--host", "127.0.0.1", "--nthreads", str(threads), "--no-nanny"]
        words += ["--local-directory", str(self.folder), *options]
        before = self._registered()
        worker = self._start("worker", self.address, *words, PYTHONPATH=str(path), **environment)
        self.workers.append(worker)
        wait_for(lambda: self._registered() > before)
        return worker

    def _registered(self):
        return (self.folder / "log").read_text().count("Registered to:")

    def _start(self, *words, **environment):
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                cwd=self.folder,
            )

    def kill(self, *processes):
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait(30)

    def end(self):
        self.kill(*(process for process in [*self.workers, self.scheduler] if process and process.poll() is None))
