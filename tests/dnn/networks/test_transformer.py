import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnn.networks.transformer import Attention, Transformer


def tokens(n=5, length=6, vocabulary=11, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(vocabulary, size=(n, length)))


def small(seed=0, **settings):
    sizes = {"d_model": 8, "d_key": 4, "d_value": 3, "d_hidden": 16, **settings}
    return Transformer(11, 6, **sizes, rng=np.random.default_rng(seed))


def all_positions(network, x):
    """The network without the short cut of its last block: every position through every block."""
    hidden = network.tokens(x) + network.positions.weight[: x.shape[1]]
    for block in network.blocks:
        hidden = block(hidden, x.shape[1])
    return network.readout(hidden)


@given(
    norm=st.sampled_from(["post", "none"]),
    n_layers=st.integers(1, 3),
    n_heads=st.integers(1, 3),
    length=st.integers(1, 6),
    seed=st.integers(0, 100),
)
def test_logits_are_those_of_the_last_position_of_the_whole_computation(norm, n_layers, n_heads, length, seed):
    network = small(seed, norm=norm, n_layers=n_layers, n_heads=n_heads).double()
    x = tokens(length=length, seed=seed)
    torch.testing.assert_close(network(x), all_positions(network, x)[:, -1])


def test_no_position_sees_what_comes_after_it():
    network = small().double()
    x = tokens()
    changed = x.clone()
    changed[:, 4:] = (x[:, 4:] + 1) % 11
    before, after = all_positions(network, x), all_positions(network, changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4], after[:, 4])


def test_attention_agrees_with_pytorch():
    network = small(n_heads=2).double()
    attention = network.blocks[0].attention
    x = torch.randn(3, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    parts = [
        layer(x).unflatten(2, (2, -1)).transpose(1, 2) for layer in (attention.query, attention.key, attention.value)
    ]
    mixed = torch.nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
    torch.testing.assert_close(attention(x, x), attention.output(mixed.transpose(1, 2).flatten(2)))


def test_order_of_tokens_matters_only_through_positions():
    network = small(norm="none", n_layers=1).double()
    x = tokens()
    swapped = x[:, [1, 0, 2, 3, 4, 5]]
    assert not torch.allclose(network(x), network(swapped))
    with torch.no_grad():
        network.positions.weight.zero_()
    torch.testing.assert_close(network(x), network(swapped))


def test_gamma_is_the_power_of_the_initial_scale():
    widths = {"d_model": 256, "d_key": 64, "d_value": 64, "d_hidden": 512, "n_layers": 1}
    for gamma in (0.3, 0.7):
        network = Transformer(300, 6, **widths, gamma=gamma, rng=np.random.default_rng(0))
        for weight, d_in in (
            (network.query_weight(), 256),
            (network.blocks[0].output.weight, 512),
            (network.tokens.weight, 256),
            (network.readout.weight, 256),
        ):
            assert weight.std().item() == pytest.approx(d_in**-gamma, rel=0.03)
        assert network.blocks[0].hidden.bias.abs().max().item() == 0


def test_weights_come_from_the_generator_given():
    torch.manual_seed(0)
    first, second = small(), small()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"d_model": 0}, "d_model must be >= 1"),
        ({"n_heads": 1.5}, "n_heads must be an integer"),
        ({"n_outputs": 0}, "n_outputs must be >= 1"),
        ({"norm": "pre"}, "norm must be one of post, none"),
        ({"activation": "cube"}, "activation must be one of"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        small(**settings)


def test_longer_sequences_than_positions_are_refused():
    with pytest.raises(ValueError, match="tokens must have at most 6 positions, got 7"):
        small()(tokens(length=7))


def test_attention_has_matrices_alone():
    names = [name for name, _ in Attention(4, 3, 2, 2).named_parameters()]
    assert names == ["query.weight", "key.weight", "value.weight", "output.weight"]
