import numpy as np

from figures.neurashed.information_bottleneck_claims import peak


def test_a_peak_counts_only_from_a_low_start():
    rising = np.array([[1.0, 1.0], [1.8, 2.0], [1.0, 1.0]])  # (n_t, replicates)
    assert peak({"paper_level2_input": rising}) == 1.9
    assert peak({"paper_level2_input": rising[1:]}) == 0.0
