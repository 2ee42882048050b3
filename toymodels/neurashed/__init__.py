"""Neurashed: a graph model of deep learning whose features fire, strengthen and compete (Su, 2024)."""

from toymodels.neurashed import graphs, logic
from toymodels.neurashed.building import from_names
from toymodels.neurashed.delayed import DelayedGeneralisation
from toymodels.neurashed.drawing import animate, draw
from toymodels.neurashed.elasticity import elasticity_ratio, local_elasticity
from toymodels.neurashed.extensions import FiringEdges, train_adaptive
from toymodels.neurashed.graph import Neurashed
from toymodels.neurashed.graphs import Task
from toymodels.neurashed.hierarchy import HierarchicalTask
from toymodels.neurashed.rules import Additive, Frozen, Multiplicative, Rule, Stochastic
from toymodels.neurashed.separate_classes import SeparateClasses

__all__ = [
    "Additive",
    "DelayedGeneralisation",
    "FiringEdges",
    "Frozen",
    "HierarchicalTask",
    "Multiplicative",
    "Neurashed",
    "Rule",
    "SeparateClasses",
    "Stochastic",
    "Task",
    "animate",
    "draw",
    "elasticity_ratio",
    "from_names",
    "graphs",
    "local_elasticity",
    "logic",
    "train_adaptive",
]
