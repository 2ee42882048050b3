import numpy as np

from figures.condensation.convolution_kernels import FIGURE, condensed

SMALL_USUAL = np.array([[0.2, 0.2], [0.2, 0.2]])
DATA = {
    "share_weights_start": SMALL_USUAL,
    "share_outputs_start": SMALL_USUAL,
    "share_weights_end": np.array([[0.9, 0.6], [0.1, 0.1]]),
    "minority_weights_end": np.array([[0.3, 0.2], [0.0, 0.0]]),
    "mean_weights_end": np.array([[0.8, 0.7], [0.3, 0.3]]),
    "excess_weights_end": np.array([[3.0, 2.5], [0.5, 0.5]]),  # over a chance of 0.2
    "mean_outputs_end": np.array([[0.9, 0.85], [0.5, 0.5]]),
    "excess_outputs_end": np.array([[0.8, 0.7], [0.0, 0.0]]),  # over a chance of 0.5
}


def test_the_way_from_chance_to_parallel_channels_has_the_same_ends_for_any_chance():
    np.testing.assert_allclose(condensed(DATA, "weights")[0], [0.75, 0.625])
    np.testing.assert_allclose(condensed(DATA, "outputs"), [[0.8, 0.7], [0, 0]])


def test_claims_are_about_the_small_start():
    assert {claim.verdict for claim in FIGURE.judge(DATA)} == {"reproduced"}
    swapped = {name: values[::-1] for name, values in DATA.items()}
    verdicts = [claim.verdict for claim in FIGURE.judge(swapped)]
    assert verdicts == ["reproduced"] * 2 + ["contradicted"] * 4


def test_runs_with_a_block_at_the_start_refute_that_there_is_none_and_one_of_two_leaves_it_open():
    for second, verdict in ((0.31, "contradicted"), (0.2, "open")):
        data = {**DATA, "share_outputs_start": np.array([[second, 0.31], [0.2, 0.2]])}
        assert FIGURE.judge(data)[1].verdict == verdict


def test_networks_from_two_starts_are_not_paired():
    data = {**DATA, "excess_weights_end": np.array([[1.0, 2.0, 3.0], [3.5, 0.5, 1.5]])}
    judged = FIGURE.claims[-1].judge(data)
    assert (judged.median, judged.low, judged.high) == (0.5, -0.5, 1.5)
