"""The same question with the same score, put to every family: studies, their results, and how to add a model.

>>> import tempfile
>>> from comparisons import grokking
>>> with tempfile.TemporaryDirectory() as folder:
...     result = grokking.run(models=["layerwise"], replicates=1, out=folder, picture=False)
...     again = load(result.folder)  # in another process, another day
>>> result.verdicts["layerwise"].outcome, again.verdicts == result.verdicts
('shown', True)
"""

from comparisons.harness.model import Model, Silent
from comparisons.harness.result import Result
from comparisons.harness.study import Study
from comparisons.harness.verdict import Verdict
from comparisons.stored import load

__all__ = ["Model", "Result", "Silent", "Study", "Verdict", "load"]
