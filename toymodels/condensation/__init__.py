"""Condensation: neurons of a layer fall into a few groups that say the same thing."""

from toymodels.condensation.adam import adam_with_decay
from toymodels.condensation.classes import ClassTask
from toymodels.condensation.delayed import DelayedTask
from toymodels.condensation.directions import condensed_directions, normalised_descent
from toymodels.condensation.dropout import DropoutComparison, compare_dropout, dropout_penalty
from toymodels.condensation.embedding import (
    add_null,
    critical_point,
    critical_points,
    inertia,
    plateau_histogram,
    split,
    split_inertia,
)
from toymodels.condensation.grouping import DirectionCounts, clusters, count_clusters, direction_counts
from toymodels.condensation.initial import initial_descent, initial_flow, multiplicity, potential
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.condensation.null import cosine_excess, null_cosine
from toymodels.condensation.parity_skills import ParitySkills
from toymodels.condensation.phase_diagram import (
    DistanceScaling,
    PhaseMap,
    classical_initialisations,
    coordinates,
    critical_gamma,
    distance_exponent,
    distance_scaling,
    phase,
    phase_map,
    relative_distance,
)
from toymodels.condensation.random_features import RandomFeatures, ridge_weights
from toymodels.condensation.reduction import (
    Reduction,
    low_rank_sample_size,
    merge,
    optimistic_sample_size,
    recovery_error,
    reduction_curve,
    tangent_rank,
)
from toymodels.condensation.residual_flow import (
    Forecast,
    NewOrientation,
    ReluEnds,
    descents,
    forecast,
    new_orientations,
    relu_ends,
)
from toymodels.condensation.similarity import (
    cosine_similarity,
    effective_rank,
    flatten_kernels,
    heatmap_order,
    orientation,
    output_similarity,
    static_neurons,
)
from toymodels.condensation.three_layer import (
    LayerScaling,
    ThreeLayerMap,
    layer_exponents,
    three_layer_exponents,
    three_layer_map,
    three_layer_scaling,
)

__all__ = [
    "ClassTask",
    "DelayedTask",
    "DirectionCounts",
    "DistanceScaling",
    "DropoutComparison",
    "Forecast",
    "LayerScaling",
    "NewOrientation",
    "ParitySkills",
    "PhaseMap",
    "RandomFeatures",
    "Reduction",
    "ReluEnds",
    "ThreeLayerMap",
    "TwoLayerNetwork",
    "adam_with_decay",
    "add_null",
    "classical_initialisations",
    "clusters",
    "compare_dropout",
    "condensed_directions",
    "coordinates",
    "cosine_excess",
    "cosine_similarity",
    "count_clusters",
    "critical_gamma",
    "critical_point",
    "critical_points",
    "descents",
    "direction_counts",
    "distance_exponent",
    "distance_scaling",
    "dropout_penalty",
    "effective_rank",
    "flatten_kernels",
    "forecast",
    "heatmap_order",
    "inertia",
    "initial_descent",
    "initial_flow",
    "layer_exponents",
    "low_rank_sample_size",
    "merge",
    "multiplicity",
    "new_orientations",
    "normalised_descent",
    "null_cosine",
    "optimistic_sample_size",
    "orientation",
    "output_similarity",
    "phase",
    "phase_map",
    "plateau_histogram",
    "potential",
    "recovery_error",
    "reduction_curve",
    "relative_distance",
    "relu_ends",
    "ridge_weights",
    "split",
    "split_inertia",
    "static_neurons",
    "tangent_rank",
    "three_layer_exponents",
    "three_layer_map",
    "three_layer_scaling",
]
