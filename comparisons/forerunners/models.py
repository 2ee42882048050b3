"""The ensembles, by phenomenon and family, and why some are not asked."""

from __future__ import annotations

from comparisons.forerunners import edge, emergence, regularisation
from comparisons.harness.model import Model, Silent

MODELS = {
    "emergence layerwise": Model(emergence.layerwise, emergence.Layerwise(), members=8),
    "emergence condensation": Model(emergence.condensation, emergence.Condensation(), members=8),
    "emergence neurashed": Silent(
        "its classes share nothing: before a class only its own chain moves, and its progress is a function of that"
    ),
    "edge layerwise": Model(edge.layerwise, edge.Layerwise(), members=8),
    "edge condensation": Model(edge.condensation, edge.Condensation(), members=8),
    "regularisation layerwise": Model(regularisation.layerwise, regularisation.Layerwise(), members=8),
    "regularisation condensation": Model(regularisation.condensation, regularisation.Condensation(), members=5),
}
