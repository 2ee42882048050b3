r"""Mutual information in bits: exact for discrete and for Gaussian variables, estimated otherwise.

A deterministic network with continuous activations carries infinite information about its input, so every finite number
belongs to a choice: bins, added noise, or finite precision. Which function answers which question:

* :func:`quantised`: the data set is the population and the representation is discrete (low precision): exact.
* :func:`binned`: the same after cutting each unit's range into bins. As an estimate for a larger population it is
  biased upwards, by about (cells - 1)(classes - 1)/(2 n ln 2) bits while every cell is well filled [1]_.
* :func:`gaussian`, :func:`gaussian_joint`: linear networks with Gaussian input, exact.
* :func:`gaussian_mixture`, :func:`mixture_bounds`: a finite set of inputs, Gaussian noise on the representation:
  unbiased Monte Carlo, and bounds without sampling.
* :func:`gained`, :func:`forgotten`, :func:`trend_after_peak`: what a curve of any of them does along training.
* :func:`ksg`: samples of two continuous vectors; biased low when the information is large or the vectors are long, and
  never above (psi(n) - psi(k))/ln 2, 8.6 bits for n = 1000 and k = 3. For two Gaussian vectors of d entries with
  correlation 0.9 in each and n = 1000 it gave 1.22 of 1.20 bits (d = 1), 2.35 of 2.40 (d = 2) and 3.8 of 6.0 (d = 5).

References
----------
.. [1] Miller (1955). Note on the bias of information estimates. Information Theory in Psychology II-B.
"""

from toymodels.metrics.information.discrete import binned, quantised
from toymodels.metrics.information.forgetting import forgotten, gained, trend_after_peak, trend_to_plateau
from toymodels.metrics.information.linear import gaussian, gaussian_joint
from toymodels.metrics.information.mixture import gaussian_mixture, mixture_bounds
from toymodels.metrics.information.neighbours import ksg

__all__ = [
    "binned",
    "forgotten",
    "gained",
    "gaussian",
    "gaussian_joint",
    "gaussian_mixture",
    "ksg",
    "mixture_bounds",
    "quantised",
    "trend_after_peak",
    "trend_to_plateau",
]
