"""The page of benchmarks says when a goal is missed, a peer is faster or absent, and a limit cannot be one."""

import pytest

from benchmarks.results import MARKERS, QUOTED, Growth, Results, Row, between_markers, quoted, spread
from benchmarks.timing import exponent, together


@pytest.mark.parametrize(
    ("theirs", "goal", "missed"),
    [([4.0], 2, False), ([1.0, 3.0, 2.0], 3, True), ([4.0], None, None), (None, 2, None)],
)
def test_a_goal_is_missed_where_the_ratio_of_medians_is_less(theirs, goal, missed):
    assert Row("it", (1.0, 1.0, 9.0), "peer", theirs, goal=goal).missed is missed


def test_most_seconds_are_a_goal_too():
    assert [Row("it", (seconds,), at_most=2).missed for seconds in (1.0, 3.0)] == [False, True]


def test_a_faster_and_an_absent_peer_are_named():
    assert "| **0.50** |" in Row("it", (2.0,), "peer", (1.0,)).line()
    assert "| peer | not installed |" in Row("it", (2.0,), "peer").line()


def test_seconds_are_printed_with_their_spread():
    assert spread([0.0012, 0.0011, 0.0014]) == "1.2 ms (1.1 to 1.4)"
    assert spread([3.0]) == "3 s (once)"


def test_an_exponent_is_the_slope_and_its_limit_that_of_what_must_be_done():
    sizes = (1, 2, 4, 8)
    assert exponent(sizes, [5.0 * n**1.5 for n in sizes]) == pytest.approx(1.5)
    line = Growth("it", "n", sizes, [3.0 * n**2 for n in sizes], [float(n) for n in sizes], "all of it").line()
    assert "| 2.00 | 1.00 | 192 s | 8 s | 24.0 | all of it |" in line


def test_a_measurement_below_its_limit_convicts_the_limit():
    assert not Growth("it", "n", (1, 2), (1.0, 2.0), (1.0, 2.0), "all of it").impossible
    growth = Growth("it", "n", (1, 2), (0.8, 2.0), (1.0, 1.5), "all of it")
    assert "the limit is wrong" in growth.line()


def test_functions_take_turns():
    calls = []
    seconds = together(lambda: calls.append("a"), lambda: calls.append("b"), repeats=2, clock=lambda: len(calls))
    assert [len(each) for each in seconds] == [2, 2]
    assert calls == list("ab" * 3)


def test_the_page_counts_goals_missed_and_peers_that_are_faster(capsys):
    results = Results()
    results("slow", 2.0, "peer", 1.0, goal=2)
    results("quick", 1.0, "peer", 4.0, goal=2)
    results.left_out.append("test_slow")
    page = results.page()
    assert "Goals: 2, missed: 1; rows in which the peer is faster: 1." in page
    assert "Not run this time: test_slow." in page
    assert "Failed" not in page
    assert "slow" in capsys.readouterr().out


def test_the_readme_quotes_rows_between_its_markers():
    (name, peer), text = QUOTED[0], "before\n" + "\nold\n".join(MARKERS) + "\nafter"
    content = quoted([Row(name, (2.0,), peer, (1.0,), goal=2), Row("another", (2.0,))])
    assert content.splitlines()[2:] == [f"| {name} | 2 s (once) | {peer} | 1 s (once) | **0.50** |"]
    again = between_markers(between_markers(text, "first"), content)
    assert again == f"before\n{MARKERS[0]}\n{content}\n{MARKERS[1]}\nafter"
