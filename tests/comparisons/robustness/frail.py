"""A toy study whose verdict does not hold at every size, and calls of the command on it."""

import signal
from dataclasses import dataclass, replace

from comparisons import Model
from comparisons.harness.settings import Settings
from comparisons.robustness import command
from comparisons.robustness.variations import cases
from tests.comparisons.harness import toy
from toymodels.trajectory import SimulationError


@dataclass(frozen=True)
class Frail(Settings):
    """Its verdict needs at least 3 units, 20 refuse the settings, and 2 parts end the run."""

    lag: float = 2.0
    units: int = 5
    parts: float = 4.0
    limit: int = 10
    zero: float = 0.0

    def __post_init__(self):
        if self.limit > 15:
            raise ValueError(f"limit must be at most 15, got {self.limit}")


def frail(s, rng):
    if s.parts < 3:
        raise SimulationError("loss is not finite at step 3")
    return toy.late(toy.Late(lag=s.lag if s.units >= 3 else 0.4 * bool(s.lag)), rng)


def interrupting(s, rng):
    if s.units > 5:
        signal.raise_signal(signal.SIGINT)
    return frail(s, rng)


STUDY = toy.STUDY.adding(
    frail=Model(frail, Frail(), off={"lag": 0.0}), rare=replace(toy.STUDY.models["late"], on_request=True)
)


STUDY = toy.STUDY.adding(
    frail=Model(frail, Frail(), off={"lag": 0.0}), rare=replace(toy.STUDY.models["late"], on_request=True)
)


def asked(study=STUDY, models=("frail",), seeds=3):
    return [case for model in models for case in cases(study, model, seeds)]


def run(tmp_path, *arguments, study=STUDY):
    argv = ["--out", str(tmp_path), "--seeds", "3", "--replicates", "2", *arguments]
    return command.main(argv, lambda names: [study], known=["toy"], default=["toy"])
