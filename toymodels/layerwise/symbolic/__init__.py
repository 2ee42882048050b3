r"""The algebra behind the closed forms, done by sympy: derived from the loss, checked, and printed as code.

``python -m toymodels.layerwise.symbolic`` prints every step as LaTeX; with ``--language numpy`` or ``--language
javascript`` it prints the master solution as a function, from the same definitions (:mod:`.master`) that the steps are
about. Each step is a :class:`Step` with the sympy expression itself.
"""

from toymodels.layerwise.symbolic.command import main
from toymodels.layerwise.symbolic.master import (
    Definition,
    master_definitions,
    master_solution,
    master_symbols,
    start_symbol,
    textbook_solution,
)
from toymodels.layerwise.symbolic.printing import (
    javascript_function,
    javascript_source,
    latex_source,
    master_function,
    numpy_function,
    numpy_source,
)
from toymodels.layerwise.symbolic.steps import Step, derivations

__all__ = [
    "Definition",
    "Step",
    "derivations",
    "javascript_function",
    "javascript_source",
    "latex_source",
    "main",
    "master_definitions",
    "master_function",
    "master_solution",
    "master_symbols",
    "numpy_function",
    "numpy_source",
    "start_symbol",
    "textbook_solution",
]
