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


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_an_update_changes_no_sum_of_outputs_and_a_common_shift_no_update(n_classes):
    rng = np.random.default_rng(n_classes)
    outputs, labels = 3 * rng.standard_normal((7, n_classes)), np.arange(7) % n_classes
    direction = update_direction(outputs, labels)
    np.testing.assert_allclose(direction.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_array_equal(direction[np.arange(7), labels], -1)
    shifted = update_direction(outputs + 50 * rng.standard_normal((7, 1)), labels)
    np.testing.assert_allclose(shifted, direction, rtol=1e-10)


def test_labels_reach_up_to_the_number_of_outputs():
    np.testing.assert_array_equal(update_direction([[1.0, 0.0]], [1]), [[1, -1]])
    with pytest.raises(ValueError, match=r"labels must be in 0\.\.2, got 3"):
        update_direction(np.zeros((1, 3)), [3])


def test_every_field_has_a_shape_that_fits():
    rng = np.random.default_rng(0)
    fields = {
        "outputs": rng.random((4, 2)),
        "features": rng.random((4, 3)),
        "kernel": rng.random((4, 4)),
        "hidden": [rng.random((4, 5)), rng.random((4, 3))],
        "readouts": [rng.random((2, 5)), rng.random((2, 3))],
        "firing": rng.random((4, 3)) > 0.5,
        "linear_outputs": rng.random((4, 2)),
        "neurons": rng.random((5, 7)),
        "changes": rng.random((3, 4, 2)),
        "parameters": [rng.random(6), rng.random((2, 3, 4)), np.array(1.5)],
        "inputs": rng.random((4, 6)),
    }
    now = Snapshot(**fields, predict=lambda inputs, parameters: inputs)
    for name, values in fields.items():
        assert now.has(name)
        assert now.reason(name) == ""
        pairs = zip(getattr(now, name), values, strict=True)
        assert all(np.array_equal(kept, given) for kept, given in pairs)
    assert now.has("predict")
    for name, axis in (("features", 0), ("kernel", 1), ("firing", 0), ("linear_outputs", 1), ("inputs", 0)):
        with pytest.raises(ValueError, match=f"{name} must have shape"):
            Snapshot(**(fields | {name: np.delete(fields[name], 0, axis=axis)}))
    for axis in (1, 2):
        with pytest.raises(ValueError, match=r"changes must have shape \(any, 4, 2\)"):
            Snapshot(**(fields | {"changes": np.delete(fields["changes"], 0, axis=axis)}))
    with pytest.raises(ValueError, match=r"hidden must have shape \(4, any\), got \(3, 5\)"):
        Snapshot(**(fields | {"hidden": [rng.random((3, 5)), rng.random((4, 3))]}))
    with pytest.raises(ValueError, match="readouts must hold one for each of the 2 hidden, got 1"):
        Snapshot(**(fields | {"readouts": fields["readouts"][:1]}))


def test_integers_become_floats_and_reasons_are_kept_apart_from_what_was_given():
    reasons = {"kernel": "none"}
    now = Snapshot(np.array([[1, 2]]), silent=reasons)
    reasons["features"] = "later"
    assert now.outputs.dtype == np.float64
    assert now.silent == {"kernel": "none"}
    assert now.reason("features") == "the model gives no features"
    with pytest.raises(ValueError, match="got one for 'silent'"):
        Snapshot(np.zeros((1, 1)), silent={"silent": "?"})


def test_masked_arrays_are_refused():
    masked = np.ma.array(np.ones((2, 1)), mask=[[True], [False]])
    with pytest.raises(ValueError, match="outputs must not be masked, got 1 masked entries"):
        Snapshot(masked)
    with pytest.raises(ValueError, match="parameters must not be masked"):
        Snapshot(np.ones((2, 1)), parameters=[masked])
