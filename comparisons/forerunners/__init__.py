"""What moves first before a skill emerges, descent is at the edge of stability, or a solution becomes simpler?

The question of `comparisons.order_parameters`, with the same definition, put to three other phenomena.

python -m comparisons.forerunners --preset quick
"""

from comparisons.forerunners.models import MODELS
from comparisons.forerunners.picture import draw
from comparisons.forerunners.question import Question, judge
from comparisons.forerunners.table import details
from comparisons.harness.study import Study

LARGE = {
    "emergence_layerwise.records": 300,
    "emergence_condensation.width": 400,
    "edge_condensation.width": 50,
    "edge_condensation.records": 200,
    "regularisation_layerwise.records": 150,
    "regularisation_condensation.records": 80,
}
STUDY = Study(
    name="forerunners",
    asks="Which order parameter passes a critical value a fixed time before a skill emerges, descent comes to the edge "
    "of stability, or the solution becomes simpler?",
    scored="decades by which the earliest one foretells the event on held-out runs, beyond what the score itself and "
    "the clock do",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={"quick": {}, "large": LARGE},
    details=details,
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
