"""What can be measured of a module on samples: quantities of the whole, and quantities of every layer.

Each takes a :class:`View`, which computes what several need once, and returns a number or a number a layer. What a
module cannot have by its mathematics raises :class:`Refused` with the reason and the way out.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from dnn.observing.batches import Batch, logits_of
from dnn.observing.layers import Layer, unwrapped
from dnn.observing.taps import Tap, in_full, tap, undisturbed
from dnn.reading.rank_densities import rank_gradient
from toymodels.condensation.grouping import clusters
from toymodels.condensation.similarity import cosine_similarity, effective_rank
from toymodels.metrics import collapse
from toymodels.metrics.elasticity import contrast
from toymodels.metrics.information import gaussian_mixture
from toymodels.metrics.separation import activation_overlap

CHUNK = 250  # samples in one pass
NOISE = 0.2  # per unit, of a representation of root mean square length 1
MOST = 200  # samples of quantities whose cost grows with their square
KERNEL = 100  # samples of a tangent kernel
BASES = 10  # samples that are updated on, for elasticity


class Refused(ValueError):
    """A quantity that this module cannot have; the message says why, and what to do about it."""


@dataclass
class View:
    """A module seen on samples; what several quantities need is computed when the first of them asks.

    Parameters
    ----------
    module : Module
        Without wrappers.
    batch : Batch
        On its device.
    pattern : str
        Which layers.
    output : callable, optional
        From what the module returns to (n, K) logits.
    reference : Module, optional
        The module at another time, for the kernel distance.
    rng : numpy.random.Generator
    """

    module: nn.Module
    batch: Batch
    pattern: str = "*"
    output: Callable | None = None
    reference: nn.Module | None = None
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @property
    def labels(self) -> np.ndarray:
        """(n,) integers of the classes."""
        if self.batch.labels.is_floating_point() or self.batch.labels.ndim != 1:
            raise Refused("needs integer class labels, got real or structured targets")
        return self.batch.labels.cpu().numpy()

    @cached_property
    def passed(self) -> Passed:
        """Fields, logits, and gradients of the logits by the fields."""
        return _passed(self)

    @property
    def logits(self) -> Tensor:
        """(n, K) in float32 or better."""
        return self.passed.logits

    @cached_property
    def readout(self) -> str:
        """Name of the last linear layer that ran, whose inputs are the features."""
        linear = [name for name, owner in self.passed.owners.items() if isinstance(owner.module, nn.Linear)]
        if not linear:
            raise Refused("needs a Linear layer as the readout, got a module without")
        return linear[-1]

    @cached_property
    def features(self) -> np.ndarray:
        """(n, d) inputs of the readout; the mean over positions on sequences."""
        values = self.passed.inputs[self.readout]
        values = values.flatten(1, -2).mean(1) if values.ndim > 2 else values
        return values.double().numpy()

    def hidden(self) -> Iterator[tuple[str, Layer, Tensor]]:
        """Name, layer and field of every layer with neurons of its own, but the readout."""
        last = list(self.passed.fields)[-1]
        for name, values in self.passed.fields.items():
            owner = self.passed.owners[name]
            if name != last and not owner.is_norm:
                yield name, owner, values


@dataclass
class Passed:
    """What a forward and backward pass over all samples left."""

    fields: dict[str, Tensor]
    owners: dict[str, Layer]
    inputs: dict[str, Tensor]
    logits: Tensor
    slopes: dict[str, Tensor]  # mean over samples and positions of d logit_k / d field_i, (K, neurons)
    alive: dict[str, Tensor]  # whether any logit depends on a neuron at any sample, (neurons,)


def _passed(view: View) -> Passed:
    kept: dict[str, list[Tensor]] = {}
    inputs: dict[str, list[Tensor]] = {}
    sums: dict[str, Tensor] = {}
    alive: dict[str, Tensor] = {}
    logits: list[Tensor] = []
    owners: dict[str, Layer] = {}
    with undisturbed(view.module), tap(view.module, view.pattern, with_graph=True) as listening, torch.enable_grad():
        for start in range(0, len(view.batch), CHUNK):
            listening.clear()
            part = view.batch.part(slice(start, start + CHUNK))
            out = logits_of(part.call(view.module), view.output)
            owners = dict(listening.owners)
            _add_slopes(listening, out, sums, alive)
            for name, values in listening.fields.items():
                kept.setdefault(name, []).append(values.detach().cpu())
            for name, values in listening.inputs.items():
                inputs.setdefault(name, []).append(in_full(values.detach()).cpu())
            logits.append(in_full(out.detach()).cpu())
    joined = {name: torch.cat(parts) for name, parts in kept.items()}
    counts = {name: values.shape[0] * (values.shape[1] if values.ndim > 2 else 1) for name, values in joined.items()}
    return Passed(
        joined,
        owners,
        {name: torch.cat(parts) for name, parts in inputs.items()},
        torch.cat(logits),
        {name: total / counts[name] for name, total in sums.items()},
        alive,
    )


def _add_slopes(listening: Tap, logits: Tensor, sums: dict[str, Tensor], alive: dict[str, Tensor]) -> None:
    """Add d logit_k / d field_i over the samples of a pass."""
    names = [name for name, raw in listening.raw.items() if raw.requires_grad and raw.is_floating_point()]
    if not names or not logits.requires_grad:
        return
    for k in range(logits.shape[1]):
        gradients = torch.autograd.grad(
            logits[:, k].sum(), [listening.raw[name] for name in names], retain_graph=True, allow_unused=True
        )
        for name, gradient in zip(names, gradients, strict=True):
            if gradient is None:
                continue
            arranged = in_full(listening.owners[name].arranged(gradient)).detach().cpu().flatten(0, -2)
            total = sums.setdefault(name, torch.zeros(logits.shape[1], arranged.shape[1]))
            total[k] += arranged.sum(0)
            moved = (arranged != 0).any(0)
            alive[name] = alive[name] | moved if name in alive else moved


def _averaged(values: Tensor) -> np.ndarray:
    """(n, neurons): the mean over positions."""
    return (values.mean(1) if values.ndim > 2 else values).double().numpy()


def rank_gradients(view: View) -> dict[str, float]:
    """Mean over classes and neurons of the rank gradient, with the mean slope of the logits as the readout's sign."""
    labels = view.labels
    counts = np.bincount(labels, minlength=view.logits.shape[1])
    if not counts.all():
        raise Refused(f"needs a sample of every class, got none of class {int(counts.argmin())}; show more samples")
    numbers = {}
    for name, _, values in view.hidden():
        if name in view.passed.slopes:
            fields = _averaged(values)
            numbers[name] = float(rank_gradient(fields, view.passed.slopes[name].numpy(), labels).mean())
    if not numbers:
        raise Refused("needs a hidden layer that the logits can be differentiated by")
    return numbers


def _of_rows(function: Callable[[np.ndarray], float]) -> Callable[[View], dict[str, float]]:
    def measured(view: View) -> dict[str, float]:
        numbers = {}
        owners = {owner.name: owner for _, owner, _ in view.hidden()}
        for name, owner in owners.items():
            for part, rows in owner.weights().items():
                values = in_full(rows.detach()).double().cpu().numpy()
                if len(values) > 1 and values.any():
                    numbers[f"{name}{part}"] = function(values)
        if not numbers:
            raise Refused("needs a hidden layer whose neurons have incoming weights, and more than a single one")
        return numbers

    return measured


def _count(rows: np.ndarray) -> float:
    return float(clusters(rows).max() + 1)


def _excess(rows: np.ndarray) -> float:
    """Mean |cosine| over pairs over that of unrelated Gaussian neurons, minus 1.

    Between two Gaussian vectors of d entries it is Gamma(d/2) / (sqrt(pi) Gamma((d+1)/2)).
    """
    off = ~np.eye(len(rows), dtype=bool)
    measured = np.abs(cosine_similarity(rows))[off].mean()
    d = rows.shape[1]
    null = np.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2)) / np.sqrt(np.pi)
    return float(measured / null - 1)


def _information(view: View, labels: np.ndarray | None) -> dict[str, float]:
    numbers = {}
    for name, _, values in view.hidden():
        features = _averaged(values)[:MOST]
        size = np.sqrt((features**2).sum(axis=1).mean())
        own = None if labels is None else labels[:MOST]
        rng = np.random.default_rng(0)
        numbers[name] = gaussian_mixture(features / size, NOISE, rng, 2, labels=own) if size else 0.0
    if not numbers:
        raise Refused("needs a hidden layer")
    return numbers


def information_input(view: View) -> dict[str, float]:
    """Bits about which of at most MOST samples it is, of a layer scaled to rms length 1 with noise NOISE per unit."""
    return _information(view, None)


def information_labels(view: View) -> dict[str, float]:
    """The same about the class."""
    return _information(view, view.labels)


def firing_overlap(view: View) -> dict[str, float]:
    """Mean cosine of firing patterns within classes minus that between classes, positions side by side."""
    labels = view.labels[:MOST]
    try:
        firing = {name: (values[:MOST].flatten(1) > 0).numpy() for name, _, values in view.hidden()}
        return {name: activation_overlap(patterns, labels) for name, patterns in firing.items()}
    except ValueError as error:
        raise Refused(f"{error}; show more samples") from None


def dead_units(view: View) -> dict[str, float]:
    """Share of the units that no logit depends on at any sample; of the logits, share of those that never vary."""
    numbers = {
        name: float((~view.passed.alive[name]).double().mean())
        for name, _, _ in view.hidden()
        if name in view.passed.alive
    }
    logits = view.logits
    numbers["logits"] = float((logits.max(0).values == logits.min(0).values).double().mean())
    return numbers


def _collapse(name: str) -> Callable[[View], float]:
    def measured(view: View) -> float:
        features, labels = view.features, view.labels
        classes = np.unique(labels)
        if len(classes) < 2 or not np.array_equal(classes, np.arange(len(classes))):
            raise Refused(f"needs classes 0..K-1 that all have samples, got {classes.tolist()}; show more samples")
        if name in ("nc1", "within_between"):
            return getattr(collapse, name)(features, labels)
        if name in ("nc2_norm", "nc2_angle"):
            return collapse.nc2(features, labels)[name == "nc2_angle"]
        layer = cast(nn.Linear, view.passed.owners[view.readout].module)
        weight = in_full(layer.weight.detach()).double().cpu().numpy()
        if weight.shape != (len(classes), features.shape[1]):
            raise Refused(f"needs a readout with a row for each of {len(classes)} classes, got shape {weight.shape}")
        if name == "nc3":
            return collapse.nc3(features, labels, weight)
        bias = None if layer.bias is None else in_full(layer.bias.detach()).double().cpu().numpy()
        return collapse.nc4(features, labels, weight, bias)

    return measured


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
        args = () if isinstance(inputs, Mapping) else tuple(map(in_full, inputs))
        kwargs = {name: in_full(value) for name, value in inputs.items()} if isinstance(inputs, Mapping) else {}
        returned = torch.func.functional_call(module, {**fixed, **changed}, args, kwargs)
        return logits_of(returned, view.output)

    return logits, parameters


@contextlib.contextmanager
def _plain_kernels() -> Iterator[None]:
    """Without fused recurrent and attention kernels, which have no forward derivative."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "TF32 acceleration", UserWarning)  # said on setting the flags back
        warnings.filterwarnings("ignore", ".*torch.jit.script.*", DeprecationWarning)  # of torch's own code
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)  # of what is not vectorised
        with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
            yield


def kernel_of(view: View, module: nn.Module) -> np.ndarray:
    """Tangent kernel (n, n) of at most KERNEL samples, averaged over equal outputs.

    One output at a time, so that memory holds KERNEL gradients; all samples at once where the module allows it.
    """
    part = view.batch.part(slice(0, KERNEL))
    with undisturbed(module), torch.enable_grad():
        logits, parameters = _by_parameters(view, module)
        n_outputs = logits(parameters, part.part(slice(0, 1))).shape[1]
        kernel = torch.zeros(len(part), len(part), dtype=torch.float64)
        for k in range(n_outputs):
            for gradients in _gradients_by_sample(logits, parameters, part, k).values():
                flat = gradients.flatten(1)
                kernel += (flat @ flat.T).double().cpu()
    return (kernel / n_outputs).numpy()


def _gradients_by_sample(logits: Logits, parameters: dict[str, Tensor], part: Batch, k: int) -> dict[str, Tensor]:
    """Gradient of logit k by every parameter, (n, ...), for every sample."""
    named = isinstance(part.inputs, Mapping)
    keys = list(part.inputs) if isinstance(part.inputs, Mapping) else []
    tensors = tuple(part.inputs.values()) if isinstance(part.inputs, Mapping) else tuple(part.inputs)

    def logit(changed: dict[str, Tensor], *sample: Tensor) -> Tensor:
        single = [values[None] for values in sample]
        inputs = dict(zip(keys, single, strict=True)) if named else tuple(single)
        return logits(changed, Batch(inputs, part.labels[:1]))[0, k]

    gradient = torch.func.grad(logit)
    try:
        with _plain_kernels():
            return torch.func.vmap(gradient, in_dims=(None, *[0] * len(tensors)))(parameters, *tensors)
    except (RuntimeError, NotImplementedError):  # modules that branch on values, for one
        rows = [gradient(parameters, *(values[i] for values in tensors)) for i in range(len(part))]
        return {name: torch.stack([row[name] for row in rows]) for name in parameters}


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


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
    view.labels  # noqa: B018  # refuses real targets
    moved = []
    with undisturbed(view.module), torch.enable_grad():
        logits, parameters = _by_parameters(view, view.module)
        for base in range(min(BASES, len(part))):
            sample = part.part(slice(base, base + 1))

            def loss(values, sample=sample):
                return nn.functional.cross_entropy(in_full(logits(values, sample)), sample.labels)

            step = torch.func.grad(loss)(parameters)
            with _plain_kernels():
                change = torch.func.jvp(lambda values: logits(values, part), (parameters,), (step,))[1]
            moved.append(in_full(change.detach()).double().cpu().numpy())
    still = np.zeros_like(moved[0])
    try:
        return float(np.mean([contrast(still, change, base, labels) for base, change in enumerate(moved)]))
    except ValueError as error:
        raise Refused(f"needs another sample of every base's class, and another class: {error}") from None


def weight_norm(view: View) -> float:
    """Euclidean norm of all parameters."""
    return float(sum(in_full(p.detach()).double().square().sum() for p in view.module.parameters())) ** 0.5


def accuracy(view: View) -> float:
    """Share of the samples whose largest logit is that of their class; sign of a single logit for two classes."""
    labels, logits = view.labels, view.logits
    predicted = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)
    return float((predicted.numpy() == labels).mean())


def loss(view: View) -> float:
    """Mean cross-entropy in nats; for real targets half the mean squared error."""
    logits, labels = view.logits.double(), view.batch.labels.cpu()
    if not labels.is_floating_point():
        if logits.shape[1] == 1:
            return float(nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels.double()))
        return float(nn.functional.cross_entropy(logits, labels))
    return float((logits - labels.reshape(logits.shape)).square().sum(1).mean() / 2)


class _Classifier(nn.Module):
    """A module that returns its logits and nothing else."""

    def __init__(self, module: nn.Module, output: Callable | None):
        super().__init__()
        self.module, self.output = module, output

    def forward(self, *args: Tensor, **kwargs: Tensor) -> Tensor:
        return logits_of(self.module(*args, **kwargs), self.output)


def _basin(kind: str) -> Callable[[View], float]:
    def measured(view: View) -> float:
        from dnn.reading.basins import AMPLITUDES, sample_basin, weight_basin

        labels = torch.as_tensor(view.labels[:MOST]).to(view.batch.labels.device)
        try:
            x = view.batch.part(slice(0, MOST)).x
        except ValueError as error:
            raise Refused(str(error)) from None
        if kind == "sample" and not x.is_floating_point():
            raise Refused("needs real inputs, to which noise can be added, got integers: embed them first")
        if accuracy(view) <= 0.5:
            return 0.0
        basin = sample_basin if kind == "sample" else weight_basin
        network = _Classifier(view.module, view.output)
        try:
            with undisturbed(network):
                radius = basin(network, x, labels, np.random.default_rng(0), draws=1).radius
        except ValueError as error:
            raise Refused(str(error)) from None
        return float(min(radius, AMPLITUDES[-1]))

    return measured


def _curvature(kind: str) -> Callable[[View], float]:
    def measured(view: View) -> float:
        from dnn.reading.curvature import hessian_trace, sharpness

        part = view.batch.part(slice(0, MOST))
        if part.labels.is_floating_point():
            raise Refused("needs integer class labels; dnn.sharpness takes any loss")
        network = _Classifier(view.module, view.output)
        inputs = dict(part.inputs) if isinstance(part.inputs, Mapping) else tuple(part.inputs)
        x = inputs[0] if isinstance(inputs, tuple) and len(inputs) == 1 else inputs
        try:
            with undisturbed(network), _plain_kernels():
                if kind == "sharpness":
                    return sharpness(network, x, part.labels, "cross_entropy")
                return hessian_trace(network, x, part.labels, "cross_entropy", np.random.default_rng(0)).trace
        except (ValueError, NotImplementedError) as error:
            raise Refused(str(error)) from None

    return measured


QUANTITIES: dict[str, Callable[[View], float | dict[str, float]]] = {
    "accuracy": accuracy,
    "loss": loss,
    "weight_norm": weight_norm,
    "rank_gradient": rank_gradients,
    "nc1": _collapse("nc1"),
    "within_between": _collapse("within_between"),
    "nc2_norm": _collapse("nc2_norm"),
    "nc2_angle": _collapse("nc2_angle"),
    "nc3": _collapse("nc3"),
    "nc4": _collapse("nc4"),
    "clusters": _of_rows(_count),
    "effective_rank": _of_rows(effective_rank),
    "cosine_excess": _of_rows(_excess),
    "information_input": information_input,
    "information_labels": information_labels,
    "firing_overlap": firing_overlap,
    "dead_units": dead_units,
    "kernel_distance": kernel_distance,
    "kernel_alignment": kernel_alignment,
    "elasticity": elasticity,
    "basin_sample": _basin("sample"),
    "basin_weight": _basin("weight"),
    "sharpness": _curvature("sharpness"),
    "hessian_trace": _curvature("trace"),
}
