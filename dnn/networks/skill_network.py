r"""A two-layer ReLU network on the multitask sparse parity task, whose skills emerge as the skill model predicts.

An input is a one-hot index of the skill asked for, followed by random bits; the label is the parity, as plus or minus
S, of the three bits that belong to that skill. Skills are asked for with probability :math:`P_k \propto
k^{-(\alpha+1)}`. The solvable :class:`toymodels.layerwise.SkillModel` says that the time at which skill k is half
learned is proportional to :math:`1/P_k`; here the same is measured on a network that has to find the bits, by
stochastic gradient descent on fresh samples or on a fixed training set.

Nam et al. (2024), arXiv:2404.17563; also Figure 4 of arXiv:2502.21009. ``SkillNetwork()`` is a small version that
learns three skills within a minute on one core, ``SkillNetwork.published()`` has the published sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toymodels.layerwise import SkillModel
from toymodels.trajectory import Trajectory
from toymodels.validation import choice, finite, positive, positive_int
from toymodels.validation import fraction as validated_fraction

BITS_PER_SKILL = 3


@dataclass(frozen=True)
class SkillNetwork:
    """Network and task.

    Parameters
    ----------
    alpha : float
        Exponent > 0 of the skill frequencies.
    n_skills : int
        Skills, with three bits each.
    n_bits : int
        Random bits, at least 3 per skill; the others are distractors.
    target : float
        Size S of the labels.
    width : int
        Hidden units.
    init_scale : float
        Standard deviation of all initial weights and biases.
    lr : float
        Step size on the mean squared error, which has no 1/2.
    batch_size : int
        Samples per step.
    n_test : int
        Test samples per skill, drawn once.
    momentum : float
        In [0, 1), of the gradient descent.
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU if there is one. Starts, samples and test sets are drawn on the CPU, the same for all.
    """

    alpha: float = 0.6
    n_skills: int = 3
    n_bits: int = 9
    target: float = 5.0
    width: int = 400
    init_scale: float = 0.01
    lr: float = 0.02
    batch_size: int = 500
    n_test: int = 2000
    momentum: float = 0.0
    device: str = "auto"

    def __post_init__(self):
        for name in ("n_skills", "n_bits", "width", "batch_size", "n_test"):
            positive_int(name, getattr(self, name))
        for name in ("alpha", "target", "init_scale", "lr"):
            positive(name, finite(name, getattr(self, name), ndim=0))
        if not 0 <= finite("momentum", self.momentum, ndim=0) < 1:
            raise ValueError(f"momentum must be in [0, 1), got {self.momentum:g}")
        choice("device", self.device, ("auto", "cpu", "cuda"))
        if self.n_bits < BITS_PER_SKILL * self.n_skills:
            raise ValueError(f"n_bits must be >= {BITS_PER_SKILL * self.n_skills}, 3 per skill, got {self.n_bits}")

    @staticmethod
    def published() -> SkillNetwork:
        """The sizes of arXiv:2404.17563: 5 skills, 32 bits, 1000 units, batches of 4000; 30 000 steps there."""
        return SkillNetwork(n_skills=5, n_bits=32, width=1000, batch_size=4000, n_test=20_000)

    @property
    def skill_model(self) -> SkillModel:
        """The solvable model of the same task."""
        return SkillModel(self.alpha, self.n_skills, target=self.target)

    def sample(self, skill, generator):
        """Inputs (n, n_skills + n_bits) and labels (n,) for the asked skills (n,), torch tensors."""
        import torch

        rows = torch.arange(len(skill))
        bits = torch.randint(0, 2, (len(skill), self.n_bits), generator=generator)
        sums = bits[:, : BITS_PER_SKILL * self.n_skills].reshape(len(skill), self.n_skills, -1).sum(dim=2)
        labels = self.target * (1.0 - 2.0 * (sums[rows, skill] % 2))
        return torch.cat([torch.nn.functional.one_hot(skill, self.n_skills), bits], dim=1).float(), labels

    def simulate(
        self, n_steps: int, rng: np.random.Generator, every: int = 50, n_samples: int | None = None
    ) -> Trajectory:
        """Train from a random start.

        Parameters
        ----------
        n_steps : int
            Steps of gradient descent.
        rng : numpy.random.Generator
            Seeds the start, the samples and the test set.
        every : int
            Steps between records.
        n_samples : int, optional
            Size of a training set drawn once, from which every batch is taken with replacement; None draws fresh
            samples at every step.

        Returns
        -------
        Trajectory
            `skill` (n_t, n_skills), the strength of each skill: the mean of the output times the parity over its test
            samples, 0 at first and S once learned. Clock "step".

        Raises
        ------
        ValueError
            If `device` is a GPU that is not there.
        SimulationError
            If training diverges.
        """
        from dnn.tasks.skills import train

        n_steps, every = positive_int("n_steps", n_steps), positive_int("every", every)
        sizes = None if n_samples is None else _counts("n_samples", [n_samples])
        steps, strengths = train(self, n_steps, rng, every, [self.width], sizes)
        return Trajectory(steps, {"skill": strengths[:, 0]}, clock="step", meta={"lr": self.lr})

    def final_strengths(
        self,
        n_steps: int,
        rng: np.random.Generator,
        *,
        n_samples: Sequence[int] | None = None,
        widths: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Strengths of the skills over S after training several networks side by side, (n, n_skills).

        Parameters
        ----------
        n_steps : int
            Steps of gradient descent.
        rng : numpy.random.Generator
            Seeds the starts, the samples and the test set.
        n_samples : (n,) sequence of int, optional
            Network i trains on the first n_samples[i] samples of one set; None draws fresh samples for all at once.
        widths : (n,) sequence of int, optional
            Hidden units of every network; None is `width`.

        Raises
        ------
        ValueError
            If sizes and widths differ in number, or `device` is a GPU that is not there.
        SimulationError
            If training diverges.
        """
        from dnn.tasks.skills import train

        n_steps = positive_int("n_steps", n_steps)
        sizes = None if n_samples is None else _counts("n_samples", n_samples)
        hidden = [self.width] * len(sizes or [0]) if widths is None else _counts("widths", widths)
        if sizes is not None and len(sizes) != len(hidden):
            raise ValueError(f"widths must be as many as n_samples = {len(sizes)}, got {len(hidden)}")
        return train(self, n_steps, rng, n_steps, hidden, sizes)[1][-1] / self.target

    def crossing_times(self, run: Trajectory, fraction: float = 0.5) -> np.ndarray:
        """Step at which each skill passes `fraction` of S, (n_skills,), interpolated; `inf` if it never does.

        A skill that is past it at the first record has that record's step.
        """
        skill, level = run["skill"], self.target * validated_fraction("fraction", fraction)
        times = np.full(self.n_skills, np.inf)
        for k in range(self.n_skills):
            above = np.flatnonzero(skill[:, k] >= level)
            if above.size and above[0] == 0:
                times[k] = run.t[0]
            elif above.size:
                i = above[0]
                part = (level - skill[i - 1, k]) / (skill[i, k] - skill[i - 1, k])
                times[k] = run.t[i - 1] + part * (run.t[i] - run.t[i - 1])
        return times

    def calibrated(self, run: Trajectory) -> SkillModel:
        """The skill model whose first skill passes a quarter and three quarters of S when it does in `run`.

        The network has to find the bits before it can use them, which the skill model's start and rate stand for;
        both are set by the first skill, and the others are then predicted.

        Raises
        ------
        ValueError
            If `run` is too short for its first skill, or starts when it is a quarter learned.
        """
        if run["skill"][0, 0] >= 0.25 * self.target:
            raise ValueError(f"run must start below a quarter of its first skill, got {run['skill'][0, 0]:g}")
        early, late = (self.crossing_times(run, fraction)[0] for fraction in (0.25, 0.75))
        if not late < np.inf:
            raise ValueError(
                f"run must reach three quarters of its first skill, got {run['skill'][-1, 0]:g} at the end"
            )
        rate = 2 * np.log(3) / (late - early)  # of the sigmoid's logit
        odds = np.exp(rate * (early + late) / 2)
        first = SkillModel(self.alpha, self.n_skills).frequencies[0]
        return SkillModel(
            self.alpha, self.n_skills, self.target, self.target / (1 + odds), rate / (2 * first * self.target)
        )


def _counts(name: str, values: Sequence[int]) -> list[int]:
    if len(values) == 0:
        raise ValueError(f"{name} must not be empty")
    return [positive_int(name, value) for value in values]
