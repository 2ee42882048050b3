r"""A two-layer network that learns products of two signs, each weaker than the one before, by the exact gradient.

Of the inputs :math:`x \in \{-1, 1\}^{2n}`, all of them with equal weight, the target is
:math:`y = \sum_{k<n} r^{-k} x_{2k+1} x_{2k+2}`. Products of different pairs are orthogonal, so that the progress in
skill k is :math:`r^k \langle f(x)\, x_{2k+1} x_{2k+2} \rangle`: 0 without the skill, 1 with it, whatever the others do.
The mean over all inputs is the population's: there is no sampling noise in the gradient.

With x tanh x, even and quadratic near 0, a small start lets the neurons of one skill grow exponentially before they
turn to the next (condensation at multiplicity 2, Zhou et al. 2022, arXiv:2105.11686); the network starts in
antisymmetric pairs, at f = 0, also where it starts large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toymodels.condensation.network import TwoLayerNetwork
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, plain_fields, positive, positive_int, require_room

LARGEST = 6  # skills; there are 4 times as many inputs for each more


@dataclass(frozen=True)
class ParitySkills:
    """Skills that are products of two signs, and a network of x tanh x that learns them.

    Parameters
    ----------
    n_skills : int
        Pairs of inputs, at most 6.
    ratio : float
        Strength of a skill over that of the next, > 0.
    width : int
        Neurons, an even number: they come in pairs (a, w), (-a, w).
    start : float
        Standard deviation > 0 of all weights at the start.
    activation : str
        Of :class:`toymodels.condensation.network.TwoLayerNetwork`.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> skills = ParitySkills(n_skills=2, ratio=4.0)
    >>> skills.inputs.shape, sorted(set(skills.targets.tolist()))
    ((16, 4), [-1.25, -0.75, 0.75, 1.25])
    >>> skills.progress(skills.targets).tolist()
    [1.0, 1.0]
    """

    n_skills: int = 3
    ratio: float = 3.0
    width: int = 100
    start: float = 0.01
    activation: str = "xtanh"

    def __post_init__(self):
        plain_fields(self)
        if positive_int("n_skills", self.n_skills) > LARGEST:
            raise ValueError(f"n_skills must be at most {LARGEST}, got {self.n_skills}")
        positive("ratio", self.ratio)
        positive("start", self.start)
        if positive_int("width", self.width, minimum=2) % 2:
            raise ValueError(f"width must be even, got {self.width}")

    @property
    def inputs(self) -> np.ndarray:
        """All vectors of signs, (4^n_skills, 2 n_skills)."""
        bits = np.arange(4**self.n_skills)[:, None] >> np.arange(2 * self.n_skills)
        return 1.0 - 2.0 * (bits & 1)

    @property
    def products(self) -> np.ndarray:
        """The skills at all inputs, (4^n_skills, n_skills): orthogonal, of mean square 1."""
        return self.inputs[:, ::2] * self.inputs[:, 1::2]

    @property
    def strengths(self) -> np.ndarray:
        """What each skill counts in the target, (n_skills,), 1 for the first."""
        return float(self.ratio) ** -np.arange(self.n_skills)

    @property
    def targets(self) -> np.ndarray:
        """y at all inputs, (4^n_skills,)."""
        return self.products @ self.strengths

    def progress(self, outputs: np.ndarray) -> np.ndarray:
        """Share of every skill in the `outputs` (..., 4^n_skills) at all inputs, (..., n_skills).

        Parameters
        ----------
        outputs : array

        Raises
        ------
        ValueError
            If there is not one output for every input, or one is not finite.
        """
        outputs = finite("outputs", outputs)
        require_room(outputs=outputs)
        if outputs.shape[-1:] != (len(self.inputs),):
            raise ValueError(f"outputs must end with {len(self.inputs)} of them, got shape {outputs.shape}")
        return outputs @ self.products / len(self.inputs) / self.strengths

    def network(self, rng: np.random.Generator) -> TwoLayerNetwork:
        """The network at its start: normal weights in antisymmetric pairs, so that its output is 0.

        Parameters
        ----------
        rng : numpy.random.Generator
        """
        half = TwoLayerNetwork.random(self.width // 2, 2 * self.n_skills, self.start, self.activation, rng)
        return TwoLayerNetwork(np.r_[half.a, -half.a], np.r_[half.w, half.w], self.activation)

    def train(self, n_steps: int, lr: float, rng: np.random.Generator, n_records: int = 300) -> Trajectory:
        """Gradient descent on half the mean squared error over all inputs.

        Parameters
        ----------
        n_steps : int
        lr : float
            Learning rate, > 0.
        rng : numpy.random.Generator
            Draws the start.
        n_records : int
            Records besides step 0, evenly spaced in the log of the step; steps that fall together are recorded once.

        Returns
        -------
        Trajectory
            On the clock "step": `skills` (n_t, n_skills) and `loss` (n_t,).

        Raises
        ------
        ValueError
            If an argument is out of range.
        SimulationError
            If the weights overflow.
        """
        steps = np.geomspace(1, positive_int("n_steps", n_steps), positive_int("n_records", n_records))
        every = [0, *np.unique(np.rint(steps)).astype(int).tolist()]
        x, y = self.inputs, self.targets
        run = self.network(rng).train(x, y, n_steps, lr, every, record=("a", "w", "loss"))
        outputs = TwoLayerNetwork(run["a"], run["w"], self.activation)(x)
        data = {"skills": self.progress(outputs), "loss": run["loss"]}
        return Trajectory(run.t, data, clock="step", meta={"lr": float(lr)})
