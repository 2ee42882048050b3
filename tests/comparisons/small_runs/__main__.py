"""What moved in the small runs of studies: python -m tests.comparisons.small_runs STUDY... [--write]."""

import argparse
import sys

from comparisons.studies import ALL
from tests.comparisons.small_runs.sizes import NAMES, NUMBERS, changed, data_of, run_of
from tests.kept_numbers import keep, kept, numbers_of


def main(studies, write):
    """Print what moved, and keep the new numbers if asked to; 1 if something moved and was not written."""
    numbers, code = kept(NUMBERS), 0
    gone = [name for name in numbers if name.partition(": ")[0] in studies and name not in NAMES]
    for name in gone:
        print(f"{name}: there is no such row any more")
        numbers.pop(name)
    for name in NAMES:
        if name.partition(": ")[0] in studies:
            data = data_of(run_of(name))
            lines = changed(name, numbers.get(name, {}), data)
            if lines:
                numbers[name] = {key: numbers_of(values) for key, values in data.items()}
            print(f"{name}: {'; '.join(lines) or 'nothing moved'}")
            code |= bool(lines)
    if write:
        keep(NUMBERS, numbers)
    return 0 if write else code | bool(gone)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.comparisons.small_runs", description=__doc__)
    parser.add_argument("studies", nargs="+", metavar="STUDY", choices=ALL)
    parser.add_argument("--write", action="store_true", help="keep the new numbers of these studies")
    given = parser.parse_args()
    sys.exit(main(given.studies, given.write))
