import pytest

from dnn.__main__ import CLAIMS, GAMMAS, main


def test_the_command_prints_every_rate_and_every_claim_of_every_seed(capsys):
    assert main(["--steps", "3", "--seeds", "1", "2"]) == 0  # three steps teach nothing, which is a result
    parts = capsys.readouterr().out.split("seed ")[1:]
    assert [part[0] for part in parts] == ["1", "2"]
    for printed in parts:
        assert all(f"gamma {gamma}: unseen_keys" in printed for gamma in GAMMAS)
        assert all(claim.key in printed for claim in CLAIMS)
        assert "contradicted  anchor_task.toy-unseen-keys" in printed


def test_the_claims_decide_by_their_bounds():
    learnt = {"cosine": [0.1, 0.1, 0.4], "unseen_keys": [0.99, 1.0, 1.0], "symmetric": [0.0, 0.0, 0.91]}
    assert {claim.judge(learnt).verdict for claim in CLAIMS} == {"reproduced"}
    for name, values in (("cosine", [0.1, 0.09, 0.4]), ("unseen_keys", [0.98, 1, 1]), ("symmetric", [1, 1, 0.9])):
        judged = [claim.judge({**learnt, name: values}).verdict for claim in CLAIMS]
        assert sorted(judged) == ["contradicted", "reproduced", "reproduced"]


@pytest.mark.parametrize("argv", [["--steps", "many"], ["--steps", "0"], ["--seeds", "-1"]])
def test_wrong_arguments_exit_with_2(argv):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
