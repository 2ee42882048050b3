"""Data of plots: they pass where they run along the exact curve, and where they leave it is said."""

import numpy as np
import pytest

from docs.check import Curve

DECAY = Curve("exp(-x) over x", lambda x: np.exp(-x), covers=(0.1, 3.0), points=10, x="x", y="y")
X = np.linspace(0.1, 3.0, 30)


def test_right_data_pass_in_any_order_and_from_a_file(tmp_path):
    assert DECAY.judge((X[::-1], np.exp(-X[::-1]))).right
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in zip(X.tolist(), np.exp(-X).tolist(), strict=True)))
    assert DECAY.judge(path).right
    assert DECAY.judge(str(path)).right


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (2 * np.exp(-X), "off by a factor 2 (yours over the answer)"),
        (-np.exp(-X), "wrong sign"),
        (np.exp(-X) + 1, "off by a constant: yours is 1 too large"),
        (np.exp(-2 * X), "right if x were 2 times as large: the clock runs at another rate"),
        (np.where(X < 1.55, np.exp(-X), 1.0), "right up to x = 1.5, then above the exact curve"),
        (np.where(X > 1.55, np.exp(-X), 0.0), "right from x = 1.6 on, below the exact curve before"),
        (X * np.exp(-X), "off by a factor x, so that its units are wrong"),
    ],
)
def test_where_data_leave_the_curve_is_said(y, message):
    verdict = DECAY.judge((X, y))
    assert (verdict.outcome, verdict.message) == ("wrong", message)


def test_too_few_points_and_too_short_a_range_are_wrong():
    assert "at least 10 points" in DECAY.judge((X[:5], np.exp(-X[:5]))).message
    assert "must run from 0.1 to 3" in DECAY.judge((X[:20], np.exp(-X[:20]))).message


def test_exchanged_columns_are_suspected():
    line = Curve("x + 5", lambda x: x + 5, covers=(10.0, 20.0), points=5)
    x = np.linspace(5, 25, 20)
    assert line.judge((x - 30, x)).message.endswith("are the columns exchanged?")


@pytest.mark.parametrize(
    "answer",
    [
        "missing.csv",
        3,
        "text",
        ([1, 2], [1]),
        ([np.nan], [1.0]),
        (["a"], ["b"]),
        (np.zeros(200_000), np.zeros(200_000)),
    ],
    ids=str,
)
def test_what_is_no_data_is_refused(answer):
    assert DECAY.judge(answer).outcome == "refused"


@pytest.mark.parametrize("text", ["1,2,3\n", "x,y\n1,a\n", "x\n1\n"])
def test_broken_files_are_refused(text, tmp_path):
    (tmp_path / "data.csv").write_text(text)
    assert DECAY.judge(tmp_path / "data.csv").outcome == "refused"
