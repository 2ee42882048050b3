"""The command that builds the pages."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from docs.explorer import building


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages and print where; exit status 0.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments, those of the process by default.
    """
    parser = argparse.ArgumentParser("python -m docs.explorer", description="Write the pages of the explorer.")
    parser.add_argument("--out", type=Path, default=building.FOLDER, metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--record", action="store_true", help="run anew what is played back; minutes")
    options = parser.parse_args(argv)
    if options.record:
        from docs.explorer.recording import record

        print(record())
    from docs.explorer.pages import pages

    for path in building.write(pages(), options.out):
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
