import numpy as np
import pytest

from dnn.training.config import TrainConfig, log_spaced_steps

CPU = {"device": "cpu"}


def test_cosine_schedule_rises_then_falls_to_nothing():
    config = TrainConfig(100, lr=2.0, schedule="cosine", warmup_steps=10, **CPU)
    rates = [config.lr_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[10] == 2.0
    assert np.all(np.diff(rates[:10]) > 0)
    assert np.all(np.diff(rates[10:]) < 0)
    assert rates[55] == pytest.approx(1.0)


def test_log_spaced_steps_start_at_zero_and_end_at_the_last():
    steps = log_spaced_steps(1000, 12)
    assert steps[:2] == (0, 1)
    assert steps[-1] == 1000
    assert len(steps) <= 13
    assert log_spaced_steps(5, [5, 0, 2]) == (0, 2, 5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_steps": 0}, "n_steps must be >= 1"),
        ({"optimiser": "lbfgs"}, "optimiser must be one of"),
        ({"lr": 0.0}, "lr must be > 0"),
        ({"weight_decay": -1.0}, "weight_decay must be >= 0"),
        ({"momentum": 1.0}, "momentum must be < 1"),
        ({"betas": (0.9, 1.5)}, "betas must be in"),
        ({"betas": 0.9}, r"betas must have 1 dimension"),
        ({"betas": (0.9, 0.99, 0.999)}, "betas must be a pair"),
        ({"records": None}, "records must be an integer or a collection of steps, got None"),
        ({"records": 2.5}, "records must be an integer or a collection of steps, got 2.5"),
        ({"loss": "hinge"}, "loss must be one of"),
        ({"batch_size": 0}, "batch_size must be >= 1"),
        ({"records": ()}, "records must be steps"),
        ({"records": (3, 11)}, "records must be steps in 0..10"),
        ({"dtype": "float16"}, "dtype must be one of"),
        ({"device": "tpu"}, "device must be one of"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**{"n_steps": 10, **settings})
