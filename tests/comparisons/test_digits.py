"""What the studies' torch network on digits is trained on, and that its settings reach it."""

import numpy as np
import pytest

from comparisons.digits import record_steps, train_mlp
from comparisons.harness.settings import Settings

STILL = {"n_steps": 1, "records": 2, "widths": (784, 3, 10), "loss": "mse", "optimiser": "sgd", "lr": 1e-30}


def trained(**settings):
    return train_mlp(Settings(), np.random.default_rng(0), **(STILL | settings))


def test_a_network_of_scale_0_puts_out_0():
    run = trained(scale=0.0)
    assert run["train_loss"][-1] == run["test_loss"][-1] == pytest.approx(0.1, abs=1e-7)  # one of ten targets is 1
    assert run["train"][-1] == 0.117  # the one step raises the commonest digit most: 117 of the thousand are ones


def test_without_hidden_layers_the_outputs_scale_with_the_start():
    def outputs(scale):
        kept = {}

        def probes(network):
            def probe(net, data):
                kept["logits"] = net(data.x_train[:50]).detach().numpy()
                return 0.0

            return {"kept": probe}

        trained(scale=scale, make_probes=probes, widths=(784, 10))
        return kept["logits"]

    np.testing.assert_allclose(outputs(8.0), 8 * outputs(1.0), rtol=1e-5)


def test_a_frozen_network_moves_its_readout_alone():
    moved = {}

    def probes(network):
        start = [parameter.detach().clone() for parameter in network.parameters()]

        def probe(net, data):
            pairs = zip(start, net.parameters(), strict=True)
            moved["any"] = [not np.array_equal(a.numpy(), b.detach().numpy()) for a, b in pairs]
            return 0.0

        return {"moved": probe}

    trained(frozen=True, make_probes=probes, n_steps=3, lr=0.1)
    assert moved["any"] == [False, False, True, True]


def test_half_of_the_records_are_log_spaced_and_half_even():
    assert record_steps(100, 8) == (1, 5, 22, 34, 67, 100)
