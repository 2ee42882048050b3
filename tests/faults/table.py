"""What was struck, how often, and what was lost: python -m tests.faults.table [--times 20] [--only WORD]."""

import argparse
import tempfile
import time
from pathlib import Path

from tests.faults import striking, works

FAULTS = {
    "SIGKILL": (striking.killed, tuple(works.WORKS)),
    "SIGKILL of a worker": (striking.workers_killed, works.PARALLEL),
    "files of a few kB": (striking.disk_full, works.STORED),
    "small file system": (striking.small_disk, works.STORED),
    "clock backwards": (striking.clock_backwards, works.STORED),
}


def rows(times, only=""):
    """(fault, work, tally, seconds) of every fault that befalls every work; `only` those with that in their name."""
    works.prepare()
    for fault, (strike, names) in FAULTS.items():
        for name in names:
            if only in f"{fault}: {name}":
                folder, start = Path(tempfile.mkdtemp(prefix="faults-")), time.monotonic()
                try:
                    yield fault, name, strike(name, times, folder), time.monotonic() - start
                finally:
                    striking.clean(folder)


def main(argv=None):
    """Print the table; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--only", default="")
    options = parser.parse_args(argv)
    lost = 0
    print(f"{'fault':22} {'work':14} {'tried':>5} {'survived':>8} {'lost':>5} {'seconds':>8}", flush=True)
    for fault, name, tally, seconds in rows(options.times, options.only):
        if tally is None:
            print(f"{fault:22} {name:14} no file system can be mounted here", flush=True)
            continue
        lost += len(tally.lost)
        survived = tally.tried - len(tally.lost)
        print(f"{fault:22} {name:14} {tally.tried:5} {survived:8} {len(tally.lost):5} {seconds:8.0f}", flush=True)
        for line in tally.lost:
            print(f"    {line}", flush=True)
    return int(lost > 0)


if __name__ == "__main__":
    raise SystemExit(main())
