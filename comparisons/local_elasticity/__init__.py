"""Does learning one sample move its own class more than others? One update, eq. (3.1) of Su (2024).

Score: decades by which the prediction changes more on other samples of the same class than on other classes, in excess
of what the inputs' own inner products give (a linear model on the same inputs): similar inputs alone count nothing.

python -m comparisons.local_elasticity --preset quick
"""

from comparisons.harness.study import Study
from comparisons.local_elasticity.models import MODELS
from comparisons.local_elasticity.picture import draw
from comparisons.local_elasticity.question import Question, details, judge

STUDY = Study(
    name="local_elasticity",
    asks="Does learning one sample move its own class more than others?",
    scored="decades in excess of what the inputs' inner products give",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={"quick": {}, "paper": {"dnn.steps": 5000, "dnn_cross_entropy.steps": 5000}},
    details=details,
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
