"""What may befall a work: it, or its workers, are killed at any moment; its disk is full; its clock goes wrong."""

import errno
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import works

LIMIT = 120.0  # seconds after which a work hangs
BOUND = 2**11  # bytes of a file beyond which the disk of a bounded work is full


@dataclass
class Tally:
    """How often something was tried, and what of it was lost."""

    tried: int = 0
    lost: list[str] = field(default_factory=list)

    def count(self, name, expected, found):
        """One more try, whose result must be the expected bytes."""
        self.tried += 1
        if found != expected:
            names = sorted({*expected, *found} if isinstance(found, dict) else {"result"})
            wrong = [key for key in names if not isinstance(found, dict) or expected.get(key) != found.get(key)]
            self.lost.append(f"{name}: {', '.join(wrong[:3])} {'' if isinstance(found, dict) else found}")


class Work:
    """A work that runs in a forked process, in a folder of its own.

    Parameters
    ----------
    name : str
        Of `works.WORKS`.
    folder : Path
    before : callable, optional
        What the forked process does first.
    """

    def __init__(self, name, folder, before=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.said = Path(tempfile.mkdtemp()) / "said.json"
        self.pid = os.fork()
        if self.pid == 0:
            self._run(name, before)

    def _run(self, name, before):
        code = 1
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            if before is not None:
                before()
            found = works.WORKS[name](self.folder)
            said = json.dumps(found)
        except OSError as error:  # the disk refused, which a command tells in one line
            said = json.dumps({"refused": errno.errorcode.get(error.errno or 0, "?")})
        except BaseException as error:
            said = json.dumps({"failed": f"{type(error).__name__}: {error}"})
        else:
            code = 0
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            self.said.write_text(said)
        finally:
            os._exit(code)

    def result(self):
        """What it came to: its bytes, or why there are none. None if it was killed."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return None if os.WIFSIGNALED(status) else json.loads(self.said.read_text())
            time.sleep(0.002)
        self.kill()
        return {"failed": f"hangs after {LIMIT:g} s"}

    def kill(self):
        """SIGKILL, and wait for its workers to notice."""
        workers = children(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        end = time.monotonic() + 30
        while any(is_alive(worker) for worker in workers) and time.monotonic() < end:
            time.sleep(0.01)

    def ended(self):
        """Whether it has come to an end by itself."""
        return self.said.exists()


def children(pid):
    """Processes that a process and its own have started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        own = [child for child, above in parents if above == parent]
        found += own
        waiting += own
    return found


def is_alive(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def undisturbed(name, folder):
    """The bytes of a work to which nothing happens, and how long it takes."""
    start = time.monotonic()
    found = Work(name, folder).result()
    if not isinstance(found, dict) or "failed" in found or "refused" in found:
        raise RuntimeError(f"{name} does not run: {found}")
    return found, time.monotonic() - start


def killed(name, times, folder):
    """SIGKILL at that many moments, each at a random part of what is left; the same folder is taken up again."""
    rng, tally = random.Random(name), Tally()
    expected, seconds = undisturbed(name, folder / "undisturbed")
    kills, place = 0, 0
    while kills < times:
        work = Work(name, folder / f"{place}")
        end = time.monotonic() + rng.random() * seconds
        while time.monotonic() < end and not work.ended():
            time.sleep(0.001)
        if work.ended():
            tally.count(f"{name}, place {place}", expected, work.result())
            place += 1
            continue
        work.kill()
        kills += 1
    tally.count(f"{name}, place {place}", expected, Work(name, folder / f"{place}").result())
    tally.tried = kills
    return tally


def workers_killed(name, times, folder):
    """SIGKILL of one worker at that many moments; the work must go on by itself."""
    rng, tally = random.Random(name), Tally()
    expected, seconds = undisturbed(name, folder / "undisturbed")
    place = 0
    while tally.tried < times and place < 4 * times:
        work = Work(name, folder / f"{place}")
        place += 1
        wait = time.monotonic() + rng.uniform(0.2, 1.0) * seconds
        while time.monotonic() < wait and not work.ended():
            time.sleep(0.005)
        workers = [pid for pid in children(work.pid) if is_alive(pid) and "tracker" not in command_of(pid)]
        if work.ended() or not workers:
            work.result()
            continue
        os.kill(rng.choice(workers), signal.SIGKILL)
        tally.count(f"{name}, place {place}", expected, work.result())
    return tally


def command_of(pid):
    """The command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return "tracker"


def disk_full(name, times, folder):
    """No file may become larger than a few kB; then there is room, and the work goes on."""
    tally = Tally()
    expected, _ = undisturbed(name, folder / "undisturbed")
    for k in range(times):
        bound = BOUND * (k + 1)

        def tight(bound=bound):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (bound, resource.RLIM_INFINITY))

        first = Work(name, folder / f"{k}", tight).result()
        left = list((folder / f"{k}").rglob("*.part"))
        if "failed" in first:
            tally.count(f"{name} in files of {bound} bytes", {"refused": "EFBIG"}, first)
            continue
        tally.count(f"{name} after {bound}", {**expected, "left": []}, {**resumed(name, folder / f"{k}"), "left": left})
    return tally


def small_disk(name, times, folder):
    """A file system of its own with room for some of the cells; then it grows. None where none can be mounted."""
    tally = Tally()
    expected, _ = undisturbed(name, folder / "undisturbed")
    for k in range(times):
        place = folder / f"{k}"
        place.mkdir()
        size = f"size={16 * (k + 1)}k"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], capture_output=True).returncode:
            return None
        try:
            first = Work(name, place).result()
            if "failed" in first:
                tally.count(f"{name} on {size}", {"refused": "ENOSPC"}, first)
                continue
            subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
            tally.count(f"{name} on {size}", expected, resumed(name, place))
        finally:
            subprocess.run(["umount", place], check=True)
    return tally


def resumed(name, folder):
    """What a work comes to that is taken up again."""
    return Work(name, folder).result() or {"failed": "killed"}


def clock_backwards(name, times, folder):
    """Cells from the future and from 1980, and a clock that runs backwards while the rest is computed."""
    tally = Tally()
    expected, seconds = undisturbed(name, folder / "undisturbed")
    for k in range(times):
        place = folder / f"{k}"
        work = Work(name, place)
        time.sleep(seconds * (k + 1) / (times + 2))
        if not work.ended():
            work.kill()
        for path in place.rglob("*"):
            moment = time.time() + (86_400 if k % 2 else -1.4e9)
            os.utime(path, (moment, moment))
        kept = works.finished(place)
        tally.count(f"{name}, {kept} cells", expected, Work(name, place, run_backwards).result())
    return tally


def run_backwards():
    """From now on every look at the clock is a minute before the last."""
    start, looks = time.time(), [0]

    def earlier():
        looks[0] += 1
        return start - 60 * looks[0]

    time.time = earlier


def clean(folder):
    """Remove a folder of works."""
    shutil.rmtree(folder, ignore_errors=True)
