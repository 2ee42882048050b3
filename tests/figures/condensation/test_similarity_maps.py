from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from figures.condensation.similarity_maps import companions, compared_images, off_diagonal, sorted_map
from toymodels.condensation import cosine_similarity


@given(seed=st.integers(0, 1000))
def test_sorting_a_map_keeps_its_pairs(seed):
    similarity = cosine_similarity(np.random.default_rng(seed).standard_normal((6, 3)))
    before, after = (np.sort(off_diagonal(values)) for values in (similarity, sorted_map(similarity)))
    np.testing.assert_allclose(before, after)


@given(ones=st.integers(1, 6), flipped=st.integers(0, 6), others=st.integers(0, 3))
def test_companions_are_the_largest_group_with_both_signs(ones, flipped, others):
    w = np.zeros((ones + flipped + others, 1 + others))
    w[:ones, 0], w[ones : ones + flipped, 0] = 1, -2
    w[ones + flipped :, 1:] = np.eye(others)
    share, minority = companions(cosine_similarity(w))
    assert share == pytest.approx((ones + flipped) / len(w))
    assert minority == pytest.approx(min(ones, flipped) / (ones + flipped))


def test_images_come_from_both_parts():
    split = SimpleNamespace(x_train=torch.arange(5)[:, None], x_test=torch.arange(10, 15)[:, None])
    assert compared_images(split, 4).ravel().tolist() == [0, 1, 10, 11]
