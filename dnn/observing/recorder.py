"""A recorder for any training loop: what :func:`dnn.observe` sees, along training, as one Trajectory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from dnn.observing.batches import samples_of
from dnn.observing.looking import observe
from dnn.observing.observation import known
from dnn.observing.quantities import QUANTITIES
from dnn.observing.resting import same_draws
from toymodels.trajectory import Trajectory
from toymodels.validation import described, positive_int

if TYPE_CHECKING:
    import pandas

COSTLY = (
    "kernel_distance",
    "kernel_alignment",
    "elasticity",
    "basin_sample",
    "basin_weight",
    "sharpness",
    "hessian_trace",
)
USUAL = tuple(name for name in QUANTITIES if name not in COSTLY)
PER_DECADE = 10  # records of "log"


class Recorder:
    """Records quantities of a module while any loop trains it; call it after every step.

    Parameters
    ----------
    data : Split, (x, y), DataLoader or iterable of batches
        What is looked at; of a Split the training part, and its test part for `test_accuracy` and `test_loss`.
    quantities : iterable of str, optional
        Of :func:`dnn.quantities`; all but kernels, elasticity, basins and curvature, which cost many passes, if None.
    every : "log" or int
        About ten records a decade of steps, or one every so many steps; the first step is always recorded.
    output : callable, optional
        From what the module returns to (n, K) logits.
    layers, samples, reference
        As in :func:`dnn.observe`.
    test : (x, y), DataLoader or iterable of batches, optional
        Held-out samples, for `test_accuracy` and `test_loss`.

    Raises
    ------
    ValueError
        For unknown quantities, or `every` that is neither "log" nor a positive integer.

    Examples
    --------
    >>> import torch
    >>> network = nn.Linear(3, 2)
    >>> recorder = Recorder((torch.eye(3), torch.tensor([0, 1, 1])), ["accuracy"], every=2)
    >>> for step in range(1, 6):
    ...     recorder(network, step)
    >>> recorder.trajectory().t.tolist()
    [1.0, 2.0, 4.0]
    """

    def __init__(
        self,
        data: Any,
        quantities: Iterable[str] | None = None,
        every: str | int = "log",
        output: Callable | None = None,
        *,
        layers: str = "*",
        samples: int = 300,
        reference: nn.Module | None = None,
        test: Any = None,
    ):
        self.quantities = tuple(known(USUAL if quantities is None else quantities))
        self.every = every if every == "log" else positive_int("every", every)
        self.samples = positive_int("samples", samples)
        if test is None and hasattr(data, "x_test"):
            test = (data.x_test, data.y_test)
        with same_draws():  # a DataLoader draws
            self.data = samples_of(data, self.samples)
            self.test = None if test is None else samples_of(test, self.samples)
        self.options = {"output": output, "layers": layers, "samples": self.samples}
        self.reference = reference
        self.steps: list[int] = []
        self.rows: list[dict[str, float]] = []
        self.refused: dict[str, str] = {}
        self.seen: dict[int, str] = {}  # digest of the samples that are looked at from this step on

    def is_due(self, step: int) -> bool:
        """Whether this step is one to record.

        Parameters
        ----------
        step : int
            Updates done so far, >= 0.

        Raises
        ------
        ValueError
            For a step that is no such integer.
        """
        step = positive_int("step", step, minimum=0)
        if self.steps and step <= self.steps[-1]:
            return False  # a step that was done again, after a resumption
        if not self.steps or self.every != "log":
            return not self.steps or step % int(self.every) == 0
        return step >= self.steps[-1] * 10 ** (1 / PER_DECADE) and step > self.steps[-1]

    def __call__(self, module: nn.Module, step: int) -> None:
        """Record if the step is due; nothing in the module or in the random states is changed.

        Parameters
        ----------
        module : Module
        step : int
            Updates done so far.
        """
        if not self.is_due(step):
            return
        seen = observe(module, self.data, self.quantities, reference=self.reference, **self.options)
        row = dict(seen)
        if self.test is not None:
            late = observe(module, self.test, ["accuracy", "loss"], **self.options)
            row |= {f"test_{name}": value for name, value in late.items()}
        samples = self._samples()
        if not self.seen or _differ(self.seen[max(self.seen)], samples):
            self.seen[step] = samples
        self.steps.append(step)
        self.rows.append(row)
        self.refused |= seen.refused

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps, so that a resumed run goes on recording."""
        rows = [dict(row) for row in self.rows]
        return {"steps": list(self.steps), "rows": rows, "refused": dict(self.refused), "seen": dict(self.seen)}

    def _samples(self) -> str:
        return " ".join("" if batch is None else batch.digest() for batch in (self.data, self.test))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint; of records that are made of other samples than before, the trajectory says so.

        Parameters
        ----------
        state : dict
            Of :meth:`state_dict`.

        Raises
        ------
        ValueError
            For anything else.
        """
        if not isinstance(state, Mapping) or not {"steps", "rows", "refused"} <= state.keys():
            raise ValueError(f"state must be that of a Recorder, with steps, rows and refused, got {described(state)}")
        if len(state["steps"]) != len(state["rows"]):
            lengths = f"{len(state['steps'])} and {len(state['rows'])}"
            raise ValueError(f"state must have as many rows as steps, got {lengths}")
        self.steps = list(state["steps"])
        self.rows = [dict(row) for row in state["rows"]]
        self.refused = dict(state["refused"])
        self.seen = {int(step): samples for step, samples in dict(state.get("seen", {})).items()}

    def trajectory(self) -> Trajectory:
        """All records as one Trajectory, clock "step"; quantities that some record lacks are left out.

        Its `meta` says which quantities were refused and why, and from which step on other samples were looked at, as
        after a resumption with a DataLoader that shuffles, or up to which step nobody knows the samples.

        Raises
        ------
        ValueError
            If nothing was recorded.
        """
        if not self.rows:
            raise ValueError("the recorder must have been called, got no records")
        names = [name for name in self.rows[0] if all(name in row for row in self.rows)]
        data = {name: np.array([row[name] for row in self.rows]) for name in names}
        meta = {f"refused {name}": why for name, why in self.refused.items()}
        first, *others = sorted(self.seen) or [self.steps[0]]
        if others:
            meta["other samples"] = f"from step {', '.join(map(str, others))} on, after a resumption"
        if first > self.steps[0]:
            meta["unknown samples"] = f"before step {first}, resumed from a state that does not say which"
        return Trajectory(np.array(self.steps, dtype=float), data, clock="step", meta=meta)

    def to_dataframe(self) -> pandas.DataFrame:
        """One line a record, one column a quantity, `step` first; NaN where a record lacks one."""
        import pandas

        return pandas.DataFrame(self.rows, index=pandas.Index(self.steps, name="step")).reset_index()

    def diagnosis(self) -> str:
        """What the records say in plain words, with the numbers it rests on; see :mod:`dnn.observing.diagnosis`."""
        from dnn.observing.diagnosis import diagnosed

        return diagnosed(self.trajectory())

    def report(self, path: str | Path) -> Path:
        """Write one self-contained HTML page with every series and the diagnosis; no network is needed to read it.

        Parameters
        ----------
        path : path
            Of the file; returned.
        """
        from dnn.observing.report import write_report

        return write_report(self.trajectory(), Path(path))

    def lightning(self):
        """A Lightning callback that records after every batch; needs the extra `integrations`."""
        from dnn.observing.integrations import lightning_callback

        return lightning_callback(self)

    def huggingface(self):
        """A Hugging Face Trainer callback that records after every step; needs the extra `integrations`."""
        from dnn.observing.integrations import huggingface_callback

        return huggingface_callback(self)


def _differ(before: str, now: str) -> bool:
    """Whether the samples, or the test samples where there were some before, are others."""
    return any(old and old != new for old, new in zip(before.split(" "), now.split(" "), strict=True))
