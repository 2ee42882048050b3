"""Every verdict again, from the data that the gallery keeps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from comparisons.harness.settings import visible
from figures.harness import stored
from figures.harness.ledger import GALLERY, LARGE, Ledger, place_of
from figures.harness.registry import load
from figures.harness.running import maker_of
from figures.harness.sizes import settings_in_words
from toymodels.claims import Judged

ORIGIN = ("made_by", "settings")  # how an entry was computed; in newer files of data, too
NUMBERS = ("median", "low", "high", "lower_quartile", "upper_quartile")
RELATIVE, ABSOLUTE = 1e-9, 1e-12  # what is measured as a difference may be all rounding


@dataclass(frozen=True)
class Again:
    """A figure judged again at one size and seed.

    Parameters
    ----------
    figure, preset : str
    seed : int
    claims : list of Judged
        From the stored data.
    committed : list of Judged
        As the ledger has them.
    origin : mapping of str to str
        Settings and digest with which the data were computed, as far as the file has them.
    entry : mapping of str to str
        The same as the ledger has them.
    """

    figure: str
    preset: str
    seed: int
    claims: list[Judged]
    committed: list[Judged]
    origin: Mapping[str, str] = field(default_factory=dict)
    entry: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Figure, size and seed, as a line names them."""
        return place_in_words(self.figure, self.preset, self.seed)

    @property
    def differs(self) -> list[str]:
        """What is not as the ledger says, a line each."""
        known = {judged.key: judged for judged in self.committed}
        place = self.place
        lines = [
            f"{place}: the data have {name} {words}, the ledger says {self.entry[name]}"
            for name, words in self.origin.items()
            if self.entry.get(name, words) != words
        ]
        lines += [
            f"{place}: {claim.key} is {claim.verdict} ({claim.measured}), the ledger says {_said(known.get(claim.key))}"
            for claim in self.claims
            if not _same(claim, known.get(claim.key))
        ]
        lost = known.keys() - {claim.key for claim in self.claims}
        return lines + [f"{place}: {key} is no claim any more" for key in sorted(lost)]


def place_in_words(figure: str, preset: str, seed: int | str) -> str:
    """`layerwise/theorems, quick, seed 0`."""
    return f"{figure}, {preset}, seed {seed}"


def _same(claim: Judged, other: Judged | None) -> bool:
    """Whether all is the same but for what another processor may round otherwise."""
    if other is None:
        return False
    numbers = {name: getattr(other, name) for name in NUMBERS}
    close = all(
        math.isclose(getattr(claim, name), value, rel_tol=RELATIVE, abs_tol=ABSOLUTE) for name, value in numbers.items()
    )
    return close and replace(claim, **numbers) == other


def _said(claim: Judged | None) -> str:
    return "nothing" if claim is None else f"{claim.verdict} ({claim.measured})"


def judge_again(ledger: Ledger, figures: Iterable[str], gallery: Path = GALLERY) -> Iterator[Again]:
    """Every figure of which data are kept, at every size and seed."""
    for name in figures:
        for (preset, seed), (data, origin) in stored.read_with_origin(gallery, name).items():
            entry = ledger.get(place_of(ledger, preset), {}).get(name, {}).get(str(seed), {"claims": []})
            committed = [Judged.from_dict(row) for row in entry["claims"]]
            said = {key: entry[key] for key in ORIGIN if key in entry}
            try:
                claims = load(name).judge(data)
            except KeyError as error:
                words = f"lack {error}, which a claim reads now: compute them again with --write"
                raise ValueError(f"the stored data of {place_in_words(name, preset, seed)}, {words}") from None
            yield Again(name, preset, seed, claims, committed, origin, said)


def other_settings(ledger: Ledger, figures: Iterable[str]) -> list[str]:
    """Entries that were computed with other settings than those of their preset, a line each: they are not of it."""
    lines = []
    for name, preset, seed, entry in _entries(ledger, figures):
        now = settings_in_words(visible(load(name).presets[preset]))
        if entry.get("settings", "") != now:
            place, said = place_in_words(name, preset, seed), entry.get("settings") or "settings that are not kept"
            lines.append(f"{place}: computed with {said}; the preset is {now}")
    return lines


def other_code(ledger: Ledger, figures: Iterable[str]) -> list[str]:
    """Entries that other code or other versions than those of here and now have computed.

    Every changed line that the computation can reach counts, so that most of these would give the same numbers.
    """
    maker = lru_cache(maxsize=None)(lambda name, preset: maker_of(load(name), preset))
    return [
        place_in_words(name, preset, seed)
        for name, preset, seed, entry in _entries(ledger, figures)
        if entry["made_by"] != maker(name, preset)
    ]


def _entries(ledger: Ledger, figures: Iterable[str]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Figure, size, seed and what the ledger has there."""
    for name in figures:
        for where, preset in (("figures", ledger["preset"]), (LARGE, LARGE)):
            for seed, entry in ledger.get(where, {}).get(name, {}).items():
                yield name, preset, seed, entry


def rejudged(ledger: Ledger, again: Iterable[Again]) -> Ledger:
    """The ledger with what was judged again; how the data were computed stays, or is taken from them."""
    new = {
        where: {name: dict(seeds) for name, seeds in ledger.get(where, {}).items()} for where in ("figures", "large")
    }
    for one in again:
        entries = new[place_of(ledger, one.preset)].setdefault(one.figure, {})
        claims = [claim.to_dict() for claim in one.claims]
        unknown = {name: one.origin.get(name, "") for name in ORIGIN}
        entries[str(one.seed)] = unknown | entries.get(str(one.seed), {}) | {"claims": claims}
    kept = {where: dict(sorted(figures.items())) for where, figures in new.items() if figures or where == "figures"}
    return ledger | kept
