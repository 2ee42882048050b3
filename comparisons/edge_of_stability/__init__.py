"""Does descent grow sharper up to 2 / learning rate and stay there, where its flow ends sharper? One score for all.

python -m comparisons.edge_of_stability --preset quick
"""

from comparisons.edge_of_stability.models import MODELS
from comparisons.edge_of_stability.picture import draw
from comparisons.edge_of_stability.question import Question, judge
from comparisons.harness.study import Study

LARGE = {
    "layerwise.records": 1001,
    "condensation.flow_lr": 0.02,
    "condensation.records": 201,
    "condensation_catapult.flow_lr": 0.01,
    "dnn.samples": 500,
    "dnn.hidden": (64, 64),
    "dnn.lr": 0.3,
    "dnn.off.lr": 0.075,
    "dnn.time": 200.0,
    "dnn.flow_lr": 0.03,
    "dnn.records": 41,
}
STUDY = Study(
    name="edge_of_stability",
    asks="Does the sharpness of full-batch descent rise to 2 / learning rate and stay there, though its flow goes on?",
    scored="log of flow's late sharpness over descent's, over the log of flow's in units of 2 / learning rate",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={"quick": {}, "large": LARGE},
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
