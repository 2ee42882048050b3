import numpy as np

from figures.neurashed.information_bottleneck import VARIANTS
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
