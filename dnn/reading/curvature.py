r"""Curvature of a loss at the weights of any module: its top Hessian eigenvalue, and the trace of its Hessian.

With :math:`H = \partial^2 L / \partial\theta\,\partial\theta^T` over all trainable parameters together, a product
:math:`H v` is the gradient of :math:`v \cdot \partial L / \partial\theta` [1]_ and costs about as much as two
gradients; :math:`H` itself is never formed. The top eigenvalue comes from Lanczos iterations, the trace from
Hutchinson's estimator [2]_

.. math:: \mathrm{tr} H = \mathrm{E}_v [v^T H v], \qquad v_i = \pm 1 \text{ with equal probability},

whose variance over :math:`v` is :math:`2 \sum_{i \neq j} H_{ij}^2`. Full-batch descent of rate :math:`\eta` is stable
up to a top eigenvalue of :math:`2/\eta` [3]_. Rescaling layers against each other leaves the function of a ReLU network
and changes both numbers [4]_: compare networks along one run, or of one parametrisation.

References
----------
.. [1] Pearlmutter (1994). Fast exact multiplication by the Hessian. Neural Computation 6, 147.
.. [2] Hutchinson (1990). A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines.
   Communications in Statistics 19, 433.
.. [3] Cohen, Kaur, Li, Kolter and Talwalkar (2021). Gradient descent on neural networks typically occurs at the edge of
   stability. arXiv:2103.00065.
.. [4] Dinh, Pascanu, Bengio and Bengio (2017). Sharp minima can generalize for deep nets. arXiv:1703.04933.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from dnn.checks import check_finite_values, draws_of, tensor_of
from dnn.networks.mlp import batch_norm_mode
from dnn.observing.batches import logits_of
from dnn.observing.layers import unwrapped
from dnn.observing.resting import undisturbed
from dnn.observing.taps import in_full
from dnn.reading.replacing import called_with
from dnn.training.objectives import LOSS_FUNCTIONS
from toymodels.trajectory import SimulationError
from toymodels.validation import choice, described, generator

Inputs = Tensor | tuple[Tensor, ...] | Mapping[str, Tensor]
Loss = str | Callable[[Any, Tensor], Tensor]

DENSE = 32  # parameters up to which the Hessian is formed and diagonalised
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}  # residual of the eigenpair, relative to the largest of all
ITERATIONS = 1000  # restarts of Lanczos, each of about 20 products
POWERS = 6  # products that estimate the largest absolute eigenvalue


class TraceEstimate(NamedTuple):
    """Trace of a Hessian, and how well it is known.

    Attributes
    ----------
    trace : float
        Mean over draws.
    error : float
        Standard error of the mean, `inf` for a single draw.
    """

    trace: float
    error: float


def sharpness(module: nn.Module, x: Inputs, y: Tensor, loss: Loss, *, statistics: str = "running") -> float:
    """Largest eigenvalue of the Hessian of a loss over all trainable parameters.

    It is the largest with its sign: negative only where the loss curves down in every direction. The module is read in
    evaluation mode (no dropout) and is afterwards what it was: training flags, parameters, gradients, buffers, random
    states. Frozen parameters stand still, tied ones count once, half precision is read in float32. At the kink of a
    ReLU the second derivative is that of autograd, 0.

    Parameters
    ----------
    module : Module
        Any whose operations can be differentiated twice; wrappers (`torch.compile`, DataParallel) are looked through.
    x : (n, ...) tensor, or a tuple or mapping of them
        Inputs in any shape that the module takes, on its device, several by position or by name; real ones are read
        in its precision. Memory is that of a forward pass and its gradient over all n at once.
    y : (n, ...) tensor
        What the loss compares with: classes 0..K-1, real targets of the shape of the outputs, or what a callable takes.
    loss : {"mse", "cross_entropy"} or callable
        "mse" averages over samples and outputs, without 1/2, against one-hot rows where `y` holds classes; as in
        :class:`dnn.TrainConfig`. A callable is given what the module returns, and `y`, and returns a scalar tensor; it
        is needed where that is neither a tensor nor holds `logits`.
    statistics : {"running", "batch"}
        Of batch norm: running estimates, or those of `x` as in training, with gradients through them.

    Returns
    -------
    float
        In units of the loss per squared unit of the parameters. Lanczos stops at an error of about 1e-9 of the largest
        absolute eigenvalue in float64, and of 1e-5 in float32.

    Raises
    ------
    ValueError
        For a module without a trainable parameter, a loss that is no finite scalar or does not depend on the
        parameters, products that are not finite, operations without second derivative, or input that does not fit.
    SimulationError
        If Lanczos does not converge.

    Examples
    --------
    The mean of (w x - y)^2 over x = 1, 3 has the second derivative 2 (1 + 9) / 2:

    >>> module = nn.Linear(1, 1, bias=False)
    >>> sharpness(module, torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1), "mse")
    10.0
    """
    with hessian_of(module, x, y, loss, statistics) as hessian:
        if hessian.size <= DENSE:
            return float(np.linalg.eigvalsh(hessian.dense())[-1])
        return _top_eigenvalue(hessian)


def hessian_trace(
    module: nn.Module,
    x: Inputs,
    y: Tensor,
    loss: Loss,
    rng: np.random.Generator,
    *,
    draws: int = 20,
    statistics: str = "running",
) -> TraceEstimate:
    """Trace of the Hessian of a loss over all trainable parameters, estimated without bias.

    Parameters
    ----------
    module, x, y, loss, statistics
        As in :func:`sharpness`, which also says in which mode the module is read.
    rng : numpy Generator
        Source of the random signs.
    draws : int
        Products with the Hessian. The error falls with their square root, and is 0 for a diagonal Hessian.

    Returns
    -------
    TraceEstimate
        A pair `trace, error`: the mean over draws and its standard error, `inf` for a single draw; both in units of
        the loss per squared unit of the parameters.

    Raises
    ------
    ValueError
        As :func:`sharpness`; also for `draws` below 1, or an `rng` that is no numpy Generator.

    Examples
    --------
    >>> module = nn.Linear(1, 1, bias=False)
    >>> x, y = torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1)
    >>> trace, error = hessian_trace(module, x, y, "mse", np.random.default_rng(0))
    >>> trace, error
    (10.0, 0.0)
    """
    draws = draws_of("draws", draws)
    generator("rng", rng)
    with hessian_of(module, x, y, loss, statistics) as hessian:
        values = np.empty(draws)
        for draw in range(draws):
            signs = 2.0 * rng.integers(2, size=hessian.size) - 1
            values[draw] = signs @ hessian.product(signs).astype(np.float64)
    error = float(values.std(ddof=1) / np.sqrt(draws)) if draws > 1 else np.inf
    return TraceEstimate(float(values.mean()), error)


def _top_eigenvalue(hessian: Hessian) -> float:
    """By Lanczos on I + H / `size`: ARPACK stops late, or at another eigenvalue, where the top one is near 0."""
    kind = hessian.numpy_dtype
    start = np.random.default_rng(0).standard_normal(hessian.size).astype(kind)
    size, vector = kind(0), start
    for _ in range(POWERS):  # a lower bound of the largest absolute eigenvalue, of its order
        vector = hessian.product(vector / _length(vector))
        size = _length(vector)
        if size == 0:
            return 0.0  # a product with random numbers vanishes for H = 0 alone

    def shifted(vector: np.ndarray) -> np.ndarray:
        return vector.ravel() + hessian.product(vector) / size

    operator = LinearOperator((hessian.size,) * 2, matvec=shifted, dtype=kind)  # pyright: ignore
    options = {"tol": TOLERANCE[hessian.dtype], "maxiter": ITERATIONS, "return_eigenvectors": False}
    try:
        top = eigsh(operator, k=1, which="LA", v0=start, **options)[0]
    except ArpackError as error:
        raise SimulationError(f"Lanczos did not converge on the top Hessian eigenvalue: {error}") from error
    return float(size) * (float(top) - 1)


def _length(vector: np.ndarray) -> np.floating:
    """Norm in the precision of a vector, also where its squares have none there."""
    largest, room = np.abs(vector).max(), np.finfo(vector.dtype).max ** 0.4
    if largest == 0 or 1 / room < largest < room:
        return np.linalg.norm(vector)
    exponent = np.frexp(largest)[1]
    return np.ldexp(np.linalg.norm(np.ldexp(vector, -exponent)), exponent)


class Hessian:
    """Products of the Hessian of `value`, a scalar with its graph, over `parameters`."""

    def __init__(self, value: Tensor, parameters: list[Tensor]):
        self.parameters = parameters
        self.sizes = [parameter.numel() for parameter in parameters]
        self.size = sum(self.sizes)
        double = any(parameter.dtype == torch.float64 for parameter in parameters)
        self.dtype = torch.float64 if double else torch.float32
        self.numpy_dtype = np.float64 if double else np.float32
        self.gradients = _differentiated(value, parameters, create_graph=True)
        if any(node.name().endswith("Error") for node in _nodes(self.gradients)):  # autograd would take them for 0
            raise ValueError("module and loss must be differentiable twice, got an operation that is so only once")

    def product(self, vector: np.ndarray) -> np.ndarray:
        """H v, (N,) of a vector (N,)."""
        flat = torch.from_numpy(np.ascontiguousarray(vector).ravel())
        pairs = [
            (gradient, part.reshape(parameter.shape).to(parameter))
            for gradient, part, parameter in zip(self.gradients, flat.split(self.sizes), self.parameters, strict=True)
        ]
        bent = [pair for pair in pairs if pair[0].requires_grad]  # the others do not depend on any parameter
        if not bent:
            return np.zeros(self.size, dtype=self.numpy_dtype)
        columns = _differentiated([pair[0] for pair in bent], self.parameters, [pair[1] for pair in bent])
        product = torch.cat([column.detach().reshape(-1).to("cpu", self.dtype) for column in columns])
        if not torch.isfinite(product).all():
            raise ValueError("loss must have finite second derivatives at these parameters, got NaN or infinity")
        return product.numpy()

    def dense(self) -> np.ndarray:
        """H (N, N), symmetrised."""
        rows = np.stack([self.product(row) for row in np.eye(self.size)]).astype(np.float64)
        return (rows + rows.T) / 2


def _differentiated(outputs, parameters: list[Tensor], along=None, create_graph: bool = False) -> tuple[Tensor, ...]:
    try:
        return torch.autograd.grad(
            outputs, parameters, along, retain_graph=True, create_graph=create_graph, materialize_grads=True
        )
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(f"module and loss must be differentiable twice, got: {error}") from error


def _nodes(tensors: tuple[Tensor, ...]) -> set[Any]:
    """All nodes of the graph behind `tensors`."""
    waiting = [tensor.grad_fn for tensor in tensors]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting.extend(other for other, _ in node.next_functions)
    return seen


@contextmanager
def hessian_of(module: nn.Module, x: Inputs, y: Tensor, loss: Loss, statistics: str) -> Iterator[Hessian]:
    """Hessian of the loss over copies of the trainable parameters; nothing of `module` is written to."""
    module = unwrapped(module)
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(undisturbed(module))
        stack.enter_context(batch_norm_mode(module, statistics))
        stack.enter_context(_twice_differentiable_kernels(module))
        values = {name: in_full(value.detach()).clone() for name, value in module.named_parameters()}
        buffers = {name: in_full(value.detach()).clone() for name, value in module.named_buffers()}
        trainable = [values[name] for name, value in module.named_parameters() if value.requires_grad]
        _check_parameters(values, trainable)
        for value in trainable:
            value.requires_grad_()
        outputs = outputs_with(module, values | buffers, x, trainable[0].dtype)
        if not isinstance(y, Tensor) or y.is_complex():
            raise ValueError(f"y must be a tensor of labels or real targets, got {described(y)}")
        y = tensor_of("y", y) if y.ndim else y
        yield Hessian(_loss_value(loss, outputs, y.detach().clone()), trainable)


def _check_parameters(values: dict[str, Tensor], trainable: list[Tensor]) -> None:
    if not trainable:
        raise ValueError("module must have a trainable parameter, got none")
    if any(value.is_complex() for value in trainable):
        raise ValueError("module must have real parameters, got a complex one")
    for name, value in values.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"module must have finite parameters, got NaN or infinity in {name}")


def outputs_with(module: nn.Module, values: dict[str, Tensor], x: Inputs, dtype: torch.dtype) -> Any:
    """What `module` returns with these parameters and buffers, at copies of `x` that it may write into."""

    def copied(part: Tensor) -> Tensor:
        part = check_finite_values("x", tensor_of("x", part).detach().clone())
        return part.to(dtype) if part.is_floating_point() else part

    named, placed = {}, ()
    if isinstance(x, Mapping):
        named = {name: copied(part) for name, part in x.items()}
    else:
        placed = tuple(map(copied, x if isinstance(x, tuple) else (x,)))
    try:
        return called_with(module, values, placed, named)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, IndexError) as error:
        got = ", ".join(f"{tuple(part.shape)} of {part.dtype}" for part in (*placed, *named.values()))
        raise ValueError(f"x must have a shape and dtype that module takes, got {got}: {error}") from error


def _loss_value(loss: Loss, outputs: Any, y: Tensor) -> Tensor:
    if isinstance(outputs, Tensor):
        outputs = in_full(outputs)
    value = loss(outputs, y) if callable(loss) else _named_loss(loss, outputs, y)
    if not isinstance(value, Tensor) or value.numel() != 1:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"loss must return a scalar tensor, got {got}")
    if not torch.isfinite(value).all():
        raise ValueError(f"loss must be finite, got {value.item():g}")
    if not value.requires_grad:
        raise ValueError("loss must depend on the trainable parameters, got a value without gradient")
    return in_full(value.reshape(()))


def _named_loss(loss: str, outputs: Any, y: Tensor) -> Tensor:
    choice("loss", loss, LOSS_FUNCTIONS)
    if not isinstance(outputs, Tensor):
        try:
            outputs = in_full(logits_of(outputs))
        except ValueError:
            got = type(outputs).__name__
            raise ValueError(f"loss must be a callable where module returns no tensor of logits, got {got}") from None
    if outputs.ndim == 0:
        raise ValueError("loss must be a callable where module returns a scalar")
    if y.is_floating_point():
        targets = in_full(y).to(outputs.dtype)
        if targets.numel() == outputs.numel() and len(targets) == len(outputs):
            targets = targets.reshape(outputs.shape)
        fits = targets.shape == outputs.shape
    elif outputs.ndim < 2:
        raise ValueError(f"y must be real targets where outputs {tuple(outputs.shape)} have no classes, got {y.dtype}")
    else:
        n_classes = outputs.shape[1]
        fits = y.ndim > 0 and y.shape == outputs.shape[:1] + outputs.shape[2:]
        if fits and y.numel() and not 0 <= int(y.min()) <= int(y.max()) < n_classes:
            raise ValueError(f"y must be classes in 0..{n_classes - 1}, got {int(y.min())} to {int(y.max())}")
        targets = y.long()
        if fits and loss == "mse":
            targets = nn.functional.one_hot(targets, n_classes).movedim(-1, 1).to(outputs.dtype)
    if not fits:
        shapes = f"{tuple(y.shape)} of {y.dtype} for outputs {tuple(outputs.shape)}"
        raise ValueError(f"y must be classes of shape (n, ...) or targets of the shape of the outputs, got {shapes}")
    return LOSS_FUNCTIONS[loss](outputs, targets)


@contextmanager
def _twice_differentiable_kernels(module: nn.Module) -> Iterator[None]:
    """Without the fused kernels of attention, and where there are any of recurrent layers: these differentiate once."""
    with ExitStack() as stack:
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        if any(isinstance(part, nn.RNNBase) for part in module.modules()):
            stack.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", "TF32 acceleration", UserWarning)  # said on setting the flags back
            stack.enter_context(torch.backends.mkldnn.flags(enabled=False))
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield
