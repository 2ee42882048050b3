import numpy as np
import pytest

from toymodels.snapshot import Snapshot, update_direction


def test_what_is_missing_has_a_reason_and_what_is_there_has_none():
    now = Snapshot(np.zeros((3, 2)), features=np.ones((3, 4)), silent={"kernel": "none of its own"})
    assert now.has("features")
    assert now.reason("features") == ""
    assert now.reason("kernel") == "none of its own"
    assert now.reason("linear_outputs") == "the model gives no linear outputs"
    assert not now.has("hidden")
    assert not now.has("parameters")


def test_arrays_keep_their_precision_and_cannot_be_written_to():
    given = np.ones((2, 3), dtype=np.float32)
    now = Snapshot([[1], [2]], features=given, firing=given > 0)
    assert now.features is not None
    assert now.firing is not None
    assert (now.outputs.dtype, now.features.dtype, now.firing.dtype) == (np.float64, np.float32, np.bool_)
    with pytest.raises(ValueError, match="read-only"):
        now.features[0] = 0
    given[0] = 0
    assert now.features[0, 0] == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"outputs": [1.0, 2.0]}, "outputs must have 2 dimension"),
        ({"features": [[1.0]]}, r"features must have shape \(2, any\), got \(1, 1\)"),
        ({"kernel": np.eye(3)}, r"kernel must have shape \(2, 2\), got \(3, 3\)"),
        ({"features": [[np.nan], [0.0]]}, "features must be finite"),
        ({"changes": np.zeros((1, 2, 2))}, r"changes must have shape \(any, 2, 1\), got \(1, 2, 2\)"),
        ({"hidden": [np.zeros((2, 3))]}, "readouts must hold one for each of the 1 hidden, got 0"),
        ({"hidden": [np.zeros((2, 3))], "readouts": [np.zeros((1, 2))]}, r"readouts must have shape \(1, 3\)"),
        ({"parameters": [[np.inf]]}, "parameters must be finite"),
        ({"silent": {"colour": "none"}}, "silent must give reasons for missing fields, got one for 'colour'"),
        ({"silent": {"outputs": "none"}}, "silent must give reasons for missing fields, got one for 'outputs'"),
        ({"features": np.ones((2, 1)), "silent": {"features": "?"}}, "got one for 'features'"),
    ],
)
def test_refusals(fields, message):
    with pytest.raises(ValueError, match=message):
        Snapshot(**{"outputs": np.zeros((2, 1)), **fields})


def test_an_update_follows_the_gradient_of_the_cross_entropy():
    outputs, labels = np.random.default_rng(0).standard_normal((6, 4)), np.arange(6) % 4
    probability = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    gradient = probability - np.eye(4)[labels]
    size = 1 - probability[np.arange(6), labels]
    np.testing.assert_allclose(update_direction(outputs, labels), gradient / size[:, None], rtol=1e-12)


def test_an_update_of_a_certain_sample_and_of_a_single_output_is_defined():
    np.testing.assert_array_equal(update_direction([[1e4, 0.0, 0.0]], [0]), [[-1, 0.5, 0.5]])
    np.testing.assert_array_equal(update_direction([[3.0], [-2.0]], [0, 1]), [[1], [1]])
    with pytest.raises(ValueError, match=r"labels must be in 0..1, got 2"):
        update_direction([[1.0, 0.0]], [2])
