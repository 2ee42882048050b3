import pytest

from comparisons import matrix
from comparisons.harness import report
from comparisons.robustness import survey, variations


@pytest.fixture(autouse=True)
def theories(monkeypatch):
    """No model of the toy study counts as a network in torch, though their code reaches the harness and so torch."""
    for module in (variations, survey):
        monkeypatch.setattr(module, "uses_torch", lambda study, name: False)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of its own to write to."""
    monkeypatch.setattr(matrix, "ROBUSTNESS", tmp_path / "robustness.json")
    monkeypatch.setattr(matrix, "GALLERY", tmp_path / "gallery")
    monkeypatch.setattr(report, "COMMITTED", tmp_path / "verdicts.json")
    return tmp_path
