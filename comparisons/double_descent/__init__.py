"""Does test error peak where the model can just fit the data, and fall again beyond? The same score for every family.

python -m comparisons.double_descent --preset quick
"""

from comparisons.double_descent.models import MODELS
from comparisons.double_descent.picture import draw
from comparisons.double_descent.question import Question, judge
from comparisons.harness.study import Study

LARGE = {
    "layerwise.dim": 400,
    "layerwise.sets": 20,
    "layerwise_two_layers.sets": 16,
    "neurashed.sets": 40,
    "condensation.sets": 40,
    "dnn.sets": 12,
}
STUDY = Study(
    name="double_descent",
    asks="Does test error peak where the model can just fit the data, and fall again beyond?",
    scored="decades of the mean log test error from the higher of its two valleys up to the peak",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={"quick": {}, "large": LARGE},
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
