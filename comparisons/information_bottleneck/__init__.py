"""Does a representation first fit and then forget its input? Score: the share of the peak of I(X;T) lost by the end.

python -m comparisons.information_bottleneck --preset quick
"""

from comparisons.harness.study import Study
from comparisons.information_bottleneck.models import MODELS
from comparisons.information_bottleneck.picture import draw
from comparisons.information_bottleneck.question import Question, details, judge

STUDY = Study(
    name="information_bottleneck",
    asks="Does a representation first fit and then forget its input?",
    scored="share of the peak of I(X;T) lost by the end",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={
        "quick": {},
        "paper": {
            "frozen.samples": 1000,
            "dnn.steps": 10_000,
            "dnn.samples": 1000,
            "dnn_quantised.steps": 10_000,
            "dnn_quantised.samples": 1000,
        },
    },
    details=details,
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
