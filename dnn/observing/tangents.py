"""Quantities of the gradients by all parameters: tangent kernels, and what a step on one sample does to others."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from dnn.observing.batches import Batch, logits_of
from dnn.observing.fitting import check_known
from dnn.observing.layers import unwrapped
from dnn.observing.passes import Refused, View
from dnn.observing.resting import undisturbed
from dnn.observing.taps import in_full
from dnn.reading.replacing import called_with
from dnn.reading.tangents import inner_products, moved_along
from toymodels.metrics.elasticity import contrast

MOST = 200  # samples that a step may move
KERNEL = 100  # samples of a tangent kernel
BASES = 10  # samples that are updated on, for elasticity
AT_ONCE = 2**22  # numbers in the gradients of several outputs that are computed together

Logits = Callable[[dict[str, Tensor], Batch], Tensor]


def _by_parameters(view: View, module: nn.Module) -> tuple[Logits, dict[str, Tensor]]:
    """Logits of a batch as a function of the trainable parameters, and these; half precision is read in float32."""
    values = {name: in_full(value.detach()) for name, value in module.named_parameters()}
    parameters = {name: values[name] for name, value in module.named_parameters() if value.requires_grad}
    if not parameters:
        raise Refused("needs a trainable parameter")
    fixed = {**values, **{name: in_full(value) for name, value in module.named_buffers()}}

    def logits(changed: dict[str, Tensor], part: Batch) -> Tensor:
        inputs = part.inputs
        named = isinstance(inputs, Mapping)  # copies, since some modules write into their inputs
        args = () if named else tuple(in_full(value).clone() for value in inputs)
        kwargs = {name: in_full(value).clone() for name, value in inputs.items()} if named else {}
        returned = called_with(module, {**fixed, **changed}, args, kwargs)
        return logits_of(returned, view.output)

    return logits, parameters


@contextlib.contextmanager
def plain_kernels() -> Iterator[None]:
    """Without fused recurrent and attention kernels, which have no forward derivative."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "TF32 acceleration", UserWarning)  # said on setting the flags back
        warnings.filterwarnings("ignore", ".*torch.jit.script.*", DeprecationWarning)  # of torch's own code
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)  # of what is not vectorised
        with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
            yield


def kernel_of(view: View, module: nn.Module) -> np.ndarray:
    """Tangent kernel (n, n) of at most KERNEL samples, averaged over equal outputs.

    As many outputs at a time as fit into AT_ONCE numbers; all samples at once where the module allows it.

    Parameters
    ----------
    view : View
    module : Module
        That of the view, or another one on the same samples.
    """
    part = view.batch.part(slice(0, KERNEL))
    with undisturbed(module), torch.enable_grad():
        logits, parameters = _by_parameters(view, module)
        n_outputs = logits(parameters, part.part(slice(0, 1))).shape[1]
        size = max(1, AT_ONCE // (len(part) * sum(values.numel() for values in parameters.values())))
        kernel = torch.zeros(len(part), len(part), dtype=torch.float64)
        for start in range(0, n_outputs, size):
            chosen = range(start, min(start + size, n_outputs))
            for gradients in _gradients_by_sample(logits, parameters, part, chosen).values():
                for flat in gradients.flatten(2).unbind(1):
                    kernel += inner_products(flat).cpu()
    return (kernel / n_outputs).numpy()


def _gradients_by_sample(
    logits: Logits, parameters: dict[str, Tensor], part: Batch, chosen: range
) -> dict[str, Tensor]:
    """Gradients of the chosen logits by every parameter, (n, outputs, ...), for every sample."""
    named = isinstance(part.inputs, Mapping)
    keys = list(part.inputs) if isinstance(part.inputs, Mapping) else []
    tensors = tuple(part.inputs.values()) if isinstance(part.inputs, Mapping) else tuple(part.inputs)

    def outputs(changed: dict[str, Tensor], *sample: Tensor) -> Tensor:
        single = [values[None] for values in sample]
        inputs = dict(zip(keys, single, strict=True)) if named else tuple(single)
        return logits(changed, Batch(inputs, part.labels[:1]))[0, chosen.start : chosen.stop]

    def gradients(changed: dict[str, Tensor], *sample: Tensor) -> dict[str, Tensor]:
        out, back, *_ = torch.func.vjp(lambda values: outputs(values, *sample), changed)
        if len(chosen) == 1:
            return {name: values[None] for name, values in back(torch.ones_like(out))[0].items()}
        choices = torch.eye(len(chosen), dtype=out.dtype, device=out.device)
        return torch.func.vmap(lambda choice: back(choice)[0])(choices)

    def one_by_one(changed: dict[str, Tensor], *sample: Tensor) -> dict[str, Tensor]:
        rows = []
        for k in range(len(chosen)):
            rows.append(torch.func.grad(lambda values, k=k: outputs(values, *sample)[k])(changed))
        return {name: torch.stack([row[name] for row in rows]) for name in changed}

    try:
        with plain_kernels():
            return torch.func.vmap(gradients, in_dims=(None, *[0] * len(tensors)))(parameters, *tensors)
    except (RuntimeError, NotImplementedError):  # modules that branch on values, for one
        rows = [one_by_one(parameters, *(values[i] for values in tensors)) for i in range(len(part))]
        return {name: torch.stack([row[name] for row in rows]) for name in parameters}


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    squares = (first**2).sum() * (second**2).sum()
    if not squares > 0:
        raise Refused("needs logits that depend on the parameters")
    return float((first * second).sum() / np.sqrt(squares))


def kernel_distance(view: View) -> float:
    """1 minus the cosine between the tangent kernels of the module and of `reference`."""
    if view.reference is None:
        raise Refused("needs reference=, a copy of the module at the start: copy.deepcopy(module)")
    return 1 - _cosine(kernel_of(view, view.module), kernel_of(view, unwrapped(view.reference)))


def kernel_alignment(view: View) -> float:
    """Cosine between the centred tangent kernel and that of the labels."""
    labels = view.labels[:KERNEL]
    same = (labels[:, None] == labels[None, :]).astype(float)
    centre = np.eye(len(labels)) - 1 / len(labels)
    target = centre @ same @ centre
    if not np.abs(target).max() > 1e-12:
        raise Refused("needs samples of two classes")
    return _cosine(centre @ kernel_of(view, view.module) @ centre, target)


def elasticity(view: View) -> float:
    """Decades by which a vanishing step on the cross-entropy of a sample moves its own class more than others."""
    part = view.batch.part(slice(0, MOST))
    labels = part.labels.cpu().numpy()
    check_known(view)
    moved = []
    with undisturbed(view.module), torch.enable_grad():
        logits, parameters = _by_parameters(view, view.module)
        for base in range(min(BASES, len(part))):
            sample = part.part(slice(base, base + 1))

            def loss(values, sample=sample):
                return nn.functional.cross_entropy(in_full(logits(values, sample)), sample.labels)

            step = torch.func.grad(loss)(parameters)
            change = moved_along(step, lambda values: logits(values, part), parameters)
            moved.append(in_full(change).double().cpu().numpy())
    still = np.zeros_like(moved[0])
    try:
        return float(np.mean([contrast(still, change, base, labels) for base, change in enumerate(moved)]))
    except ValueError as error:
        raise Refused(f"needs another sample of every base's class, and another class: {error}") from None
