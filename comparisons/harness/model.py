"""A family's answer to a question: what is run, with which settings, and what its negative control changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from comparisons.harness.settings import Settings, changed, difference
from toymodels.trajectory import Trajectory
from toymodels.validation import positive_int

OFF = " (off)"  # suffix of the row that shows a model with its knob turned off
Adapter = Callable[[Any, np.random.Generator], Trajectory]


@dataclass(frozen=True)
class Silent:
    """A family that cannot answer the question.

    Parameters
    ----------
    why : str
        The reason, for the table.

    Examples
    --------
    >>> from comparisons.emergence import STUDY
    >>> study = STUDY.adding(mine=Silent("it learns a single skill"))
    >>> study.models["mine"].why
    'it learns a single skill'
    """

    why: str


@dataclass(frozen=True)
class Model:
    """What answers a question for one family.

    Parameters
    ----------
    run : callable (settings, rng) -> Trajectory
        The model, with the quantities that the study judges.
    settings : frozen dataclass
        Its own settings; what a preset, `--set` or a sweep changes. Inherit
        :class:`~comparisons.harness.settings.Settings` if it loads data or computes on a device.
    off : mapping of str to value, optional
        The settings that the negative control changes; without any, the model has none. The same seed runs both.
    control : bool
        Whether the model itself is a negative control, which must come out `absent` in every replicate.
    on_request : bool
        Whether it runs only when it is named, since it takes long or says the same again.
    stream : str, optional
        Name from which its random numbers are drawn, if not its own: a model keeps its numbers when it is renamed.
    members : int
        Runs a replicate, for a question that is put to an ensemble; each draws from numbers of its own.

    Raises
    ------
    ValueError
        If `run` cannot be called, `settings` are no dataclass, `off` changes a setting that there is not, or `members`
        is not positive.

    Examples
    --------
    A test score that waits for as many decades as it is told:

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Wait:
    ...     decades: float = 2.0
    >>> def waiting(settings, rng):
    ...     t = np.geomspace(1, 1e5, 200)
    ...     scores = {"train": 1 / (1 + (10 / t) ** 4), "test": 1 / (1 + (10 * 10**settings.decades / t) ** 4)}
    ...     return Trajectory(t, scores, clock="step")
    >>> model = Model(waiting, Wait(), off={"decades": 0.0})
    >>> model.knob, model.settings_off.decades
    ('decades 2 -> 0', 0.0)

    Put into a study it is asked like every other, here for its score alone:

    >>> from comparisons.grokking import STUDY
    >>> score = STUDY.adding(waiting=model).score("waiting")
    >>> [round(score(rng=np.random.default_rng(0), decades=decades)["score"], 2) for decades in (2.0, 1.0, 0.0)]
    [2.0, 1.0, 0.0]
    """

    run: Adapter
    settings: Any = field(default_factory=Settings)
    off: Mapping[str, Any] | None = None
    control: bool = False
    on_request: bool = False
    stream: str = ""
    members: int = 1

    def __post_init__(self):
        if not callable(self.run):
            raise ValueError(f"run must be a callable (settings, rng) -> Trajectory, got {self.run!r}")
        positive_int("members", self.members)
        changed(self.settings, {} if self.off is None else self.off)

    @property
    def knob(self) -> str:
        """What the control turns, derived from its settings: "scale 3 -> 0.03"."""
        return difference(self.settings, self.off or {})

    @property
    def settings_off(self) -> Any:
        """The settings of the control."""
        return changed(self.settings, self.off or {})


def as_model(model: Any) -> Model | Silent:
    """A model; a plain callable becomes one without settings of its own."""
    if isinstance(model, Model | Silent):
        return model
    if callable(model):
        return Model(cast(Adapter, model))
    raise ValueError(f"a model must be a Model, a Silent or a callable (settings, rng) -> Trajectory, got {model!r}")
