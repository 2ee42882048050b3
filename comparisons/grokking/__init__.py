"""Does test performance rise long after training performance? The same score, decades of lag, for every family.

python -m comparisons.grokking --preset quick
"""

from comparisons.grokking.models import MODELS
from comparisons.grokking.picture import draw
from comparisons.grokking.question import Question, judge
from comparisons.harness.study import Study

STUDY = Study(
    name="grokking",
    asks="Does test performance rise long after training performance?",
    scored="decades of each model's own time between the two curves, each as the share of its own rise",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={
        "quick": {},
        "paper": {
            "dnn.optimiser": "adamw",
            "dnn.decay": 0.01,
            "dnn.steps": 100_000,
            "dnn.batch": 200,
            "dnn.records": 60,
        },
    },
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
