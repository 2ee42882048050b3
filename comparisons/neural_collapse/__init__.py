"""Do class features collapse to a simplex after the training error is zero?

Score: decades by which tr(within)/tr(between) falls from then on, when what is left of it is small and the class means
are a simplex. Papyan's NC1 is printed beside it: its pseudo-inverse
sees the subspace of the class means only, so it overstates collapse where features vary outside.

python -m comparisons.neural_collapse --preset quick
"""

from comparisons.harness.study import Study
from comparisons.neural_collapse.models import MODELS
from comparisons.neural_collapse.picture import draw
from comparisons.neural_collapse.question import Question, details, judge

STUDY = Study(
    name="neural_collapse",
    asks="Do class features collapse to a simplex after the training error is zero?",
    scored="decades by which the within/between ratio falls from then to the end",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={
        "quick": {},
        "paper": {
            "layerwise.classes": 10,
            "neurashed.epochs": 400,
            "neurashed.classes": 10,
            "dnn.hidden": (512,) * 5,
            "dnn.steps": 30_000,
        },
    },
    details=details,
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
