r"""What the operations between a layer and its consumer do to every unit alone.

A unit's field :math:`z` is passed on as :math:`\varphi(z)`. Of :math:`\varphi` it is known whether
:math:`\varphi(cz) = c\,\varphi(z)` for :math:`c\ge0`, whether :math:`\varphi(-z) = \pm\varphi(z)`, and a bound of
:math:`|\varphi(z) - \varphi(z')| / |z - z'|`, in the largest entry over positions where an operation pools.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules import padding, pooling
from torch.nn.modules.dropout import _DropoutNd


@dataclass(frozen=True)
class Response:
    """How a unit's field is passed on.

    Parameters
    ----------
    homogeneous : bool
        Whether a field c times as large, c >= 0, gives c times as much.
    parity : {-1, 0, 1}
        -1 if the opposite field gives the opposite, 1 if it gives the same, 0 for neither.
    lipschitz : float
        Largest change per change of the field; `inf` where none is known.
    """

    homogeneous: bool
    parity: int
    lipschitz: float

    def after(self, inner: Response) -> Response:
        """This operation done to the result of another one, `inner`.

        Parameters
        ----------
        inner : Response
        """
        parity = self.parity if inner.parity < 0 else inner.parity
        scale = _product(self.lipschitz, inner.lipschitz)
        return Response(self.homogeneous and inner.homogeneous, parity, scale)

    def plus(self, other: Response) -> Response:
        """Sum, or difference, with another response of the same field.

        Parameters
        ----------
        other : Response
        """
        parity = self.parity if self.parity == other.parity else 0
        scale = self.lipschitz + other.lipschitz
        return Response(self.homogeneous and other.homogeneous, parity, scale)

    def times(self, other: Response) -> Response:
        """Product, or quotient, with another response of the same field.

        Parameters
        ----------
        other : Response
        """
        return Response(False, self.parity * other.parity, math.inf)


IDENTITY = Response(True, -1, 1.0)
RELU = Response(True, 0, 1.0)
EVEN = Response(False, 1, math.inf)
PLAIN = Response(False, 0, math.inf)  # any elementwise function


def scaling(factor: float) -> Response:
    """Multiplication by a number.

    Parameters
    ----------
    factor : float
    """
    return Response(True, -1, abs(float(factor)))


def _general(lipschitz: float) -> Response:
    return Response(False, 0, lipschitz)


def _odd(lipschitz: float) -> Response:
    return Response(False, -1, lipschitz)


def _hard_tanh(module: nn.Hardtanh) -> Response:
    return Response(False, -1 if module.min_val == -module.max_val else 0, 1.0)


# steepest slopes: GELU at sqrt(2), SiLU at 2.3994, Mish at 1.4907, each rounded up
_MODULES: dict[type[nn.Module], Response | Callable[[Any], Response]] = {
    nn.Identity: IDENTITY,
    nn.ReLU: RELU,
    nn.LeakyReLU: lambda module: Response(True, 0, max(1.0, abs(module.negative_slope))),
    nn.PReLU: lambda module: Response(True, 0, max(1.0, float(module.weight.detach().abs().max()))),
    nn.Tanh: _odd(1.0),
    nn.Softsign: _odd(1.0),
    nn.Tanhshrink: _odd(1.0),
    nn.Softshrink: _odd(1.0),
    nn.Hardshrink: _odd(math.inf),
    nn.Hardtanh: _hard_tanh,
    nn.ReLU6: _general(1.0),
    nn.Sigmoid: _general(0.25),
    nn.LogSigmoid: _general(1.0),
    nn.Hardsigmoid: _general(1 / 6),
    nn.Softplus: PLAIN,  # torch's has a small jump where it turns linear
    nn.GELU: _general(1.13),
    nn.SiLU: _general(1.1),
    nn.Mish: _general(1.09),
    nn.Hardswish: _general(1.5),
    nn.ELU: lambda module: _general(max(1.0, abs(module.alpha))),
    nn.CELU: _general(1.0),
    nn.SELU: _general(1.76),
}
_CALLS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "softsign": nn.Softsign,
    "tanhshrink": nn.Tanhshrink,
    "softshrink": nn.Softshrink,
    "hardshrink": nn.Hardshrink,
    "hardtanh": nn.Hardtanh,
    "relu6": nn.ReLU6,
    "sigmoid": nn.Sigmoid,
    "logsigmoid": nn.LogSigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "softplus": nn.Softplus,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
    "elu": nn.ELU,
    "celu": nn.CELU,
    "selu": nn.SELU,
}
_FUNCTIONS = {
    "neg": IDENTITY,
    "clone": IDENTITY,
    "contiguous": IDENTITY,
    "abs": Response(True, 1, 1.0),
    "square": EVEN,
    "cos": Response(False, 1, 1.0),
    "sin": _odd(1.0),
    "exp": PLAIN,
    "clamp": _general(1.0),
}
_MAXIMA = (pooling._MaxPoolNd, pooling._AdaptiveMaxPoolNd)
_MEANS = (pooling._AvgPoolNd, pooling._AdaptiveAvgPoolNd)
_COPIES = (padding._ReflectionPadNd, padding._ReplicationPadNd, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)


def of_module(module: nn.Module) -> Response | None:
    """Response of an elementwise module in evaluation mode; None for one that is not known to be elementwise.

    Parameters
    ----------
    module : Module
    """
    if isinstance(module, _DropoutNd):
        return IDENTITY
    found = next((_MODULES[kind] for kind in type(module).__mro__ if kind in _MODULES), None)
    return found if found is None or isinstance(found, Response) else found(module)


def of_pooling(module: nn.Module) -> Response | None:
    """Response of a module that pools, or pads, the positions of every channel alone; None for any other.

    Parameters
    ----------
    module : Module
    """
    if isinstance(module, _MAXIMA):
        return None if module.return_indices else RELU
    return IDENTITY if isinstance(module, _MEANS + _COPIES) and _averages(module) else None


def _averages(module: nn.Module) -> bool:
    """Whether an average is one: a divisor of the user's own may enlarge it."""
    return getattr(module, "divisor_override", None) is None


def of_call(name: str, args: tuple, options: dict) -> Response | None:
    """Response of an elementwise function or method; None if it is not known.

    Parameters
    ----------
    name : str
        Of the function, without a trailing underscore.
    args, options
        Its arguments after the first one.
    """
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    if name == "dropout":  # random, unless it is told that this is no training
        training = options.get("training", args[1] if len(args) > 1 else True)
        return None if training else IDENTITY
    if name == "pow":
        whole = isinstance(args[0], int)
        return Response(False, (-1) ** (args[0] % 2) if whole else 0, math.inf)
    if name not in _CALLS:
        return None
    try:
        found = of_module(_CALLS[name](*args, **options))
    except (TypeError, ValueError):
        return None
    return found


def of_pooling_call(name: str, args: tuple, options: dict) -> Response | None:
    """Response of a function that pools the positions of every channel alone; None if it is not known.

    Parameters
    ----------
    name : str
        Of the function, as "max_pool2d".
    args, options
        Its arguments after the first one.
    """
    kind = name.rstrip("d123")
    if kind in ("max_pool", "adaptive_max_pool"):
        return None if options.get("return_indices") else RELU
    averages = kind in ("avg_pool", "adaptive_avg_pool") and len(args) < 6 and options.get("divisor_override") is None
    return IDENTITY if averages else None


def _product(a: float, b: float) -> float:
    return 0.0 if 0.0 in (a, b) else a * b
