import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dnn.observing.layers import layers_of
from dnn.observing.rows import Rows
from toymodels.condensation.grouping import clusters
from toymodels.condensation.similarity import cosine_similarity, effective_rank


def neurons(seed, m, d, directions):
    """Rows near a few directions, some tiny and one zero."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((directions, d))[rng.integers(directions, size=m)]
    rows = (rows + 0.1 * rng.standard_normal((m, d)) * rng.integers(2, size=(m, 1))) * rng.exponential(size=(m, 1))
    rows[0], rows[1] = 0.0, rows[1] * 1e-4
    return rows


@given(st.integers(0, 10_000), st.integers(3, 30), st.integers(2, 12), st.integers(1, 6), st.sampled_from([1, 1e-90]))
def test_numbers_are_those_of_the_direct_functions(seed, m, d, directions, scale):
    weights = scale * neurons(seed, m, d, directions)
    rows = Rows(weights)
    assert rows.clusters() == clusters(weights).max() + 1
    assert rows.effective_rank() == pytest.approx(effective_rank(weights), rel=1e-9)
    cosines = np.abs(cosine_similarity(weights))[~np.eye(m, dtype=bool)].mean()
    assert rows.excess() == pytest.approx(cosines / null(d) - 1, rel=1e-5, abs=1e-5)


def null(d):
    """Mean |cosine| of unrelated Gaussian vectors, by quadrature of its density (1 - c^2)^((d - 3)/2)."""
    angle = (np.arange(20_000) + 0.5) / 20_000 * np.pi
    density = np.sin(angle) ** (d - 2)
    return (np.abs(np.cos(angle)) * density).sum() / density.sum()


def test_all_equal_is_one_and_all_orthogonal_is_many():
    assert Rows(np.ones((5, 3))).clusters() == 1
    assert Rows(np.ones((5, 3))).effective_rank() == pytest.approx(1)
    assert Rows(np.eye(5)).clusters() == 5
    assert Rows(np.eye(5)).effective_rank() == pytest.approx(5)
    assert Rows(np.eye(5)).excess() == pytest.approx(-1)


def test_attention_without_biases_has_rows_of_weights():
    attention = nn.MultiheadAttention(4, 2, bias=False)
    (layer,) = layers_of(attention)
    rows = layer.weights()
    assert {name: tuple(part.shape) for name, part in rows.items()} == {
        **{f"/{name}.{head}": (2, 4) for name in ("queries", "keys", "values") for head in (0, 1)},
        "": (4, 4),
    }
    assert torch.equal(rows["/keys.1"], attention.in_proj_weight[6:8])


@pytest.mark.parametrize("dimension", [1, 2])
def test_rows_of_transposed_convolutions_are_those_of_their_outputs(dimension):
    kind = getattr(nn, f"ConvTranspose{dimension}d")
    module = kind(2, 3, 2)
    (layer,) = layers_of(module)
    rows = layer.weights()[""]
    assert rows.shape == (3, 2 * 2**dimension + 1)
    assert torch.equal(rows[1], torch.cat([module.weight[:, 1].flatten(), module.bias[1:2]]))
