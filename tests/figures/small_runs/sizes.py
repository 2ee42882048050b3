"""A size for every figure at which it takes about a second; its numbers mean nothing there.

Settings differ from their defaults where a figure has an option, and the axes of an array have lengths of their own, so
that an option that is not passed on and two axes that are exchanged change what is computed. What a figure does not let
one set is put in place while it runs.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields, replace
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from dnn.networks.convolutional import ConvolutionPreset
from dnn.networks.skill_network import SkillNetwork
from dnn.tasks.anchor_task import quick
from dnn.training.config import TrainConfig
from figures.condensation.channel_similarity import output_chance
from figures.condensation.three_layer_plane import draw_line
from tests.double_precision import first_digits, in_double_precision
from toymodels.condensation import TwoLayerNetwork
from toymodels.condensation.presets import figure_one_data

REPLICATES = 3  # of which median, mean and middle differ
TOLERANCE = 1e-5  # over ten times what other instruction sets move where nothing is said


@dataclass(frozen=True)
class Small:
    """A small size of a figure.

    Parameters
    ----------
    settings : mapping of str to value
        Changes to the quick preset, which has :data:`REPLICATES` replicates if this does not say otherwise.
    places : mapping of str to value
        What stands in place of "MODULE:NAME" while the figure runs; of "MODULE:NAME[KEY]" in a mapping.
    models : mapping of str to mapping
        By study and model, "emergence/dnn", changes to the settings with which the study has it.
    loose : mapping of str to float
        By array, how far a number may lie from the one kept, in sizes of the array's values, where that is further than
        :data:`TOLERANCE`: ten times what instruction sets of the processor, whose rounding differs, have moved it.
    bare : tuple of str
        Titles of the panels that are drawn without labels of their axes.
    double : bool
        Whether networks and digits have double precision: in single precision a few steps at a large learning rate
        make differences out of rounding.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    loose: Mapping[str, float] = field(default_factory=dict)
    bare: tuple[str, ...] = ()
    double: bool = True

    def of(self, preset: Any) -> Any:
        """The settings of this size; a figure that draws no replicates of its own has none to change."""
        usual = {"replicates": REPLICATES} if "replicates" in {entry.name for entry in fields(preset)} else {}
        return replace(preset, **{"device": "cpu", **usual, **self.settings})

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """While this lasts, what is to stand in place does."""
        with pytest.MonkeyPatch.context() as patch, in_double_precision(patch) if self.double else nullcontext():
            for where, value in self.places.items():
                module, _, name = where.partition(":")
                name, _, key = name.partition("[")
                if key:
                    patch.setitem(getattr(import_module(module), name), key.rstrip("]"), value)
                else:
                    patch.setattr(import_module(module), name, value)
            for where, changes in self.models.items():
                study, _, name = where.partition("/")
                models = import_module(f"comparisons.{study}").STUDY.models
                patch.setitem(models, name, replace(models[name], settings=replace(models[name].settings, **changes)))
            yield


def few(n_train: int, n_test: int) -> dict[str, Callable]:
    """Digits come with so many training and so many test samples only."""
    return {"dnn.data:load": first_digits(n_train, n_test)}


def figure_one(rng, replicates, every):
    """Fewer neurons, a larger start and fewer steps than :func:`toymodels.condensation.presets.figure_one`."""
    network = TwoLayerNetwork.random(20, 1, 0.02, "relu", rng, replicates=replicates)
    return network.train(*figure_one_data(), EPOCHS[-1], 0.1, every)


def figure_two(rng, power, replicates):
    """Fewer neurons and fewer steps than :func:`toymodels.condensation.presets.figure_two`."""
    x = np.linspace(-1, 1, 40)[:, None]
    network = TwoLayerNetwork.random(20, 1, 20.0**-power, "tanh", rng, replicates=replicates)
    return network.train(x, np.sin(1.5 * x[:, 0]), 500, 0.1, 500)


class Hurried(TwoLayerNetwork):
    """A network that is trained with a twentieth of the steps, five times as large, and records as many."""

    def train(self, x, y, n_steps, lr, every):
        return super().train(x, y, n_steps // 20, 5 * lr, every // 20)


def small_task(gamma, n_steps, device):
    """The toy of :mod:`dnn.tasks.anchor_task` with few sequences."""
    return replace(quick(gamma, n_steps, device), n_train=60, n_test=40)


def fast_network(*sizes, **options):
    """A skill network with a larger start and learning rate than by default, where they are not told."""
    usual = {"init_scale": 0.1, "lr": 0.06} if len(sizes) < 6 else {}
    return SkillNetwork(*sizes, **(usual | options))


def two_skills(start: float, ratio: float) -> dict[str, float]:
    """The two-layer network of the plane of emergence, narrower and for fewer steps."""
    return {"start": start, "ratio": ratio, "skills": 2, "width": 40, "steps": round(1000 * ratio)}


def coarse_line(axes, x, y, exponent):
    """The line of the plane of three layers through fewer points."""
    spaced = np.linspace
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "linspace", lambda low, high, num=50, **options: spaced(low, high, min(num, 15), **options))
        draw_line(axes, x, y, exponent)


CHANCE = {"figures.condensation.channel_similarity:output_chance": partial(output_chance, draws=30)}
EPOCHS = (20, 50, 100, 300, 800, 1500)

SIZES = {
    "layerwise/aligned_modes": Small({"width": 20, "n_times": 40, "draws": 300}),
    "layerwise/biases_and_skips": Small({"strengths": (4.0, 2.0, 1.2), "offset": 2.5, "start": 2e-3, "n_times": 60}),
    "layerwise/continual_learning": Small(
        {"imbalances": (0.5, 3.0), "size": 3, "start": 2e-3, "first": 6.0, "second": 40.0, "n_times": 50},
        bare=("transfer: the same, other strengths", "reversal: B = -A"),
    ),
    "layerwise/function_space": Small(
        {"widths": (8, 16, 32, 48), "small": 0.1, "large": 0.5, "drawn": 5, "n_times": 40}
    ),
    "layerwise/funnel_networks": Small({"side": 2, "n_times": 8}),
    "layerwise/grokking_approaches": Small(
        {
            "scale": 4.0,
            "width": 16,
            "samples": 60,
            "decay": 0.01,
            "lr": 4e-3,
            "more": 2.0,
            "memory": 0.9,
            "n_steps": 40,
            "records": 8,
        },
        bare=("(b) weights x 1", "(c) width x 2", "(d) decay x 3"),
    ),
    "layerwise/kernel_distance_map": Small(
        {"side_a": 3, "side_b": 4, "replicates_a": 3, "replicates_b": 2, "n_steps": 100, "descents": 2}
    ),
    "layerwise/lazy_scalings": Small({"width": 16, "epochs": 6, "others_epochs": 3, "records": 4}, few(300, 200)),
    "layerwise/modular_addition": Small(
        {
            "scales": (0.9, 0.4),
            "modulus": 7,
            "train_fraction": 0.6,
            "d_model": 12,
            "d_hidden": 16,
            "n_steps": 40,
            "lr": 5e-3,
            "records": 6,
        }
    ),
    "layerwise/dense_truth": Small(
        {"dim": 12, "n_samples": 7, "n_active": 2, "init_scale": 2.0, "weight_decay": 0.1, "replicates": 3}
    ),
    "layerwise/random_labels": Small(
        {"width": 16, "samples": 60, "lazy_scale": 4.0, "decay": 0.01, "lr": 5e-3, "n_steps": 60, "records": 7}
    ),
    "layerwise/saddle_to_saddle": Small(
        {"n_modes": 4, "ratio": 2.2, "start": 1e-6, "large_start": 0.8, "n_times": 100}
    ),
    "layerwise/scaling_laws": Small(
        {
            "alphas": (0.4, 0.8),
            "n_skills": 2000,
            "many_skills": 20_000,
            "initial": 0.2,
            "n_points": 8,
            "compute_skills": 1000,
        }
    ),
    "layerwise/sigmoidal_modes": Small(
        {"strengths": (3.0, 2.0, 1.2), "start": 1e-3, "starts": (0.01, 1e-4, 1e-6), "n_times": 80}
    ),
    "layerwise/skill_emergence": Small(
        {
            "alpha": 0.7,
            "target": 4.0,
            "n_skills": 2,
            "n_bits": 6,
            "width": 60,
            "batch_size": 60,
            "n_test": 50,
            "n_steps": 530,
            "data_sizes": (20, 40, 80, 160),
            "data_width": 20,
            "data_replicates": 2,
            "widths": (2, 8, 24, 60),
            "width_replicates": 4,
            "limited_steps": 300,
            "limited_batch": 20,
            "limited_lr": 0.05,
            "limited_init": 0.1,
            "momentum": 0.8,
            "samples": 12,
        },
        {"dnn.networks.skill_network:SkillNetwork": fast_network},
    ),
    "layerwise/teacher_student": Small(
        {"dim": 20, "n_samples": 30, "noise": 0.4, "ratios": (0.5, 1.0, 2.0, 4.0), "cuts": (3.0, 300.0), "n_times": 40}
    ),
    "layerwise/theorems": Small({"units": 6, "n_skills": 4, "alpha": 0.8, "n_times": 60}),
    "layerwise/tree_hierarchy": Small({"depth": 3, "hidden": 10, "initial": 2e-3, "imbalance": 15.0, "n_times": 60}),
    "layerwise/unconstrained_features": Small(
        {
            "n_classes": 3,
            "n_per_class": 4,
            "width": 8,
            "scales": (0.8, 0.1, 0.04),
            "decay": 0.06,
            "n_times": 6,
            "end": 30.0,
        }
    ),
    "layerwise/upstream_convolution": Small(
        {"factor": 2.0, "channels": 4, "lr": 0.04, "batch_size": 20, "n_steps": 10, "records": 4},
        few(200, 100),
    ),
    "neurashed/batch_size": Small(
        {"batch_sizes": (1, 2, 8), "n_steps": 40, "replicates": 30, "steps": 60, "initial": 0.2},
        bare=(
            "3(a) type 1 fires",
            "3(b) type 2 fires",
            "3(c) learned, B = 1",
            "4(a) large batch",
            "4(b) learned, B = 8",
        ),
    ),
    "neurashed/extraction": Small(
        {
            "architectures": ("784-20-15-10", "784-20-10"),
            "samples": 300,
            "n_steps": 40,
            "batch_size": 50,
            "similarity": 0.4,
            "rare": 0.02,
            "bases": 2,
            "tests": 3,
            "share": 0.4,
            "draws": 3,
            "early_steps": 20,
            "early_batch": 32,
            "batch_sizes": (4, 64),
            "more_steps": 20,
            "epochs": 1,
            "early_lr": 0.04,
            "lr": 0.03,
            "replicates": 2,
        },
        loose={"agreement_shuffled_in_class": 3e-3},
    ),
    "neurashed/information_bottleneck": Small(
        {"other_replicates": 2, "n_draws": 10, "records": 4},
        bare=(
            "(1, 2, 7)",
            "(7, 12, 13)",
            "(2, 3, 7)",
            "(7, 11, 12)",
            "(4, 5, 7)",
            "(7, 9, 10)",
            "(5, 6, 7)",
            "(7, 8, 9)",
        ),
    ),
    "neurashed/local_elasticity": Small(
        {"n_steps": 15, "batch_size": 100, "momentum_steps": 20, "momentum_batch": 40, "per_digit": 4}
    ),
    "neurashed/outlook": Small(
        {
            "shares": (0.2, 1 / 3, 0.6, 1.0),
            "random_draws": 2,
            "crops": (0, 1, 3),
            "batch_sizes": (1, 5, 30),
            "few_samples": 30,
            "many_samples": 100,
            "n_samples": 50,
            "n_steps": 4,
            "shared_classes": (2, 4),
        }
    ),
    "neurashed/pathways": Small(
        {"n_steps": 100, "every": 10, "initial": 0.2},
        bare=tuple(f"pathway of class {kind}" for kind in ("1a", "1b", "2", "3")),
    ),
    "neurashed/theorems": Small({"depths": (1, 2, 4), "times": (1, 4, 16, 100), "sizes": (6, 10), "finite_time": 50}),
    "condensation/anchor_task": Small(
        {"gammas": (0.4, 1.2), "n_steps": 8, "d_model": 12, "batch_size": 24, "lr": 3e-3},
        {"dnn.tasks.anchor_task:quick": small_task},
    ),
    "condensation/convolution_kernels": Small(
        {"images": 30},
        {
            "dnn.networks.convolutional:ONE_CONVOLUTION_PRESETS[quick]": ConvolutionPreset(
                "mnist-mini", 6, TrainConfig(30, lr=0.01, batch_size=50)
            ),
            **few(200, 100),
            **CHANCE,
        },
    ),
    "condensation/dropout": Small({"batches": 2, "n_steps": 300, "width": 12, "std": 0.2, "lr": 0.04}),
    "condensation/dropout_plateau": Small(
        {"batches": 2, "n_steps": 300, "width": 12, "lr": 0.04}, {"figures.condensation.dropout_plateau:IDEAL": 0.05}
    ),
    "condensation/initial_directions": Small(
        {"data_replicates": 2}, {"figures.condensation.initial_directions:TwoLayerNetwork": Hurried}
    ),
    "condensation/initial_scale": Small(
        {"powers": (0.4, 1.0)}, {"figures.condensation.initial_scale:figure_two": figure_two}
    ),
    "condensation/loss_plateaus": Small({"widths": (1, 2, 20), "n_steps": 2500, "starts": 2, "batches": 2}),
    "condensation/new_orientations": Small(
        {"n_steps": 3000, "records": 30},
        {"figures.condensation.new_orientations:WIDTH": 20, "figures.condensation.new_orientations:STD": 0.01},
    ),
    "condensation/optimistic_sample_size": Small(
        {"sizes": (2, 3, 4, 8), "replicates": 2, "targets": 3, "n_steps": 200, "pairs": 4}
    ),
    "condensation/orientations": Small(
        {"batches": 2},
        {
            "figures.condensation.orientations:FIGURE_ONE_EPOCHS": EPOCHS,
            "figures.condensation.orientations:FIGURE_ONE_RECORDS": EPOCHS,
            "figures.condensation.orientations:figure_one": figure_one,
        },
    ),
    "condensation/phase_diagram": Small({"widths": (50, 100, 200), "deep_widths": (20, 40), "replicates": 3}),
    "condensation/resnet_channels": Small(
        {"images": 20, "gamma": 0.4},
        {
            "dnn.networks.convolutional:RESNET18_PRESETS[quick]": ConvolutionPreset(
                "mnist-mini", 2, TrainConfig(3, lr=3e-3, batch_size=20)
            ),
            **few(60, 30),
            **CHANCE,
        },
    ),
    "condensation/three_layer_plane": Small(
        {
            "outers": (0.25, 1.0),
            "middles": (0.25, 0.75, 1.25),
            "widths": (20, 50),
            "gammas": (0.5, 1.25, 1.75),
            "gamma_primes": (-0.25, 0.5),
            "two_layer_widths": (20, 60),
            "replicates": 2,
        },
        {
            "figures.condensation.three_layer_plane:draw_line": coarse_line,
            "toymodels.condensation.phase_diagram:MAP_STEPS": 1000,
            "toymodels.condensation.three_layer:MAX_STEPS": 1000,
        },
    ),
    "opt_npt/accuracy_by_depth": Small(
        {
            "depths": (3, 6),
            "widths": (8, 12, 16),
            "samples": 100,
            "batch_size": 50,
            "n_steps": 8,
            "records": 3,
            "n_test": 200,
        }
    ),
    "opt_npt/basins_by_class": Small(
        {"samples": 200, "n_hidden": 2, "width": 24, "batch_size": 100, "n_steps": 20, "draws": 2, "copies": 4}
    ),
    "opt_npt/basins_by_setting": Small(
        {
            "depths": (4, 5),
            "widths": (16, 24),
            "curve_width": 24,
            "fixed_depth": 4,
            "rates": (0.1, 0.3),
            "batches": (40, 100),
            "tuned_depth": 4,
            "tuned_width": 24,
            "samples": 100,
            "batch_size": 40,
            "epochs": 10,
            "tuned_epochs": 12,
            "n_test": 200,
            "basin_samples": 50,
            "amplitudes": (0.03, 0.3, 3.0),
            "tuned_replicates": 2,
        }
    ),
    "opt_npt/batch_norm_lag": Small(
        {"samples": 900, "n_hidden": 3, "width": 12, "n_steps": 6, "slow_steps": 7, "every": 2, "before": 3}
    ),
    "opt_npt/delayed_generalisation": Small(
        {"weight_decay": 0.01, "scale": 1.5, "n_steps": 24, "records": 5},
        {**few(900, 900), "figures.opt_npt.delayed_generalisation_runs:record_before": lambda steps, train, test: 1},
        loose={"control": 0.15},
    ),
    "opt_npt/flat_minima": Small(
        {
            "batches": (40, 100),
            "rates": (0.1, 0.3),
            "decays": (0.0, 1e-3),
            "dropouts": (0.0, 0.2),
            "depth": 4,
            "width": 16,
            "samples": 100,
            "batch_size": 40,
            "epochs": 5,
            "n_test": 200,
            "looked_at": 50,
            "draws": 2,
        }
    ),
    "opt_npt/gradient_phases": Small({"samples": 100, "width": 12, "n_steps": 4, "records": 3, "n_test": 200}),
    "opt_npt/gradient_phases_23_layers": Small(
        {
            "samples": 200,
            "width": 24,
            "n_steps": 10,
            "deep_samples": 200,
            "deep_width": 24,
            "deep_batches": 2,
            "deep_steps": 5,
            "records": 4,
            "n_test": 200,
        }
    ),
    "opt_npt/linear_perceptron": Small(
        {"samples": (60, 120), "width": 16, "n_steps": 8, "batch_size": 30, "records": 3, "n_test": 200, "early": 4}
    ),
    "opt_npt/linearised_tail": Small({"samples": 200, "n_hidden": 12, "width": 12, "batch_size": 100, "n_steps": 8}),
    "opt_npt/shallow_nonlinearity": Small(
        {
            "samples": (60, 120),
            "width": 16,
            "n_steps": 8,
            "batch_size": 30,
            "lr": 2e-3,
            "records": 4,
            "n_test": 200,
            "early": 4,
        }
    ),
    "opt_npt/sorting_and_linear_layers": Small(
        {
            "hidden": 4,
            "width": 12,
            "samples": 100,
            "batch_size": 50,
            "n_steps": 4,
            "n_test": 200,
            "lag_hidden": (3, 4),
            "lag_batches": 2,
            "lag_steps": 4,
            "lag_records": 3,
            "lag_replicates": 2,
        }
    ),
    "opt_npt/transformation_modes": Small(
        {
            "fields": 12,
            "sequences": 2,
            "unit_steps": 20,
            "starts": 2,
            "units": 2,
            "samples": 100,
            "width": 10,
            "n_steps": 20,
            "batch_size": 50,
            "compared": 60,
            "draws": 3,
        },
        double=False,
        loose={"network_gradient": 5e-4},
    ),
    "opt_npt/very_deep_structure": Small(
        {
            "depths": (6, 5, 7, 7, 7, 8),
            "widths": (12, 14, 12, 12, 12, 12),
            "samples": 100,
            "batch_size": 50,
            "n_steps": 4,
            "n_test": 200,
        }
    ),
    "phase_diagrams/double_descent": Small(
        {
            "ridges": (1e-4, 1e-2, 1.0),
            "feature_ridges": (1e-6, 0.1),
            "greedy_replicates": 2,
            "digit_replicates": 2,
        },
        models={
            "double_descent/layerwise": {"dim": 30, "sets": 4},
            "double_descent/condensation": {"samples": 20, "sets": 4, "widths": (5, 12, 20, 30, 60)},
            "double_descent/dnn": {"samples": 60, "sets": 4, "widths": (20, 40, 50, 75, 100)},
            "double_descent/layerwise two layers": {
                "dim": 16,
                "steps": 1500,
                "sets": 4,
                "samples": (6, 12, 15, 18, 48),
            },
        },
    ),
    "phase_diagrams/edge_of_stability": Small(
        {
            "chain_lrs": (0.15, 0.35, 1.0),
            "chain_starts": (2.0, 5.0),
            "sine_lrs": (0.1, 0.75),
            "sine_starts": (0.1, 0.2, 0.4),
            "sine_replicates": 2,
        },
        models={
            "edge_of_stability/layerwise": {"time": 500.0, "records": 41},
            "edge_of_stability/condensation": {
                "width": 10,
                "samples": 15,
                "time": 300.0,
                "flow_lr": 0.1,
                "records": 11,
            },
        },
        loose={"condensation_descent": 2e-2, "condensation_loss": 3e-2},
    ),
    "phase_diagrams/emergence": Small(
        {
            "starts": (1e-6, 1e-2),
            "ratios": (1.3, 3.0, 6.0),
            "amplifications": (0.2, 0.5),
            "counts": (2, 3),
            "deviations": (0.05, 0.3),
            "strengths": (1.5, 2.2, 3.0),
            "replicates": 2,
        },
        {"figures.phase_diagrams.emergence:SETTINGS[condensation]": two_skills},
        {"emergence/condensation": {"lr": 0.2}},
    ),
    "phase_diagrams/implicit_regularisation": Small(
        {
            "lrs": (0.003, 0.02),
            "batches": (1, 8, 40),
            "steps": 500,
            "relu_lrs": (0.005, 0.01),
            "relu_batches": (1, 12, 40),
            "relu_steps": 100,
            "relu_replicates": 2,
            "tasks": 3,
        },
        {"figures.phase_diagrams.implicit_regularisation:EXPONENTS": np.geomspace(1e-3, 12, 15)},
        {
            "implicit_regularisation/layerwise": {"dim": 30, "samples": 12, "active": 3},
            "implicit_regularisation/condensation": {"width": 12, "samples": 15, "loss": 1e-2},
            "implicit_regularisation/neurashed": {"steps": 60, "models": 4},
        },
    ),
}
