"""Every spoiled argument of every good call, tried in turn, and a table of what came of it.

python -m tests.fuzz.table [PART OF A NAME] [--failures]
"""

import os
import resource
import sys
import tempfile
from collections import Counter

from tests.fuzz import judging, mutations
from tests.fuzz.calls import good_calls, plain, starred
from tests.fuzz.written import written

GIGABYTES = 6


def cases(part=""):
    """(good call, argument, name of the mutation, value) for all that is exported."""
    for good in [*good_calls(), *written()]:
        if part in good.name:
            for name, value in good.arguments.items():
                if plain(value) and name not in starred(good.function):
                    for mutation, spoiled in mutations.of(value).items():
                        yield good, name, mutation, spoiled


def tried(part=""):
    """(name, argument, mutation, outcome, words) of every case."""
    nan_before = {}
    for good, name, mutation, spoiled in cases(part):
        if good.name not in nan_before:
            nan_before[good.name] = judging.has_nan(good.call())
        kind, words = judging.outcome(good, name, mutation, spoiled, nan_before=nan_before[good.name])
        yield good.name, name, mutation, kind, words


def main(part="", *flags):
    """Print the table."""
    os.chdir(tempfile.mkdtemp())  # where a word that is taken for a folder does no harm
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES * 2**30,) * 2)  # what wants more is an error, not a swamp
    counts, names = Counter(), set()
    for name, argument, mutation, kind, words in tried(part):
        counts[kind] += 1
        names.add(name)
        if kind not in judging.FINE and "--quiet" not in flags:
            print(f"{kind:16} {name}({argument}={mutation}): {' '.join(words.split())[:110]}", flush=True)
    print(f"{sum(counts.values())} calls of {len(names)} callables")
    for kind, count in counts.most_common():
        print(f"{count:8} {kind}")
    return int(any(kind not in judging.FINE for kind in counts))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
