import pytest
import torch

from dnn.observing.batches import logits_of, samples_of


def rows(*sizes):
    """Batches of these sizes, then none that may be asked for."""
    for size in sizes:
        yield torch.zeros(size, 2), torch.zeros(size, dtype=torch.long)
    raise AssertionError("one batch too many")


def test_no_batch_is_asked_for_beyond_the_samples_wanted():
    for sizes, most in (((3, 3), 6), ((3, 3), 5), ((1,), 1), ((4, 1), 5)):
        assert len(samples_of(rows(*sizes), most)) == most


def test_one_logit_a_sample_is_a_column():
    values = torch.arange(3.0)
    for returned in (values, values[:, None], (values, "more"), {"logits": values}):
        assert torch.equal(logits_of(returned), values[:, None])
    for returned in (values.reshape(1, 1, 3), values[0], "logits"):
        with pytest.raises(ValueError, match=r"must return \(n, K\) logits"):
            logits_of(returned)
