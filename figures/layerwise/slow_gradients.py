"""Amplifies the slow part of gradients while a network trains (Lee et al. 2024, arXiv:2405.20233)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from toymodels.validation import fraction, non_negative

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.hooks import RemovableHandle


def amplify_slow_gradients(parameters: Iterable[nn.Parameter], memory: float, gain: float) -> list[RemovableHandle]:
    r"""Add to every gradient `gain` times its exponential mean, before the optimiser sees it.

    .. math:: \bar g \leftarrow \beta \bar g + (1 - \beta) g, \qquad g \leftarrow g + \lambda \bar g,

    with the first gradient as the first mean. A gradient that stays the same is multiplied by :math:`1 + \lambda`, one
    that changes sign from step to step hardly at all. Decay that the optimiser adds itself is not amplified.

    Parameters
    ----------
    parameters : iterable of Parameter
        Frozen ones are left alone.
    memory : float in [0, 1)
        :math:`\beta`, the share of the old mean that a step keeps.
    gain : float
        :math:`\lambda \ge 0`.

    Returns
    -------
    list of handles
        Each with `remove()`, which ends it for one parameter.

    Raises
    ------
    ValueError
        For a `memory` or `gain` out of range.

    Examples
    --------
    >>> import torch
    >>> weight = torch.nn.Parameter(torch.zeros(1))
    >>> handles = amplify_slow_gradients([weight], memory=0.98, gain=2.0)
    >>> weight.sum().backward()
    >>> weight.grad
    tensor([3.])
    """
    if fraction("memory", memory, closed=True) == 1:
        raise ValueError("memory must be < 1, got 1")
    non_negative("gain", gain)

    def filtered() -> object:
        mean: Tensor | None = None

        def add(parameter: Tensor) -> None:
            nonlocal mean
            gradient = parameter.grad
            assert gradient is not None
            mean = gradient.clone() if mean is None else mean.lerp_(gradient, 1 - memory)
            gradient.add_(mean, alpha=gain)

        return add

    return [
        parameter.register_post_accumulate_grad_hook(filtered()) for parameter in parameters if parameter.requires_grad
    ]
