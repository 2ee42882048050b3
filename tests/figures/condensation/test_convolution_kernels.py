import numpy as np

from figures.condensation.convolution_kernels import FIGURE

SMALL_USUAL = np.array([[0.2, 0.2], [0.2, 0.2]])
DATA = {
    "weights_start_share": SMALL_USUAL,
    "outputs_start_share": SMALL_USUAL,
    "weights_end_share": np.array([[0.9, 0.6], [0.1, 0.1]]),
    "weights_end_minority": np.array([[0.3, 0.2], [0.0, 0.0]]),
    "weights_end_mean": np.array([[0.8, 0.7], [0.2, 0.2]]),
    "outputs_end_mean": np.array([[0.9, 0.8], [0.2, 0.2]]),
}


def test_claims_are_about_the_small_start():
    assert {claim.verdict for claim in FIGURE.judge(DATA)} == {"reproduced"}
    swapped = {name: values[::-1] for name, values in DATA.items()}
    verdicts = [claim.verdict for claim in FIGURE.judge(swapped)]
    assert verdicts == ["reproduced"] * 2 + ["contradicted"] * 4


def test_one_run_with_a_block_at_the_start_refutes_that_there_is_none():
    data = {**DATA, "outputs_start_share": np.array([[0.2, 0.31], [0.2, 0.2]])}
    assert FIGURE.judge(data)[1].verdict == "contradicted"
