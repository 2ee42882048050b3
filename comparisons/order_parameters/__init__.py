"""On one trained run, every theory's own order parameter on one axis: which moves before the test score, which after?

python -m comparisons.order_parameters --preset quick
"""

from comparisons.grokking.question import details
from comparisons.harness.study import Study
from comparisons.order_parameters.models import MODELS
from comparisons.order_parameters.picture import draw
from comparisons.order_parameters.question import Question, judge

STUDY = Study(
    name="order_parameters",
    asks="Which theory's order parameter is half-way before the test score is?",
    scored="decades by which the earliest one leads (the weight norm aside, which decay lowers anyway)",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={
        "quick": {},
        "paper": {"dnn.optimiser": "adamw", "dnn.decay": 0.01, "dnn.steps": 100_000, "dnn.records": 120},
    },
    details=details,
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
