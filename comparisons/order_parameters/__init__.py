"""Which theory's order parameter has a critical value that foretells the jump of the test score, and how long before?

An ensemble of runs whose jumps lie a decade apart; the value is chosen on one half of it and held out on the other.

python -m comparisons.order_parameters --preset quick
"""

from comparisons.harness.study import Study
from comparisons.order_parameters.models import MODELS
from comparisons.order_parameters.picture import draw
from comparisons.order_parameters.question import Question, judge
from comparisons.order_parameters.table import details

STUDY = Study(
    name="order_parameters",
    asks="Which theory's order parameter passes a critical value a fixed time before the test score jumps?",
    scored="decades by which the earliest one (the weight norm aside, which decay lowers anyway) foretells the jump on "
    "held-out runs, beyond what the test score itself and the clock do",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={"quick": {}, "paper": {"dnn.records": 60, "dnn.lr": 1e-3, "dnn.steps": 4500, "condensation.records": 200}},
    details=details,
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
