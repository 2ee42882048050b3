"""The same question with the same score, put to every family: studies, their results, and how to add a model.

>>> from comparisons import grokking
>>> result = grokking.run(models=["neurashed"], out=folder)  # doctest: +SKIP
"""

from comparisons.harness.model import Model, Silent
from comparisons.harness.result import Result
from comparisons.harness.study import Study
from comparisons.harness.verdict import Verdict
from comparisons.stored import load

__all__ = ["Model", "Result", "Silent", "Study", "Verdict", "load"]
