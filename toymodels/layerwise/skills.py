r"""Emergence and scaling laws from independent skills of power-law frequency.

Skill k occurs with probability :math:`P_k \propto k^{-(\alpha+1)}` and the model :math:`\sum_k a_k b_k g_k` learns
each by the sigmoid of a diagonal network with :math:`\sigma^2 = P_k`:

.. math:: R_k(t) = \frac{S}{1 + (S/R_0 - 1) e^{-2 \eta P_k S t}}, \qquad L = \tfrac12 \sum_k P_k (S - R_k)^2 .

One skill emerges after another; summed over skills the loss is a power law in time, in the number of examples (a skill
is learned if it occurs at all) and in the number of skills the model has room for. The laws are those of infinitely
many skills: for small :math:`\alpha` even 10^5 of them bend the law in time at 10^3.

Nam et al. (2024), An exactly solvable model for emergence and scaling laws in the multitask sparse parity problem,
arXiv:2404.17563; Eq. 11 and 60 of arXiv:2502.21009. The loss here carries the 1/2; without it every rate doubles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.held import held, held_number, plain
from toymodels.layerwise.power_law import power_law_sum
from toymodels.layerwise.riccati import TwoFactorFlow
from toymodels.trajectory import Trajectory
from toymodels.validation import non_negative, plain_fields, positive, positive_int, times

_FOREVER = 1e280  # stands for inf


@dataclass(frozen=True)
class SkillModel:
    r"""The multilinear model on skills of power-law frequency.

    Parameters
    ----------
    alpha : float
        Exponent > 0 of the frequencies, :math:`P_k \propto k^{-(\alpha + 1)}`.
    n_skills : int or inf
        Number of skills. The power laws need it large: for the slope in time at t, much larger than
        :math:`t^{1/(\alpha+1)}`. With `inf` the losses are those of all skills, summed to rounding, and what has an
        entry per skill is refused; ask for :meth:`frequency` instead.
    target : float
        S > 0, the strength of every skill.
    initial : float
        R_0 > 0, the product a b of every skill at the start.
    lr : float
        :math:`\eta > 0`, flow time per unit of t.

    Examples
    --------
    >>> model = SkillModel(alpha=1.0, n_skills=3)
    >>> model.solve([0, 2, np.inf])["skill"].round(2).tolist()
    [[0.01, 0.01, 0.01], [5.0, 0.37, 0.05], [5.0, 5.0, 5.0]]
    >>> {law: round(exponent, 2) for law, exponent in model.exponents().items()}
    {'time': 0.5, 'data': 0.5, 'parameters': 1.0, 'compute': 0.33}
    >>> SkillModel(alpha=0.3, n_skills=np.inf).loss_in_time([1e3, 1e4]).round(3).tolist()
    [2.51, 1.475]
    """

    alpha: float
    n_skills: float
    target: float = 5.0
    initial: float = 1e-2
    lr: float = 1.0

    def __post_init__(self):
        plain_fields(self)
        if not self.is_infinite:
            positive_int("n_skills", self.n_skills)
        for name in ("alpha", "target", "initial", "lr"):
            object.__setattr__(self, name, float(positive(name, held_number(name, getattr(self, name)))))

    @property
    def is_infinite(self) -> bool:
        """Whether there are infinitely many skills."""
        return isinstance(self.n_skills, float | np.floating) and self.n_skills == np.inf

    @property
    def frequencies(self) -> np.ndarray:
        """P_k (n_skills,), falling, of sum 1.

        Raises
        ------
        ValueError
            If there are infinitely many.
        """
        powers = np.arange(1, self._number("frequencies") + 1) ** -(self.alpha + 1.0)
        return powers / powers.sum()

    def frequency(self, k: ArrayLike) -> np.ndarray:
        """P_k of the skills of rank `k` = 1, 2, ... up to `n_skills`; shape of `k`.

        Raises
        ------
        ValueError
            If a rank is not an integer from 1 to `n_skills`.
        """
        k = self._counts("k", k)
        if np.any(k < 1):
            raise ValueError(f"k must be >= 1, got {k.min():g}")
        return k ** -(self.alpha + 1.0) / self._total

    @property
    def _total(self) -> float:
        """What the powers of all ranks sum to."""
        if self.is_infinite:
            from scipy.special import zeta

            return float(zeta(self.alpha + 1))
        return float(np.sum(np.arange(1, self.n_skills + 1) ** -(self.alpha + 1.0)))

    def _number(self, wanted: str) -> int:
        """`n_skills`, which must be finite for arrays of that length."""
        if self.is_infinite:
            raise ValueError(f"n_skills must be finite for {wanted}, which has an entry per skill, got inf")
        return int(self.n_skills)

    def _counts(self, name: str, value: ArrayLike) -> np.ndarray:
        """Whole numbers from 0 to `n_skills`."""
        n = non_negative(name, plain(name, value))
        if np.any(n != np.round(n)):
            raise ValueError(f"{name} must be integers, got {n[n != np.round(n)].flat[0]:g}")
        if np.any(n > self.n_skills):
            raise ValueError(f"{name} must be <= n_skills = {self.n_skills}, got {n.max():g}")
        return n

    def solve(self, t: ArrayLike, frequencies: ArrayLike | None = None) -> Trajectory:
        """Exact flow at the times `t`.

        Parameters
        ----------
        t : (n_t,) array
            Flow times.
        frequencies : (n_skills,) array, optional
            Shares of the skills in a finite training set, counts over their sum and so of sum 1 at most; training on
            it is exactly the same flow.

        Returns
        -------
        Trajectory
            `skill` R_k (n_t, n_skills) and the population `loss` (n_t,).

        Raises
        ------
        ValueError
            If `frequencies` are not as many as the skills, or are no shares: negative, or of a sum above 1; or if
            there are infinitely many skills.
        """
        t, number = times(plain("t", t)), self._number("solve")
        shares = (
            self.frequencies if frequencies is None else non_negative("frequencies", held("frequencies", frequencies))
        )
        if shares.shape != (number,):
            raise ValueError(f"frequencies must have shape ({number},), got {shares.shape}")
        if shares.sum() > 1 + 1e-9:
            raise ValueError(f"frequencies must be shares, of sum <= 1, got a sum of {shares.sum():.10g}")
        state = self._flow.at(self.lr * shares * np.minimum(t, _FOREVER)[:, None])
        residual = (self.target - self.initial) * state.remaining
        data = {"skill": state.function, "loss": 0.5 * residual**2 @ self.frequencies}
        return Trajectory(t, data, clock="flow time")

    @property
    def _flow(self) -> TwoFactorFlow:
        return TwoFactorFlow.from_product(self.initial, 0.0, self.target)

    def time_to(self, fraction: float) -> np.ndarray:
        """When each skill has gone `fraction` of its way from R_0 to S, (n_skills,): inversely as its frequency.

        Raises
        ------
        ValueError
            If `fraction` is not in (0, 1), or there are infinitely many skills.
        """
        return self._flow.time_to(fraction) / (self.lr * self.frequencies)

    def loss_in_time(self, t: ArrayLike) -> np.ndarray:
        """Loss at flow times `t` >= 0 in any order, with all the skills and all the data; shape of `t`."""
        t, gap = non_negative("t", plain("t", t)), self.target - self.initial

        def lost(time):
            return lambda shares: 0.5 * (gap * self._flow.at(self.lr * shares * time).remaining) ** 2

        steepness = 4 * self.lr * (self.target + self.initial)
        return self._summed([(lost(time), steepness * time) for time in np.minimum(t, _FOREVER).flat], t.shape)

    def loss_in_data(self, n: ArrayLike) -> np.ndarray:
        """Expected loss of n >= 0 random examples, fully trained from a small start; shape of `n`."""
        n = non_negative("n", plain("n", n))

        def missed(count):
            return lambda shares: np.exp(count * np.log1p(-shares)) if count > 0 else np.ones_like(shares)

        with np.errstate(divide="ignore"):  # a single skill has frequency 1, and is missed only when n = 0
            sums = self._summed([(missed(count), count) for count in np.minimum(n, _FOREVER).flat], n.shape)
        return 0.5 * self.target**2 * sums

    def _summed(self, weights, shape) -> np.ndarray:
        """The mean over skills of each weight, given with its rate of change at small frequencies."""
        if self.is_infinite:
            sums = [power_law_sum(self.alpha, weight, rate) for weight, rate in weights]
        else:
            shares = self.frequencies
            sums = [shares @ weight(shares) for weight, _ in weights]
        return np.reshape(sums, shape)

    def loss_in_parameters(self, n: ArrayLike) -> np.ndarray:
        """Loss of a model with room for the n most frequent skills, fully trained; shape of `n`.

        Raises
        ------
        ValueError
            If n is not an integer from 0 to `n_skills`.
        """
        n = self._counts("n", n)
        if self.is_infinite:
            from scipy.special import zeta

            return 0.5 * self.target**2 * zeta(self.alpha + 1, n + 1) / self._total
        tail = np.append(np.cumsum(self.frequencies[::-1])[::-1], 0.0)  # from the smallest up
        return 0.5 * self.target**2 * tail[n.astype(int)]

    def exponents(self) -> dict[str, float]:
        """Positive exponents e of the laws loss ~ x^-e for many skills.

        Returns
        -------
        dict
            `time`, `data`, `parameters`, and `compute` (time times parameters, at the best split).
        """
        a = self.alpha
        return {"time": a / (a + 1), "data": a / (a + 1), "parameters": a, "compute": a / (a + 2)}

    def constants(self) -> dict[str, float]:
        """Constants A of the laws loss -> A x^-e for infinitely many skills, same names less `compute`.

        Raises
        ------
        ValueError
            If `initial` is not below `target`.
        """
        from scipy.integrate import quad
        from scipy.special import gamma, zeta

        if self.initial >= self.target:
            raise ValueError(f"initial must be < target = {self.target:g}, got {self.initial:g}")
        a, scale, c = self.alpha, 0.5 * self.target**2, self.target / self.initial - 1
        shared = scale / ((a + 1) * zeta(a + 1) ** (1 / (a + 1)))
        power = (a + 1) / a
        end = (np.log1p(c) + 50) ** (1 / power)  # beyond, the integrand is below 1e-40
        # in u = z^{1/power} the integral over z loses its singularity at 0
        integral = power * quad(lambda u: (1 + np.exp(u**power) / c) ** -2, 0, end)[0]
        return {
            "time": shared * (2 * self.lr * self.target) ** (-1 / power) * integral,
            "data": shared * gamma(1 / power),
            "parameters": scale / (a * zeta(a + 1)),
        }
