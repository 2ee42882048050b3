import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnn import merge_units, split_unit
from dnn.embedding.heads import HeadedAttention
from tests.dnn.embedding.kinds import normal, seeded


@settings(max_examples=40)
@given(st.data())
def test_with_as_many_heads_as_fit_it_is_the_attention_of_pytorch(data):
    draw = data.draw
    flag = st.booleans()
    options = {"bias": draw(flag), "add_bias_kv": draw(flag), "add_zero_attn": draw(flag), "batch_first": draw(flag)}
    if draw(flag):
        options |= {"kdim": 4, "vdim": 5}
    stock = seeded(lambda: nn.MultiheadAttention(6, 2, **options))
    ours = seeded(lambda: HeadedAttention(6, 2, 3, **options))
    assert {name: value.shape for name, value in ours.state_dict().items()} == {
        name: value.shape for name, value in stock.state_dict().items()
    }
    ours.load_state_dict(stock.state_dict())
    widths = (6, options.get("kdim", 6), options.get("vdim", 6))
    batched = draw(flag)
    x = [normal(*((2, n, w) if batched else (n, w)), seed=n + w) for n, w in zip((3, 5, 5), widths, strict=True)]
    if batched and not options["batch_first"]:
        x = [part.transpose(0, 1) for part in x]
    masks = {}
    if draw(flag):
        hidden = torch.zeros(4 if draw(flag) and batched else 1, 3, 5, dtype=torch.bool)
        hidden[:, 0, 1:] = True
        hidden = hidden if len(hidden) > 1 else hidden[0]
        masks["attn_mask"] = hidden if draw(flag) else torch.zeros(hidden.shape).double().masked_fill(hidden, -2.5)
    if draw(flag):
        padding = torch.zeros(2, 5, dtype=torch.bool)
        padding[:, -1] = True
        padding = padding if batched else padding[0]
        same = masks.get("attn_mask", padding).dtype  # torch warns of mixed ones
        masks["key_padding_mask"] = padding if same == torch.bool else padding.double() * -1.5
    reading = {"need_weights": draw(flag), "average_attn_weights": draw(flag)} | masks
    for old, new in zip(stock(*x, **reading), ours(*x, **reading), strict=True):
        assert (old is None) == (new is None)
        if old is not None:
            torch.testing.assert_close(new, old, rtol=1e-12, atol=1e-12)


def test_dropout_is_that_of_training_alone():
    ours = seeded(lambda: HeadedAttention(4, 3, 2, dropout=0.5))
    x = normal(5, 2, 4)
    still = ours(x, x, x)[0]
    assert torch.equal(ours(x, x, x)[0], still)
    with torch.random.fork_rng():
        assert not torch.equal(ours.train()(x, x, x)[0], still)
        assert not torch.equal(ours(x, x, x, need_weights=False)[0], still)


def test_what_is_refused():
    ours = HeadedAttention(4, 3, 2)
    x = torch.zeros(5, 2, 4)
    with pytest.raises(ValueError, match="attn_mask must be given with is_causal"):
        ours(x, x, x, is_causal=True)
    with pytest.raises(ValueError, match="attn_mask must have 6 entries, got 4"):
        ours(x, x, x, attn_mask=torch.zeros(4, 5, 5))
    with pytest.raises(ValueError, match="head_dim must be >= 1"):
        HeadedAttention(4, 3, 0)


def test_attention_of_another_class_is_refused():
    class Other(nn.MultiheadAttention):
        pass

    with pytest.raises(ValueError, match=r"must be nn\.MultiheadAttention itself.* got a Other"):
        split_unit(Other(4, 2), "Other", 0, 0.5)
    computed = nn.utils.parametrize
    attention = nn.MultiheadAttention(4, 2)
    computed.register_parametrization(attention.out_proj, "weight", nn.Identity())
    with pytest.raises(ValueError, match="made from others"):
        split_unit(attention, "MultiheadAttention", 0, 0.5)


def test_weights_of_attention_are_returned_unless_they_are_not_wanted():
    attention, x = seeded(lambda: HeadedAttention(6, 2, 3)), normal(4, 1, 6)
    assert attention(x, x, x)[1].shape == (1, 4, 4)
    assert attention(x, x, x, need_weights=False)[1] is None


def test_fewer_heads_than_fit_stay_away_from_the_fused_kernel():
    wide = split_unit(seeded(lambda: nn.MultiheadAttention(6, 2)), "MultiheadAttention", 0, 0.3)
    assert isinstance(wide, HeadedAttention)
    assert not HeadedAttention(6, 2, 3)._qkv_same_embed_dim
    assert wide.in_proj_weight is not None
    assert not wide._qkv_same_embed_dim
    stock = merge_units(wide, "HeadedAttention", 1.0)[0]
    assert type(stock) is nn.MultiheadAttention
    assert stock._qkv_same_embed_dim
    other = split_unit(seeded(lambda: nn.MultiheadAttention(6, 2, kdim=4)), "MultiheadAttention", 0, 0.3)
    assert not merge_units(other, "HeadedAttention", 1.0)[0]._qkv_same_embed_dim
