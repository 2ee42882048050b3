"""Layerwise linear models: gradient flow solved in closed form wherever it can be."""

from toymodels.layerwise.chain import ScalarChain
from toymodels.layerwise.connected import ConnectedNetwork
from toymodels.layerwise.deep import DeepMode
from toymodels.layerwise.deep_network import DeepLinearNetwork
from toymodels.layerwise.diagonal import DiagonalNetwork
from toymodels.layerwise.features import UnconstrainedFeatures
from toymodels.layerwise.hyperbolic_entropy import entropy_interpolator
from toymodels.layerwise.kernels import (
    diagonal_network_ntk,
    gram_kernel_alignment,
    gram_kernel_distance,
    kernel_alignment,
    kernel_distance,
    linear_network_ntk,
)
from toymodels.layerwise.label_noise import label_noise_descent, predicted_beta
from toymodels.layerwise.linear_estimator import LinearEstimator
from toymodels.layerwise.linear_model import LinearModel
from toymodels.layerwise.matrix import LinearNetwork
from toymodels.layerwise.matrix_batches import descend_together
from toymodels.layerwise.minibatch import minibatch_descent
from toymodels.layerwise.riccati import transition
from toymodels.layerwise.scalar import ScalarNetwork
from toymodels.layerwise.skills import SkillModel
from toymodels.layerwise.sparse_regression import SparseRegression
from toymodels.layerwise.spectrum import marchenko_pastur
from toymodels.layerwise.student import Student
from toymodels.layerwise.tasks import output_bias, task_sequence
from toymodels.layerwise.teacher_student import TeacherStudent
from toymodels.layerwise.tree_data import hierarchy, hierarchy_learning, hierarchy_levels, hierarchy_times

__all__ = [
    "ConnectedNetwork",
    "DeepLinearNetwork",
    "DeepMode",
    "DiagonalNetwork",
    "LinearEstimator",
    "LinearModel",
    "LinearNetwork",
    "ScalarChain",
    "ScalarNetwork",
    "SkillModel",
    "SparseRegression",
    "Student",
    "TeacherStudent",
    "UnconstrainedFeatures",
    "descend_together",
    "diagonal_network_ntk",
    "entropy_interpolator",
    "gram_kernel_alignment",
    "gram_kernel_distance",
    "hierarchy",
    "hierarchy_learning",
    "hierarchy_levels",
    "hierarchy_times",
    "kernel_alignment",
    "kernel_distance",
    "label_noise_descent",
    "linear_network_ntk",
    "marchenko_pastur",
    "minibatch_descent",
    "output_bias",
    "predicted_beta",
    "task_sequence",
    "transition",
]
