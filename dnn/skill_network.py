r"""A two-layer ReLU network on the multitask sparse parity task, whose skills emerge as the skill model predicts.

An input is a one-hot index of the skill asked for, followed by random bits; the label is the parity, as plus or minus
S, of the three bits that belong to that skill. Skills are asked for with probability :math:`P_k \propto
k^{-(\alpha+1)}`. The solvable :class:`toymodels.layerwise.SkillModel` says that the time at which skill k is half
learned is proportional to :math:`1/P_k`; here the same is measured on a network that has to find the bits, by plain
stochastic gradient descent on fresh samples.

Nam et al. (2024), arXiv:2404.17563; also Figure 4 of arXiv:2502.21009. ``SkillNetwork()`` is a small version that
learns three skills within a minute on one core, ``SkillNetwork.published()`` has the published sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toymodels.layerwise import SkillModel
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import finite, positive, positive_int
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
        Fresh samples per step.
    n_test : int
        Test samples per skill, drawn once.
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

    def __post_init__(self):
        for name in ("n_skills", "n_bits", "width", "batch_size", "n_test"):
            positive_int(name, getattr(self, name))
        for name in ("alpha", "target", "init_scale", "lr"):
            positive(name, finite(name, getattr(self, name), ndim=0))
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

    def simulate(self, n_steps: int, rng: np.random.Generator, every: int = 50) -> Trajectory:
        """Train from a random start on fresh samples.

        Parameters
        ----------
        n_steps : int
            Steps of gradient descent.
        rng : numpy.random.Generator
            Seeds the start, the samples and the test set.
        every : int
            Steps between records.

        Returns
        -------
        Trajectory
            `skill` (n_t, n_skills), the strength of each skill: the mean of the output times the parity over its test
            samples, 0 at first and S once learned. Clock "step".

        Raises
        ------
        SimulationError
            If training diverges.
        """
        import torch

        n_steps, every = positive_int("n_steps", n_steps), positive_int("every", every)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        network = self._network(generator)
        optimizer = torch.optim.SGD(network.parameters(), lr=self.lr)
        shares = torch.as_tensor(self.skill_model.frequencies)
        tests = [self.sample(torch.full((self.n_test,), k), generator) for k in range(self.n_skills)]
        steps, strengths = [], []
        for step in range(n_steps + 1):
            if step % every == 0:
                steps.append(step)
                strengths.append(self._strengths(network, tests, step))
            asked = torch.multinomial(shares, self.batch_size, replacement=True, generator=generator)
            inputs, labels = self.sample(asked, generator)
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(network(inputs)[:, 0], labels).backward()
            optimizer.step()
        return Trajectory(np.array(steps), {"skill": np.array(strengths)}, clock="step", meta={"lr": self.lr})

    def _network(self, generator):
        import torch

        network = torch.nn.Sequential(
            torch.nn.Linear(self.n_skills + self.n_bits, self.width), torch.nn.ReLU(), torch.nn.Linear(self.width, 1)
        )
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.normal_(std=self.init_scale, generator=generator)
        return network

    def _strengths(self, network, tests, step: int) -> list[float]:
        import torch

        with torch.no_grad():
            strengths = [float((network(x)[:, 0] * y).mean() / self.target) for x, y in tests]
        if not np.isfinite(strengths).all():
            raise SimulationError(f"skill is not finite at step {step}")
        return strengths

    def crossing_times(self, run: Trajectory, fraction: float = 0.5) -> np.ndarray:
        """Step at which each skill passes `fraction` of S, (n_skills,), interpolated; `inf` if it never does."""
        skill, level = run["skill"], self.target * validated_fraction("fraction", fraction)
        times = np.full(self.n_skills, np.inf)
        for k in range(self.n_skills):
            above = np.flatnonzero(skill[:, k] >= level)
            if above.size and above[0] > 0:
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
            If `run` is too short for its first skill.
        """
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
