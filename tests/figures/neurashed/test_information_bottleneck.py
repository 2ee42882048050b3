import numpy as np
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from figures.neurashed.graph_drawing import FIRING
from figures.neurashed.information_bottleneck import VARIANTS, draw_pathways
from figures.neurashed.information_bottleneck_claims import CLAIMS, NOISY, peak


def test_a_peak_counts_only_from_a_low_start():
    rising = np.array([[1.0, 1.0], [1.8, 2.0], [1.0, 1.0]])  # (n_t, replicates)
    assert peak({"paper_level2_input": rising}) == 1.9
    assert peak({"paper_level2_input": rising[1:]}) == 0.0
    uneven = np.array([[1.0, 1.0, 1.0], [1.2, 1.2, 1.8], [1.0, 1.0, 1.0]])  # the mean over the runs, not their median
    assert np.isclose(peak({"paper_level2_input": uneven}), 1.4)


def test_noise_of_one_size_that_hides_the_input_refutes_that_any_will_do():
    claim = next(claim for claim in CLAIMS if claim.key == "information_bottleneck.any-noise")
    data = {f"{variant}_level2_input": np.array([[1.0, 0.5], [2.0, 1.9]]) for variant in NOISY}
    assert claim.judge(data).verdict == "reproduced"
    judged = claim.judge({**data, f"{NOISY[-1]}_level2_input": np.array([[1.0, 0.5], [1.5, 1.3]])})
    assert judged.verdict == "contradicted"
    assert judged.low == 1.4
    assert claim.source == "reading"


def test_every_size_of_the_noise_is_a_variant_of_its_own():
    assert set(NOISY) <= set(VARIANTS)
    assert sorted({VARIANTS[variant].get("relative_noise", 0.003) for variant in NOISY}) == [0.003, 0.01, 0.03, 0.1]


def test_all_eight_pathways_are_drawn_in_two_columns():
    """Three nodes of the first level, two of the second and the class fire, in every one."""
    figure = Figure()
    draw_pathways(figure.subfigures(1, 1))
    panels = figure.subfigs[0].axes
    names = [[panel.get_title() for panel in panels[side::2]] for side in (0, 1)]
    assert names[0] == ["(1, 2, 7)", "(2, 3, 7)", "(4, 5, 7)", "(5, 6, 7)"]
    assert names[1] == ["(7, 12, 13)", "(7, 11, 12)", "(7, 9, 10)", "(7, 8, 9)"]
    for panel in panels:
        colours = [colour for dots in panel.collections for colour in dots.get_facecolors()]
        assert sum(same_color(colour, FIRING) for colour in colours) == 6
