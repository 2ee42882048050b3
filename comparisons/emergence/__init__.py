"""Are skills learned one after the other, each abruptly? The same score, gaps over rises, for every family.

python -m comparisons.emergence --preset quick
"""

from comparisons.emergence.models import MODELS
from comparisons.emergence.picture import draw
from comparisons.emergence.question import Question, judge
from comparisons.harness.study import Study

LARGE = {
    "layerwise.skills": 8,
    "layerwise_one_layer.skills": 8,
    "neurashed.classes": 5,
    "neurashed.steps": 100_000,
    "condensation.skills": 4,
    "condensation.width": 400,
    "condensation.steps": 40_000,
    "dnn.samples": 1000,
    "dnn.steps": 1600,
}
STUDY = Study(
    name="emergence",
    asks="Are skills learned one after the other, each abruptly after a plateau?",
    scored="gap between the halves of two skills that follow each other over the decades of their rises",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={"quick": {}, "large": LARGE},
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
