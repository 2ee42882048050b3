"""Does learning one sample move its own class more than others? One update, eq. (3.1) of Su (2024).

Contrast: decades by which the prediction changes more on other samples of the same class than on other classes. Score:
what training adds to the contrast of the same model before training, on the same updates, at the fit and at the end.
Neither similar inputs nor the architecture count.

python -m comparisons.local_elasticity --preset quick
"""

from comparisons.harness.study import Study
from comparisons.local_elasticity.models import MODELS
from comparisons.local_elasticity.picture import draw
from comparisons.local_elasticity.question import Question, details, judge

STUDY = Study(
    name="local_elasticity",
    asks="Does learning one sample move its own class more than others?",
    scored="decades that training adds to the contrast of the untrained model, at the fit and at the end",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={"quick": {}, "paper": {"dnn.steps": 5000, "dnn_cross_entropy.steps": 5000}},
    details=details,
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
