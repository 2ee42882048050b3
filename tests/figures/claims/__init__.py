"""Made-up data for every claim of every figure: some in which it holds and some in which it does not, by construction.

One module a figure, `tests/figures/claims/PAPER/FIGURE.py`, with `CASES`: the claim's key after the figure's name -> a
:class:`Case`. The measured values are worked out by hand, so that a measure that takes another axis, the median for the
mean, or the loss for the accuracy gives another number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from figures.harness.figure import Data
from toymodels.claims import CONTRADICTED


@dataclass(frozen=True)
class Case:
    """Data in which a claim holds and data in which it fails.

    Parameters
    ----------
    holds, fails : mapping of str to array
        What the claim reads, of a size that can decide it.
    gives : tuple of (float, float)
        The median that is measured in `holds` and in `fails`, worked out by hand.
    verdict : str
        What comes of `fails`: `contradicted`; `open` for a claim that nothing can contradict.
    also : sequence of (mapping of str to array, str)
        More data with their verdict, for criteria of several bounds.
    """

    holds: Data
    fails: Data
    gives: tuple[float, float]
    verdict: str = CONTRADICTED
    also: Sequence[tuple[Data, str]] = ()


Cases = Mapping[str, Case]
