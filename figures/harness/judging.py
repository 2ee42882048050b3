"""Every verdict again, from the data that the gallery keeps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from figures.harness import stored
from figures.harness.ledger import GALLERY, Ledger, place_of
from figures.harness.registry import load
from toymodels.claims import Judged

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
    """

    figure: str
    preset: str
    seed: int
    claims: list[Judged]
    committed: list[Judged]

    @property
    def differs(self) -> list[str]:
        """What is not as the ledger says, a line each."""
        known = {judged.key: judged for judged in self.committed}
        place = f"{self.figure}, {self.preset}, seed {self.seed}"
        lines = [
            f"{place}: {claim.key} is {claim.verdict} ({claim.measured}), the ledger says {_said(known.get(claim.key))}"
            for claim in self.claims
            if not _same(claim, known.get(claim.key))
        ]
        lost = known.keys() - {claim.key for claim in self.claims}
        return lines + [f"{place}: {key} is no claim any more" for key in sorted(lost)]


def _same(claim: Judged, other: Judged | None) -> bool:
    """Whether all is the same but for what another processor may round otherwise."""
    if other is None:
        return False
    numbers = {name: getattr(other, name) for name in ("median", "low", "high")}
    close = all(
        math.isclose(getattr(claim, name), value, rel_tol=RELATIVE, abs_tol=ABSOLUTE) for name, value in numbers.items()
    )
    return close and replace(claim, **numbers) == other


def _said(claim: Judged | None) -> str:
    return "nothing" if claim is None else f"{claim.verdict} ({claim.measured})"


def judge_again(ledger: Ledger, figures: Iterable[str], gallery: Path = GALLERY) -> Iterator[Again]:
    """Every figure of which data are kept, at every size and seed."""
    for name in figures:
        for (preset, seed), data in stored.read(gallery, name).items():
            entry = ledger.get(place_of(ledger, preset), {}).get(name, {}).get(str(seed), {"claims": []})
            committed = [Judged.from_dict(row) for row in entry["claims"]]
            try:
                claims = load(name).judge(data)
            except KeyError as error:
                words = f"the stored data of {name}, {preset}, seed {seed}, lack {error}, which a claim reads now"
                raise ValueError(f"{words}: compute them again with --write") from None
            yield Again(name, preset, seed, claims, committed)


def rejudged(ledger: Ledger, again: Iterable[Again]) -> Ledger:
    """The ledger with what was judged again; who computed the data stays."""
    new = {
        where: {name: dict(seeds) for name, seeds in ledger.get(where, {}).items()} for where in ("figures", "large")
    }
    for one in again:
        entries = new[place_of(ledger, one.preset)].setdefault(one.figure, {})
        claims = [claim.to_dict() for claim in one.claims]
        entries[str(one.seed)] = entries.get(str(one.seed), {"made_by": ""}) | {"claims": claims}
    return ledger | {where: figures for where, figures in new.items() if figures or where == "figures"}
