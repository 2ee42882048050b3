"""The committed tables are what the code gives: every row of every study without a PyTorch network, at its full size.

The rows of trained networks take minutes; they are compared by `python -m comparisons --check`.
"""

import pytest

from comparisons.harness import report
from comparisons.studies import PHENOMENA, studies

CHAOTIC = ("edge_of_stability",)  # where sums in another order move scores by some per cent
WITHIN = 0.01  # of the score, elsewhere; committed scores have three digits
NETWORKS = ("dnn", "frozen")
SLOW = {"information_bottleneck": ("neurashed fixed noise", "condensation")}  # as slow as networks


@pytest.mark.parametrize("name", PHENOMENA)
def test_a_table_without_networks_has_the_committed_scores(name, tmp_path, monkeypatch):
    if name not in CHAOTIC:
        monkeypatch.setattr(report, "RELATIVE", WITHIN)
        monkeypatch.setattr(report, "ABSOLUTE", WITHIN / 10)
    (study,) = studies([name])
    models = [row for row in study.chosen(None) if not row.startswith(NETWORKS) and row not in SLOW.get(name, ())]
    verdicts = study.run(models, out=tmp_path, picture=False).verdicts
    assert len(verdicts) >= 5
    assert report.differences(name, verdicts, "quick") == report.unknown(name, verdicts, "quick") == []
