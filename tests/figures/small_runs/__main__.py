"""What moved in the numbers of figures at their small sizes: python -m tests.figures.small_runs NAME... [--write]."""

import argparse
import sys

from figures.harness import registry
from tests.figures.small_runs.numbers import changes, computed, keep, kept
from tests.kept_numbers import numbers_of


def main(words, write):
    """Print what moved, and keep the new numbers if asked to; 1 if something moved and was not written."""
    numbers, code = kept(), 0
    for word in words:
        if word in numbers and word not in registry.names():
            lines = ["there is no such figure any more"]
            numbers.pop(word)
        else:
            word = registry.find(word)
            _, data = computed(word)
            lines = changes(word, numbers.get(word, {}), data)
            if lines:
                numbers[word] = {key: numbers_of(values) for key, values in data.items()}
        print(f"{word}: {'; '.join(lines) or 'nothing moved'}")
        code |= bool(lines)
    if write:
        keep(numbers)
    return 0 if write else code


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("Agg")
    parser = argparse.ArgumentParser(prog="python -m tests.figures.small_runs", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="figures, by name or alias")
    parser.add_argument("--write", action="store_true", help="keep the new numbers of these figures")
    given = parser.parse_args()
    sys.exit(main(given.names, given.write))
