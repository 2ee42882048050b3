import pytest

from dnn.__main__ import GAMMAS, main


def test_the_criterion_prints_every_rate_and_its_three_parts(capsys):
    assert main(["--steps", "3", "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    assert all(f"gamma {gamma} seed 1: unseen_keys" in printed for gamma in GAMMAS)
    last = printed.splitlines()[-1]
    assert "cosine rises with gamma" in last
    assert "unseen keys above .98: fail" in last  # three steps teach nothing


def test_wrong_arguments_exit_with_2():
    with pytest.raises(SystemExit) as caught:
        main(["--steps", "many"])
    assert caught.value.code == 2
