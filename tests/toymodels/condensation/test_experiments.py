from types import SimpleNamespace

import numpy as np

from toymodels.condensation import experiments


def test_the_gradient_after_an_embedding_is_its_largest_entry_of_any_layer(monkeypatch):
    wide = SimpleNamespace(gradient=lambda x, y: (np.array([0.1]), np.array([0.3, -0.7]), np.zeros(2)))
    narrow = SimpleNamespace(hessian=lambda x, y: np.eye(2))
    monkeypatch.setattr(experiments, "critical_points", lambda width, *_: [narrow] if width == 2 else [])
    monkeypatch.setattr(experiments, "embeddings", lambda _: [(wide, ())])
    monkeypatch.setattr(experiments, "_zeros_are_told", lambda _: False)
    assert experiments.embedding_principle(np.random.default_rng(0)) == {"gradient": 0.7, "gain": [], "law": []}
