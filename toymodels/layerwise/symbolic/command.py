"""The command line of the symbolic page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from toymodels.layerwise.symbolic.printing import LANGUAGES, javascript_source, latex_source, numpy_source
from toymodels.layerwise.symbolic.steps import derivations


def main(argv: Sequence[str] | None = None) -> int:
    """Print the derivations, or the master solution as code; exit status 1 if a step does not hold.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments, those of the process by default.

    Examples
    --------
    >>> main(["--language", "javascript"])  # doctest: +ELLIPSIS
    // Growth y, progress, remaining and f = P y - Q/y at time t; f0 = P - Q.
    function masterSolution(t, P, Q, S, r, f0) {
      const Omega = 2*Math.sqrt(P)*Math.sqrt(Q);
    ...
    0
    """
    parser = argparse.ArgumentParser("python -m toymodels.layerwise.symbolic", description=_DESCRIPTION)
    parser.add_argument("--language", choices=LANGUAGES, default="latex", help="what to print (default: %(default)s)")
    language = parser.parse_args(argv).language
    if language != "latex":
        print({"numpy": numpy_source, "javascript": javascript_source}[language](), end="")
        return 0
    steps = derivations()
    for step in steps:
        print(f"% {step.title}: {'holds' if step.holds else f'FAILS by {step.residual}'}\n\\[ {step.latex()} \\]\n")
    print(f"% the form that is evaluated\n{latex_source()}", end="")
    return 0 if all(step.holds for step in steps) else 1


_DESCRIPTION = (
    "The closed forms of the layerwise linear models, derived and checked by computer algebra. "
    "latex: every step of the derivations, with whether it holds; numpy, javascript: the master solution as a "
    "function, printed from the same definitions."
)
