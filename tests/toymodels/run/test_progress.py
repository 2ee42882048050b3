"""A long computation says how far it is; lines about it come ten seconds apart at most, for the innermost listener."""

import pytest

from toymodels.run import progress


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_comes_ten_seconds_after_the_last_one(clock):
    heard = []
    with progress.lines("run 3", heard.append):
        for seconds in (4, 9.5, 10, 12, 19.5, 20, 31, 40.5, 41):
            clock[0] = 1000 + seconds
            progress.step(round(100 * seconds), 12000)
    assert heard == [f"run 3: step {step} of 12,000" for step in ("1,000", "2,000", "3,100", "4,100")]


def test_the_innermost_run_is_heard_and_then_the_outer_one_again(clock):
    outer, inner = [], []
    with progress.lines("outer", outer.append):
        with progress.lines("inner", inner.append):
            clock[0] += 15
            progress.step(1, 4)
        progress.step(2, 4)
    clock[0] += 15
    progress.step(3, 4)
    assert (outer, inner) == (["outer: step 2 of 4"], ["inner: step 1 of 4"])


def test_a_run_that_fails_is_no_longer_listened_to(clock):
    heard = []

    def fail():
        with progress.lines("failing", heard.append):
            clock[0] += 11
            progress.step(1, 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    clock[0] += 11
    progress.step(2, 2)
    assert heard == ["failing: step 1 of 2"]
