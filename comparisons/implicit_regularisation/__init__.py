"""Do small batches end at a simpler solution than the full batch? The same score for every family.

python -m comparisons.implicit_regularisation --preset quick
"""

from comparisons.harness.study import Study
from comparisons.implicit_regularisation.models import MODELS
from comparisons.implicit_regularisation.picture import draw
from comparisons.implicit_regularisation.question import Question, judge

LARGE = {
    "layerwise.dim": 400,
    "layerwise.samples": 100,
    "layerwise.off.batch": 100,
    "layerwise_sampling_noise.dim": 400,
    "layerwise_sampling_noise.samples": 100,
    "neurashed.types": 12,
    "neurashed.off.batch": 128,
    "neurashed.steps": 2000,
    "neurashed_additive.types": 12,
    "neurashed_additive.off.batch": 128,
    "neurashed_additive.steps": 2000,
    "condensation.steps": 240_000,
    "condensation_sampling_noise.steps": 240_000,
    "dnn.samples": 1000,
    "dnn.off.batch": 200,
    "dnn.hidden": 100,
    "dnn.stop": 0.01,
    "dnn.draws": 20,
}
STUDY = Study(
    name="implicit_regularisation",
    asks="Does training on small batches end at a simpler solution than on the full batch, at comparable loss?",
    scored="decades from the complexity of the full batch's solution down to that of the small batch's",
    question=Question(),
    models=MODELS,
    judge=judge,
    picture=draw,
    presets={"quick": {}, "large": LARGE},
)
run, score = STUDY.run, STUDY.score

__all__ = ["STUDY", "run", "score"]
