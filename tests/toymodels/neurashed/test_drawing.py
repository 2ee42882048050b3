import io
import pickle

import numpy as np
import pytest
from PIL import Image

from tests.toymodels.neurashed.test_building import animals
from toymodels.neurashed import Additive, Multiplicative, animate, draw, graphs
from toymodels.neurashed.drawing import AREA, SMALLEST


def trained(model, **options):
    x = model.inputs(["eyes", "fur"], ["wheels"])
    return x, model.train(x, [0, 1], Additive(1.0), n_steps=20, rng=np.random.default_rng(0), initial=1.0, **options)


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_picture_has_names_scores_and_probabilities():
    model = animals()
    x, run = trained(model)
    assert set(texts(draw(model))) == set(model.names)
    state = run["amplification"][-1], run["edge_weights"][-1]
    shown = texts(draw(model, state, x[0]))
    firing = model.fire(x[:1])
    probability = model.predict(*state, firing)[0]
    score = model.scores(state[0], firing)[0]
    assert f"cat\n{probability[0]:.1%}" in shown
    assert f"animal\n{score[model.nodes.index(model.named('animal'))]:.3g}" in shown
    assert "toy\n1" not in shown
    assert f"car\n{probability[1]:.1%}" in shown


def test_a_notebook_shows_the_picture_and_it_survives_pickling():
    figure = draw(animals())
    again = pickle.loads(pickle.dumps(figure))
    for shown in (figure._repr_png_(), again._repr_png_()):
        assert Image.open(io.BytesIO(shown)).format == "PNG"


def test_node_areas_are_amplifications():
    model = animals()
    values = np.arange(1.0, len(model.nodes) + 1)
    figure = draw(model, (values, np.ones(len(model.edges))), model.pathway(model.inputs(["fur"])[0]))
    areas = figure.axes[0].collections[1].get_sizes()
    expected = [AREA * v / level.max() for level in np.split(values, model.offsets[1:-1]) for v in level]
    assert areas[: len(values)] == pytest.approx(np.maximum(expected, SMALLEST))


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_film_has_a_frame_for_every_record_asked_for(tmp_path, scale):
    task = graphs.worked_example()
    run = task.model.train(
        task.inputs,
        task.labels,
        Multiplicative(1.1, 0.9),
        n_steps=9,
        rng=np.random.default_rng(0),
        initial=1.0,
        scale=scale,
    )
    path = animate(task.model, run, tmp_path / "film.gif", every=4)
    with Image.open(path) as film:
        assert film.n_frames == 4  # steps 0, 4, 8 and the last


def test_bad_input_is_named(tmp_path):
    model = animals()
    _, run = trained(model)
    with pytest.raises(ValueError, match=r"path must end in \.gif, got"):
        animate(model, run, tmp_path / "film.mp4")
    with pytest.raises(ValueError, match="run must have amplification of 10 entries"):
        animate(graphs.build(10, [], [[0]]), run, tmp_path / "film.gif")
    with pytest.raises(ValueError, match="firing must hold nodes of the model"):
        draw(model, firing={(9, 9)})
    with pytest.raises(ValueError, match="amplification must have"):
        draw(model, (np.ones(2), np.ones(len(model.edges))))
    assert list(tmp_path.iterdir()) == []
