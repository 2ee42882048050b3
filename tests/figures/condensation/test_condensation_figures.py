"""What every figure of the folder has in common."""

from importlib import import_module

import pytest

from comparisons.harness.settings import Settings

SUBJECTS = {
    "anchor_task": "condensation_10",
    "convolution_kernels": "condensation_03",
    "dropout": "condensation_08",
    "dropout_plateau": "condensation_09",
    "initial_directions": "condensation_06",
    "initial_scale": "condensation_02",
    "loss_plateaus": "condensation_07",
    "new_orientations": "condensation_next",
    "optimistic_sample_size": "condensation_estimate",
    "orientations": "condensation_01",
    "phase_diagram": "condensation_05",
    "resnet_channels": "condensation_04",
    "three_layer_plane": "condensation_planes",
}


@pytest.mark.parametrize(("subject", "stream"), SUBJECTS.items())
def test_a_figure_bears_the_name_of_its_module_and_keeps_its_random_numbers(subject, stream):
    module = import_module(f"figures.condensation.{subject}")
    figure = module.FIGURE
    assert figure.name == f"condensation/{subject}"
    assert figure.stream == stream
    assert figure.aliases[0] == stream
    assert all(isinstance(preset, Settings) for preset in figure.presets.values())
    place = next(line for line in figure.caption.split(". "))
    assert module.__doc__.startswith(place)
    assert all(claim.key.startswith(f"{subject}.") for claim in figure.claims)
